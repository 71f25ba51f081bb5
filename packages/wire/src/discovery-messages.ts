/** Bodies about finding vaults by identity: see `messages.ts`. */
import { bytes, field, FORMAT_LIMITS, list, optional, struct, uint, type Value } from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'

const hash32 = bytes(32)
const statement = bytes(1, FORMAT_LIMITS.statement)
const statements = (max: number) => list(statement, max)
const KeyChain = statements(FORMAT_LIMITS.keyChain)

/** A trustee's public part in making or renewing the key for finding vaults. */
export const DiscoveryPart = struct({
  keys: field(0, KeyChain),
  /** Its signed `dealing` of the generation asked for. */
  dealing: optional(1, statement),
  /** Its signed `discovery-key`, once it has checked all three dealings. */
  signed: optional(2, statement),
})
export type DiscoveryPart = Value<typeof DiscoveryPart>

/** The key in use, signed by each of its three trustees. */
export const SignedDiscoveryKey = statements(3)
export type SignedDiscoveryKey = Value<typeof SignedDiscoveryKey>

/** A blinded identity, for a trustee to evaluate. */
export const EvaluationRequest = struct({
  keys: field(0, list(KeyChain, WIRE_LIMITS.shownKeys)),
  /** Of the asker, and of its organisations. */
  statuses: field(1, statements(WIRE_LIMITS.shownStatuses)),
  generation: field(2, uint(0xffff_ffff)),
  blinded: field(3, bytes(32)),
})
export type EvaluationRequest = Value<typeof EvaluationRequest>

export const EvaluationAnswer = struct({
  trustee: field(0, hash32),
  generation: field(1, uint(0xffff_ffff)),
  evaluated: field(2, bytes(32)),
  proof: field(3, bytes(64)),
  /** People that the asker has looked up here in the last 24 hours, and how many there may be. */
  lookups: field(4, uint()),
  bound: field(5, uint()),
})
export type EvaluationAnswer = Value<typeof EvaluationAnswer>

/** The controller of a vault asks for an identity to be bound to it. */
export const BindingRequest = struct({
  keys: field(0, list(KeyChain, WIRE_LIMITS.shownKeys)),
  statuses: field(1, statements(WIRE_LIMITS.shownStatuses)),
  genesis: field(2, statement),
  pseudonym: field(3, hash32),
  /** Of an owner: a listed issuer's signed `identity-proof`. */
  proof: optional(4, statement),
})
export type BindingRequest = Value<typeof BindingRequest>

/** Which vault is bound; or, of an objection, whose change is stopped. */
export const BindingQuery = struct({
  keys: field(0, list(KeyChain, WIRE_LIMITS.shownKeys)),
  statuses: field(1, statements(WIRE_LIMITS.shownStatuses)),
  pseudonym: field(2, hash32),
})
export type BindingQuery = Value<typeof BindingQuery>

/** One body signed by the controllers of two vaults, their geneses, and the controllers' keys: it certifies itself. */
export const LinkShown = struct({
  keys: field(0, list(KeyChain, 2)),
  link: field(1, statements(2)),
  /** Of the vault that goes on, and of the other one. */
  geneses: field(2, statements(2)),
})
export type LinkShown = Value<typeof LinkShown>

/** What two trustees or three signed alike, with the vault's genesis and their keys: the content of a notice. */
export const BindingsShown = struct({
  keys: field(0, list(KeyChain, 3)),
  bindings: field(1, statements(3)),
  genesis: field(2, statement),
})
export type BindingsShown = Value<typeof BindingsShown>

export const BindingAnswer = struct({
  /** The trustee's signed `binding` that is in force. */
  binding: field(0, statement),
  /** A change that waits: asked for again from `due` on (seconds), it is made. */
  pending: optional(1, struct({ vault: field(0, hash32), due: field(1, uint()) })),
  /** Merges of the vault with others that hold. */
  linked: optional(2, list(LinkShown, WIRE_LIMITS.links)),
  /** Of a claimed identity: vaults in custody that were bound to it before, whose custodians have them to hand over. */
  before: optional(3, list(hash32, WIRE_LIMITS.links)),
})
export type BindingAnswer = Value<typeof BindingAnswer>
