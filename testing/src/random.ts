/** Randomness that comes out the same for the same seed: for tests and drills, never for keys that protect anything. */
import { createCipheriv, createHash } from 'node:crypto'

export type Random = (length: number) => Uint8Array

/** A stream of bytes by its seed: AES-256-CTR over zeros, fast enough to seal with. */
export const seededRandom = (seed: string): Random => {
  const key = createHash('sha256').update(seed).digest()
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16))
  return (length) => new Uint8Array(stream.update(new Uint8Array(length)))
}

/** A whole number from 0 to `bound` - 1, drawn from a stream; the bias of 32 bits does not matter to a test. */
export const below = (random: Random, bound: number): number => Buffer.from(random(4)).readUInt32BE() % bound
