/**
 * Kill -9 of real processes at a hundred seeded points of each engine: while operations are grouped, written, flushed,
 * given their numbers, signed, published, sent to trustees and cosigned. One database lives through all of it, and so
 * do the trustees, who are other processes' business. Judged at the end, and by the trustees all along: they refuse
 * to cosign a tree that is not that of the leaves they have.
 */
import process from 'node:process'
import { afterEach, describe, expect, test } from 'vitest'
import { auditDirectory } from '../src/audit/audit.ts'
import type { Store } from '../src/store.ts'
import { openStorage } from '../src/storage.ts'
import { plainSigner } from './operations.ts'
import { type FreshDatabase, freshDatabase, hasPostgres, openOn } from './postgres.ts'
import { judge } from './postgres-judge.ts'
import { judgeRepeats, judgeStored } from './kill-judge.ts'
import { type End, endsOf, type Engine } from './kill-ends.ts'
import { KillRun } from './kill-run.ts'
import { KillWork } from './kill-work.ts'
import { seeded, temporaryDirectory } from './world.ts'

const ENDS = Number(process.env['SCELLE_KILLS'] ?? 100)
const SEED = process.env['SCELLE_KILLS_SEED'] ?? 'sequencer'
/** Milliseconds for one process to come to its end, and for a hundred of them on a busy machine. */
const PATIENCE = 30_000
const ALL = 600_000

/** One life of the index, to its end at the point; the requests go on in the next. */
const live = async (run: KillRun, work: KillWork, end: End): Promise<void> => {
  const life = run.life()
  const late = setTimeout(() => life.kill(), PATIENCE)
  const began = performance.now()
  const url = await life.begin(end)
  if (url !== undefined) await work.send(url)
  await life.ended
  clearTimeout(late)
  if (performance.now() - began >= PATIENCE) throw new Error(`did not come to ${end.point}, time ${end.count}`)
  expect([end.point, life.signal]).toEqual([end.point, 'SIGKILL'])
}

/** The last life: everything is answered, cosigned, and told the same again. */
const settle = async (run: KillRun, work: KillWork): Promise<void> => {
  const life = run.life()
  const url = await life.begin({ point: 'never', count: 0, turns: 0 })
  if (url === undefined) throw new Error('the index does not start any more')
  await work.send(url, work.told.size + 3)
  await judgeRepeats(run, work, url)
  await life.stop()
}

let cleanUp: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanUp.toReversed()) await clean()
  cleanUp = []
})

/** The number of receipts that were given, and hold. */
const killed = async (
  engine: Engine, database: FreshDatabase | undefined, open: (run: KillRun) => Promise<Store>,
): Promise<number> => {
  console.info(`${engine}: ${ENDS} ends, seed ${SEED}`)
  const { path, remove } = temporaryDirectory()
  cleanUp.push(async () => remove())
  const at = { directory: path, ...(database === undefined ? {} : { database: database.url }) }
  const run = await KillRun.create(`${SEED}/${engine}`, at)
  cleanUp.push(() => run.close())
  const work = new KillWork(run)
  await work.prepare(3)
  const began = performance.now()
  for (const [i, end] of endsOf(engine, ENDS, `${SEED}/${engine}`).entries()) {
    await live(run, work, end).catch((cause: unknown) => {
      throw new Error(`${engine}, seed ${SEED}, end ${i}: ${JSON.stringify(end)}`, { cause })
    })
  }
  await settle(run, work)
  expect(run.faults).toEqual([])
  const store = await open(run)
  cleanUp.push(() => store.close())
  const receipts = await judgeStored(run, work, store)
  if (database === undefined) {
    const audit = await auditDirectory(path, { index: run.identity.keys })
    expect(audit?.statements).toBe(await store.log.size())
  }
  const seconds = Math.round((performance.now() - began) / 1000)
  console.info(`${engine}: ${work.told.size} positions and ${receipts} receipts hold, ${seconds} s`)
  return receipts
}

describe('kill -9 at a hundred seeded points', { timeout: ALL }, () => {
  test('of the embedded engine', async () => {
    const receipts = await killed('SQLite', undefined, async ({ setting: { directory }, identity, context }) =>
      openStorage({ directory, identity, context }).store)
    expect(receipts).toBeGreaterThan(ENDS / 4)
  })

  test.runIf(hasPostgres)('of PostgreSQL', async () => {
    const database = await freshDatabase()
    cleanUp.push(() => database.remove())
    const receipts = await killed('PostgreSQL', database, async () =>
      openOn(database.url, { sign: plainSigner, random: seeded('end') }))
    expect(receipts).toBeGreaterThan(ENDS / 4)
    await judge(database.url)
  })
})
