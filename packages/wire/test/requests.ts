/** What the tests of this room sign with: seeded, so that a failure repeats. */
import { createHash } from 'node:crypto'
import { createIdentity, type Identity } from '@scelle/seal/identity'

/** Milliseconds; a whole second. */
export const START = 1_793_000_000_000

/** Random bytes that are the same in every run. */
export const seeded = (seed: string): ((length: number) => Uint8Array) => {
  let count = 0
  return (length) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, () =>
      createHash('sha256').update(`${seed}/${count++}`).digest())
    return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
  }
}

export const clock = (start: number = START): { now: () => number; move: (seconds: number) => void } => {
  let time = start
  return { now: () => time, move: (seconds) => { time += seconds * 1000 } }
}

export const identityOf = (seed: string, kind: 'person' | 'machine' = 'machine'): Promise<Identity> =>
  createIdentity(kind, { random: seeded(seed), now: () => START })
