/** Every frozen vector of format v1, through the code that runs on this machine. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { run, unpacked, type Vector } from './vectors/operations.ts'

const FROZEN: Readonly<Record<string, string>> = {
  'golden/v1/vault.json': '5de9bea82478e18126da4385cec6b370ca5d8dc8ebcbb8956d94ec186a3edf6a',
  'vectors/v1/bodies.json': '9f419aad2b1d38cb88d03e079dede8dbc3dcf9da1873dcbbc88c15d9259a5313',
  'vectors/v1/cobblestone.json': 'bce6d242dfa70e2a0a073f09b3a8f5e33afaddde13f94f9a63518ba799cf654c',
  'vectors/v1/encoding.json': '44b668f322ecb40fdf9b00a3c34a6914ffe9bda985458a39b53e2e53cf697986',
  'vectors/v1/small.json': 'e721401f3d7995241c4a270f4caefa2d71a2fc92fbe72fa7498f1654c4c54523',
  'vectors/v1/statements.json': 'fbd0e76703f0b8f98bc851a96694d91eb3ef3981121bf004056015223f6906ba',
}

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url))

test.each(Object.entries(FROZEN))('%s is as it was frozen', (path, hash) => {
  expect(createHash('sha256').update(read(path)).digest('hex')).toBe(hash)
})

describe.each(Object.keys(FROZEN).filter((path) => path.startsWith('vectors/')))('%s', (path) => {
  const file = JSON.parse(read(path).toString()) as { values: string[]; vectors: Vector[] }
  test.each(unpacked(file).map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const { out, refuse } = vector
    expect(await run(vector)).toEqual(refuse === undefined ? { out } : { refuse })
  })
})
