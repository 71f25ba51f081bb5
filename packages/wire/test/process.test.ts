import type * as NodeCrypto from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { collectedOctets, gatheredLines, pooledRandom } from '../src/process.ts'

/** What was filled with random bytes, so that a test can look into the pool. */
const pools: Uint8Array[] = []
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof NodeCrypto>()
  return { ...crypto, randomFillSync: (pool: Uint8Array) => {
    pools.push(pool)
    return crypto.randomFillSync(pool)
  } }
})

test('the pool keeps nothing of what it gave out', () => {
  const random = pooledRandom()
  const drawn = random(32)
  const pool = pools.at(-1) as Uint8Array
  expect(drawn.some((byte) => byte !== 0)).toBe(true)
  expect(pool.subarray(0, 32)).toEqual(new Uint8Array(32))
  expect(pool.subarray(32, 64).some((byte) => byte !== 0)).toBe(true)
})

test('random bytes of any length, never the same twice, over many pools', () => {
  const random = pooledRandom()
  const seen = new Set<string>()
  for (let i = 0; i < 5_000; i++) {
    const drawn = random(i % 3 === 0 ? 16 : 32)
    expect(drawn).toHaveLength(i % 3 === 0 ? 16 : 32)
    seen.add(Buffer.from(drawn.subarray(0, 16)).toString('hex'))
  }
  expect(seen.size).toBe(5_000)
  expect(random(100_000)).toHaveLength(100_000)
  expect(random(0)).toHaveLength(0)
})

test('what was drawn is a copy of its own, which no later draw changes', () => {
  const random = pooledRandom()
  const first = random(16)
  const copy = Buffer.from(first)
  for (let i = 0; i < 3_000; i++) random(16)
  expect(Buffer.from(first).equals(copy)).toBe(true)
  expect(first.buffer.byteLength).toBe(16)
  first.fill(0)
  expect(random(16).some((byte) => byte !== 0)).toBe(true)
})

test('lines come in their order, in fewer writes', async () => {
  const writes: string[] = []
  const line = gatheredLines((text) => writes.push(text))
  const lines = Array.from({ length: 50 }, (_, i) => `${i}\n`)
  lines.forEach(line)
  expect(writes).toEqual([])
  await expect.poll(() => writes.join('')).toBe(lines.join(''))
  expect(writes).toHaveLength(1)
  line('later\n')
  await sleep(50)
  expect(writes.at(-1)).toBe('later\n')
})

describe('octets that pass', () => {
  const highestOf = (passed: (octets: number) => void): number => {
    const before = process.memoryUsage().arrayBuffers
    let highest = 0
    for (let i = 0; i < 16_384; i++) {
      const piece = Buffer.allocUnsafeSlow(16_384)
      passed(piece.length)
      if (i % 16 === 0) highest = Math.max(highest, process.memoryUsage().arrayBuffers - before)
    }
    return highest / 1024 / 1024
  }

  test('are collected before the engine would: 256 MiB of them hold a few', () => {
    highestOf(collectedOctets())
    expect(highestOf(collectedOctets())).toBeLessThan(24)
  })
})
