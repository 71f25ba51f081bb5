/** Whose session it is, for which house, and until when: from statements alone, by whoever is shown them. */
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { type KnownSession, Session, SessionRequest, SignOut } from '../sessions.ts'
import { Passkey, type Signed } from '../statements.ts'
import { equalBytes, toHex } from './bytes.ts'
import {
  decodeSigned, type PrincipalKeys, requireCurrentKey, requireSuite, statementId, verifySigned,
} from './identity.ts'

const invalid = (what: string): never => {
  throw new SealError('session-invalid', `${what}; sign in again`)
}

/** The house and the person that a session names, before anything is verified. Throws `encoding-…`. */
export const partiesOfSession = (signed: Uint8Array): { readonly person: Uint8Array; readonly house: Uint8Array } => {
  const { signer, body } = decodeSigned('session', signed)
  return { person: signer, house: decodeSigned('session-request', decode(Session, body).request).signer }
}

/** `new`: it is to be acted on now. `listed`: it was, and keys and passkeys may have been replaced since. */
export type When = 'new' | 'listed'

/**
 * The passkey that signed; of a new session, if the newest record still has it just so. Found by its credential alone,
 * one that can be copied would count as bound to its device as soon as a later record said so.
 */
const goodPasskey = (
  { keyVersion, assertion }: Signed, { records, current }: PrincipalKeys, when: When,
): Passkey | undefined => {
  const used = records[keyVersion]?.passkeys
    ?.find(({ credential }) => assertion !== undefined && equalBytes(credential, assertion.credential))
  if (used === undefined || when === 'listed') return used
  const encoded = encode(Passkey, used)
  return current.passkeys?.find((one) => equalBytes(encode(Passkey, one), encoded))
}

/**
 * Verifies a session by the newest keys that one knows of both: a passkey that was taken out of the person's key record
 * carries nothing any more. When it is good is left to {@link requireLive}. Throws `session-invalid`,
 * `assertion-invalid`, `signature-invalid`, `principal-mismatch`.
 */
export const verifySession = async (
  signed: Uint8Array, { person, house }: { readonly person: PrincipalKeys; readonly house: PrincipalKeys },
  when: When = 'new',
): Promise<KnownSession> => {
  const { signed: outer, body, id } = await verifySigned('session', signed, person)
  const passkey = goodPasskey(outer, person, when)
  if (person.kind !== 'person' || passkey === undefined) return invalid('the passkey of a session is not good any more')
  const session = decode(Session, body)
  requireSuite(session)
  const { body: asked, signed: request } = await verifySigned('session-request', session.request, house)
  if (when === 'new') requireCurrentKey(request, house)
  const wish = decode(SessionRequest, asked)
  requireSuite(wish)
  if (house.kind !== 'organisation' && house.kind !== 'vendor') invalid('a session is of a house')
  if (!equalBytes(wish.principal, person.id)) invalid('a session was asked of somebody else')
  if (wish.expires <= wish.notBefore || wish.expires - wish.notBefore > LIMITS.sessionSeconds) {
    invalid('a session lasts ten hours at most')
  }
  const { audience, key, device, purposes, notBefore, expires } = wish
  return {
    id, principal: person.id, house: house.id, audience, key, device, purposes, notBefore, expires,
    credential: passkey.credential, deviceBound: passkey.deviceBound,
  }
}

/** `now`: seconds; `skew`: by how many clocks may differ. Throws `session-expired`, `session-invalid`. */
export const requireLive = (
  session: KnownSession, { audience, now, skew }: { audience: Uint8Array; now: number; skew: number },
): void => {
  if (!equalBytes(session.audience, audience)) invalid('a session is of another network')
  if (now < session.notBefore - skew || now >= session.expires) {
    throw new SealError('session-expired', 'the session is over, or has not begun; sign in again')
  }
}

/** Names whoever signed, and the session in which they did: two sessions of one person are two. */
export const actorOf = ({ signer, session }: Pick<Signed, 'signer' | 'session'>): string =>
  `${toHex(signer)}${session === undefined ? '' : `/${toHex(statementId(session))}`}`

/** The person's keys as whoever holds the session acts with them: requests are signed by the session's. */
export const underSession = (person: PrincipalKeys, session: KnownSession): PrincipalKeys => {
  if (!equalBytes(person.id, session.principal)) return invalid('a session is of somebody else')
  return { ...person, current: { ...person.current, signingKey: session.key }, session }
}

/** Finds a principal's newest verified keys. */
export type FindKeys = (principal: Uint8Array) => Promise<PrincipalKeys> | PrincipalKeys

/**
 * The signer's keys as the statement was signed: those of its session, where it was signed in one. Whether the session
 * was live is not looked at. Throws as {@link verifySession}, and what `find` throws.
 */
export const actingKeys = async (
  signed: Pick<Signed, 'signer' | 'session'>, find: FindKeys, when: When = 'new',
): Promise<PrincipalKeys> => {
  const person = await find(signed.signer)
  if (signed.session === undefined) return person
  const parties = partiesOfSession(signed.session)
  return underSession(person, await verifySession(signed.session, { person, house: await find(parties.house) }, when))
}

/** Which sessions a sign-out ends. */
export const endsSession = (
  { principal, before, session }: SignOut, of: Pick<KnownSession, 'id' | 'principal' | 'notBefore'>,
): boolean => equalBytes(principal, of.principal) &&
  (session === undefined ? of.notBefore < before : equalBytes(session, of.id))

/**
 * A person's word that sessions are over: by its key, a passkey, or a session of its own. Throws `signature-invalid`,
 * `principal-mismatch`, `assertion-invalid`.
 */
export const verifySignOut = async (
  signed: Uint8Array, person: PrincipalKeys,
): Promise<{ readonly signOut: SignOut; readonly id: Uint8Array }> => {
  const { body, id } = await verifySigned('sign-out', signed, person)
  const signOut = decode(SignOut, body)
  requireSuite(signOut)
  if (!equalBytes(signOut.principal, person.id)) {
    throw new SealError('principal-mismatch', 'nobody signs somebody else out')
  }
  return { signOut, id }
}
