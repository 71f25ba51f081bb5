/** Who opened one part of a vault, for its owner or custodian: all accounts, compared, and proofs from the log. */
import { toHex } from '@scelle/seal/verify'
import { encodeProven } from '@scelle/wire/proven'
import type { Chart } from '../chart.ts'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { Feed } from '../feed.ts'
import { type Keyring, visibleIn } from '../keyring.ts'
import { SDK_LIMITS } from '../limits.ts'
import { inParallel } from '../timers.ts'
import type { VaultView } from '../vault-view.ts'
import { requireOwn } from '../withholding.ts'
import type { AloneRelease } from './alone.ts'
import { type AccessFinding, compareAccounts, type OpenedEntry, type SeenAccess } from './compare.ts'
import { namedHouses, type NamedHouse } from './houses.ts'
import { listedAccesses, type ListedPart } from './listed.ts'
import { offlineOf, type OfflineOpening } from './offline.ts'
import { releasedBy, type ReleasedAccess } from './released.ts'

export interface ProvenAccess extends SeenAccess {
  /** A tlog-proof that the access is in the log, under a checkpoint that a quorum cosigned; absent without one. */
  readonly receipt: Uint8Array | undefined
  /** Both in one file, to take home: `scelle verify --receipt` reads it. */
  readonly proof: Uint8Array | undefined
  /** Organisations and vendors behind the reader, as its entry names them. */
  readonly houses: readonly NamedHouse[]
  /** Where a card was opened without a network before, and this is the report of it. */
  readonly offline: OfflineOpening | undefined
}

export interface PartAccesses {
  /** Oldest first. */
  readonly accesses: readonly ProvenAccess[]
  /** Each names who has to explain it. None: every account agrees. */
  readonly findings: readonly AccessFinding[]
  /** Releases that one trustee alone tells of: see `missingFromAll`. */
  readonly alone: readonly AloneRelease[]
}

export interface AccessesFrom extends ListedPart {
  readonly view: VaultView
  readonly keyring: Keyring
  /** Opens the access log; undefined in a part without one. */
  readonly openLog: (() => Promise<Chart>) | undefined
  readonly signal: AbortSignal | undefined
}

const releasesOf = async (
  connection: Connection, from: AccessesFrom,
): Promise<Map<string, readonly ReleasedAccess[] | undefined>> => {
  const lists = await Promise.all(from.view.genesis.trustees.map(async (trustee) => {
    try {
      return [toHex(trustee), await releasedBy(connection, from, trustee, from.signal)] as const
    } catch (error) {
      if (from.signal?.aborted === true) throw error
      // Whatever a trustee does, the others' lists are compared; this one is named.
      connection.log('trustee-list-refused', {})
      return [toHex(trustee), undefined] as const
    }
  }))
  return new Map(lists)
}

const entriesOf = async ({ openLog }: AccessesFrom): Promise<{ entries: OpenedEntry[]; unopened: string[] }> => {
  if (openLog === undefined) return { entries: [], unopened: [] }
  const chart = await openLog()
  try {
    const entries = chart.latest().filter(({ contentType }) => contentType === 'fhir+json')
      .map(({ author, content }) => ({ author, content }))
    return { entries, unopened: chart.problems.filter(({ what }) => what !== 'trustee').map(({ who }) => who) }
  } finally {
    chart.close()
  }
}

const capsulesOf = async (connection: Connection, from: AccessesFrom): Promise<Map<string, string>> => {
  const { keyring, view, signal } = from
  const feed = await Feed.start(connection, view.vault, keyring.part, visibleIn(keyring), keyring.own)
  await feed.pull(signal)
  return new Map([...feed.capsules].map(({ headerHash, category }) =>
    [toHex(headerHash), keyring.codes.get(category) ?? category]))
}

/** Not there yet, or nothing is: no lie, and no proof. */
const isNotYet = (error: unknown): boolean =>
  error instanceof SdkError && (error.problem === 'not-cosigned' || error.problem === 'not-found')

type Proof = Pick<ProvenAccess, 'receipt' | 'proof'>

const UNPROVEN: Proof = { receipt: undefined, proof: undefined }

const proven = async (
  connection: Connection, access: SeenAccess, findings: AccessFinding[],
): Promise<Proof> => {
  const { place, statement } = access
  if (place === undefined || access.refusals.some(({ by }) => by === toHex(connection.index.id))) {
    return UNPROVEN
  }
  try {
    const receipt = await connection.logClient.receiptOf(place, 'quorum')
    const proof = encodeProven({ statement: access.signed, receipt })
    await connection.logClient.verifyProven(proof, 'quorum')
    return { receipt, proof }
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    if (error.code === 'leaf-dropped') {
      findings.push({ code: 'access-dropped', who: toHex(connection.index.id), access: statement })
    } else if (!isNotYet(error)) throw error
    return UNPROVEN
  }
}

/**
 * Trustees are asked first and the index last, so that whatever a trustee released can be in what is asked later.
 * Throws `not-custodian`, and as `Vault.open`; SealError where what the index lists does not hold.
 */
export const partAccesses = async (connection: Connection, from: AccessesFrom): Promise<PartAccesses> => {
  requireOwn(connection, from.view, from.keyring)
  const settled = Math.floor(connection.context.now() / 1000) - SDK_LIMITS.entryTime / 1000
  const released = await releasesOf(connection, from)
  const { entries, unopened } = await entriesOf(from)
  const capsules = await capsulesOf(connection, from)
  const listed = await listedAccesses(connection, from, from.signal)
  const { genesis } = from.view
  const { accesses, findings, alone } = compareAccounts({
    index: toHex(connection.index.id), listed, released, entries, unopened, settled,
    owner: genesis.mode === 'owner' ? toHex(genesis.controller) : undefined,
    categoryOf: (capsule) => capsules.get(capsule),
  })
  const all = await inParallel(accesses, SDK_LIMITS.lookupsAtOnce, async (access): Promise<ProvenAccess> => ({
    ...access,
    ...await proven(connection, access, findings),
    houses: await namedHouses(connection, access.note?.houses ?? []),
    offline: await offlineOf(connection, from.view, access, findings),
  }))
  return { accesses: all, findings, alone }
}
