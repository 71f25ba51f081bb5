/** Readers, facts and confirmations against the meter itself: many openings, no cryptography but signatures. */
import { signConfirmation, signFact } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import type { Access, Fact, Role, Status, VerifiedVault } from '@scelle/seal/verify'
import { toHex } from '@scelle/seal/verify'
import type { ReleaseRequest } from '@scelle/wire/messages'
import type { Charge, Verdict } from '../src/meter/meter.ts'
import { weigh } from '../src/meter/weigh.ts'
import { verifyPrincipals } from '../src/principals.ts'
import { TrusteeStore } from '../src/trustee.ts'
import { seededClock, statusOf, type Clock } from './world.ts'

export interface Cast {
  readonly clock: Clock
  readonly register: Identity
  readonly practice: Identity
  readonly hospital: Identity
  readonly doctor: Identity
  readonly secretary: Identity
  readonly colleague: Identity
  /** The doctor's second key. */
  readonly key: Identity
  readonly patient: Identity
  readonly store: TrusteeStore
}

export const makeCast = async (seed: string, store = new TrusteeStore(':memory:')): Promise<Cast> => {
  const clock = seededClock(seed)
  const person = () => createIdentity('person', clock)
  const organisation = () => createIdentity('organisation', clock)
  return {
    clock, register: await organisation(), practice: await organisation(), hospital: await organisation(),
    doctor: await person(), secretary: await person(), colleague: await person(), key: await person(),
    patient: await person(), store,
  }
}

export const seconds = ({ clock }: Pick<Cast, 'clock'>): number => Math.floor(clock.now() / 1000)

/** Role and further fields of a principal, as the register says them. */
export type Enrolment = readonly [Identity, Pick<Status, 'role'> & Partial<Status>]

/** The doctor, a GP at the practice with a second key; a secretary and a colleague there; a hospital. */
export const standard = (cast: Cast): Enrolment[] => [
  [cast.doctor, { role: 'gp', organisation: cast.practice.id, stepUp: cast.key.id }],
  [cast.secretary, { role: 'assistant', organisation: cast.practice.id }],
  [cast.colleague, { role: 'gp', organisation: cast.practice.id }],
  [cast.practice, { role: 'practice' }],
  [cast.hospital, { role: 'hospital' }],
]

export interface Asking {
  readonly reader?: Identity
  /** A number, for a vault of the patient's. */
  readonly vault?: number
  readonly enrolled?: readonly Enrolment[]
  readonly statuses?: readonly Uint8Array[]
  readonly facts?: readonly Uint8Array[]
  readonly confirmations?: readonly Uint8Array[]
  /** Those besides the cast's whose keys are shown. */
  readonly others?: readonly Identity[]
  readonly grants?: Parameters<typeof weigh>[0]['grants']
  /** The custodian of a vault that nobody claimed. */
  readonly custodian?: Identity
  readonly categories?: readonly Uint8Array[]
  readonly emergencyKeys?: readonly Uint8Array[]
  readonly purpose?: Access['purpose']
  /** Seconds: the access is made ahead of time. */
  readonly ahead?: number
  /** The reader's own sealing key where absent. */
  readonly oneTimeKey?: Uint8Array
  readonly ticket?: Uint8Array
}

export const vaultId = (number: number): Uint8Array => {
  const id = new Uint8Array(32).fill(0xaa)
  new DataView(id.buffer).setUint32(0, number)
  return id
}

const enrolledOnce = new WeakMap<Cast, Map<string, Promise<Uint8Array>>>()

const statusesOf = (cast: Cast, enrolled: readonly Enrolment[]): Promise<Uint8Array[]> => {
  const known = enrolledOnce.get(cast) ?? new Map<string, Promise<Uint8Array>>()
  enrolledOnce.set(cast, known)
  return Promise.all(enrolled.map(([who, status]) => {
    const name = `${toHex(who.id)} ${JSON.stringify(status, (_, value: unknown) =>
      value instanceof Uint8Array ? toHex(value) : value)}`
    const made = known.get(name) ?? statusOf(cast, who, status)
    known.set(name, made)
    return made
  }))
}

/** What a request is charged. */
export const weighed = async (cast: Cast, asking: Asking = {}): Promise<Charge | undefined> => {
  const { reader = cast.doctor, vault = 1, enrolled = standard(cast), facts = [], confirmations = [] } = asking
  const { register, practice, hospital, doctor, secretary, colleague, key, patient, store } = cast
  const shown = new Set([
    register, practice, hospital, doctor, secretary, colleague, key, patient, reader, ...asking.others ?? [],
    ...asking.custodian === undefined ? [] : [asking.custodian],
  ])
  const principals = await verifyPrincipals([...shown].map(({ chain }) => chain), store)
  const controller = asking.custodian ?? patient
  const request = {
    statuses: [...asking.statuses ?? await statusesOf(cast, enrolled)], facts: [...facts],
    confirmations: [...confirmations], ...(asking.ticket === undefined ? {} : { ticket: asking.ticket }),
  } as unknown as ReleaseRequest
  return weigh({
    request, principals, reader: reader.keys, grants: asking.grants ?? [], categories: asking.categories ?? [],
    headers: [],
    access: {
      vault: vaultId(vault), custodian: controller.id, purpose: asking.purpose ?? 'treatment', until: asking.ahead,
      oneTimeKey: asking.oneTimeKey ?? reader.keys.current.sealingKey,
    } as never,
    vault: {
      vault: vaultId(vault),
      genesis: { mode: asking.custodian === undefined ? 'owner' : 'custody', controller: controller.id },
    } as unknown as VerifiedVault,
    issuers: [register.id], now: seconds(cast), accessId: vaultId(vault),
    emergencyKeys: asking.emergencyKeys ?? [], index: vaultId(0), signOuts: [], locks: store.meter.locks,
    changes: store.meter.changes.about([...shown].map(({ id }) => id), seconds(cast)),
  })
}

/** Charges it, as the release would: the code of the refusal, or `charged`. */
export const charged = async (cast: Cast, asking: Asking = {}): Promise<string> => {
  const charge = await weighed(cast, asking)
  if (charge === undefined) return 'free'
  const verdict: Verdict = cast.store.meter.charge(charge)
  return verdict.refused ?? 'charged'
}

/** As `charged`, for many vaults, until one is refused: how many went, and why no more. */
export const until = async (cast: Cast, vaults: Iterable<number>, asking: Asking = {}): Promise<[number, string]> => {
  let count = 0
  for (const vault of vaults) {
    const said = await charged(cast, { ...asking, vault })
    if (said !== 'charged') return [count, said]
    count++
  }
  return [count, 'charged']
}

export const factOf = (
  cast: Cast, signer: Identity, fields: Partial<Fact> & { readonly number?: number } = {},
): Promise<Uint8Array> => {
  const { number = 1, ...fact } = fields
  return signFact(signer, {
    type: 'appointment', vault: vaultId(number), organisation: cast.practice.id, notBefore: seconds(cast),
    expires: seconds(cast) + 3_600, ...fact,
  }, cast.clock)
}

export const confirmationOf = (
  cast: Cast, signer: Identity, type: 'step-up' | 'colleague' | 'session',
  more: { vault?: Uint8Array; reason?: string } = {},
): Promise<Uint8Array> => signConfirmation(signer, {
  type, reader: cast.doctor.id, organisation: cast.practice.id, reason: 'rappel téléphonique', ...more,
}, cast.clock)

export const counted = (cast: Cast, key: Uint8Array, measure: 'seen' | 'patients' | 'own' | 'unexplained' | 'strict') =>
  cast.store.meter.ledger.count(key, measure, 'day', seconds(cast))

export const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

export type { Role }
