/**
 * Statements by which trustees keep one key for finding a patient's vault, none of them holding it. As in
 * `statements.ts`, which has the kinds: times are seconds since 1970 UTC, ids 32 bytes unless they say otherwise, and
 * field numbers are never reused. Points and scalars are ristretto255's, RFC 9496, 32 bytes.
 */
import { bool, bytes, field, list, optional, struct, uint, type Value } from './encoding/schema.ts'

const hash32 = bytes(32)
const id16 = bytes(16)
const point = bytes(32)
const time = uint()
const suite = uint(0xffff)
const generation = uint(0xffff_ffff)

/** One trustee's part in making or renewing the key: a line in the exponent, and its value sealed to each trustee. */
export const Dealing = struct({
  suite: field(0, suite),
  /** Drawn by whoever asked for it: dealings of two ceremonies do not mix. */
  ceremony: field(1, id16),
  /** 0 makes the key; each later one renews the shares of the same key. */
  generation: field(2, generation),
  /** In their order: the first has the line's value at 1, the second at 2, the third at 3. */
  trustees: field(3, list(hash32, 3)),
  /** The line's value at 0 and its slope, times the base point (Feldman). */
  commitments: field(4, list(point, 2)),
  /** That the dealer knows the value at 0: a proof of RFC 9497 over a point made of this dealing. */
  possession: field(5, struct({ evaluated: field(0, point), proof: field(1, bytes(64)) })),
  /** One for each trustee, in their order. */
  sealed: field(6, list(struct({ enc: field(0, bytes(1120)), share: field(1, bytes(48)) }), 3)),
  time: field(7, time),
})
export type Dealing = Value<typeof Dealing>

/** What three trustees made together. Each signs the same body, and none does where it has to complain. */
export const DiscoveryKey = struct({
  suite: field(0, suite),
  generation: field(1, generation),
  trustees: field(2, list(hash32, 3)),
  publicKey: field(3, point),
  /** Each trustee's own, in their order: its evaluations are proven against it. */
  publicShares: field(4, list(point, 3)),
  /** Statement ids of the dealings, in the order of the trustees. */
  dealings: field(5, list(hash32, 3)),
  /** When the last of them was dealt. */
  time: field(6, time),
})
export type DiscoveryKey = Value<typeof DiscoveryKey>

/** A listed issuer's word that it saw who somebody is. Without one, nobody becomes the owner of a vault by claiming. */
export const IdentityProof = struct({
  suite: field(0, suite),
  /** Whose keys: the vault's owner to be. */
  subject: field(1, hash32),
  /** Of the identity that was proven, as the issuer found it itself. */
  pseudonym: field(2, hash32),
  /** Seen in person. Otherwise a claim waits 72 hours. */
  inPerson: field(3, bool),
  notBefore: field(4, time),
  expires: field(5, time),
  nonce: field(6, id16),
  /** One vault alone. */
  vault: optional(7, hash32),
})
export type IdentityProof = Value<typeof IdentityProof>
