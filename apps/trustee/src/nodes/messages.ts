/**
 * What a node and its holder say to each other: `docs/decisions/0026-nodes-of-one-trustee.md`. Not a part of the
 * protocol: both ends are one trustee, of one version.
 */
import {
  bool, bytes, choice, CONFIRMATIONS, field, FORMAT_LIMITS, list, LOCK_SCOPES, optional, ROLES, struct, text, uint,
  type Value,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { type Budget, BUDGETS, CARER, UNREGISTERED } from '../meter/budgets.ts'
import { LOCK_CAUSES } from '../meter/locks.ts'
import type { Charge } from '../meter/meter.ts'
import type { Metered } from '../meter/standing.ts'

const hash32 = bytes(32)
const statement = bytes(1, FORMAT_LIMITS.statement)
const ids = (max: number) => list(hash32, max)
/** Links of a chain of grants. */
const CHAIN = 8
/** Everybody whom one opening is charged to: more than an entry of the journal has room for is refused there. */
const METERS = 64
/** Ids that one request's statuses and signers name. */
const VOUCHING = 3 * WIRE_LIMITS.shownStatuses + WIRE_LIMITS.shownKeys

/** What is asked first: the ids that a request names, before anything in it is believed. */
export const FactsAsked = struct({
  principals: field(0, ids(WIRE_LIMITS.shownKeys)),
  chain: field(1, ids(CHAIN)),
  vault: field(2, hash32),
  reader: field(3, hash32),
  access: field(4, bytes(16)),
  statement: field(5, hash32),
  /** Whoever may vouch, and for whom: signers, meters and organisations of the statuses shown. */
  vouching: field(6, ids(VOUCHING)),
  /** Statement id of the session that the access is signed in. */
  session: optional(7, hash32),
})
export type FactsAsked = Value<typeof FactsAsked>

/** What the holder knows about them: nothing that anybody spent. */
export const Facts = struct({
  /** Newest key records relied on, and those in the log. */
  known: field(0, list(struct({
    principal: field(0, hash32), version: field(1, uint()), record: field(2, hash32),
  }), 2 * WIRE_LIMITS.shownKeys)),
  /** The index's key chain, as it handed over the log. */
  signers: field(1, list(statement, FORMAT_LIMITS.keyChain)),
  /** Grants of the chain that were revoked here, how many revocations of it the log holds, and these. */
  revoked: field(2, ids(CHAIN)),
  revocations: field(3, uint()),
  logged: field(4, list(struct({ grant: field(0, hash32), statement: field(1, statement) }),
    TRUSTEE_LIMITS.loggedRevocations)),
  /** The vault is one that was kept for the reader before it claimed it. */
  claimed: field(5, bool),
  /** What this very access was answered before. */
  earlier: optional(6, bytes(1, TRUSTEE_LIMITS.nodeFrame)),
  /** Locks of those asked about. */
  locks: field(7, list(struct({
    scope: field(0, choice(LOCK_SCOPES)), target: field(1, hash32), cause: field(2, choice(LOCK_CAUSES)),
  }), VOUCHING * LOCK_SCOPES.length)),
  /** Of the reader's sessions, all or this one: what the log holds. */
  signOuts: field(8, list(statement, 2)),
  /** Statuses of theirs that were withdrawn, and whose place they take. */
  withdrawn: field(9, list(struct({
    subject: field(0, hash32), issuer: field(1, hash32), time: field(2, uint()),
  }), TRUSTEE_LIMITS.knownChanges)),
  standIns: field(10, list(struct({ replacement: field(0, hash32), target: field(1, hash32) }),
    TRUSTEE_LIMITS.knownChanges)),
  /** Leaf of the reader's last sign-out, 0 where there is none. */
  lastSignOut: field(11, uint()),
})
export type Facts = Value<typeof Facts>

/** All budgets there are, by what they are called here: those of roles, and of whom no register knows. */
const NAMED: Readonly<Record<string, Budget>> = { ...BUDGETS, unregistered: UNREGISTERED, carer: CARER }
const BUDGET_NAMES = [...ROLES, 'unregistered', 'carer'] as const

const Meters = list(struct({
  key: field(0, hash32),
  scope: field(1, choice(['person', 'organisation', 'vendor'])),
  /** Whose budget of the table it is. */
  budget: field(2, choice(BUDGET_NAMES)),
  patientsPerDay: optional(3, uint()),
  circle: field(4, ids(METERS)),
}), METERS)

const NamedCharge = struct({
  /** The reader's own meter first. */
  meters: field(0, Meters),
  role: optional(1, choice(ROLES)),
  houses: field(2, ids(METERS)),
  stepUp: optional(3, hash32),
  by: field(4, choice(['patient', 'other', 'nobody'])),
  house: optional(5, hash32),
  circle: field(6, ids(METERS)),
  lifts: field(7, bool),
  strict: field(8, bool),
  confirmations: field(9, list(struct({
    statement: field(0, hash32), type: field(1, choice(CONFIRMATIONS)),
  }), WIRE_LIMITS.shownConfirmations)),
  patientsPerDay: optional(10, uint()),
  emergency: optional(11, struct({
    confirmers: field(0, ids(WIRE_LIMITS.shownConfirmations)), summaryOnly: field(1, bool), access: field(2, hash32),
    house: field(3, hash32), reason: field(4, statement),
  })),
})
type NamedCharge = Value<typeof NamedCharge>

const Cosigned = list(struct({ trustee: field(0, hash32), time: field(1, uint()) }), 8)

/** An access of which a node has verified all, with its shares sealed to the reader: to be charged and kept. */
export const SettlementFrame = struct({
  reader: field(0, hash32),
  access: field(1, bytes(16)),
  statement: field(2, hash32),
  vault: field(3, hash32),
  custodian: field(4, hash32),
  signed: field(5, statement),
  chain: field(6, ids(CHAIN)),
  revocations: field(7, uint()),
  leaf: field(8, uint()),
  salt: field(9, bytes(16)),
  note: field(10, struct({
    size: field(0, uint()), root: field(1, hash32), note: field(2, bytes(1, WIRE_LIMITS.logProof)),
  })),
  cosigned: field(11, Cosigned),
  heads: field(12, list(struct({
    principal: field(0, hash32), version: field(1, uint()), record: field(2, hash32),
  }), WIRE_LIMITS.shownKeys)),
  enc: field(13, bytes(1_120)),
  sealed: field(14, list(bytes(49), FORMAT_LIMITS.accessCapsules)),
  charge: optional(15, NamedCharge),
  lastSignOut: field(16, uint()),
})

/** A refusal after the access's signature was checked. */
export const DenialFrame = struct({
  vault: field(0, hash32), custodian: field(1, hash32), reader: field(2, hash32), signed: field(3, statement),
  id: field(4, hash32), code: field(5, text(64)),
})

export const SettingsFrame = struct({
  trustee: field(0, hash32), issuers: field(1, ids(100_000)), emergencyKeys: field(2, ids(100_000)),
  index: field(3, hash32),
})

export const RefusalFrame = struct({ code: field(0, text(64)), detail: optional(1, text(4_096)) })

const nameOf = (budget: Budget): (typeof BUDGET_NAMES)[number] => {
  const named = BUDGET_NAMES.find((name) => NAMED[name] === budget)
  if (named === undefined) throw new TypeError('a budget that is not of the table')
  return named
}

/** Leaves out what is undefined, as the schema's optional fields are. */
const given = <K extends string, T>(key: K, value: T | undefined): { [Key in K]?: T } =>
  (value === undefined ? {} : { [key]: value }) as { [Key in K]?: T }

/** The charge without its time: when it is charged is for the holder's clock to say. */
export const namedCharge = ({ standing, source, ...charge }: Omit<Charge, 'now'>): NamedCharge => ({
  meters: standing.meters.map(({ key, scope, budget, patientsPerDay, circle }) => ({
    key, scope, circle: [...circle], budget: nameOf(budget), ...given('patientsPerDay', patientsPerDay),
  })),
  houses: [...standing.houses],
  ...given('role', standing.role),
  ...given('stepUp', standing.stepUp),
  by: source.by,
  ...(source.by === 'other'
    ? { house: source.house, circle: [...source.circle], lifts: source.lifts } : { circle: [], lifts: false }),
  strict: charge.strict,
  confirmations: charge.confirmations.map(({ statement: id, type }) => ({ statement: id, type })),
  ...given('patientsPerDay', charge.patientsPerDay),
  ...given('emergency', charge.emergency === undefined ? undefined : {
    ...charge.emergency, confirmers: [...charge.emergency.confirmers],
  }),
})

const sourceIn = ({ by, house, circle, lifts }: NamedCharge): Charge['source'] => {
  if (by !== 'other') return { by }
  if (house === undefined) throw new TypeError('somebody else\'s word has a house')
  return { by, house, circle, lifts }
}

/** What {@link namedCharge} wrote. */
export const chargeIn = (
  named: NamedCharge, { reader, vault }: { readonly reader: Uint8Array; readonly vault: Uint8Array },
): Omit<Charge, 'now'> => {
  const meters: Metered[] = named.meters.map(({ budget, patientsPerDay, ...meter }) => ({
    ...meter, budget: NAMED[budget] as Budget, patientsPerDay,
  }))
  const [own] = meters
  if (own === undefined) throw new TypeError('somebody is charged')
  return {
    standing: { reader, role: named.role, own, meters, houses: named.houses, stepUp: named.stepUp },
    vault, source: sourceIn(named), strict: named.strict, confirmations: named.confirmations,
    patientsPerDay: named.patientsPerDay, emergency: named.emergency,
  }
}
