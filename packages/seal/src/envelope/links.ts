/**
 * What only the owner (or custodian) can see: whether the index withholds or reorders an author's commits, and how many
 * records each of them has.
 */
import { SealError } from '../errors.ts'
import type { CourierKeys } from '../shares/courier.ts'
import type { Commit, Signed } from '../statements.ts'
import { concatBytes, equalBytes, toHex, u32, ZERO32 } from '../verify/bytes.ts'
import { commitLink, verifyCommit } from '../verify/commit.ts'
import { decodeSigned, type PrincipalKeys } from '../verify/identity.ts'
import type { EncapsulationLookup } from './capsule.ts'

export interface LinksToCheck {
  /** Signed commits in the index's order. */
  readonly commits: readonly Uint8Array[]
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Of whoever signed a commit, in the session in which it did. */
  readonly authorKeys: (signed: Signed) => PrincipalKeys | undefined
  /** Of the identity that links are sealed to. */
  readonly courierKeys: CourierKeys
  readonly encapsulations: EncapsulationLookup
  /** Last commit id of each author (by hex) where an earlier check ended; the first commits' predecessors. */
  readonly from?: ReadonlyMap<string, Uint8Array>
}

/** What a check of links found. Each author is judged alone: one that lies hides nothing that the index does. */
export interface LinksChecked {
  /** Id of the last commit of each author, by the hex of the author's id. */
  readonly last: Map<string, Uint8Array>
  /** How many records a commit has by its author's word, by the hex of the commit's id. */
  readonly records: Map<string, number>
  /** The first thing wrong with an author's commits, by the hex of the author's id. */
  readonly wrong: Map<string, SealError>
}

const BLIND = 32

/** What a link's seal holds: `blind(32) ‖ u32(records)`. */
export const linkPayload = (blind: Uint8Array, records: number): Uint8Array => concatBytes(blind, u32(records))

interface OpenedLink {
  readonly blind: Uint8Array
  readonly records: number
}

const openLink = async (commit: Commit, from: LinksToCheck): Promise<OpenedLink> => {
  const bytes = from.encapsulations(commit.linkSeal.encapsulation)
  if (bytes === undefined) throw new SealError('commit-link-broken', "the encapsulation of a commit's link is missing")
  const key = await from.courierKeys.of(bytes)
  if (!equalBytes(key.id, commit.linkSeal.encapsulation) || !equalBytes(key.encapsulation.writer, commit.author)) {
    throw new SealError('commit-link-broken', 'the link of a commit was sealed by somebody else than its author')
  }
  const opened = await key.open('link', commit.root, commit.linkSeal.sealed)
  if (opened.length !== BLIND + 4) throw new SealError('commit-link-broken', 'the link of a commit has another length')
  const records = new DataView(opened.buffer, opened.byteOffset + BLIND).getUint32(0)
  return { blind: opened.subarray(0, BLIND), records }
}

interface VerifiedCommit {
  readonly commit: Commit
  readonly id: Uint8Array
}

const verifyOne = async (signedBytes: Uint8Array, from: LinksToCheck): Promise<VerifiedCommit> => {
  const author = from.authorKeys(decodeSigned('commit', signedBytes))
  if (author === undefined) throw new SealError('principal-mismatch', 'the author of a commit is not known here')
  const verified = await verifyCommit(signedBytes, author)
  if (!equalBytes(verified.commit.vault, from.vault) || !equalBytes(verified.commit.custodian, from.custodian)) {
    throw new SealError('vault-mismatch', 'a commit of the history belongs to another vault or custodian')
  }
  return verified
}

const requireLink = (
  { commit }: VerifiedCommit, { blind }: OpenedLink, previous: Uint8Array, ids: readonly Uint8Array[],
): void => {
  if (equalBytes(commit.link, commitLink(blind, previous))) return
  throw [ZERO32, ...ids].some((other) => equalBytes(commit.link, commitLink(blind, other)))
    ? new SealError('feed-reordered', "an author's commits are not served in its order")
    : new SealError(
        'feed-withheld',
        'a commit before this one is being withheld, or its author lies; ask the index, its witnesses and the author',
      )
}

/**
 * Checks each author's commits against their blinded links. What is wrong with one author's commits is answered in
 * `wrong`: `feed-withheld` where a commit between two others is missing, `feed-reordered` where they are out of order,
 * `commit-link-broken` or `seal-invalid` where a link does not open. The caller compares `records` with what the feed
 * showed. Throws what only the index can be to blame for: `feed-replayed`, `vault-mismatch`, `principal-mismatch`,
 * `signature-invalid`, `encoding-…`.
 */
export const checkLinks = async (from: LinksToCheck): Promise<LinksChecked> => {
  const last = new Map(from.from)
  const records = new Map<string, number>()
  const wrong = new Map<string, SealError>()
  const verified: VerifiedCommit[] = []
  for (const signedBytes of from.commits) verified.push(await verifyOne(signedBytes, from))
  const ids = verified.map(({ id }) => id)
  if (new Set(ids.map(toHex)).size !== ids.length) throw new SealError('feed-replayed', 'a commit is served twice')
  for (const one of verified) {
    const author = toHex(one.commit.author)
    try {
      const opened = await openLink(one.commit, from)
      records.set(toHex(one.id), opened.records)
      requireLink(one, opened, last.get(author) ?? ZERO32, ids)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      if (!wrong.has(author)) wrong.set(author, error)
    }
    last.set(author, one.id)
  }
  return { last, records, wrong }
}
