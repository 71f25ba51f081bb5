/** What only a custodian or an owner can find: that the index withholds commits or records, from history or feed. */
import { checkLinks, type LinksChecked } from '@scelle/seal/envelope'
import {
  actorOf,
  decodeSigned,
  encapsulationId,
  equalBytes,
  type PrincipalKeys,
  SealError,
  statementId,
  toHex,
} from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { Feed } from './feed.ts'
import { FeedHeads } from './feed-head.ts'
import { loadHistory } from './history.ts'
import { type Keyring, visibleIn } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { inParallel } from './timers.ts'
import { partName, type VaultView } from './vault-view.ts'

/** Throws `not-custodian`. */
export const requireOwn = (connection: Connection, view: VaultView, keyring: Keyring): void => {
  const owner = view.genesis.mode === 'owner' && equalBytes(view.genesis.controller, connection.identity.id)
  if (!keyring.own && !owner) {
    throw new SdkError(
      'not-custodian',
      'only the owner, or the custodian of a part, can check what others say of it',
    )
  }
}

/** Throws `feed-rolled-back` or `feed-reordered` where the history is not what it was. */
const requireRemembered = async (connection: Connection, name: string, ids: readonly Uint8Array[]): Promise<void> => {
  const place = `${name}/history`
  const seen = await connection.memory.headSeen(place)
  const heads = new FeedHeads(seen === undefined ? new Map() : new Map([[place, seen]]))
  for (const id of ids) heads.add(place, id, [])
  heads.end(new Set([place]))
  const own = await connection.memory.lastCommit(name)
  if (own !== undefined && !ids.some((id) => equalBytes(id, own))) {
    throw new SealError('feed-rolled-back', 'the index lost a commit that it had accepted from this client')
  }
  const head = heads.now.get(place)
  if (head !== undefined) await connection.memory.sawHead(place, head)
}

/** What the author sealed to the custodian against what the index shows it: a record less is a record withheld. */
const countRecords = (
  { records, wrong }: LinksChecked,
  commits: readonly Signer[],
  shown: ReadonlyMap<string, number>,
): void => {
  for (const { id, author } of commits) {
    const sealed = records.get(id)
    if (sealed === undefined || sealed === shown.get(id) || wrong.has(author)) continue
    wrong.set(author, new SealError('feed-withheld', 'the index shows another number of records than a commit has'))
  }
}

/** One error for all authors: none of them, by lying in its own commits, hides what is done to the others'. */
const requireNothingWrong = ({ wrong }: LinksChecked): void => {
  const [first] = wrong.values()
  if (first === undefined) return
  const named = [...wrong].map(([author, error]) => `${error.code} for author ${author}`)
  const message = `${first.message} (${named.join(', ')})`
  throw new SealError(first.code, message, { cause: first, parties: [...wrong.keys()] })
}

interface Signer {
  /** Hex of the commit's id. */
  readonly id: string
  /** Hex of its author's id. */
  readonly author: string
}

const keysOfSigners = async (
  connection: Connection,
  commits: readonly Uint8Array[],
): Promise<Map<string, PrincipalKeys>> => {
  const signers = new Map(
    commits.map((signed) => {
      const statement = decodeSigned('commit', signed)
      return [`${actorOf(statement)}/${statement.keyVersion}`, statement]
    }),
  )
  const known = await inParallel([...signers.values()], SDK_LIMITS.lookupsAtOnce, async (statement) =>
    [actorOf(statement), await connection.acting(statement)] as const,
  )
  return new Map(known)
}

/**
 * Follows every blinded link of a part, counts every commit's records, and compares with what was seen before and with
 * the feed. Throws SealError `feed-withheld`, `feed-reordered`, `feed-replayed`, `feed-rolled-back`,
 * `commit-link-broken`, `seal-invalid`; where single authors' commits do not hold, `parties` and the message name every
 * such author in hex, and all others' commits are checked nevertheless. SdkError `not-custodian`.
 */
export const checkPart = async (
  connection: Connection,
  view: VaultView,
  keyring: Keyring,
  signal?: AbortSignal,
): Promise<void> => {
  requireOwn(connection, view, keyring)
  const custodian = keyring.part.custodian.keys.id
  const feed = await Feed.start(connection, view.vault, keyring.part, visibleIn(keyring), keyring.own)
  await feed.pull(signal)
  const { commits, encapsulations } = await loadHistory(connection, view.vault, custodian, signal)
  const keys = await keysOfSigners(connection, commits)
  const bytes = new Map(encapsulations.map((one) => [toHex(encapsulationId(one)), one]))
  const checked = await checkLinks({
    commits,
    vault: view.vault,
    custodian,
    courierKeys: connection.couriers,
    authorKeys: (signed) => keys.get(actorOf(signed)),
    encapsulations: (id) => bytes.get(toHex(id)),
  })
  const ids = commits.map(statementId)
  await requireRemembered(connection, partName(view.vault, custodian), ids)
  const listed = new Set(ids.map(toHex))
  if ([...feed.commits.keys()].some((id) => !listed.has(id)) || ids.some((id) => !feed.commits.has(toHex(id)))) {
    throw new SealError('feed-withheld', 'the index shows commits in one place that it does not show in another')
  }
  const signers = commits.map((signed, i) => ({
    id: toHex(ids[i] as Uint8Array),
    author: toHex(decodeSigned('commit', signed).signer),
  }))
  countRecords(checked, signers, feed.commits)
  requireNothingWrong(checked)
}
