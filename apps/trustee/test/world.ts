/** Sealed material and trustees to ask for it: seeded, under a clock that tests move. */
import { createHash } from 'node:crypto'
import { Courier, createCapsule, type OpenCapsule } from '@scelle/seal/envelope'
import { createAccess, createGrant, type MadeAccess, type MadeGrant, signStatus } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createVault, type MadeVault } from '@scelle/seal/keys'
import {
  type CategoryEntry, type Context, decode, decodeCapsule, type Grant, hashOf, ORGANISATION_ROLES, RIGHTS,
  type Status, toHex,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { ReleaseAnswer, type ReleaseRequest, type RevocationNotice } from '@scelle/wire/messages'
import { createLog } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { createTrustee, type Trustee, type TrusteeOptions, TrusteeStore } from '../src/trustee.ts'

/** Milliseconds; a whole second. */
export const NOW = Date.UTC(2026, 10, 23, 9)
const HOUR = 3600

export interface Clock extends Context {
  move: (seconds: number) => void
}

export const seededClock = (seed: string): Clock => {
  let time = NOW
  let count = 0
  const block = (): Buffer => createHash('sha256').update(`${seed}/${count++}`).digest()
  return {
    now: () => time,
    move: (seconds) => { time += seconds * 1000 },
    random: (length) => {
      const blocks = Array.from({ length: Math.ceil(length / 32) }, block)
      return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
    },
  }
}

export interface World {
  readonly clock: Clock
  readonly index: Identity
  /** Custodian and controller of the vault. */
  readonly hospital: Identity
  readonly writer: Identity
  /** Holds a root grant that may be shared on. */
  readonly practice: Identity
  /** Holds a child of the practice's grant. */
  readonly doctor: Identity
  readonly stranger: Identity
  readonly trustees: readonly Identity[]
  /** Says who is a professional; the trustees list it. */
  readonly register: Identity
  /** Its statuses of doctor (a GP at the practice), stranger, hospital and practice. */
  readonly statuses: readonly Uint8Array[]
  readonly vault: MadeVault
  readonly categories: readonly CategoryEntry[]
  readonly courier: Courier
}

export const makeWorld = async (seed: string): Promise<World> => {
  const clock = seededClock(seed)
  const organisation = () => createIdentity('organisation', clock)
  const [index, hospital, writer, practice] =
    [await createIdentity('index', clock), await organisation(), await organisation(), await organisation()]
  const [doctor, stranger] = [await createIdentity('person', clock), await createIdentity('person', clock)]
  const trustees: Identity[] = []
  for (let i = 0; i < 3; i++) trustees.push(await createIdentity('trustee', clock))
  const categories = [{ code: 'summary', strict: false }, { code: 'notes', strict: true }]
  const vault = await createVault({
    mode: 'custody', controller: hospital, trustees: trustees.map(({ id }) => id), categories,
  }, clock)
  const register = await createIdentity('organisation', clock)
  const statuses = await Promise.all([
    statusOf({ clock, register }, doctor, { role: 'gp', organisation: practice.id }),
    statusOf({ clock, register }, stranger, { role: 'gp', organisation: practice.id }),
    statusOf({ clock, register }, hospital, { role: 'hospital' }),
    statusOf({ clock, register }, practice, { role: 'practice' }),
  ])
  return {
    clock, index, hospital, writer, practice, doctor, stranger, trustees, register, statuses, vault,
    categories: vault.manifest.manifest.categories, courier: new Courier(writer.id, clock),
  }
}

/** Valid for a year; the meter is the subject's own, unless said otherwise. */
export const statusOf = (
  { clock, register }: Pick<World, 'clock' | 'register'>, subject: Identity,
  fields: Pick<Status, 'role'> & Partial<Status>,
): Promise<Uint8Array> => signStatus(register, {
  subject: subject.id,
  meter: hashOf('statementId', subject.id),
  notBefore: Math.floor(clock.now() / 1000) - HOUR,
  expires: Math.floor(clock.now() / 1000) + 365 * 24 * HOUR,
  ...(ORGANISATION_ROLES.some((role) => role === fields.role) ? {} : { ownKey: true }),
  ...fields,
}, clock)

export const makeCapsule = (
  { vault, hospital, categories, trustees, courier, clock }: World, category = 0,
): Promise<OpenCapsule> => createCapsule({
  vault: vault.vault,
  genesis: vault.genesis,
  custodian: hospital.id,
  category: categories[category] as CategoryEntry,
  retention: 'care',
  trustees: trustees.map(({ keys }) => keys),
}, courier, clock)

const seconds = (world: World): number => Math.floor(world.clock.now() / 1000)

/** A grant of the hospital's, or a child of `parent`. */
export const grantTo = (
  world: World, grantee: Identity,
  { signer = world.hospital, parent, ...fields }: Partial<Grant> & { signer?: Identity } = {},
): Promise<MadeGrant> => createGrant({
  signer,
  grantee: grantee.keys,
  secrets: world.vault.manifest.secrets,
  manifestVersion: 1,
  grant: {
    vault: world.vault.vault,
    custodian: world.hospital.id,
    grantee: grantee.id,
    ...(parent === undefined ? {} : { parent }),
    categories: world.categories.map(({ category }) => category),
    rights: RIGHTS.read | RIGHTS.shareOn,
    purposes: ['treatment'],
    basis: 'consent',
    notBefore: seconds(world),
    expires: seconds(world) + HOUR,
    depth: parent === undefined ? 2 : 1,
    ...fields,
  },
}, world.clock)

/** The hospital's grant to the practice and the practice's to the doctor. */
export const grantsToDoctor = async (world: World): Promise<[MadeGrant, MadeGrant]> => {
  const root = await grantTo(world, world.practice)
  return [root, await grantTo(world, world.doctor, { signer: world.practice, parent: root.id, depth: 0 })]
}

export interface Prepared {
  readonly access: MadeAccess
  readonly request: ReleaseRequest
}

/** Stands for a receipt that `askRelease` makes: whatever the access is, the log has it. */
export const ANY_RECEIPT = Uint8Array.of(0)

/** What a reader sends to trustee `to`, all in order. */
export const prepare = async (
  world: World,
  { capsules, chain = [], reader = world.doctor, to = 0, access: given }: {
    capsules: readonly OpenCapsule[]; chain?: readonly MadeGrant[]; reader?: Identity; to?: number; access?: MadeAccess
  },
): Promise<Prepared> => {
  const access = given ?? await createAccess({
    vault: world.vault.vault, custodian: world.hospital.id, reader, purpose: 'treatment',
    capsules: capsules.map(({ headerHash }) => headerHash), chain: chain.map(({ id }) => id),
  }, world.clock)
  const seals = capsules.map(({ capsuleBytes }) => decodeCapsule(capsuleBytes).capsule)
  const names = new Map(seals.map(({ shares }) => shares[to]?.encapsulation as Uint8Array)
    .map((id) => [Buffer.from(id).toString('hex'), world.courier.bytesOf(id) as Uint8Array]))
  const shown = new Set([world.hospital, world.practice, reader, ...world.trustees, world.register])
  return {
    access,
    request: {
      access: access.signed,
      genesis: world.vault.genesisSigned,
      keys: [...shown].map(({ chain: records }) => [...records]),
      chain: chain.map(({ grantSigned }) => grantSigned),
      capsules: seals.map(({ header, shares }) => ({ header, share: shares[to] as (typeof shares)[number] })),
      encapsulations: [...names.values()],
      receipt: ANY_RECEIPT,
      statuses: [...world.statuses],
    },
  }
}

/** Where a trustee of this world would reach the index. */
export const indexOf = (world: World) => ({ id: toHex(world.index.id), url: 'http://index.test' })

export interface Running {
  readonly trustee: Trustee
  readonly store: TrusteeStore
  readonly lines: string[]
}

/** Never: what waits for time waits for ever, unless a test lets it go on. */
const standing: Timers = { after: () => () => undefined }

export const startTrustee = (
  world: World, which = 0, path = ':memory:', more: Partial<TrusteeOptions> = {},
): Running => {
  const store = more.store ?? new TrusteeStore(path)
  const lines: string[] = []
  const trustee = createTrustee({
    identity: world.trustees[which] as Identity, store, index: indexOf(world), issuers: [toHex(world.register.id)],
    context: world.clock,
    log: createLog((line) => lines.push(line), world.clock.now), timers: standing, ...more,
  })
  return { trustee, store, lines }
}

export interface Outcome {
  readonly status: number
  readonly bytes: Uint8Array
  readonly code: unknown
  readonly detail: string
}

/** Sends a body, signed by `signer`. */
export const post = async (
  world: World, { trustee }: Running, url: string, body: Uint8Array, signer: Identity,
): Promise<Outcome> => {
  const target = { method: 'POST', url: `http://localhost${url}`, body, identity: signer }
  const headers = await signRequest({ ...target, now: world.clock.now, random: world.clock.random })
  const answer = await trustee.inject({ method: 'POST', url, headers: { ...headers }, payload: Buffer.from(body) })
  const refused = answer.statusCode >= 400
  const problem = refused ? JSON.parse(answer.body) as { code: string; detail?: string } : undefined
  return {
    status: answer.statusCode, bytes: new Uint8Array(answer.rawPayload), code: problem?.code,
    detail: problem?.detail ?? '',
  }
}

export const answerIn = (outcome: Outcome): ReleaseAnswer => decode(ReleaseAnswer, outcome.bytes)

export const noticeOf = (
  world: World, revocation: Uint8Array, chain: readonly MadeGrant[], shown: readonly Identity[],
): RevocationNotice => ({
  revocation,
  genesis: world.vault.genesisSigned,
  chain: chain.map(({ grantSigned }) => grantSigned),
  keys: [...new Set([world.hospital, ...shown])].map(({ chain: records }) => [...records]),
})
