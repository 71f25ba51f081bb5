/** Every vector of a file through whichever primitives this runtime picks. */
import { run, unpacked, type Vector } from './operations.ts'

export const FILES = [
  'bodies', 'cards', 'cobblestone', 'discovery', 'encoding', 'grants', 'log', 'recovery', 'sessions', 'small', 'standing',
  'statements',
] as const

/** Names of the vectors that do not hold, with what they gave. */
export const failures = async (file: { values: string[]; vectors: Vector[] }): Promise<string[]> => {
  const wrong: string[] = []
  for (const vector of unpacked(file)) {
    const found = JSON.stringify(await run(vector))
    const expected = JSON.stringify(vector.refuse === undefined ? { out: vector.out } : { refuse: vector.refuse })
    if (found !== expected) wrong.push(`${vector.name}: ${found.slice(0, 200)}, expected ${expected.slice(0, 200)}`)
  }
  return wrong
}
