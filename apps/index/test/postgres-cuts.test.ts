/** Connections that end in the middle: what took effect is found again, what did not is done, nothing is done twice. */
import { sha256 } from '@scelle/seal/verify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PublishError } from '../src/log-store.ts'
import type { Operation, Store, StoredPosition } from '../src/store.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { keyRecord } from './operations.ts'
import { type FreshDatabase, freshDatabase, hasPostgres, openOn, query } from './postgres.ts'
import { judge } from './postgres-judge.ts'
import { fickleSigner } from './postgres-work.ts'
import { seeded } from './world.ts'

let database: FreshDatabase
let proxy: CuttingProxy
let store: Store
const random = seeded('cuts')

const another = (): Operation => keyRecord(random, random(32), 0)
const one = async (operation: Operation): Promise<StoredPosition> => {
  const [outcome] = await store.apply([operation])
  if (outcome === undefined || 'problem' in outcome) throw new Error('refused')
  return outcome.position
}
const checkpoint = (size: number) => {
  const root = sha256(Buffer.from(String(size)))
  return { size, root, note: root }
}
const reasonOf = (error: unknown): string => (error instanceof PublishError ? error.reason : String(error))

describe.runIf(hasPostgres)('a connection that ends', () => {
  beforeEach(async () => {
    database = await freshDatabase()
    proxy = await CuttingProxy.before(database.url)
    store = await openOn(proxy.url, { sign: fickleSigner('cuts'), random: seeded('cuts of salts') })
    await one(another())
    await store.log.lead(new AbortController().signal)
  })
  afterEach(async () => {
    await store.close()
    await proxy.close()
    await judge(database.url)
    await database.remove()
  })

  test.each(['before', 'after'] as const)('%s COMMIT reached the server: stored once, and answered', async (cut) => {
    const operation = another()
    proxy.arm('COMMIT', cut)
    const position = await one(operation)
    expect(proxy.cuts).toBe(1)
    expect(await one(operation)).toEqual(position)
    expect(await store.log.size()).toBe(2)
  })

  test.each(['before', 'after'] as const)('%s COMMIT, and no way back: asked again later, the same', async (cut) => {
    const operation = another()
    proxy.arm('COMMIT', cut, true)
    await expect(one(operation)).rejects.toMatchObject({ code: 'overloaded' })
    const stored = Number((await query(database.url, 'SELECT count(*) FROM statements'))[0]?.['count'])
    expect(stored).toBe(cut === 'after' ? 2 : 1)
    expect(await store.ready()).toBe(false)
    proxy.refusing = false
    expect(await store.ready()).toBe(true)
    const position = await one(operation)
    expect(position.sequence).toBe(2)
    expect(await one(operation)).toEqual(position)
  })

  test.each(['before', 'after'] as const)('%s a leader\'s numbering: no gap, nothing numbered twice', async (cut) => {
    proxy.arm('WITH batch', cut) // its text is sent once a connection: the next leader's first
    const led = (await query(database.url, 'SELECT term FROM log_head'))[0]?.['term']
    await query(database.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'WITH batch%'`)
    const positions = await Promise.all([another(), another(), another()].map(one))
    expect(positions.map(({ sequence }) => sequence).toSorted((a, b) => a - b)).toEqual([2, 3, 4])
    expect(proxy.cuts).toBe(1)
    expect(Number((await query(database.url, 'SELECT term FROM log_head'))[0]?.['term'])).toBeGreaterThan(Number(led))
  })

  test.each(['before', 'after'] as const)('%s a checkpoint reached the server: uncertain', async (cut) => {
    proxy.arm('SET checkpoint', cut)
    const next = checkpoint(1)
    const tile = { level: 0, index: 0, bytes: new Uint8Array(8192) }
    expect(await store.log.publish(next, [tile], 0).catch(reasonOf)).toBe('uncertain')
    await expect.poll(() => store.log.checkpoint()).toEqual(cut === 'after' ? next : undefined)
    expect(await store.log.tile(0, 0)).toEqual(cut === 'after' ? tile.bytes : undefined)
    await store.log.lead(new AbortController().signal)
    await one(another())
    const after = cut === 'after' ? 1 : 0
    await expect.poll(() => store.log.publish(checkpoint(2), [], after).then(() => 'published', reasonOf))
      .toBe('published')
  })

  test('a checkpoint is published once, by the leader, over what has numbers', async () => {
    const [first, second] = [checkpoint(1), checkpoint(2)]
    expect(await store.log.publish(second, [], 0).catch(reasonOf)).toBe('conflict')
    await store.log.publish(first, [], 0)
    expect(await store.log.publish(first, [], 0).catch(reasonOf)).toBe('conflict')
    expect(await store.log.checkpoint()).toEqual(first)
    await one(another())
    await query(database.url, 'UPDATE log_head SET term = term + 1')
    expect(await store.log.publish(second, [], 1).catch(reasonOf)).toBe('fenced')
    expect(await store.log.checkpoint()).toEqual(first)
  })

  test('notes with cosignatures only grow', async () => {
    const note = (size: number) => new Uint8Array([size])
    await store.log.keepCosigned('quorum', 3, note(3))
    await store.log.keepCosigned('quorum', 2, note(2))
    await store.log.keepCosigned('final', 1, note(1))
    expect(await store.log.cosigned('quorum')).toEqual({ size: 3, note: note(3) })
    expect(await store.log.cosigned('final')).toEqual({ size: 1, note: note(1) })
  })
})
