import { cpSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PublishError } from '../src/log-store.ts'
import { type Flush, flushAside } from '../src/sqlite/log-flush.ts'
import { openSqliteStore } from '../src/sqlite-store.ts'
import { keyRecord, plainSigner } from './operations.ts'
import { describeStore } from './store-conformance.ts'
import type { OpenedStore } from './store-suite.ts'
import { seeded, temporaryDirectory } from './world.ts'

const made = { sign: plainSigner, random: seeded('salts') }

const open = async (options: { flush?: Flush } = {}, directory = temporaryDirectory()): Promise<OpenedStore> => {
  const store = openSqliteStore({ directory: directory.path, ...made, ...options })
  return {
    store,
    reopen: async () => {
      await store.close()
      return open(options, directory)
    },
    remove: async () => {
      await store.close()
      directory.remove()
    },
  }
}

describeStore('SQLite', () => open())
describeStore('SQLite, flushed beside the main thread', () => open({ flush: flushAside }))

describe('group commit', () => {
  test('what arrives before the tick shares one durable write, and nobody is answered before it', async () => {
    const directory = temporaryDirectory()
    const ticks: (() => void)[] = []
    const points: string[] = []
    const store = openSqliteStore({
      directory: directory.path,
      ...made,
      tick: (run) => ticks.push(run),
      faultPoint: (point) => points.push(point),
    })
    const random = seeded('group')
    const answers = Array.from({ length: 50 }, () => store.apply([keyRecord(random, random(32), 0)]))
    let answered = 0
    const pointsAtAnswer: string[] = []
    for (const answer of answers) {
      void (async () => {
        await answer
        answered += 1
        pointsAtAnswer.push(points.at(-1) ?? '')
      })()
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
    expect([answered, ticks.length, points]).toEqual([0, 1, []])
    ticks[0]?.()
    const outcomes = (await Promise.all(answers)).flat()
    expect(new Set(pointsAtAnswer)).toEqual(new Set(['group-durable']))
    expect(points).toEqual(['group-begun', 'group-applied', 'group-signed', 'group-written', 'group-durable'])
    expect(outcomes.map((outcome) => ('position' in outcome ? outcome.position.sequence : 0))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    )
    await store.close()
    directory.remove()
  })

  test('a failure before the durable write leaves nothing, and the same operation succeeds after', async () => {
    const directory = temporaryDirectory()
    let failing = true
    const store = openSqliteStore({
      directory: directory.path,
      ...made,
      faultPoint: (point) => {
        if (failing && point === 'group-signed') throw new Error('no more')
      },
    })
    const random = seeded('failure')
    const principal = random(32)
    const operation = keyRecord(random, principal, 0)
    await expect(store.apply([operation])).rejects.toThrow('no more')
    expect(await store.keyCount(principal)).toBe(0)
    failing = false
    expect(await store.apply([operation])).toMatchObject([{ position: { sequence: 1 } }])
    expect(await store.ready()).toBe(true)
    await store.close()
    directory.remove()
  })

  test.each([
    ['a full disk', 13, true],
    ['a failing disk', 10, false],
  ])('after %s: whether it goes on', async (_, errcode, goesOn) => {
    const directory = temporaryDirectory()
    let failing = true
    const store = openSqliteStore({
      directory: directory.path,
      ...made,
      faultPoint: (point) => {
        if (failing && point === 'group-signed') throw Object.assign(new Error('disk'), { errcode })
      },
    })
    const random = seeded('disk')
    const operation = keyRecord(random, random(32), 0)
    await expect(store.apply([operation])).rejects.toThrow('disk')
    failing = false
    expect(await store.ready()).toBe(goesOn)
    const next = store.apply([operation])
    if (goesOn) expect(await next).toMatchObject([{ position: { sequence: 1 } }])
    else await expect(next).rejects.toMatchObject({ code: 'internal' })
    await store.close()
    directory.remove()
  })

  test('flushed aside: a group is read at once, answered after its flush, and the next one waits', async () => {
    const directory = temporaryDirectory()
    const flushes: (() => void)[] = []
    const flush = (): Promise<void> => new Promise((resolve) => void flushes.push(resolve))
    const store = openSqliteStore({ directory: directory.path, ...made, flush })
    const random = seeded('aside')
    const [first, second] = [random(32), random(32)]
    const told: string[] = []
    const tell = async (name: string, of: Promise<unknown>) => told.push(await of.then(() => name))
    const applied = tell('first', store.apply([keyRecord(random, first, 0)]))
    await expect.poll(() => flushes.length).toBe(1)
    expect(await store.keyCount(first)).toBe(1)
    const settled = tell('settled', store.durable())
    const next = tell('second', store.apply([keyRecord(random, second, 0)]))
    await new Promise((resolve) => void setTimeout(resolve, 5))
    expect([told, flushes.length, await store.keyCount(second)]).toEqual([[], 1, 0])
    flushes[0]?.()
    await Promise.all([applied, settled])
    await expect.poll(() => flushes.length).toBe(2)
    expect(told).not.toContain('second')
    flushes[1]?.()
    await next
    await store.durable()
    await store.close()
    directory.remove()
  })

  test('flushed aside: a checkpoint is told once it is on the disk; after a flush that failed none is', async () => {
    const directory = temporaryDirectory()
    const flushes: { done: () => void; fail: (why: Error) => void }[] = []
    const flush = (): Promise<void> => new Promise((done, fail) => void flushes.push({ done, fail }))
    const store = openSqliteStore({ directory: directory.path, ...made, flush })
    const { log } = store
    const told: string[] = []
    const tell = (name: string, of: Promise<unknown>) =>
      of.then(() => told.push(name), (error: PublishError) => told.push(`${name} ${error.reason ?? error.message}`))
    const checkpoint = (size: number) => ({ size, root: new Uint8Array(32).fill(size), note: new Uint8Array([size]) })
    const first = tell('first', log.publish(checkpoint(1), [], 0))
    // Begun before the flush of the first has ended, so it takes another one; both notes share that.
    await expect.poll(() => flushes.length).toBe(1)
    const kept = [tell('quorum', log.keepCosigned('quorum', 1, new Uint8Array(1))),
      tell('final', log.keepCosigned('final', 1, new Uint8Array(1)))]
    await new Promise((resolve) => void setTimeout(resolve, 5))
    expect([told, flushes.length]).toEqual([[], 1])
    flushes[0]?.done()
    await first
    await expect.poll(() => flushes.length).toBe(2)
    flushes[1]?.fail(new Error('disk'))
    await Promise.all(kept)
    await tell('second', log.publish(checkpoint(2), [], 1))
    expect(told).toEqual(['first', 'quorum disk', 'final disk', 'second uncertain'])
    await store.close()
    directory.remove()
  })

  test('what a killed process wrote is on the disk before it is read again', async () => {
    const [directory, copy] = [temporaryDirectory(), temporaryDirectory()]
    const store = openSqliteStore({ directory: directory.path, ...made, flush: flushAside })
    const random = seeded('killed')
    const principal = random(32)
    await store.apply([keyRecord(random, principal, 0)])
    cpSync(directory.path, copy.path, { recursive: true })
    const log = join(copy.path, 'index.sqlite-wal')
    expect(statSync(log).size).toBeGreaterThan(0)
    const next = openSqliteStore({ directory: copy.path, ...made, flush: flushAside })
    // Nothing depends on a log whose last bytes may never have reached the disk.
    expect([statSync(log).size, await next.keyCount(principal)]).toEqual([0, 1])
    await Promise.all([store.close(), next.close()])
    directory.remove()
    copy.remove()
  })

  test('a flush that fails: the group is not answered, and nothing more is told or written', async () => {
    const directory = temporaryDirectory()
    const flush = async () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' }))
    const store = openSqliteStore({ directory: directory.path, ...made, flush })
    const random = seeded('broken')
    await expect(store.apply([keyRecord(random, random(32), 0)])).rejects.toThrow('disk')
    await expect(store.durable()).rejects.toMatchObject({ code: 'internal' })
    expect(await store.ready()).toBe(false)
    await expect(store.apply([keyRecord(random, random(32), 0)])).rejects.toMatchObject({ code: 'internal' })
    await store.close()
    directory.remove()
  })

  test('one process at a time', async () => {
    const directory = temporaryDirectory()
    const store = openSqliteStore({ directory: directory.path, ...made })
    expect(() => openSqliteStore({ directory: directory.path, ...made })).toThrow('another process')
    await store.close()
    directory.remove()
  })
})
