/** Several processes on one database: at once, killed, paused. What they were told is held against what is stored. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fromHex, toHex } from '@scelle/seal/verify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { INDEX_LIMITS } from '../src/limits.ts'
import type { Operation, Store } from '../src/store.ts'
import { capsule, commit, keyRecord, record } from './operations.ts'
import { type FreshDatabase, freshDatabase, hasPostgres, openOn, query } from './postgres.ts'
import { judge } from './postgres-judge.ts'
import { fickleSigner, run, sharedVault, work } from './postgres-work.ts'
import { seeded } from './world.ts'

const CHILD = fileURLToPath(new URL('postgres-child.ts', import.meta.url))
const COUNT = 6

interface Told { readonly sequence: number; readonly time: number; readonly signature: Uint8Array }

/** A child, and what it was told so far, by statement. */
class Child {
  readonly process: ChildProcess
  readonly lines: string[] = []
  readonly told = new Map<string, Told>()
  #waiting: (() => void)[] = []
  #ended = false

  constructor(url: string, seed: string, at: { point: string; after: number; signal?: string } | undefined) {
    const stop = at === undefined ? [] : [at.point, String(at.after), at.signal ?? 'SIGKILL']
    this.process = spawn(process.execPath, [CHILD, url, seed, String(COUNT), ...stop], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.process.once('exit', () => {
      this.#ended = true
      this.#wake()
    })
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#line(line))
  }

  #line(line: string): void {
    this.lines.push(line)
    const [word, statement = '', sequence, time, signature = ''] = line.split(' ')
    if (word === 'told') {
      this.told.set(statement, {
        sequence: Number(sequence), time: Number(time), signature: fromHex(signature) as Uint8Array,
      })
    }
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async says(wanted: string): Promise<void> {
    while (!this.lines.includes(wanted)) {
      if (this.#ended) throw new Error(`ended before it said ${wanted}: ${this.lines.at(-1)}`)
      await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    }
  }

  async end(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.stdin?.end()
    await ended
  }
}

let database: FreshDatabase
let store: Store
const { operation: makeShared, shared } = sharedVault()

const applyAgain = async (seed: string, told: ReadonlyMap<string, Told>): Promise<void> => {
  const again = new Map<string, Told>()
  await run(store, work(seed, shared, COUNT), ({ statement }, position) =>
    void again.set(toHex(statement.id), position))
  for (const [statement, position] of told) expect(again.get(statement)).toMatchObject(position)
}

const feedOf = async (part: { vault: Uint8Array; custodian: Uint8Array }): Promise<number> =>
  (await store.feed({ ...part, mask: -1, after: 0, limit: 1000, maxBytes: 1e8 })).commits.length

const another = (random = seeded('another')): Operation => keyRecord(random, random(32), 0)

describe.runIf(hasPostgres)('several processes', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    database = await freshDatabase()
    store = await openOn(database.url, { sign: fickleSigner('parent'), random: seeded(`parent ${Math.random()}`) })
    await store.apply([makeShared])
  })
  afterEach(async () => {
    await store.close()
    await judge(database.url)
    await database.remove()
  })

  test('at once: all is stored once, in order, without a gap, and told the same again', async () => {
    const children = ['one', 'two', 'three'].map((seed) => new Child(database.url, seed, undefined))
    await Promise.all(children.map((child) => child.says('done')))
    await Promise.all(children.map((child) => child.end()))
    expect(await feedOf(shared)).toBe(children.length * COUNT * 2)
    for (const [place, seed] of ['one', 'two', 'three'].entries()) {
      const { told } = children[place] as Child
      expect(told.size).toBe(work(seed, shared, COUNT).flat().length)
      await applyAgain(seed, told)
    }
  })

  const points = [
    'apply-loaded', 'apply-written', 'sequence-begun', 'sequence-written', 'position-signed', 'position-written',
    'publish-begun', 'publish-written',
  ]
  // How often it publishes is for the machine's speed: not too late, or a slow one is done before.
  const cases = points.flatMap((point, place) => [place % 3, 4 + (place % 4)].map((after) => ({ point, after })))

  test.each(cases)('the leader is killed at $point, time $after: nothing told is lost', async ({ point, after }) => {
    await store.close() // so that the child leads
    const child = new Child(database.url, 'killed', { point, after })
    const [, signal] = (await once(child.process, 'exit')) as [number | null, string | null]
    expect([signal, child.lines.at(-1)]).toEqual(['SIGKILL', `at ${point}`])
    store = await openOn(database.url, { sign: fickleSigner('after'), random: seeded(`after ${point} ${after}`) })
    await applyAgain('killed', child.told)
    expect(await feedOf(shared)).toBe(COUNT * 2)
    const stored = await store.log.checkpoint()
    if (stored !== undefined) expect(stored.note).toEqual(stored.root)
  })

  test('one killed while another leads: its leaves get their numbers', async () => {
    const child = new Child(database.url, 'writer', { point: 'apply-written', after: 8 })
    await once(child.process, 'exit')
    await expect.poll(() => query(database.url, 'SELECT * FROM pending')).toEqual([])
    await applyAgain('writer', child.told)
  })

  test('a leader that stands still loses its term, and changes nothing when it goes on', async () => {
    await store.close()
    const child = new Child(database.url, 'paused', { point: 'sequence-begun', after: 12, signal: 'SIGSTOP' })
    await child.says('at sequence-begun')
    store = await openOn(database.url, { sign: fickleSigner('heir'), random: seeded('heir') })
    const [before] = await query(database.url, 'SELECT term FROM log_head')
    expect(await store.apply([another()])).toMatchObject([{ position: {} }])
    const [taken] = await query(database.url, 'SELECT term, size FROM log_head')
    expect(Number(taken?.['term'])).toBe(Number(before?.['term']) + 1)
    child.process.kill('SIGCONT')
    await child.says('done')
    // Whatever it did as a leader had no effect: the term is the heir's, and what it wrote was numbered by the heir.
    expect((await query(database.url, 'SELECT term FROM log_head'))[0]).toEqual({ term: taken?.['term'] })
    await child.end()
    await applyAgain('paused', child.told)
  })

  test('one that stands still within a transaction holds the vault for seconds, not for ever', async () => {
    const child = new Child(database.url, 'asleep', { point: 'apply-loaded', after: 9, signal: 'SIGSTOP' })
    await child.says('at apply-loaded')
    const random = seeded('awake')
    const started = performance.now()
    const made = capsule(random, shared.category)
    const operation = commit(
      random, { ...shared, author: shared.custodian },
      { capsules: [made], records: [record(random, made.capsule)] },
    )
    expect(await store.apply([operation])).toMatchObject([{ position: {} }])
    expect(performance.now() - started).toBeLessThan((INDEX_LIMITS.idleTransaction + 5) * 1000)
    child.process.kill('SIGCONT')
    await child.says('done')
    await child.end()
    await applyAgain('asleep', child.told)
  })
})
