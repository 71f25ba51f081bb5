/**
 * How a person's root secret is kept by its wraps, and who may give back what is missing of it. As in `statements.ts`,
 * which has the kinds: times are seconds since 1970 UTC, ids 32 bytes unless they say otherwise, and field numbers are
 * never reused.
 */
import { bytes, choice, field, list, optional, struct, text, uint, type Value } from './encoding/schema.ts'
import { LIMITS } from './limits.ts'

const hash32 = bytes(32)
const id16 = bytes(16)
const time = uint()
const suite = uint(0xffff)
const sealedTo = (length: number) => struct({ enc: field(0, bytes(1120)), sealed: field(1, bytes(length)) })

/** A share of 33 bytes, or a scalar of 32, sealed by HPKE to one holder. */
export const SealedShare = sealedTo(49)
export type SealedShare = Value<typeof SealedShare>
export const SealedScalar = sealedTo(48)
export type SealedScalar = Value<typeof SealedScalar>

/**
 * Who gives back a root together: two of three guardians, and two of three trustees. Each seal of a part is bound to
 * the hash of all of it, so whoever shows a trustee other guardians, or another owner, has it open nothing.
 */
export const RecoverySet = struct({
  suite: field(0, suite),
  /** Who may object: told of every recovery. */
  owner: field(1, hash32),
  guardians: field(2, list(hash32, LIMITS.guardians)),
  /** Commitments to the guardians' shares, in their order. */
  shareCommitments: field(3, list(hash32, LIMITS.guardians)),
  trustees: field(4, list(hash32, 3)),
  /** Commitments to the trustees' parts, in their order. */
  partCommitments: field(5, list(hash32, 3)),
  time: field(6, time),
  salt: field(7, id16),
})
export type RecoverySet = Value<typeof RecoverySet>

/** Two guardians say that an owner has lost everything, and which device is the new one. They sign the same body. */
export const Recovery = struct({
  suite: field(0, suite),
  /** Hash of the encoded {@link RecoverySet}. */
  set: field(1, hash32),
  owner: field(2, hash32),
  /** Principal id of the new device: what is given back is sealed to its keys. */
  device: field(3, hash32),
  time: field(4, time),
  nonce: field(5, id16),
})
export type Recovery = Value<typeof Recovery>

/** The owner is there and stops a recovery; or ends a set of guardians for good, where no recovery is named. */
export const Objection = struct({
  suite: field(0, suite),
  owner: field(1, hash32),
  set: field(2, hash32),
  /** Hash of the recovery's body: see `recoveryCase`. */
  recovery: optional(3, hash32),
  time: field(4, time),
  nonce: field(5, id16),
})
export type Objection = Value<typeof Objection>

/**
 * A key of RFC 9497's VOPRF for one PIN alone, dealt to the trustees by whoever chose the PIN. Each scalar is bound to
 * the hash of all of it.
 */
export const PinSet = struct({
  suite: field(0, suite),
  trustees: field(1, list(hash32, 3)),
  /** Their public shares, in their order: points of ristretto255. */
  publicShares: field(2, list(hash32, 3)),
  /** Who may try: the principal of the device's key. */
  asker: field(3, hash32),
  /** Who knows the PIN: the principal made of what the PIN evaluates to. It has the tries forgotten. */
  knower: field(4, hash32),
  salt: field(5, id16),
})
export type PinSet = Value<typeof PinSet>

/**
 * `passkey`: its PRF output. `printed`: an age identity on paper. `guardians`: people. `device`: a key that the browser
 * does not give out, and a PIN. `list`: of the root itself, what wraps there are.
 */
export const WRAP_METHODS = ['passkey', 'printed', 'guardians', 'device', 'list'] as const
export type WrapMethod = (typeof WRAP_METHODS)[number]

/** One wrap, as it is sealed and padded: the index sees neither its kind nor whose it is. */
export const Wrap = struct({
  suite: field(0, suite),
  method: field(1, choice(WRAP_METHODS)),
  time: field(2, time),
  salt: field(3, id16),
  /** Of the root, under `salt`: what comes out is held against it, however it came together. */
  check: field(4, hash32),
  /** Of a passkey: the root itself. */
  root: optional(5, hash32),
  /** Of a printed sheet: an age file. */
  file: optional(6, bytes(1, LIMITS.ageFile)),
  /** Of guardians: set, the trustees' sealed parts in their order, the sealed root. */
  guardians: optional(7, struct({
    set: field(0, bytes(1, 1_024)), parts: field(1, list(SealedShare, 3)), sealed: field(2, bytes(48)),
  })),
  /** Of a device with a PIN: set, the trustees' sealed scalars in their order, the sealed root. */
  pin: optional(8, struct({
    set: field(0, bytes(1, 1_024)), shares: field(1, list(SealedScalar, 3)), sealed: field(2, bytes(48)),
  })),
  /** Of the list. */
  entries: optional(9, list(struct({
    method: field(0, choice(WRAP_METHODS)),
    /** Of the thing or people that it takes: wraps in one place are lost together. */
    place: field(1, id16),
    /** What its owner calls it. */
    name: field(2, text(100)),
    /** Where it is, and who may write over it: to empty it without the thing itself. What opens it is not here. */
    locator: field(3, hash32),
    writer: field(4, hash32),
    time: field(5, time),
    /** Of guardians: hash of their set. */
    set: optional(6, hash32),
  }), LIMITS.wraps)),
})
export type Wrap = Value<typeof Wrap>
export type WrapEntry = NonNullable<Wrap['entries']>[number]

/** What a guardian keeps, opened. */
export const GuardianShare = struct({
  suite: field(0, suite),
  /** An encoded {@link RecoverySet}. */
  set: field(1, bytes(1, 1_024)),
  /** Where the wrap is, and what opens its outside: to read it, and not to write over it. */
  locator: field(2, hash32),
  key: field(3, hash32),
  share: field(4, bytes(33)),
  /** Told back to the owner at enrolment: proof that the guardian opened this. */
  rehearsal: field(5, id16),
  /** Whom it is about, in words for the guardian. */
  name: field(6, text(LIMITS.name)),
})
export type GuardianShare = Value<typeof GuardianShare>

/** The same, as it is handed over. */
export const GuardianPacket = struct({
  suite: field(0, suite),
  guardian: field(1, hash32),
  enc: field(2, bytes(1120)),
  sealed: field(3, bytes(17, 2_048)),
})
export type GuardianPacket = Value<typeof GuardianPacket>

/** What a guardian answers to a new device: its signed `recovery`, and what it keeps, sealed to that device. */
export const GuardianAnswer = struct({
  suite: field(0, suite),
  guardian: field(1, hash32),
  recovery: field(2, bytes(1, LIMITS.statement)),
  enc: field(3, bytes(1120)),
  sealed: field(4, bytes(17, 2_048)),
})
export type GuardianAnswer = Value<typeof GuardianAnswer>

/** What a new device asks its guardians for: both have to sign the same body. */
export const RecoveryAsk = struct({
  suite: field(0, suite),
  /** The device's signed genesis record. */
  device: field(1, bytes(1, LIMITS.statement)),
  time: field(2, time),
  nonce: field(3, id16),
})
export type RecoveryAsk = Value<typeof RecoveryAsk>
