/**
 * Ed25519 (RFC 8032) and ECDSA on P-256 through node:crypto. Key objects are kept for the keys seen last: parsing costs
 * as much as signing.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign as nodeSign, verify as nodeVerify } from 'node:crypto'

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const CACHED_KEYS = 4_096

const publicKeys = new Map<string, KeyObject>()

/** `prefix`: what DER has before the key, which tells the two kinds apart, as their lengths do. */
const publicKeyObject = (publicKey: Uint8Array, prefix: Buffer = SPKI): KeyObject => {
  const name = Buffer.from(publicKey).toString('latin1')
  const known = publicKeys.get(name)
  if (known !== undefined) return known
  const key = createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: 'der', type: 'spki' })
  if (publicKeys.size >= CACHED_KEYS) publicKeys.delete(publicKeys.keys().next().value as string)
  publicKeys.set(name, key)
  return key
}

/** A signer over a 32-byte seed. The seed is not kept. */
export const ed25519Signer = (seed: Uint8Array): ((message: Uint8Array) => Uint8Array) => {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return (message) => new Uint8Array(nodeSign(null, message, key))
}

export const ed25519PublicKey = (seed: Uint8Array): Uint8Array => {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  return new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length))
}

/** False on every malformed key or signature: both come from strangers. */
export const ed25519Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    return nodeVerify(null, message, publicKeyObject(publicKey), signature)
  } catch {
    return false
  }
}

/** As {@link ed25519Verify}, on another thread: a server goes on meanwhile. For one signature it takes longer. */
export const ed25519VerifyAside = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> =>
  new Promise((resolve) => {
    if (publicKey.length !== 32 || signature.length !== 64) return resolve(false)
    try {
      const key = publicKeyObject(publicKey)
      nodeVerify(null, message, key, signature, (error, holds) => resolve(error === null && holds))
    } catch {
      resolve(false)
    }
  })

const P256_SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex')

/** Half the order of P-256: of the two values of `s` that hold, the larger would be a second name of one gesture. */
const P256_HALF = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex')

/**
 * ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4): key `x ‖ y`, signature `r ‖ s` with the smaller `s`. False on
 * every malformed key or signature.
 */
export const es256Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== 64 || signature.length !== 64) return false
  if (Buffer.compare(signature.subarray(32), P256_HALF) > 0) return false
  try {
    const key = publicKeyObject(publicKey, P256_SPKI)
    return nodeVerify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false
  }
}
