/**
 * Statements about people's sessions, and about who is no longer what somebody said. As in `statements.ts`, which has
 * the kinds: times are seconds since 1970 UTC, ids 32 bytes unless they say otherwise, and field numbers are never
 * reused.
 */
import { bytes, choice, field, list, optional, struct, text, uint, type Value } from './encoding/schema.ts'
import { LIMITS } from './limits.ts'
import { PURPOSES } from './statements.ts'

const hash32 = bytes(32)
const id16 = bytes(16)
const time = uint()
const suite = uint(0xffff)

/**
 * A house asks somebody of its people for a session under a key that it has just made. Signed by the house: nobody else
 * could have a person agree to a key of theirs in the house's name.
 */
export const SessionRequest = struct({
  suite: field(0, suite),
  /** Principal id of the index whose network it is for: good in no other one. */
  audience: field(1, hash32),
  /** Whose session. */
  principal: field(2, hash32),
  /** Ed25519, held in the house's memory and nowhere else. */
  key: field(3, bytes(32)),
  /** SHA-256 thumbprint (RFC 7638) of the key that the person's application proves with each request. */
  device: field(4, hash32),
  purposes: field(5, list(choice(PURPOSES), PURPOSES.length)),
  notBefore: field(6, time),
  expires: field(7, time),
  salt: field(8, id16),
})
export type SessionRequest = Value<typeof SessionRequest>

/** The person agrees: always an assertion by a passkey. */
export const Session = struct({
  suite: field(0, suite),
  /** The signed {@link SessionRequest}. */
  request: field(1, bytes(1, LIMITS.session)),
})
export type Session = Value<typeof Session>

/** A session whose person and house both signed. */
export interface KnownSession {
  /** Statement id. */
  readonly id: Uint8Array
  readonly principal: Uint8Array
  /** Of which house its person acts. */
  readonly house: Uint8Array
  readonly audience: Uint8Array
  /** Ed25519. */
  readonly key: Uint8Array
  readonly device: Uint8Array
  readonly purposes: SessionRequest['purposes']
  /** Seconds. */
  readonly notBefore: number
  readonly expires: number
  /** The passkey that it rests on, and whether that cannot leave its device. */
  readonly credential: Uint8Array
  readonly deviceBound: boolean
}

/** Sessions of a person that began before a time are over, everywhere; or one of them. */
export const SignOut = struct({
  suite: field(0, suite),
  principal: field(1, hash32),
  before: field(2, time),
  /** Statement id of the one session that ends; all of them where absent. */
  session: optional(3, hash32),
  salt: field(4, id16),
})
export type SignOut = Value<typeof SignOut>

/** A listed issuer takes back what it said of a principal: no status of it that was signed before counts any more. */
export const Withdrawal = struct({
  suite: field(0, suite),
  subject: field(1, hash32),
  time: field(2, time),
  salt: field(3, id16),
})
export type Withdrawal = Value<typeof Withdrawal>

/** What a publisher released: whoever is served anything else under that origin can show it. */
export const Software = struct({
  suite: field(0, suite),
  name: field(1, text(LIMITS.name)),
  version: field(2, text(LIMITS.name)),
  /** Where it is served, as browsers write it. */
  origin: optional(3, text(LIMITS.origin)),
  files: field(4, list(struct({ path: field(0, text(LIMITS.path)), sha256: field(1, hash32) }), LIMITS.softwareFiles)),
  time: field(5, time),
  salt: field(6, id16),
})
export type Software = Value<typeof Software>
