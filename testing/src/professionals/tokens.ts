/** Signed tokens and SD-JWTs as issuers and wallets make them, wrong ones included: tests forge with these. */
import { createHash } from 'node:crypto'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'

export interface KeyPair {
  readonly algorithm: 'ES256' | 'EdDSA'
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export const keyPair = async (algorithm: 'ES256' | 'EdDSA' = 'ES256'): Promise<KeyPair> => {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { algorithm, privateKey, publicJwk: await exportJWK(publicKey) }
}

/** A compact token, signed by this key: `alg` is the key's unless the header says other. */
export const signToken = (header: Record<string, unknown>, payload: object, key: KeyPair): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: key.algorithm, ...header })
    .sign(key.privateKey)

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** Digests to hide claims behind, and the disclosures that open them (RFC 9901 section 4.2). */
export const hide = (
  hidden: Record<string, unknown>, random: (length: number) => Uint8Array,
): { digests: string[]; disclosures: string[] } => {
  const disclosures = Object.entries(hidden).map(([name, value]) => {
    const salt = Buffer.from(random(16)).toString('base64url')
    return Buffer.from(JSON.stringify([salt, name, value])).toString('base64url')
  })
  return { digests: disclosures.map(digestOf).toSorted(), disclosures }
}

interface SdJwtParts {
  readonly clear: Record<string, unknown>
  readonly hidden: Record<string, unknown>
  readonly key: KeyPair
  readonly header?: Record<string, unknown>
  readonly random: (length: number) => Uint8Array
}

/** An SD-JWT with all its disclosures, as an issuer gives it to a holder. */
export const sdJwt = async ({ clear, hidden, key, header = {}, random }: SdJwtParts): Promise<string> => {
  const { digests, disclosures } = hide(hidden, random)
  const issued = await signToken(
    { typ: 'dc+sd-jwt', ...header }, { ...clear, _sd: digests, _sd_alg: 'sha-256' }, key,
  )
  return `${[issued, ...disclosures].join('~')}~`
}
