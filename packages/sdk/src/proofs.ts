/** A record's proof to take home: a stranger with the pinned keys of the log sees that it is on record, and of whom. */
import {
  capsuleLeaf, Commit, decode, decodeSigned, equalBytes, leafPath, recordLeaf, SealError, statementId, toHex,
} from '@scelle/seal/verify'
import type { CommitHistory, FeedCommit } from '@scelle/wire/messages'
import { encodeProven, type Proven } from '@scelle/wire/proven'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { Feed, type FeedRecord } from './feed.ts'
import { loadHistory } from './history.ts'
import { type Keyring, visibleIn } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import type { Place } from './log/places.ts'
import { pause } from './timers.ts'
import type { VaultView } from './vault-view.ts'

/** Which record, all in lower-case hex: by its own id, or as the version of a resource as its author names it. */
export type RecordName =
  | { readonly record: string }
  | { readonly author: string; readonly handle: string; readonly version: number }

export interface ProofWanted {
  readonly view: VaultView
  readonly keyring: Keyring
  readonly name: RecordName
  readonly signal: AbortSignal | undefined
}

type Found = Omit<Proven, 'receipt'>

const isNamed = ({ capsule, header }: FeedRecord, name: RecordName): boolean =>
  'record' in name
    ? toHex(header.record) === name.record
    : toHex(header.handle) === name.handle && header.version === name.version
      && toHex(capsule.header.writer) === name.author

/** A resource that moved to another category leaves a tombstone of the same version there: its content counts. */
const isBetter = ({ header }: FeedRecord, than: FeedRecord | undefined): boolean =>
  than === undefined || (than.header.contentType === 'tombstone' && header.contentType !== 'tombstone')

const foundIn = (served: FeedCommit, at: number): Found => {
  const leaves = [
    ...served.capsules.map(({ place, capsule }) => ({ place, leaf: capsuleLeaf(capsule) })),
    ...served.records.map(({ place, header, digest }) => ({ place, leaf: recordLeaf(header, digest) })),
  ]
  const { digest, header, place } = served.records[at] as FeedCommit['records'][number]
  const commit = decode(Commit, decodeSigned('commit', served.commit).body)
  const path = leafPath(leaves, served.siblings, commit, place)
  return { statement: served.commit, record: { header, digest, place, path } }
}

/** Of several records of one id, which is their authors' to choose, the first. Nothing is opened. */
const find = async (connection: Connection, { keyring, name, signal, view }: ProofWanted): Promise<Found> => {
  const feed = await Feed.start(connection, view.vault, keyring.part, visibleIn(keyring), keyring.own)
  let best: FeedRecord | undefined
  let found: Found | undefined
  await feed.pull(signal, (served, records) => {
    for (const [at, record] of records.entries()) {
      if (!isNamed(record, name) || !isBetter(record, best)) continue
      best = record
      found = foundIn(served, at)
    }
  })
  if (found === undefined) {
    throw new SdkError('record-unknown', 'there is no such record among what this principal may see of this part')
  }
  return found
}

/** Throws `not-custodian`: where a commit stands is told to its author, and to those who answer for the part. */
const historyFor = async (connection: Connection, { keyring, signal, view }: ProofWanted): Promise<CommitHistory> => {
  try {
    return await loadHistory(connection, view.vault, keyring.part.custodian.keys.id, signal)
  } catch (error) {
    if (error instanceof SdkError && error.problem === 'not-found') throw notTold()
    throw error
  }
}

const notTold = (): SdkError =>
  new SdkError('not-custodian', 'only the owner, the custodian, or its author can have a record proven')

/** Undefined where it has no number yet. Not signed: whoever lies about it points at another leaf. */
const placeOf = async (
  connection: Connection, wanted: ProofWanted, commit: Uint8Array,
): Promise<Omit<Place, 'time'> | undefined> => {
  const { commits, places = [] } = await historyFor(connection, wanted)
  const at = commits.findIndex((signed) => equalBytes(signed, commit))
  if (at >= 0) return places[at] === undefined ? undefined : { ...places[at], statement: statementId(commit) }
  const { genesis } = wanted.view
  const isOwner = genesis.mode === 'owner' && equalBytes(genesis.controller, connection.identity.id)
  if (!wanted.keyring.own && !isOwner) throw notTold()
  throw new SealError('feed-withheld', 'the index shows a commit in one place that it does not show in another')
}

const isNotYet = (error: unknown): boolean =>
  error instanceof SdkError && (error.problem === 'not-cosigned' || error.problem === 'not-found')

/** Waits a moment for the trustees where it was written just now. */
const receiptFor = async (connection: Connection, wanted: ProofWanted, commit: Uint8Array): Promise<Uint8Array> => {
  for (let attempt = 1; ; attempt++) {
    const place = await placeOf(connection, wanted, commit)
    try {
      if (place !== undefined) return await connection.logClient.receiptOf(place, 'final')
    } catch (error) {
      if (!isNotYet(error)) throw error
    }
    if (attempt >= SDK_LIMITS.finalAttempts) {
      throw new SdkError('index-problem', 'the three trustees have not all cosigned this record yet; try again', {
        problem: 'not-cosigned',
      })
    }
    await pause(connection.timers, SDK_LIMITS.finalPause * 2 ** (attempt - 1), wanted.signal)
  }
}

/**
 * The octets of a `Proven` file, checked as whoever gets it will. Throws `record-unknown`, `not-custodian`,
 * `index-problem` (`not-cosigned`) where it is not final yet, `leaf-dropped`, and as a feed does.
 */
export const recordProof = async (connection: Connection, wanted: ProofWanted): Promise<Uint8Array> => {
  const found = await find(connection, wanted)
  const receipt = await receiptFor(connection, wanted, found.statement)
  const file = encodeProven({ ...found, receipt })
  await connection.logClient.verifyProven(file, 'final')
  return file
}
