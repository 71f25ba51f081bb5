/** Vectors made by others, which stay where they are: tests that need them say so and skip where they are absent. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = process.env['SCELLE_SHARED'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url))

export const sharedVectors = existsSync(join(root, 'vectors/wycheproof'))
if (!sharedVectors) console.warn(`vectors of others are absent (SCELLE_SHARED=${root}): their tests are skipped`)

export interface WycheproofTest {
  tcId: number
  comment: string
  flags: string[]
  result: 'valid' | 'invalid' | 'acceptable'
  [name: string]: unknown
}

/** Groups of a Wycheproof file; none where the files are absent. */
export const wycheproof = (name: string): ({ tests: WycheproofTest[] } & Record<string, unknown>)[] =>
  sharedVectors
    ? (
        JSON.parse(readFileSync(join(root, 'vectors/wycheproof', `${name}_test.json`), 'utf8')) as {
          testGroups: never[]
        }
      ).testGroups
    : []

export const xwingVectors = (): Record<'seed' | 'eseed' | 'ss' | 'sk' | 'pk' | 'ct', string>[] =>
  sharedVectors ? (JSON.parse(readFileSync(join(root, 'vectors/xwing/spec/test-vectors.json'), 'utf8')) as never[]) : []

export const unhex = (text: unknown): Uint8Array => new Uint8Array(Buffer.from(text as string, 'hex'))
