/**
 * Ahead of time: the patients of the next hours, released and logged now, opened without a network later. Nothing of it
 * rests in clear: the trustees' answers open by this device's sealing key alone, and all of it is sealed by that again.
 * What was released cannot be called back before it ends; a revocation made meanwhile reaches it with the network.
 */
import { type AheadKind, openAhead as unseal, openRelease, sealAhead, type TrusteeAnswer } from '@scelle/seal/envelope'
import type { MadeAccess } from '@scelle/seal/grants'
import type { Identity, IdentitySecrets } from '@scelle/seal/identity'
import {
  Access, actingKeys, bytes, type Codec, type Context, decode, decodeSigned, encode, equalBytes, field, FORMAT_LIMITS,
  list, type PrincipalKeys, SealError, statementId, struct, text, toHex, uint, type Value, verifyAccess, verifyKeyChain,
} from '@scelle/seal/verify'
import { ReleaseAnswer } from '@scelle/wire/messages'
import { recording, replaying, type Shelf } from './ahead-shelf.ts'
import type { Chart } from './chart.ts'
import { Committer } from './committer.ts'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import type { OpenOptions } from './open.ts'
import type { Releaser } from './opening.ts'
import { type AheadNeed, problemOf, release, type Released } from './release.ts'
import { systemTimers, type Timers } from './timers.ts'
import type { Log } from './transport.ts'
import { Vault } from './vault.ts'

export interface ReleaseAhead extends Pick<OpenOptions, 'about' | 'categories' | 'custodian' | 'signal'> {
  /** Signed by others: an appointment, a referral, an admission. Their signers' statuses are shown by `Standing`. */
  readonly facts: readonly Uint8Array[]
  /** Milliseconds since 1970: 24 hours from now at most, 96 for whoever is admitted. */
  readonly until: number
}

export interface OpenAhead extends Pick<OpenOptions, 'idle'> {
  /** Milliseconds since 1970, by a clock that whoever has the device does not set. */
  readonly now: number
  /** Keeps a note that it was opened, where a restart does not lose it: nothing opens before. */
  readonly keep: (note: Uint8Array) => Promise<void>
}

/** Whoever opens without a network: the identity of the device, and no address. */
export interface AheadOptions {
  readonly identity: Identity
  readonly context: Context
  readonly timers?: Timers
  readonly log?: Log
}

const hash32 = bytes(32)
const statement = bytes(1, FORMAT_LIMITS.statement)
const codes = list(text(FORMAT_LIMITS.categoryCode), FORMAT_LIMITS.categories)

const Package = struct({
  vault: field(0, hash32),
  custodian: field(1, hash32),
  /** Codes of what was released. */
  categories: field(2, codes),
  answers: field(3, list(
    struct({ asked: field(0, text(SDK_LIMITS.aheadPath)), body: field(1, bytes(0, SDK_LIMITS.answerBytes)) }),
    SDK_LIMITS.aheadAnswers,
  )),
  releases: field(4, list(
    struct({ access: field(0, statement), answers: field(1, list(ReleaseAnswer, 3)) }), SDK_LIMITS.aheadAccesses,
  )),
})
type Package = Value<typeof Package>

const Note = struct({
  vault: field(0, hash32),
  custodian: field(1, hash32),
  categories: field(2, codes),
  accesses: field(3, list(statement, SDK_LIMITS.aheadAccesses)),
  /** Milliseconds since 1970. */
  time: field(4, uint()),
})
type Note = Value<typeof Note>

/** Throws `ahead-invalid`. */
const unsealed = async <T>(kind: AheadKind, codec: Codec<T>, sealed: Uint8Array, identity: Identity): Promise<T> => {
  try {
    return decode(codec, await unseal(kind, sealed, identity))
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    throw new SdkError('ahead-invalid', 'another device made this, or it was changed since', { cause })
  }
}

interface HeldAccess extends Pick<MadeAccess, 'access' | 'id' | 'signed'> {
  readonly access: Access & { readonly until: number }
}

/** Its reader's keys as they were: of a person, those of the session in which it was released, by the same house. */
const readerOf = (signed: Uint8Array, { keys, session }: Identity): Promise<PrincipalKeys> =>
  actingKeys(decodeSigned('access', signed), async (id) => {
    const known = equalBytes(id, keys.id) || session === undefined ? keys : await verifyKeyChain(session.house)
    if (!equalBytes(id, known.id)) throw new SealError('principal-mismatch', 'it was made for another house')
    return known
  })

/** An access of this device's, or of its person's at this house, under present keys. Throws `ahead-invalid`. */
const heldAccess = async (
  signed: Uint8Array, { vault, custodian }: Pick<Package, 'vault' | 'custodian'>, identity: Identity,
): Promise<HeldAccess> => {
  const { keys } = identity
  try {
    const { access, id } = await verifyAccess(signed, await readerOf(signed, identity))
    const { until } = access
    const isIts = equalBytes(access.vault, vault) && equalBytes(access.custodian, custodian) &&
      equalBytes(access.oneTimeKey, keys.current.sealingKey)
    if (!isIts || until === undefined) throw new SealError('release-mismatch', 'it is of another vault, or not ahead')
    return { access: { ...access, until }, id, signed }
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause
    const message = 'this holds no access made ahead under the present keys of this device'
    throw new SdkError('ahead-invalid', message, { cause })
  }
}

/** Releases, records and keys of what may be read there, sealed for this device: see `Client.releaseAhead`. */
export const releaseAhead = async (
  connection: Connection, committer: Committer, vaultId: Uint8Array, options: ReleaseAhead,
): Promise<Uint8Array> => {
  const { facts, until, ...opening } = options
  const shelf: Shelf = new Map()
  const releases: Package['releases'] = []
  const keep = ({ signed }: MadeAccess, answers: readonly TrusteeAnswer[]): void => {
    const own = answers.map(({ trustee, access, enc, sealed }) => ({ trustee, access, enc, sealed: [...sealed] }))
    releases.push({ access: signed, answers: own })
  }
  const ahead: AheadNeed = { until: Math.floor(until / 1000), facts, keep }
  const vault = await Vault.load(recording(connection, shelf), committer, vaultId)
  // Opened once: what is kept for an outage is known to open, and everything that takes is on the shelf.
  const chart = await vault.openBy(
    { ...opening, purpose: 'treatment' },
    { releaser: (need) => release(connection, { ...need, ahead }), writing: connection },
  )
  const { categories } = chart
  chart.close()
  const [first] = releases
  if (first === undefined) throw new SdkError('bad-input', 'there is nothing in these categories to release')
  const { identity, context } = connection
  const { custodian } = (await verifyAccess(first.access, identity.keys)).access
  const answers = [...shelf].map(([asked, body]) => ({ asked, body }))
  const content = encode(Package, { vault: vaultId, custodian, categories, answers, releases })
  return sealAhead('package', content, identity, context)
}

/** Release secrets out of the answers that are kept, all of them at the first need. */
const heldReleaser = ({ releases }: Package, held: readonly HeldAccess[], { secrets }: Identity): Releaser => {
  const { sealing } = secrets.at(-1) as IdentitySecrets
  const opened: Released['releases'] = new Map()
  return async ({ view: { genesis }, capsules }, feed) => {
    const headers = new Map([...feed.capsules].map(({ headerHash, capsule }) => [toHex(headerHash), capsule.header]))
    for (const [place, { access, id }] of held.entries()) {
      const named = access.capsules.map((hash) => headers.get(toHex(hash)))
      if (opened.has(toHex(access.capsules[0] as Uint8Array)) || !named.every((one) => one !== undefined)) continue
      const { answers } = releases[place] as Package['releases'][number]
      const from = { answers, accessId: id, oneTimeSecret: sealing, headers: named, genesis }
      for (const [hash, secret] of (await openRelease(from)).releases) opened.set(hash, secret)
    }
    const missing = capsules.filter(({ headerHash }) => !opened.has(toHex(headerHash)))
    return { releases: opened, problems: missing.map((capsule) => problemOf(capsule, 'shares-insufficient')) }
  }
}

/** Throws `ahead-expired` after the first of the releases ends, and where the clock says that it is before them. */
const endOf = (held: readonly HeldAccess[], now: number): number => {
  const until = Math.min(...held.map(({ access }) => access.until)) * 1000
  const made = Math.max(...held.map(({ access }) => access.time)) * 1000
  if (held.length === 0) throw new SdkError('ahead-invalid', 'this holds no access made ahead')
  if (now >= until) throw new SdkError('ahead-expired', 'the time of this release is over; release it again')
  if (now < made - SDK_LIMITS.aheadClock) {
    throw new SdkError('ahead-expired', 'the clock says that this was not released yet; set it right')
  }
  return until
}

/**
 * Opens what was released ahead, without any network and without having met anybody. The chart closes when the release
 * ends. Throws `ahead-invalid`, `ahead-expired`, and as `Vault.open` where the contents do not hold.
 */
export const openAhead = async (
  options: AheadOptions, sealed: Uint8Array, { now, keep, idle }: OpenAhead,
): Promise<Chart> => {
  const { identity, context: { now: clock, random }, timers = systemTimers, log = () => {} } = options
  // No time is after nothing: without one, the release would never end.
  if (!Number.isFinite(now) || now < 0) throw new SdkError('bad-input', 'give the time in milliseconds')
  const began = clock()
  const context = { now: () => now + clock() - began, random }
  const kept = await unsealed('package', Package, sealed, identity)
  const held: HeldAccess[] = []
  for (const { access } of kept.releases) held.push(await heldAccess(access, kept, identity))
  const until = endOf(held, now)
  const { vault: id, custodian, categories } = kept
  const accesses = held.map(({ signed }) => signed)
  const note: Note = { vault: id, custodian, categories, accesses, time: Math.floor(now) }
  await keep(await sealAhead('note', encode(Note, note), identity, context))
  const connection = replaying({ identity, context, timers, log }, new Map(
    kept.answers.map(({ asked, body }) => [asked, body]),
  ))
  const vault = await Vault.load(connection, new Committer(connection), id)
  return vault.openBy(
    { custodian, categories, purpose: 'treatment', life: until - now, ...(idle === undefined ? {} : { idle }) },
    { releaser: heldReleaser(kept, held, identity) },
  )
}

/** Tells the patient of one opening. Throws `ahead-invalid`, `no-grant`, `entry-refused`, and as requests do. */
export const reportOpened = async (
  connection: Connection, committer: Committer, sealed: Uint8Array,
): Promise<void> => {
  const { identity } = connection
  const note = await unsealed('note', Note, sealed, identity)
  const entries = (await Vault.load(connection, committer, note.vault)).entriesOf(note.custodian)
  for (const signed of note.accesses) {
    // This device sealed the note, maybe before it had its present keys.
    const access = { signed, id: statementId(signed), access: decode(Access, decodeSigned('access', signed).body) }
    await entries.told({ access, categories: note.categories, time: note.time })
  }
}

/** Tells of several: those that could not be told, each with the code of what was in its way. */
export const reportAllOpened = async (
  connection: Connection, committer: Committer, notes: readonly Uint8Array[],
): Promise<{ note: Uint8Array; code: string }[]> => {
  const pending: { note: Uint8Array; code: string }[] = []
  for (const note of notes) {
    try {
      await reportOpened(connection, committer, note)
    } catch (error) {
      if (!(error instanceof SdkError) && !(error instanceof SealError)) throw error
      pending.push({ note, code: (error instanceof SdkError ? error.problem : undefined) ?? error.code })
    }
  }
  return pending
}
