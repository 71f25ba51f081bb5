/** Every frozen vector of format v1, through the code that runs on this machine. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { KINDS } from '../packages/seal/src/verify.ts'
import { FILES } from './vectors/failures.ts'
import { run, unpacked, type Vector } from './vectors/operations.ts'
import { ALL_OPERATIONS } from './vectors/operations-node.ts'

const FROZEN: Readonly<Record<string, string>> = {
  'golden/v1/vault.json': '07e88d87cfb32656c4bef564f9ac05b642c77216d924b280560d33b7d6cd76c7',
  'vectors/v1/bodies.json': '8eeae1153d14a2b581f60496c86b829f8144c7c6940cfe7aa42dcadebd580199',
  'vectors/v1/cards.json': '6da67e72d7ff937886d0d2907d283f0e0ef72ebcd749d264df8f35aaff6492fc',
  'vectors/v1/charge.json': '5516459b20d5ed55b68ed105d0d28a3cea77bee81cfc16792bab9b4d5b254462',
  'vectors/v1/cobblestone.json': 'bce6d242dfa70e2a0a073f09b3a8f5e33afaddde13f94f9a63518ba799cf654c',
  'vectors/v1/discovery.json': '18b62278978decaddaeea6a3a311c1f9811f53a06739ab2d8ad834d8290be366',
  'vectors/v1/encoding.json': 'ca88784734d4d693cece91346154f13c2d3decf9abc6f991da7128f02b7ba48e',
  'vectors/v1/grants.json': 'b2c854d697b1d24384ae4f5c4ea0956290adb02764a0d686568939a2858cb324',
  'vectors/v1/log.json': 'fbf8d0edb8a565665838851f42c35aeeb09c73d385a591221d7c64943eb24318',
  'vectors/v1/recovery.json': '7532206f953ec64a7d349ff93feabbc2837c46f7f467e2c5bbf320ce067587b3',
  'vectors/v1/sessions.json': 'cc435ba5dcb25ef1a2b60a561a238859d882bf40d806e8c8e25df6434ea3affd',
  'vectors/v1/small.json': '8aeb9110785ca4007675da565879ee56e4244acc6044792a299ee42966965769',
  'vectors/v1/standing.json': 'ecee4d788dde2f5e973f2107d1395504ff6595a7eb569a3c9762bf7c37e2fed0',
  'vectors/v1/statements.json': '30edce3500ee11a01add84f581eb4bc3088b56de42f5e81f1710ff500c2569a1',
}

/** Operations of one kind of statement. */
const KIND_OF: Readonly<Record<string, string>> = {
  'key-chain': 'key-record', 'vault-genesis': 'vault-genesis', manifests: 'manifest', 'grant-chain': 'grant',
  'open-grant-keys': 'grant-keys', access: 'access', revocation: 'revocation', commit: 'commit', link: 'link',
  card: 'card', session: 'session', 'sign-out': 'sign-out', software: 'software',
}

const read = (path: string): Buffer => readFileSync(new URL(path, import.meta.url))

test.each(Object.entries(FROZEN))('%s is as it was frozen', (path, hash) => {
  expect(createHash('sha256').update(read(path)).digest('hex')).toBe(hash)
})

test('browsers run every file but the one that trustees alone can', () => {
  const frozen = Object.keys(FROZEN).flatMap((path) => /^vectors\/v1\/(\w+)\.json$/.exec(path)?.[1] ?? [])
  expect(frozen.filter((name) => !(FILES as readonly string[]).includes(name))).toEqual(['charge'])
})

/** Kinds whose bodies are decoded alone, or with what they hold: nothing is signed as an envelope. */
const READ_ELSEWHERE = [
  'envelope', 'position', 'positions', 'head', 'denial', 'successor',
]

test('every kind of statement has a vector that holds and one that is refused', () => {
  const seen = new Map<string, Set<string>>()
  const add = (kind: string, refused: boolean): void => {
    seen.set(kind, (seen.get(kind) ?? new Set()).add(refused ? 'refused' : 'held'))
  }
  const files = Object.keys(FROZEN).filter((path) => path.startsWith('vectors/'))
  for (const path of files) {
    const file = JSON.parse(read(path).toString()) as { values: string[]; vectors: Vector[] }
    for (const { op, in: given, refuse } of unpacked(file)) {
      const kind: unknown = op === 'statement' ? (given as { kind: unknown }).kind : KIND_OF[op]
      if (typeof kind === 'string') add(kind, refuse !== undefined)
    }
  }
  const without = KINDS.filter((kind) => seen.get(kind)?.size !== 2 && !READ_ELSEWHERE.includes(kind))
  expect(without).toEqual([])
})

describe.each(Object.keys(FROZEN).filter((path) => path.startsWith('vectors/')))('%s', (path) => {
  const file = JSON.parse(read(path).toString()) as { values: string[]; vectors: Vector[] }
  test.each(unpacked(file).map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const { out, refuse } = vector
    expect(await run(vector, ALL_OPERATIONS)).toEqual(refuse === undefined ? { out } : { refuse })
  })
})
