/** Bytes from a seed, for making vectors again bit for bit. Never for anything else. */
import { createHash } from 'node:crypto'

let counter = 0

export const seededBytes = (length: number): Uint8Array => {
  const out = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += 32) {
    const block = createHash('sha256').update(`scelle vectors v1/${counter++}`).digest()
    out.set(block.subarray(0, length - offset), offset)
  }
  return out
}

/** What `shamir-secret-sharing` imports its randomness as. */
export const getRandomBytes = seededBytes
