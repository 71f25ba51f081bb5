/**
 * X-Wing public keys from seeds (draft-connolly-cfrg-xwing-kem section 5.2) through node:crypto. Derives, opens
 * nothing.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex')
/** PKCS #8 of an ML-KEM-768 key given by its 64-byte seed, RFC 9935. */
const MLKEM_PKCS8 = Buffer.from('3054020100300b060960864801650304040204428040', 'hex')
const MLKEM_PUBLIC = 1_184
const X25519_PUBLIC = 32

interface Halves {
  readonly mlkem: KeyObject
  readonly x25519: KeyObject
}

/** A parsed ML-KEM key takes some kB: the last few vaults' worth. */
const REMEMBERED = 128

/** Public keys derived last, parsed, by the very array they were answered as: who made a vault seals to them next. */
const derived = new Map<Uint8Array, Halves>()

/** The parsed halves of a public key that was derived here; undefined for any other array. */
export const derivedKeys = (publicKey: Uint8Array): Halves | undefined => derived.get(publicKey)

const remember = (publicKey: Uint8Array, halves: Halves): void => {
  if (derived.size >= REMEMBERED) derived.delete(derived.keys().next().value as Uint8Array)
  derived.set(publicKey, halves)
}

const publicOf = (pkcs8: Buffer): KeyObject =>
  createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))

/** The 1,216-byte public key of a 32-byte seed. */
export const xwingPublicKey = (seed: Uint8Array): Uint8Array => {
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest()
  const mlkem = publicOf(Buffer.concat([MLKEM_PKCS8, expanded.subarray(0, 64)]))
  const x25519 = publicOf(Buffer.concat([X25519_PKCS8, expanded.subarray(64)]))
  const publicKey = new Uint8Array(MLKEM_PUBLIC + X25519_PUBLIC)
  publicKey.set(mlkem.export({ format: 'raw-public' }))
  publicKey.set(x25519.export({ format: 'raw-public' }), MLKEM_PUBLIC)
  remember(publicKey, { mlkem, x25519 })
  return publicKey
}
