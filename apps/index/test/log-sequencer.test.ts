/** The sequencer: when it publishes, what it makes, how it stops, and how it goes on; no size ever has two roots. */
import { leafHash, newTiles, parseCheckpoint, rootOfLeaves } from '@scelle/log'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { toHex } from '@scelle/seal/verify'
import type { LogEvent } from '@scelle/wire/server'
import { beforeEach, expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import { ADVICE, LogUnusable } from '../src/log/errors.ts'
import { IndexLog } from '../src/log/log.ts'
import { PublishError } from '../src/log-store.ts'
import { ManualClock, MemoryLog, turns, until } from './memory-log.ts'
import { seeded, START } from './world.ts'

let clock: ManualClock
let store: MemoryLog
let identity: Identity
let events: LogEvent[]
/** Every text that was signed: by size, the roots. */
let signed: Map<number, Set<string>>
const random = seeded('leaves')

beforeEach(async () => {
  clock = new ManualClock(START)
  store = new MemoryLog(clock)
  events = []
  signed = new Map()
  const made = await createIdentity('index', { now: () => START, random: seeded('index') })
  identity = {
    ...made,
    signRaw: async (message) => {
      const text = new TextDecoder().decode(message)
      if (text.startsWith('scelle.health/index/')) {
        const { size, root } = parseCheckpoint(text)
        signed.set(size, (signed.get(size) ?? new Set()).add(toHex(root)))
      }
      return made.signRaw(message)
    },
  }
})

const start = async (): Promise<IndexLog> => {
  const log = new IndexLog({
    identity, store, trustees: [], context: { now: () => clock.now, random }, timers: clock.timers,
    fetch: async () => new Response(), events: (event) => events.push(event), restoring: undefined,
  })
  await log.started
  await turns()
  return log
}

const published = (size: number) => until(() => store.published.at(-1)?.size === size, `a checkpoint of ${size}`)

const rootOf = (size: number): Uint8Array =>
  rootOfLeaves(store.stored.slice(0, size).map(({ entry }) => leafHash(entry)))

test('at once when idle; then at most every 50 ms, everything that came in between', async () => {
  const log = await start()
  store.add(1, random)
  await published(1)
  expect(store.published[0]?.at).toBe(START)
  await clock.advance(10)
  store.add(3, random)
  await clock.advance(39)
  expect(store.published).toHaveLength(1)
  await clock.advance(1)
  await published(4)
  expect(store.published[1]?.at).toBe(START + 50)
  await clock.advance(200)
  store.add(1, random)
  await published(5)
  expect(store.published[2]?.at).toBe(START + 250)
  await log.end()
})

test('under load: a checkpoint each 50 ms', async () => {
  const log = await start()
  for (let i = 0; i < 100; i++) {
    store.add(7, random)
    await clock.advance(5)
  }
  await clock.advance(50)
  await published(700)
  const times = store.published.map(({ at }) => at - START)
  expect(times.every((at, i) => i === 0 || at - (times[i - 1] as number) >= 50)).toBe(true)
  expect(times.length).toBeGreaterThanOrEqual(10)
  await log.end()
})

test('ten thousand leaves, restarted in between: every full tile and every root is what the leaves say', async () => {
  const sizes = [1, 255, 256, 257, 511, 513, 4_096, 4_700, 9_999, 10_000]
  let log = await start()
  for (const [i, size] of sizes.entries()) {
    store.add(size - store.stored.length, random)
    await clock.advance(50)
    await published(size)
    expect(store.published.at(-1)?.root).toEqual(rootOf(size))
    if (i % 3 !== 2) continue
    await log.end()
    log = await start()
  }
  await log.end()
  const hashes = store.stored.map(({ entry }) => leafHash(entry))
  const full = newTiles(0, 10_000).filter(({ width }) => width === 256)
  expect(new Set(store.tiles.keys())).toEqual(new Set(full.map(({ level, index }) => `${level}/${index}`)))
  for (const { level, index } of full) {
    expect(level).toBe(0)
    const expected = Buffer.concat(hashes.slice(index * 256, index * 256 + 256))
    expect(Buffer.from(store.tiles.get(`0/${index}`) as Uint8Array).equals(expected)).toBe(true)
  }
  expect([...signed.values()].every((roots) => roots.size === 1)).toBe(true)
})

test('two levels of full tiles', async () => {
  store.add(65_536 + 300, random)
  const log = await start()
  await clock.advance(100)
  await published(65_836)
  expect(store.published.at(-1)?.root).toEqual(rootOf(65_836))
  expect(store.tiles.get('1/0')?.length).toBe(8_192)
  expect(store.published.map(({ size }) => size)).toEqual([INDEX_LIMITS.leavesPublished, 65_836])
  await log.end()
  const again = await start()
  store.add(1, random)
  await clock.advance(50)
  await published(65_837)
  expect(store.published.at(-1)?.root).toEqual(rootOf(65_837))
  await again.end()
})

test.each([['not stored', false], ['stored', true]])('an uncertain checkpoint stops it until a restart: %s',
  async (_, stores) => {
    const log = await start()
    store.add(3, random)
    await published(3)
    store.fault = (keep) => {
      if (stores) keep()
      throw new PublishError('uncertain', 'the answer was lost')
    }
    store.add(2, random)
    await clock.advance(50)
    expect(log.running).toBe(false)
    await expect(log.requireRunning()).rejects.toMatchObject({ code: 'log-stopped' })
    const stopped = { event: 'log-stopped', reason: 'uncertain', advice: ADVICE.uncertain }
    expect(events.filter(({ event }) => event === 'log-stopped')).toEqual([stopped])
    const tried = signed.size
    store.fault = undefined
    store.add(4, random)
    await clock.advance(60_000)
    expect(signed.size).toBe(tried)
    await log.end()
    const again = await start()
    await clock.advance(50)
    await published(9)
    expect(again.running).toBe(true)
    expect(store.published.at(-1)?.root).toEqual(rootOf(9))
    expect([...signed.values()].every((roots) => roots.size === 1)).toBe(true)
    await again.end()
  })

test.each<[string, () => void]>([
  ['a leaf is another one', () => void store.stored.splice(700, 1, { entry: new Uint8Array(38) })],
  ['a leaf in a full tile is another one', () => void store.stored.splice(300, 1, { entry: new Uint8Array(38) })],
  ['leaves are missing', () => void store.stored.splice(600)],
  ['a tile is another one', () => void store.tiles.set('0/1', new Uint8Array(8_192))],
  ['a tile is missing', () => void store.tiles.delete('0/0')],
  ['the checkpoint has another root', () => {
    store.published.push({ ...store.published.at(-1) as (typeof store.published)[number], root: new Uint8Array(32) })
  }],
])('it does not start where leaves, tiles and checkpoint do not agree: %s', async (_, damage) => {
  const log = await start()
  store.add(777, random)
  await published(777)
  await log.end()
  damage()
  const before = signed.size
  const refused = start()
  await expect(refused).rejects.toBeInstanceOf(LogUnusable)
  await expect(refused).rejects.toThrow(ADVICE.disagrees)
  expect(events.at(-1)).toEqual({ event: 'log-stopped', reason: 'disagrees', advice: ADVICE.disagrees })
  store.add(1, random)
  await clock.advance(1_000)
  expect(signed.size).toBe(before)
})

test('another process that led in between is followed: what it stored is gone on from', async () => {
  const log = await start()
  const other = await start()
  store.add(5, random)
  await published(5)
  await clock.advance(50)
  store.add(5, random)
  await published(10)
  for (let i = 0; i < 4; i++) {
    store.add(1, random)
    await clock.advance(100)
  }
  await published(14)
  expect(log.running && other.running).toBe(true)
  const sizes = store.published.map(({ size }) => size)
  expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b))
  expect([...signed.values()].every((roots) => roots.size === 1)).toBe(true)
  await log.end()
  await other.end()
})

test('a full disk is tried again, and told', async () => {
  const log = await start()
  store.fault = () => { throw new Error('database or disk is full') }
  store.add(1, random)
  await turns()
  expect(store.published).toEqual([])
  expect(events.map(({ event }) => event)).toEqual(['fault'])
  store.fault = undefined
  await clock.advance(INDEX_LIMITS.publishPause)
  await published(1)
  expect(log.running).toBe(true)
  await log.end()
})

test('a closed one does nothing more', async () => {
  const log = await start()
  store.add(1, random)
  await published(1)
  await log.end()
  store.add(1, random)
  await clock.advance(10_000)
  expect(store.published).toHaveLength(1)
})
