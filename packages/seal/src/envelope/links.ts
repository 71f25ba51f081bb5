/** What only the owner (or custodian) can see: whether the index withholds or reorders an author's commits. */
import { SealError } from '../errors.ts'
import type { CourierKeys } from '../shares/courier.ts'
import type { Commit } from '../statements.ts'
import { equalBytes, toHex, ZERO32 } from '../verify/bytes.ts'
import { commitLink, verifyCommit } from '../verify/commit.ts'
import { decodeSigned, type PrincipalKeys } from '../verify/identity.ts'
import type { EncapsulationLookup } from './capsule.ts'

export interface LinksToCheck {
  /** Signed commits in the index's order. */
  readonly commits: readonly Uint8Array[]
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly authorKeys: (author: Uint8Array) => PrincipalKeys | undefined
  /** Of the identity that links are sealed to. */
  readonly courierKeys: CourierKeys
  readonly encapsulations: EncapsulationLookup
  /** Last commit id of each author (by hex) where an earlier check ended; the first commits' predecessors. */
  readonly from?: ReadonlyMap<string, Uint8Array>
}

const openBlind = async (commit: Commit, from: LinksToCheck): Promise<Uint8Array> => {
  const bytes = from.encapsulations(commit.linkSeal.encapsulation)
  if (bytes === undefined) throw new SealError('commit-link-broken', "the encapsulation of a commit's link is missing")
  const key = await from.courierKeys.of(bytes)
  if (!equalBytes(key.id, commit.linkSeal.encapsulation) || !equalBytes(key.encapsulation.writer, commit.author)) {
    throw new SealError('commit-link-broken', 'the link of a commit was sealed by somebody else than its author')
  }
  return key.open(commit.root, commit.linkSeal.sealed)
}

const verifyOne = async (signedBytes: Uint8Array, from: LinksToCheck): Promise<{ commit: Commit; id: Uint8Array }> => {
  const author = from.authorKeys(decodeSigned('commit', signedBytes).signer)
  if (author === undefined) throw new SealError('principal-mismatch', 'the author of a commit is not known here')
  const verified = await verifyCommit(signedBytes, author)
  if (!equalBytes(verified.commit.vault, from.vault) || !equalBytes(verified.commit.custodian, from.custodian)) {
    throw new SealError('vault-mismatch', 'a commit of the history belongs to another vault or custodian')
  }
  return verified
}

/**
 * Checks each author's commits against their blinded links. Answers the last commit of each author, by the hex of its
 * id. Throws `feed-withheld` where a commit between two others is missing, `feed-reordered` where they are out of
 * order, `feed-replayed` where one is served twice, `commit-link-broken` where a link does not open.
 */
export const checkLinks = async (from: LinksToCheck): Promise<Map<string, Uint8Array>> => {
  const last = new Map(from.from)
  const verified = []
  for (const signedBytes of from.commits) verified.push(await verifyOne(signedBytes, from))
  const ids = verified.map(({ id }) => id)
  if (new Set(ids.map(toHex)).size !== ids.length) throw new SealError('feed-replayed', 'a commit is served twice')
  for (const { commit, id } of verified) {
    const author = toHex(commit.author)
    const blind = await openBlind(commit, from)
    if (!equalBytes(commit.link, commitLink(blind, last.get(author) ?? ZERO32))) {
      const elsewhere = [ZERO32, ...ids].some((other) => equalBytes(commit.link, commitLink(blind, other)))
      throw elsewhere
        ? new SealError('feed-reordered', "an author's commits are not served in its order")
        : new SealError(
            'feed-withheld',
            'a commit before this one is being withheld; ask the index, then its witnesses',
          )
    }
    last.set(author, id)
  }
  return last
}
