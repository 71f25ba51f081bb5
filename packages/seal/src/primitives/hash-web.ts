/** The same hashes where there is no node:crypto; WebCrypto's are asynchronous, which no Merkle tree can afford. */
import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js'

export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = nobleSha256.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const startSha256 = (): { update(piece: Uint8Array): void; digest(): Uint8Array } => {
  const hash = nobleSha256.create()
  return {
    update: (piece) => void hash.update(piece),
    digest: () => hash.digest(),
  }
}

export const hmacSha256 = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => {
  const mac = hmac.create(nobleSha256, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** HKDF-SHA-256, RFC 5869, extract and expand. */
export const hkdfSha256 = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  hkdf(nobleSha256, ikm, salt, info, length)

/**
 * HKDF-Expand with SHA-512, RFC 5869 section 2.3. Written out, because chunked-encryption expands from a 32-byte key
 * and the library's `expand` insists on a PRK as long as the hash.
 */
export const hkdfExpandSha512 = (prk: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
  const out = new Uint8Array(Math.ceil(length / 64) * 64)
  let previous: Uint8Array = new Uint8Array(0)
  for (let block = 1; (block - 1) * 64 < length; block++) {
    previous = hmac.create(sha512, prk).update(previous).update(info).update(Uint8Array.of(block)).digest()
    out.set(previous, (block - 1) * 64)
  }
  return out.subarray(0, length)
}
