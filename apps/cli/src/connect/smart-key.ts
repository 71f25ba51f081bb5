/** The key that an edge knows an application of this machine by: made on first use, in a file of this user alone. */
import type { Io } from '../io.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' }

export interface SmartKey {
  readonly key: CryptoKey
  /** The public key as a JWK: what the edge's operator registers under `keys`. */
  readonly registered: string
}

export const smartKeyOf = async (io: Io, application: string): Promise<SmartKey> => {
  const file = ['connect', `${application}.smart.jwk`]
  const stored = await io.home.read(...file)
  const jwk = stored === undefined ? await made() : JSON.parse(new TextDecoder().decode(stored)) as JsonWebKey
  if (stored === undefined) await io.home.write(`${JSON.stringify(jwk)}\n`, ...file)
  const key = await crypto.subtle.importKey('jwk', jwk, ALGORITHM, false, ['sign'])
  const { kty, crv, x, y } = jwk
  return { key, registered: JSON.stringify({ kty, crv, x, y, alg: 'ES256' }) }
}

const made = async (): Promise<JsonWebKey> => {
  const { privateKey } = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', privateKey)
  return { kty, crv, x, y, d } as JsonWebKey
}
