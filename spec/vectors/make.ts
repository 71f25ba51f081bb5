/**
 * Makes the frozen vectors and the golden vault: `node spec/vectors/make.ts DIR` writes `DIR/vectors/v1/*.json` and
 * `DIR/golden/v1/*.json`. Randomness is seeded, so it makes the same bytes again as long as the compressor does. Version 1 is
 * frozen, `spec/vectors.test.ts` holds the files' hashes: never write over them, add new ones.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'

const SEEDED: Readonly<Record<string, string>> = {
  '#kem': new URL('seeded-kem.ts', import.meta.url).href,
  'shamir-secret-sharing/csprng': new URL('seeded-random.ts', import.meta.url).href,
}

registerHooks({
  resolve: (specifier, context, next) => {
    const seeded = SEEDED[specifier]
    return seeded === undefined ? next(specifier, context) : { url: seeded, shortCircuit: true }
  },
})

const directory = process.argv[2] ?? 'spec'
const { makeGolden } = await import('./golden.ts')
const { makeVectors } = await import('./cases.ts')
const golden = await makeGolden()
const SHORT = 200

/** A long string that occurs more than once stands in `values` alone, and `"@3"` is the fourth of them. */
const packed = (content: unknown): unknown => {
  const seen = new Map<string, number>()
  const text = JSON.stringify(content)
  for (const [, value] of text.matchAll(/"([0-9a-f]{200,})"/g)) seen.set(value as string, (seen.get(value as string) ?? 0) + 1)
  const values = [...seen].filter(([value, times]) => times > 1 && value.length >= SHORT).map(([value]) => value)
  const places = new Map(values.map((value, i) => [value, `@${i}`]))
  const vectors: unknown = JSON.parse(text, (_, value: unknown) => places.get(value as string) ?? value)
  return { values, vectors }
}

const vectors = Object.entries(await makeVectors(golden)).map(([name, content]) => [name, packed(content)])
const files = { ...Object.fromEntries(vectors), '../../golden/v1/vault': golden.file }
for (const name of ['vectors/v1', 'golden/v1']) mkdirSync(join(directory, name), { recursive: true })
for (const [name, content] of Object.entries(files)) {
  writeFileSync(join(directory, 'vectors/v1', `${name}.json`), `${JSON.stringify(content, undefined, 1)}\n`)
}
