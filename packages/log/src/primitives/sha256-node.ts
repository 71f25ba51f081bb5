/** SHA-256 through node:crypto, synchronous. */
import { hash } from 'node:crypto'

export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const digest = hash('sha256', bytes, 'buffer')
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length)
}
