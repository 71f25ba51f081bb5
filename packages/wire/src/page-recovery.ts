/**
 * What house and passkey page pass to each other about guardians: see `passkey-page.ts`. The house hands on what is
 * sealed or public; none of it is believed for coming from the house.
 */
import {
  bytes, choice, field, FORMAT_LIMITS, list, optional, Passkey, struct, text, type Value,
} from '@scelle/seal/verify'
import { PAGE_LIMITS } from './limits.ts'
import { KeyChain } from './messages.ts'

/** What people do about guardians, in the order in which it comes. */
export const GUARDIAN_TASKS = [
  'guardian-key', 'name-guardians', 'guard', 'try-guardians', 'object', 'begin-recovery', 'release-share',
  'recover-by-guardians',
] as const
export type GuardianTask = (typeof GUARDIAN_TASKS)[number]

/** Somebody who shall guard: the house's name for them, and their own principal's key records. */
export const NamedGuardian = struct({ name: field(0, text(FORMAT_LIMITS.name)), chain: field(1, KeyChain) })
export type NamedGuardian = Value<typeof NamedGuardian>

/** Where a trustee is, by the house's word, and its key records, of an id that the page has been built with. */
export const TrusteeAt = struct({ url: field(0, text(PAGE_LIMITS.returnTo)), chain: field(1, KeyChain) })
export type TrusteeAt = Value<typeof TrusteeAt>

/** A recovery that a new passkey began. Its secrets follow from that passkey; this is public. */
export const BegunRecovery = struct({
  passkey: field(0, Passkey),
  nonce: field(1, bytes(16)),
  /** An encoded `RecoveryAsk`, which guardians compare by its twenty digits. */
  ask: field(2, bytes(1, FORMAT_LIMITS.statement)),
})
export type BegunRecovery = Value<typeof BegunRecovery>

/** The paths that a house passes such requests on to: it is no way to anywhere else. */
export const PAGE_CALLS = ['/v1/recoveries/parts', '/v1/pins/evaluations', '/v1/pins/known'] as const

/** A request to a trustee that the page signed, as it has no network. It is fresh for a minute, and good once. */
export const PageCall = struct({
  trustee: field(0, bytes(32)),
  path: field(1, choice(PAGE_CALLS)),
  body: field(2, bytes(1, PAGE_LIMITS.call)),
  /** Header fields (RFC 9421, RFC 9530). */
  input: field(3, text(1_024)),
  signature: field(4, text(256)),
  digest: field(5, text(128)),
})
export type PageCall = Value<typeof PageCall>

/** What a trustee answered, as it came: an encoded `PartAnswer`, or `PinEvaluation`. */
export const CallAnswer = struct({ trustee: field(0, bytes(32)), body: field(1, bytes(1, PAGE_LIMITS.callAnswer)) })
export type CallAnswer = Value<typeof CallAnswer>

/** Where a device's key and a PIN unlock: the trustees who count, and on the second visit what they answered. */
export const PinAsked = struct({
  trustees: field(0, list(TrusteeAt, 3)),
  state: optional(1, bytes(1, PAGE_LIMITS.pinState)),
  heard: optional(2, list(CallAnswer, 3)),
})
export type PinAsked = Value<typeof PinAsked>

/** A PIN was typed: what the trustees are asked, and what this device needs to understand their answers. */
export const PinAnswered = struct({
  state: field(0, bytes(1, PAGE_LIMITS.pinState)), calls: field(1, list(PageCall, 3)),
})
export type PinAnswered = Value<typeof PinAnswered>

const statement = bytes(1, FORMAT_LIMITS.statement)
/** An encoded `RecoverySet`. */
const set = bytes(1, 1_024)
/** An encoded `GuardianPacket`. */
const packet = bytes(1, PAGE_LIMITS.packet)
const guardians = FORMAT_LIMITS.guardians

/** Of a request about guardians: each task takes some of these, and stops without them. */
export const GuardingAsked = struct({
  guardians: optional(0, list(NamedGuardian, guardians)),
  trustees: optional(1, list(TrusteeAt, 3)),
  packet: optional(2, packet),
  set: optional(3, set),
  /** What guardians read in their packets. */
  codes: optional(4, list(bytes(16), guardians)),
  begun: optional(5, BegunRecovery),
  /** Of guardians: encoded `GuardianAnswer`s. */
  answers: optional(6, list(statement, guardians)),
  heard: optional(7, list(CallAnswer, 3)),
  /** The case that its owner stops. Absent: these guardians are to guard no more. */
  recovery: optional(8, bytes(32)),
})
export type GuardingAsked = Value<typeof GuardingAsked>

/** Of an answer about guardians. */
export const GuardingAnswered = struct({
  /** Key records of a guardian's own principal. */
  key: optional(0, KeyChain),
  set: optional(1, set),
  /** In the order of the set's guardians. */
  packets: optional(2, list(packet, guardians)),
  code: optional(3, bytes(16)),
  /** Every guardian opened its packet, as the owner's page found. */
  held: optional(4, bytes(32)),
  begun: optional(5, BegunRecovery),
  answer: optional(6, statement),
  calls: optional(7, list(PageCall, 3)),
})
export type GuardingAnswered = Value<typeof GuardingAnswered>
