/**
 * Professional status as an SD-JWT VC: what a listed register says of a person, shown by that person alone. It carries
 * the meter id, by which trustees count, and never the register number, which anybody could look up.
 */
import { PERSON_ROLES } from '@scelle/seal/verify'
import type { JWK } from 'jose'
import { fromBase64url, type JsonObject, memberOf, objectOf, secondsOf, textOf } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import type { PersonRole } from './roles.ts'
import { disclosedClaims, parsePresentation, verifyKeyBinding } from './sd-jwt.ts'
import type { StatusLists, StatusReference } from './status-list.ts'
import { type Issuer, issuerKey, publicJwk, verifyToken } from './token.ts'

export { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from './errors.ts'
export { type PersonRole, type Practice, roleOf } from './roles.ts'
export type { Issuer } from './token.ts'
export type { StatusReference } from './status-list.ts'

/** The type of the credential (`vct`): the only one that is accepted. */
export const PROFESSIONAL_TYPE = 'https://scelle.health/credentials/professional/1'
/** What is asked of a holder, and all that it may show. The register number is there too, and is never asked for. */
export const PROFESSIONAL_CLAIMS = ['role', 'meter', 'organisation'] as const
/** What an issuer must sign in clear (SD-JWT VC section 2.2.2.2): a holder must not decide whether it counts. */
const ALWAYS_CLEAR = ['iss', 'nbf', 'exp', 'cnf', 'vct', 'status']
const CREDENTIAL_TOKEN_TYPE = 'dc+sd-jwt'

/** What a register says of a person. */
export interface Professional {
  readonly issuer: string
  readonly role: PersonRole
  /** 32 bytes: whom it is counted as, at every employer. */
  readonly meter: Uint8Array
  /** 32 bytes: the principal id of the organisation that this practice is at. */
  readonly organisation: Uint8Array | undefined
  /** The holder's public key. */
  readonly key: JWK
  /** Seconds since 1970. */
  readonly notBefore: number
  readonly expires: number
  /** To be checked again with `StatusLists.check` for as long as anything rests on this. */
  readonly status: StatusReference
}

export interface Expected {
  readonly issuers: readonly Issuer[]
  /** Who we are to the wallet: what the holder's signature must name. */
  readonly audience: string
  /** Ours, for this request alone; the caller sees to it that none is answered twice. */
  readonly nonce: string
  readonly statuses: StatusLists
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const id32 = (text: string | undefined): Uint8Array | undefined => {
  const bytes = text === undefined ? undefined : fromBase64url(text)
  if (bytes !== undefined && bytes.length !== 32) throw new CredentialError('claims-invalid')
  return bytes
}

const statusOf = (claims: JsonObject): StatusReference | undefined => {
  const list = objectOf(objectOf(claims, 'status') ?? {}, 'status_list') ?? {}
  const [uri, index] = [textOf(list, 'uri'), secondsOf(list, 'idx')]
  return uri === undefined || index === undefined ? undefined : { uri, index }
}

/** The times of a credential: one without an end would be worth stealing for ever. */
const checkTimes = (claims: JsonObject, now: number): { notBefore: number; expires: number } => {
  const expires = secondsOf(claims, 'exp')
  const notBefore = secondsOf(claims, 'nbf') ?? secondsOf(claims, 'iat')
  if (expires === undefined || notBefore === undefined) throw new CredentialError('claims-invalid')
  if (notBefore > now + CREDENTIAL_LIMITS.skew) throw new CredentialError('not-yet-valid')
  if (expires <= now) throw new CredentialError('expired')
  return { notBefore, expires }
}

const professionalOf = (claims: JsonObject, issuer: Issuer, now: number): Professional => {
  const role = PERSON_ROLES.find((known) => known === memberOf(claims, 'role'))
  const [meter, status] = [id32(textOf(claims, 'meter')), statusOf(claims)]
  const key = objectOf(objectOf(claims, 'cnf') ?? {}, 'jwk')
  if (role === undefined || meter === undefined || status === undefined || key === undefined) {
    throw new CredentialError('claims-invalid')
  }
  const organisation = id32(textOf(claims, 'organisation'))
  return {
    issuer: issuer.name, role, meter, organisation, key: publicJwk(key), status, ...checkTimes(claims, now),
  }
}

/**
 * Verifies a presentation of professional status, everything included: issuer, disclosures, holder, time, and that the
 * issuer has not taken it back. ES256 and EdDSA, by the issuer's listed key and the holder's key in the credential.
 *
 * RFC 9901 section 7, SD-JWT VC section 2, Token Status List section 8.3.
 *
 * @throws CredentialError with the first thing that does not hold
 */
export const verifyProfessional = async (presentation: string, expected: Expected): Promise<Professional> => {
  const now = expected.now() / 1000
  const parsed = parsePresentation(presentation)
  const { header, payload } = parsed.issued
  const issuer = expected.issuers.find(({ name }) => name === textOf(payload, 'iss'))
  if (issuer === undefined) throw new CredentialError('issuer-unknown')
  await verifyToken(parsed.issued, await issuerKey(issuer, header), CREDENTIAL_TOKEN_TYPE)
  if (textOf(payload, 'vct') !== PROFESSIONAL_TYPE) throw new CredentialError('type-unexpected')
  const claims = disclosedClaims(parsed)
  if (ALWAYS_CLEAR.some((name) => Object.hasOwn(claims, name) !== Object.hasOwn(payload, name))) {
    throw new CredentialError('disclosure-invalid')
  }
  const shown = Object.keys(claims).filter((name) => !Object.hasOwn(payload, name))
  const asked: readonly string[] = PROFESSIONAL_CLAIMS
  if (shown.some((name) => !asked.includes(name))) throw new CredentialError('over-disclosed')
  const professional = professionalOf(claims, issuer, now)
  const binding = { audience: expected.audience, nonce: expected.nonce, now }
  await verifyKeyBinding(parsed, professional.key, binding)
  await expected.statuses.check(issuer, professional.status)
  return professional
}
