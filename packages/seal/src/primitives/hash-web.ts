/** The same hashes where there is no node:crypto; WebCrypto's are asynchronous, which no Merkle tree can afford. */
import { expand, hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256, sha512 } from '@noble/hashes/sha2.js'

export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = nobleSha256.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const hmacSha256 = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => {
  const mac = hmac.create(nobleSha256, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** HKDF-SHA-256, RFC 5869, extract and expand. */
export const hkdfSha256 = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  hkdf(nobleSha256, ikm, salt, info, length)

/** HKDF-Expand with SHA-512, RFC 5869 section 2.3. */
export const hkdfExpandSha512 = (prk: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  expand(sha512, prk, info, length)
