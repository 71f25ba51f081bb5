/**
 * SHA-256, HMAC and HKDF through node:crypto, synchronous: a promise per 100-byte hash would cost more than the hash.
 * HMAC keys are made KeyObjects first: createHmac parses a raw key at five times the cost of both.
 */
import { createHash, createHmac, createSecretKey, hash as hashOnce } from 'node:crypto'

/** Up to here joining the parts costs less than a hash object does. */
const JOINED = 512
const joined = new Uint8Array(JOINED)

const digestOnce = (bytes: Uint8Array): Uint8Array => {
  const digest = hashOnce('sha256', bytes, 'buffer')
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
}

export const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return digestOnce(parts[0] as Uint8Array)
  let length = 0
  for (const part of parts) length += part.length
  if (length <= JOINED) {
    let offset = 0
    for (const part of parts) {
      joined.set(part, offset)
      offset += part.length
    }
    return digestOnce(joined.subarray(0, length))
  }
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** A hash of what comes piece by piece. */
export const startSha256 = (): { update(piece: Uint8Array): void; digest(): Uint8Array } => {
  const hash = createHash('sha256')
  return {
    update: (piece) => void hash.update(piece),
    digest: () => new Uint8Array(hash.digest()),
  }
}

export const hmacSha256 = (key: Uint8Array, ...parts: Uint8Array[]): Uint8Array => {
  const hmac = createHmac('sha256', createSecretKey(key))
  for (const part of parts) hmac.update(part)
  return new Uint8Array(hmac.digest())
}

/** RFC 5869 section 2.3: blocks of HMAC until there is enough. `width` is the hash's length in bytes. */
const expand = (
  hash: 'sha256' | 'sha512', width: number, prk: Uint8Array, info: Uint8Array, length: number,
): Uint8Array => {
  const out = new Uint8Array(Math.ceil(length / width) * width)
  const key = createSecretKey(prk)
  const end = width + info.length
  const input = end < JOINED ? joined : new Uint8Array(end + 1)
  input.set(info, width)
  for (let block = 1; (block - 1) * width < length; block++) {
    input[end] = block
    const previous = createHmac(hash, key).update(input.subarray(block === 1 ? width : 0, end + 1)).digest()
    input.set(previous)
    out.set(previous, (block - 1) * width)
  }
  input.fill(0, 0, width)
  return out.subarray(0, length)
}

/** HKDF-SHA-256, RFC 5869, extract and expand; an absent salt is an empty one. Two HMACs cost half of `hkdfSync`. */
export const hkdfSha256 = (ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  expand('sha256', 32, hmacSha256(salt, ikm), info, length)

/** HKDF-Expand with SHA-512, RFC 5869 section 2.3: what chunked-encryption derives its keys with. */
export const hkdfExpandSha512 = (prk: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  expand('sha512', 64, prk, info, length)
