/** Officers' orders in the log: carried out before the tree is cosigned, once, in order; garbage stops nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeOrder, signNotice, signOrder } from '@scelle/seal/grants'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { decode, decodeSigned, encode, hashOf, Notice, type Order } from '@scelle/seal/verify'
import { OrderNotice } from '@scelle/wire/messages'
import type { VerifiedOrder } from '../src/meter/orders.ts'
import { TrusteeStore } from '../src/store.ts'
import { follow, TestLog } from './log-world.ts'
import { makeWorld, post, type Running, startTrustee, statusOf, type World } from './world.ts'

let world: World
let running: Running
let log: TestLog
let one: Identity
let two: Identity
let statuses: Map<Identity, Uint8Array>
beforeEach(async () => {
  world = await makeWorld('log orders')
  running = startTrustee(world)
  one = await createIdentity('person', world.clock)
  two = await createIdentity('person', world.clock)
  const officer = { role: 'officer', organisation: world.practice.id } as const
  statuses = new Map([
    [one, await statusOf(world, one, officer)], [two, await statusOf(world, two, officer)],
    [world.doctor, world.statuses[0] as Uint8Array],
  ])
  log = new TestLog(world).append(2)
  for (const who of [one, two, world.stranger]) log.add(who.chain[0] as Uint8Array)
  await follow(world, running, log)
})
afterEach(() => running.store.close())

const seconds = (): number => Math.floor(world.clock.now() / 1000)
const meter = (): Uint8Array => hashOf('statementId', world.doctor.id)
const locked = (of = running): boolean => of.store.meter.locks.of('person', meter()) !== undefined
const ignored = (): unknown[] => running.lines.map((line) => JSON.parse(line) as { event: string })
  .filter(({ event }) => event === 'notice-ignored')

const orderOf = (fields: Partial<Order> = {}): Order => makeOrder({
  action: 'lock', scope: 'person', target: meter(), notBefore: seconds(), expires: seconds() + 3_600,
  reason: 'appareil volé', ...fields,
}, world.clock)

/** What officers send, to trustees or in a notice. */
const contentOf = async (order: Order, by: readonly Identity[] = [one]): Promise<Uint8Array> => encode(OrderNotice, {
  orders: await Promise.all(by.map((officer) => signOrder(officer, order))),
  statuses: [...by, world.doctor].flatMap((who) => statuses.get(who) ?? []),
  keys: [...by, world.register].map(({ chain }) => [...chain]),
})

const noticeOf = (content: Uint8Array, signer = one, trustees = world.trustees): Promise<Uint8Array> => signNotice({
  signer, about: 'order', target: meter(), content, trustees: trustees.map(({ keys }) => keys),
}, world.clock)

const direct = async (content: Uint8Array, by = one): Promise<number> =>
  (await post(world, running, '/v1/orders', content, by)).status

/** In the log, and the log cosigned with it. */
const logged = async (...notices: readonly Uint8Array[]): Promise<void> => {
  for (const notice of notices) log.add(notice)
  expect((await follow(world, running, log)).cosigned).toBe(log.size)
}

const changed = (signed: Uint8Array, fields: Partial<Notice>, by = one): Promise<Uint8Array> =>
  by.sign('notice', encode(Notice, { ...decode(Notice, decodeSigned('notice', signed).body), ...fields }))

describe('an order in the log', () => {
  test('is carried out with the tree that holds it, and not before that tree is cosigned', async () => {
    log.add(await noticeOf(await contentOf(orderOf())))
    await post(world, running, '/v1/log/push', new Uint8Array(0), world.index)
    expect(locked()).toBe(false)
    await follow(world, running, log)
    expect(locked()).toBe(true)
    expect(ignored()).toEqual([])
  })

  test('reaches a trustee that was away for a day, or that starts from nothing, as it was ordered then', async () => {
    log.add(await noticeOf(await contentOf(orderOf())))
    world.clock.move(86_400)
    await follow(world, running, log.append(300))
    expect(locked()).toBe(true)
    const fresh = startTrustee(world)
    await follow(world, fresh, log)
    expect(locked(fresh)).toBe(true)
    fresh.store.close()
  })

  test('counts once with the one that came directly, in whosever notice and however often', async () => {
    const lock = await contentOf(orderOf())
    expect(await direct(lock)).toBe(204)
    world.clock.move(60)
    expect(await direct(await contentOf(orderOf({ action: 'clear' }), [one, two]))).toBe(204)
    await logged(await noticeOf(lock), await noticeOf(lock, two), await noticeOf(lock, world.stranger))
    expect(locked()).toBe(false)
    expect(ignored()).toEqual([])
  })

  test('two officers clear by it, one alone does not', async () => {
    await logged(await noticeOf(await contentOf(orderOf())))
    world.clock.move(10)
    await logged(await noticeOf(await contentOf(orderOf({ action: 'clear' }))))
    expect(locked()).toBe(true)
    expect(ignored()).toMatchObject([{ leaf: log.size - 1, code: 'not-permitted' }])
    await logged(await noticeOf(await contentOf(orderOf({ action: 'clear' }), [one, two])))
    expect(locked()).toBe(false)
  })

  test('a lock that was missed, and cleared directly since, does not come back by the log', async () => {
    const lock = await noticeOf(await contentOf(orderOf()))
    world.clock.move(60)
    await direct(await contentOf(orderOf({ action: 'clear' }), [one, two]))
    await logged(lock)
    expect(locked()).toBe(false)
  })

  test('a clear that was missed takes away no later lock: of an officer, or of a spent budget', async () => {
    const clear = await noticeOf(await contentOf(orderOf({ action: 'clear' }), [one, two]))
    world.clock.move(60)
    await direct(await contentOf(orderOf()))
    await logged(clear)
    expect(locked()).toBe(true)
    const again = await noticeOf(await contentOf(orderOf({ action: 'clear' }), [one, two]))
    world.clock.move(60)
    running.store.meter.locks.add({ scope: 'person', target: meter(), cause: 'budget', since: seconds() })
    await logged(again)
    expect(locked()).toBe(true)
  })

  test('is good though its officer has replaced the key since; under a key replaced before, it is not', async () => {
    const before = await noticeOf(await contentOf(orderOf()))
    const next = await rotateIdentity(one, world.clock)
    const late = await contentOf(orderOf({ scope: 'device', target: world.stranger.id }))
    log.add(before)
    log.add(next.chain[1] as Uint8Array)
    log.add(await noticeOf(late, two))
    log.add(await noticeOf(late, one))
    await follow(world, running, log)
    expect(locked()).toBe(true)
    expect(running.store.meter.locks.all()).toHaveLength(1)
    expect(ignored()).toMatchObject([
      { leaf: log.size - 1, code: 'signature-invalid' }, { leaf: log.size - 2, code: 'bad-statement' },
    ].toSorted((a, b) => a.leaf - b.leaf))
  })
})

describe('ignored, and cosigned all the same:', () => {
  const cases: [string, () => Promise<Uint8Array>, string][] = [
    ['of no officer', async () => noticeOf(await contentOf(orderOf(), [world.stranger]), world.stranger),
      'not-permitted'],
    ['a status that no listed register signed', async () => {
      const register = await createIdentity('organisation', world.clock)
      const status = await statusOf({ clock: world.clock, register }, one, { role: 'officer' })
      const { orders, keys } = decode(OrderNotice, await contentOf(orderOf()))
      return noticeOf(encode(OrderNotice, { orders, statuses: [status], keys: [...keys, [...register.chain]] }))
    }, 'status-required'],
    ['an order that had ended by the notice\'s time', async () => {
      const content = await contentOf(orderOf())
      world.clock.move(901)
      return noticeOf(content)
    }, 'bad-statement'],
    ['a surge that had ended, in a notice that is dated back to before what was cosigned', async () => {
      const content = await contentOf(orderOf({ action: 'surge' }), [one, two])
      const time = seconds()
      world.clock.move(3_600)
      await follow(world, running, log.append(1))
      world.clock.move(-3_600)
      const notice = await noticeOf(content)
      world.clock.move(3_600)
      expect(decode(Notice, decodeSigned('notice', notice).body).time).toBe(time)
      return notice
    }, 'bad-statement'],
    ['dated in the future', async () => {
      world.clock.move(3_600)
      const notice = await noticeOf(await contentOf(orderOf()))
      world.clock.move(-3_600)
      return notice
    }, 'bad-statement'],
    ['sealed to other trustees alone', async () => noticeOf(await contentOf(orderOf()), one, world.trustees.slice(1)),
      'principal-mismatch'],
    ['copied from an officer by somebody else', async () =>
      changed(await noticeOf(await contentOf(orderOf())), {}, world.stranger), 'seal-invalid'],
    ['with content that is no order', async () => noticeOf(world.clock.random(200)), 'encoding-'],
    ['with nothing but noise', async () => changed(await noticeOf(world.clock.random(200)), {
      content: world.clock.random(300),
    }), 'seal-invalid'],
    ['by somebody whose keys the log has not', async () => noticeOf(await contentOf(orderOf()), world.doctor),
      'signature-invalid'],
    ['an order told as a binding', async () => signNotice({
      signer: one, about: 'binding', target: meter(), content: await contentOf(orderOf()),
      trustees: world.trustees.map(({ keys }) => keys),
    }, world.clock), 'encoding-'],
  ]
  test.each(cases)('%s', async (_, make, code) => {
    const notice = await make()
    const good = await noticeOf(await contentOf(orderOf({ scope: 'device', target: one.id })))
    await logged(notice, good)
    expect(locked() || running.store.meter.locks.hasSurge('person', meter(), seconds())).toBe(false)
    expect(ignored()).toMatchObject([{ leaf: log.size - 2, code: expect.stringContaining(code) as string }])
    // What stands after it counts.
    expect(running.store.meter.locks.of('device', one.id)).toBeDefined()
  })
})

describe('a trustee restored from a backup of before', () => {
  let directory: string
  beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'scelle-log-orders-')) })
  afterEach(() => rmSync(directory, { recursive: true }))

  /** An order two hours ago, which the restored trustee reads now; `steps`: what it cosigns on the way. */
  const restored = async (action: Order['action'], steps: readonly number[]): Promise<Running> => {
    const path = join(directory, 'trustee.sqlite')
    const kept = startTrustee(world, 0, path)
    await follow(world, kept, log)
    if (action === 'clear') kept.store.meter.locks.add({ scope: 'person', target: meter(), cause: 'order', since: 0 })
    kept.store.close()
    const before = log.size
    log.add(await noticeOf(await contentOf(orderOf({ action }), [one, two])))
    log.append(50)
    world.clock.move(7_200)
    const again = startTrustee(world, 0, path)
    for (const step of steps) {
      const part = new TestLog(world, log.leaves.slice(0, before + step))
      expect((await follow(world, again, part)).cosigned).toBe(before + step)
    }
    await follow(world, again, log)
    return again
  }

  test('a lock is locked before it cosigns what comes after', async () => {
    const again = await restored('lock', [])
    expect(locked(again)).toBe(true)
    again.store.close()
  })

  test('a lock is locked also where the index has it cosign what is before the lock first', async () => {
    log.append(1)
    const again = await restored('lock', [0])
    expect(locked(again)).toBe(true)
    again.store.close()
  })

  test('a clear has it cleared', async () => {
    const again = await restored('clear', [])
    expect(locked(again)).toBe(false)
    again.store.close()
  })
})

test('trustees that heard different things directly, in any order, agree once they have read the log', () => {
  const target = new Uint8Array(32).fill(7)
  const step = fc.record({ lock: fc.boolean(), heard: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }) })
  fc.assert(fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.nat({ max: 8 }), (steps, read) => {
    const stores = [0, 1, 2].map(() => new TrusteeStore(':memory:'))
    const orders = steps.map(({ lock, heard }, i): { heard: boolean[]; time: number; verified: VerifiedOrder } => ({
      heard, time: 1_000 + i,
      verified: {
        nonce: String(i), officers: [{ organisation: undefined, meter: target }],
        order: {
          suite: 1, action: lock ? 'lock' : 'clear', scope: 'person', target, notBefore: 1_000 + i, expires: 9_000,
          reason: '', nonce: new Uint8Array(16).fill(i),
        },
      },
    }))
    const hear = (store: TrusteeStore, from: number, to: number, which: number): void => {
      for (const { heard, time, verified } of orders.slice(from, to)) {
        if (heard[which] === true) store.order(verified, [], time)
      }
    }
    for (const [which, store] of stores.entries()) {
      // Part of the log is read while orders still come, the rest at the end.
      hear(store, 0, read, which)
      for (const { time, verified } of orders.slice(0, read)) store.order(verified, [], time, true)
      hear(store, read, orders.length, which)
      for (const { time, verified } of orders) store.order(verified, [], time, true)
    }
    const states = stores.map((store) => store.meter.locks.of('person', target) !== undefined)
    for (const store of stores) store.close()
    expect(states).toEqual(Array(3).fill(steps.at(-1)?.lock))
  }), { numRuns: 60 })
})

test('a surge that was missed is the same surge, and no second one', async () => {
  const surge = await contentOf(orderOf({ action: 'surge', expires: seconds() + 600 }), [one, two])
  await direct(surge)
  await logged(await noticeOf(surge))
  expect(running.store.meter.locks.hasSurge('person', meter(), seconds() + 599)).toBe(true)
  expect(running.store.meter.locks.hasSurge('person', meter(), seconds() + 600)).toBe(false)
})
