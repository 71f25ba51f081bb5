/** Every frozen vector of format v1, through the code that runs on this machine. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { run, unpacked, type Vector } from './vectors/operations.ts'

const FROZEN: Readonly<Record<string, string>> = {
  'golden/v1/vault.json': '07e88d87cfb32656c4bef564f9ac05b642c77216d924b280560d33b7d6cd76c7',
  'vectors/v1/bodies.json': '8eeae1153d14a2b581f60496c86b829f8144c7c6940cfe7aa42dcadebd580199',
  'vectors/v1/cards.json': '6da67e72d7ff937886d0d2907d283f0e0ef72ebcd749d264df8f35aaff6492fc',
  'vectors/v1/cobblestone.json': 'bce6d242dfa70e2a0a073f09b3a8f5e33afaddde13f94f9a63518ba799cf654c',
  'vectors/v1/encoding.json': 'ca88784734d4d693cece91346154f13c2d3decf9abc6f991da7128f02b7ba48e',
  'vectors/v1/grants.json': 'b2c854d697b1d24384ae4f5c4ea0956290adb02764a0d686568939a2858cb324',
  'vectors/v1/log.json': 'fbf8d0edb8a565665838851f42c35aeeb09c73d385a591221d7c64943eb24318',
  'vectors/v1/small.json': '8aeb9110785ca4007675da565879ee56e4244acc6044792a299ee42966965769',
  'vectors/v1/statements.json': '30edce3500ee11a01add84f581eb4bc3088b56de42f5e81f1710ff500c2569a1',
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
