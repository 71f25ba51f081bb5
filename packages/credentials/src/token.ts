/** Compact JWS (RFC 7515) under a key that we chose, with the algorithm of that key: neither comes from the token. */
import { compactVerify, type CryptoKey, importJWK, type JWK } from 'jose'
import { fromBase64url, type JsonObject, memberOf, parseObject, textOf } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'

export const ALGORITHMS = ['ES256', 'EdDSA'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** A public key and the one algorithm that it is for. */
export interface VerificationKey {
  readonly algorithm: Algorithm
  readonly key: CryptoKey
}

/** A listed issuer: its name in `iss`, its public keys, and where its status lists may be. */
export interface Issuer {
  readonly name: string
  /** Public keys by their `kid`. */
  readonly keys: Readonly<Record<string, JWK>>
  /** Where the issuer's status lists are fetched from: addresses that begin with one of these. */
  readonly statusLists: readonly string[]
}

const COORDINATE = 32

/**
 * A public P-256 or Ed25519 key (RFC 7518 section 6.2, RFC 8037 section 2) without anything else that a JWK may hold:
 * whoever sends a private key by mistake is told so, and `alg`, `use` and addresses of certificates decide nothing.
 *
 * @throws CredentialError `key-unknown`
 */
export const publicJwk = (jwk: JsonObject): JWK => {
  const [kty, crv, x, y] = ['kty', 'crv', 'x', 'y'].map((name) => textOf(jwk, name))
  const isCoordinate = (text: string | undefined): text is string =>
    text !== undefined && fromBase64url(text).length === COORDINATE
  if (memberOf(jwk, 'd') !== undefined || !isCoordinate(x)) throw new CredentialError('key-unknown')
  if (kty === 'OKP' && crv === 'Ed25519') return { kty, crv, x }
  if (kty === 'EC' && crv === 'P-256' && isCoordinate(y)) return { kty, crv, x, y }
  throw new CredentialError('key-unknown')
}

/** @throws CredentialError `key-unknown` */
export const importPublicKey = async (jwk: JsonObject): Promise<VerificationKey> => {
  const clean = publicJwk(jwk)
  const algorithm = clean.kty === 'EC' ? 'ES256' : 'EdDSA'
  try {
    return { algorithm, key: (await importJWK(clean, algorithm)) as CryptoKey }
  } catch (cause) {
    // A point that is not on the curve.
    throw new CredentialError('key-unknown', undefined, { cause })
  }
}

export interface Token {
  readonly header: JsonObject
  readonly payload: JsonObject
  readonly compact: string
}

/**
 * A compact token, parsed and not verified: for finding the key to verify it with, and nothing else.
 *
 * @throws CredentialError `too-large`, `encoding-invalid`
 */
export const parseToken = (compact: string, limit: number = CREDENTIAL_LIMITS.token): Token => {
  if (compact.length > limit) throw new CredentialError('too-large')
  const parts = compact.split('.')
  const [header = '', payload = '', signature = ''] = parts
  // jose decodes leniently, so the strict reading stands before it.
  if (parts.length !== 3 || fromBase64url(signature).length !== 2 * COORDINATE) {
    throw new CredentialError('encoding-invalid')
  }
  return { header: parseObject(fromBase64url(header)), payload: parseObject(fromBase64url(payload)), compact }
}

/**
 * Verifies a parsed token: its type, then its signature by this key and the key's own algorithm. `alg: none`, a public
 * key used as an HMAC secret, and a key that the token brings along (`jwk`, `x5c`) get nowhere from here.
 *
 * @throws CredentialError `type-unexpected`, `algorithm-refused`, `signature-invalid`
 */
export const verifyToken = async (token: Token, { algorithm, key }: VerificationKey, type: string): Promise<void> => {
  // No extension is understood: one that says it must be (RFC 7515 section 4.1.11) may change what was signed.
  const isPlain = memberOf(token.header, 'crit') === undefined && memberOf(token.header, 'b64') === undefined
  if (!isPlain || textOf(token.header, 'typ') !== type) throw new CredentialError('type-unexpected')
  if (textOf(token.header, 'alg') !== algorithm) throw new CredentialError('algorithm-refused')
  try {
    await compactVerify(token.compact, key, { algorithms: [algorithm] })
  } catch (cause) {
    throw new CredentialError('signature-invalid', undefined, { cause })
  }
}

/**
 * The key that a listed issuer signs with. Without a `kid` it must have exactly one.
 *
 * @throws CredentialError `key-unknown`
 */
export const issuerKey = (issuer: Issuer, header: JsonObject): Promise<VerificationKey> => {
  const kid = memberOf(header, 'kid')
  const names = Object.keys(issuer.keys)
  const name = kid === undefined && names.length === 1 ? names[0] : kid
  const jwk = typeof name === 'string' && Object.hasOwn(issuer.keys, name) ? issuer.keys[name] : undefined
  if (jwk === undefined) throw new CredentialError('key-unknown')
  return importPublicKey(jwk)
}
