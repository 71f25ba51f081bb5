/** What the index acknowledged is kept until its log holds it, and for some time after; a broken promise is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PreparedCommit, SdkError, type Word } from '@scelle/sdk'
import { seededRandom } from '@scelle/testing/random'
import { LogFixture, logParties } from '@scelle/testing/log-fixture'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Cabinet } from '../src/store/cabinet.ts'
import { Database } from '../src/store/database.ts'
import { Confirmer } from '../src/writes/confirmer.ts'
import { Kept } from '../src/writes/kept.ts'
import { Outbox } from '../src/writes/outbox.ts'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const random = seededRandom('confirming')
let folder: string
let db: Database
let now = 0
let kept: Kept
let outbox: Outbox
let log: LogFixture

const open = (): void => {
  db = new Database(folder)
  const cabinet = new Cabinet(new Uint8Array(32).fill(7), random)
  kept = new Kept(db, cabinet, () => now)
  outbox = new Outbox(db, cabinet, random, kept)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-confirming-'))
  now = Date.UTC(2026, 0, 15)
  open()
  log = new LogFixture(await logParties({ now: () => now, random }), random)
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

const commitOf = (bytes: number): PreparedCommit => ({
  vault: random(32), custodian: random(32), id: random(32), submission: random(bytes), blobs: [], items: [],
})

/** A submission that the index took; its number, and the index's word. */
const submitted = async (bytes = 100): Promise<{ seq: number; commit: PreparedCommit; word: Uint8Array }> => {
  await log.fill(1)
  const word = await log.positions(log.leaves.slice(-1), now / 1000)
  const commit = commitOf(bytes)
  const seq = db.write(true, () => outbox.put({ commits: [commit], units: [] }))
  db.write(true, () => outbox.acknowledge(seq, [word]))
  return { seq, commit, word }
}

const allKept = (): string[] => [...kept.all()].flatMap(({ commits }) => commits.map(({ id }) => String(id)))

describe('what was acknowledged', () => {
  test('leaves the outbox, and waits for the log, also in the next process', async () => {
    const first = await submitted()
    const second = await submitted()
    expect(outbox.rows()).toEqual([])
    db.close()
    open()
    expect(kept.waiting().map(({ seq }) => seq)).toEqual([first.seq, second.seq])
    expect(kept.waiting()[0]?.words[0]?.places[0]?.sequence).toBe(1)
    kept.confirm(new Set([first.seq]))
    db.write(true, () => undefined)
    db.close()
    open()
    expect(kept.waiting().map(({ seq }) => seq)).toEqual([second.seq])
    expect(allKept().toSorted()).toEqual([first, second].map(({ commit }) => String(commit.id)).toSorted())
    expect((await submitted()).seq).toBeGreaterThan(second.seq)
  })

  test('is sent again as it was where the answer was lost: the same number, the same commits', async () => {
    const commit = commitOf(100)
    const seq = db.write(true, () => outbox.put({ commits: [commit], units: [] }))
    db.close()
    open()
    expect(outbox.rows()).toEqual([{ seq, row: { units: [], commits: [commit] } }])
    const { word } = await submitted()
    db.write(true, () => outbox.acknowledge(seq, [word]))
    expect(kept.waiting().map((one) => one.seq)).toContain(seq)
  })

  test('that was refused is dropped', () => {
    const seq = db.write(true, () => outbox.put({ commits: [commitOf(100)], units: [] }))
    db.write(true, () => outbox.drop(seq))
    expect(db.numbered('submission', 0, 10)).toEqual([])
  })

  test('is kept for 48 hours once it is final, and for ever while it is not', async () => {
    const final = await submitted()
    const waiting = await submitted()
    kept.confirm(new Set([final.seq]))
    now += EDGE_LIMITS.keptForRestore - 1
    kept.prune()
    expect(allKept()).toHaveLength(2)
    now += 1
    kept.prune()
    expect(allKept()).toEqual([String(waiting.commit.id)])
    expect(db.numbered('submission', 0, 10).map(({ seq }) => seq)).toEqual([waiting.seq])
  })

  test('is given up beyond the bound of bytes, the oldest first', async () => {
    const seqs: number[] = []
    for (let i = 0; i < 4; i++) seqs.push((await submitted(1_000)).seq)
    kept.confirm(new Set(seqs.slice(0, 3)))
    kept.prune(2_500)
    expect(db.numbered('submission', 0, 10).map(({ seq }) => seq)).toEqual(seqs.slice(2))
    kept.prune(1)
    expect(db.numbered('submission', 0, 10).map(({ seq }) => seq)).toEqual(seqs.slice(3))
  })
})

/** Timers in the hand, and a log that says what the test says. */
const confirming = (confirm: (words: readonly Word[]) => Promise<boolean[]>) => {
  const armed: { ms: number; run: () => void }[] = []
  const events: { event: string; fields: unknown }[] = []
  const evidence: string[] = []
  const asked: number[] = []
  const confirmer = new Confirmer({
    kept, now: () => now,
    client: { confirm: (words) => {
      asked.push(words.length)
      return confirm(words)
    } },
    timers: { after: (ms, run) => {
      const one = { ms, run }
      armed.push(one)
      return () => void armed.splice(armed.indexOf(one), 1)
    } },
    log: (event, fields) => void events.push({ event, fields }),
    evidence: (code) => void evidence.push(code),
  })
  const tick = async (): Promise<number> => {
    const next = armed.shift()
    if (next === undefined) throw new Error('nothing is armed')
    now += next.ms
    next.run()
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    return next.ms
  }
  return { confirmer, armed, events, evidence, asked, tick }
}

describe('the confirmer', () => {
  test('asks once for hundreds, and rests when nothing waits', async () => {
    for (let i = 0; i < 300; i++) await submitted()
    const { confirmer, armed, asked, tick } = confirming(async (words) => words.map(() => true))
    for (let i = 0; i < 5; i++) confirmer.wake()
    expect(armed).toHaveLength(1)
    await tick()
    expect(asked).toEqual([300])
    expect(kept.waiting()).toEqual([])
    expect(armed).toEqual([])
  })

  test('takes what is final and comes again for the rest, ever more rarely while nothing moves', async () => {
    for (let i = 0; i < 3; i++) await submitted()
    let final = 1
    const { confirmer, armed, tick } = confirming(async (words) =>
      words.map(({ places }) => (places[0]?.sequence ?? 0) <= final))
    confirmer.wake()
    expect(await tick()).toBe(1_000)
    expect(kept.waiting()).toHaveLength(2)
    const pauses: number[] = []
    for (let i = 0; i < 8; i++) pauses.push(await tick())
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    final = 3
    await tick()
    expect(kept.waiting()).toEqual([])
    expect(armed).toEqual([])
  })

  test('tells what is overdue after ten minutes, and again only ten minutes later', async () => {
    await submitted()
    const { confirmer, events, tick } = confirming(async (words) => words.map(() => false))
    confirmer.wake()
    const overdue = () => events.filter(({ event }) => event === 'confirmation-overdue').length
    const start = now
    while (now - start < EDGE_LIMITS.confirmOverdue) {
      expect(overdue()).toBe(0)
      await tick()
    }
    expect(overdue()).toBe(1)
    while (now - start < 2 * EDGE_LIMITS.confirmOverdue - 30_000) await tick()
    expect(overdue()).toBe(1)
  })

  test('goes on where the index does not answer', async () => {
    await submitted()
    let answers = false
    const { confirmer, events, tick } = confirming(async (words) => {
      if (!answers) throw new SdkError('network', 'down')
      return words.map(() => true)
    })
    confirmer.wake()
    await tick()
    expect(events.map(({ event }) => event)).toEqual(['not-confirmed'])
    answers = true
    await tick()
    expect(kept.waiting()).toEqual([])
  })

  test('one broken promise is told, with its evidence, and keeps no other from being confirmed', async () => {
    const seqs: number[] = []
    for (let i = 0; i < 3; i++) seqs.push((await submitted()).seq)
    const { confirmer, events, evidence, tick } = confirming(async (words) => {
      if (words.some(({ places }) => places[0]?.sequence === 2)) {
        throw new SdkError('leaf-dropped', 'gone', { evidence: new Uint8Array(1) })
      }
      return words.map(() => true)
    })
    confirmer.wake()
    await tick()
    expect(kept.waiting().map(({ seq }) => seq)).toEqual([seqs[1]])
    expect(events).toEqual([{ event: 'log-alarm', fields: { code: 'leaf-dropped' } }])
    expect(evidence).toEqual(['leaf-dropped'])
  })
})

describe('an edge', () => {
  let world: World
  afterEach(() => world.close())

  test('sees what it wrote in the log, by itself, also after a restart; while a trustee is down it waits', async () => {
    world = await createWorld({ seed: 'confirmed', jump: 0 })
    const { app, constellation: { clock, trustees }, party, lines } = world
    const told = (event: string): number => lines.filter((line) => line.includes(`"${event}"`)).length
    const rows = async (table: 'acknowledged' | 'confirmed'): Promise<number> => {
      await party.kill()
      const database = new Database(party.directory)
      const found = database.numbered(table, 0, 1_000).length
      database.close()
      await party.restart()
      return found
    }
    await app.put('Patient/p', patient('p'))
    for (let i = 0; i < 3; i++) await clock.advance(2_000)
    expect(await rows('acknowledged')).toBe(0)
    expect(await rows('confirmed')).toBeGreaterThan(0)
    await trustees[2]?.kill()
    await app.put('Observation/o', { ...glucose('p', 1), id: 'o' })
    for (let i = 0; i < 40; i++) await clock.advance(20_000)
    expect(told('confirmation-overdue')).toBeGreaterThan(0)
    expect(await rows('acknowledged')).toBe(1)
    await trustees[2]?.restart()
    for (let i = 0; i < 40 && await rows('acknowledged') > 0; i++) await clock.advance(20_000)
    expect(await rows('acknowledged')).toBe(0)
    expect(told('log-alarm')).toBe(0)
  })
})
