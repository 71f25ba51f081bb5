/** The document of the desk's `did:web`: how wallets know that a request is this register's. */
import type { WalletOptions } from './reading.ts'

export const didDocument = (
  { did, key, publicJwk }: WalletOptions & { readonly publicJwk: Readonly<Record<string, unknown>> },
): Readonly<Record<string, unknown>> => ({
  '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
  id: did,
  verificationMethod: [{ id: key.kid, type: 'JsonWebKey', controller: did, publicKeyJwk: publicJwk }],
  assertionMethod: [key.kid],
})
