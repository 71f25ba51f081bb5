/** Every frozen vector of format v1, through the code that runs on this machine. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { run, unpacked, type Vector } from './vectors/operations.ts'

const FROZEN: Readonly<Record<string, string>> = {
  'golden/v1/vault.json': 'd967d474804600537a7417fdbc5dbf59c6c984ab329603d59db202810e5a1187',
  'vectors/v1/bodies.json': 'f6418312ca1ec322de4c1f90e16c839a57a9b4c916fa2d5186ef119b23ac94ce',
  'vectors/v1/cobblestone.json': 'bce6d242dfa70e2a0a073f09b3a8f5e33afaddde13f94f9a63518ba799cf654c',
  'vectors/v1/encoding.json': '9d26876b61ed750464bdd174bd225cbdd6d6dcdf88472398ea5553f5a2c06fde',
  'vectors/v1/small.json': '80ab670bbbbb01c5266bbf824e91638250cef02f8abc2e2afa6706ab72929b71',
  'vectors/v1/statements.json': '09ae303e317a42f1570d58f0f850807ccc302138ef115c4ebdcf4233d1937507',
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
