/** Bodies about wraps of roots, PINs and recoveries: see `messages.ts`. */
import {
  bool, bytes, field, FORMAT_LIMITS, list, optional, SealedScalar, SealedShare, struct, uint, type Value,
} from '@scelle/seal/verify'
import { WIRE_LIMITS } from './limits.ts'

const hash32 = bytes(32)
const statement = bytes(1, FORMAT_LIMITS.statement)
const statements = (max: number) => list(statement, max)
const KeyChain = statements(FORMAT_LIMITS.keyChain)
/** An encoded `RecoverySet` or `PinSet`. */
const set = bytes(1, 1_024)
/** Cobblestone-256 of one chunk: all wraps have one length. */
const wrap = bytes(FORMAT_LIMITS.wrap + 72)

/** A wrap for the index, by a principal made for it alone. The next version of one that is there is one more. */
export const WrapToStore = struct({
  writer: field(0, statement), version: field(1, uint(0xffff_ffff)), wrap: field(2, wrap),
})
export type WrapToStore = Value<typeof WrapToStore>

export const StoredWrap = struct({ version: field(0, uint(0xffff_ffff)), wrap: field(1, wrap) })
export type StoredWrap = Value<typeof StoredWrap>

/** Somebody tries a PIN: the device's key asks, for a blinded point. */
export const PinTry = struct({
  keys: field(0, list(KeyChain, 1)), set: field(1, set), share: field(2, SealedScalar), blinded: field(3, hash32),
})
export type PinTry = Value<typeof PinTry>

/** `left`: tries that are left at this trustee, this one counted. */
export const PinEvaluation = struct({
  trustee: field(0, hash32), evaluated: field(1, hash32), proof: field(2, bytes(64)), left: field(3, uint()),
})
export type PinEvaluation = Value<typeof PinEvaluation>

/** Whoever knows the PIN has its tries forgotten: signed by the principal that it makes. */
export const PinKnown = struct({ keys: field(0, list(KeyChain, 1)), set: field(1, set), share: field(2, SealedScalar) })
export type PinKnown = Value<typeof PinKnown>

/** Content of a notice: two guardians' statements, their keys, and the set that names them. */
export const RecoveryShown = struct({
  keys: field(0, list(KeyChain, FORMAT_LIMITS.guardians)),
  recoveries: field(1, statements(FORMAT_LIMITS.guardians)),
  set: field(2, set),
})
export type RecoveryShown = Value<typeof RecoveryShown>

/** An owner's objection with its keys: content of a notice, and told to each trustee by itself. */
export const ObjectionShown = struct({ keys: field(0, list(KeyChain, 2)), objection: field(1, statement) })
export type ObjectionShown = Value<typeof ObjectionShown>

/** Whether the trustee had not given its part yet. */
export const ObjectionAnswer = struct({ inTime: field(0, bool) })
export type ObjectionAnswer = Value<typeof ObjectionAnswer>

/** The new device asks a trustee for its part. */
export const PartRequest = struct({
  keys: field(0, list(KeyChain, 1)),
  /** Of the case. */
  recovery: field(1, hash32),
  set: field(2, set),
  part: field(3, SealedShare),
})
export type PartRequest = Value<typeof PartRequest>

/** The part, sealed to the device; or from when on (seconds) it is to be asked for. */
export const PartAnswer = struct({
  trustee: field(0, hash32), part: optional(1, SealedShare), due: optional(2, uint()),
})
export type PartAnswer = Value<typeof PartAnswer>

/** Whoever asks is told of the recoveries of its own root. */
export const RecoveriesRequest = struct({ keys: field(0, list(KeyChain, 1)) })
export type RecoveriesRequest = Value<typeof RecoveriesRequest>

export const Recoveries = list(struct({
  recovery: field(0, hash32), set: field(1, hash32), device: field(2, hash32), due: field(3, uint()),
  ended: field(4, bool), released: field(5, bool),
}), WIRE_LIMITS.recoveries)
export type Recoveries = Value<typeof Recoveries>
