/**
 * X-Wing public keys from seeds (draft-connolly-cfrg-xwing-kem section 5.2) through node:crypto. Derives, opens
 * nothing.
 */
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto'

const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
/** PKCS #8 of an ML-KEM-768 key given by its 64-byte seed, RFC 9935. */
const MLKEM_PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const MLKEM_PUBLIC = 1_184
const X25519_PUBLIC = 32

const publicBytes = (pkcs8: Buffer): Uint8Array =>
  createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })).export({ format: 'raw-public' })

/** The 1,216-byte public key of a 32-byte seed. */
export const xwingPublicKey = (seed: Uint8Array): Uint8Array => {
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest()
  const publicKey = new Uint8Array(MLKEM_PUBLIC + X25519_PUBLIC)
  publicKey.set(publicBytes(Buffer.concat([MLKEM_PKCS8, expanded.subarray(0, 64)])))
  publicKey.set(publicBytes(Buffer.concat([X25519_PKCS8, expanded.subarray(64)])), MLKEM_PUBLIC)
  return publicKey
}
