/** A trustee whose clock was moved: it releases nothing, and nobody gets a budget back by it. */
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { decode, encode, hashOf } from '@scelle/seal/verify'
import { MeterAnswer, MeterRequest, type ReleaseRequest } from '@scelle/wire/messages'
import { requireClock } from '../src/log/clock.ts'
import { SeenNotes } from '../src/log/seen.ts'
import { askRelease, receiptOf } from './logged.ts'
import {
  type Clock, grantsToDoctor, grantTo, makeCapsule, makeWorld, NOW, type Outcome, post, prepare, type Running,
  startTrustee, type World,
} from './world.ts'

const DAY = 24 * 3_600
/** Between a cosignature and the end of the access that it is about. */
const LIFE = 360

const refuses = (clocks: Parameters<typeof requireClock>[0]): boolean => {
  try {
    requireClock(clocks)
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'clock-skewed' })
    return true
  }
}

const T = NOW / 1000
const life = fc.integer({ min: 0, max: LIFE })
const near = fc.integer({ min: -30, max: 30 })
const far = fc.integer({ min: 61, max: 400 * DAY }).chain((by) => fc.constantFrom(by, -by))

describe('the rule', () => {
  test('clocks that are together release all the time that an access lives', () => {
    fc.assert(fc.property(near, near, near, life, (own, first, second, age) => {
      const peers = [T + first, T + second]
      expect(refuses({ now: T + own + age, own: T + own, peers, newest: peers })).toBe(false)
    }))
  })

  test('a clock that is wrong by more than a minute releases nothing, whatever its age', () => {
    fc.assert(fc.property(far, life, (by, age) => {
      expect(refuses({ now: T + by + age, own: T + by, peers: [T, T], newest: [T, T] })).toBe(true)
    }))
  })

  test('nor does one that is moved after it cosigned, by more than an access lives', () => {
    fc.assert(fc.property(far, life, (by, age) => {
      const now = T + by + age
      fc.pre(now < T - 60 || now > T + LIFE + 60)
      expect(refuses({ now, own: T, peers: [T], newest: [T] })).toBe(true)
    }))
  })

  test('one liar of two peers neither stops it nor vouches against what the other says of now', () => {
    fc.assert(fc.property(far, life, (by, age) => {
      expect(refuses({ now: T + age, own: T, peers: [T + by, T], newest: [T + by, T] })).toBe(false)
    }))
  })

  test('put back by an hour: what both peers cosigned since is newer than its now', () => {
    expect(refuses({ now: T, own: T, peers: [T], newest: [T + 3_600, T + 3_601] })).toBe(true)
    expect(refuses({ now: T, own: T, peers: [T], newest: [T + 60, T + 3_601] })).toBe(false)
  })
})

let world: World
let running: Running
beforeEach(async () => {
  world = await makeWorld('clock')
  running = startTrustee(world)
})

/** A clock of the reader's: its accesses are dated so many seconds later. */
const later = (clock: Clock, by: number): Clock => ({ ...clock, now: () => clock.now() + by * 1000 })

const prepared = async (): Promise<ReleaseRequest> => {
  const chain = await grantsToDoctor(world)
  return (await prepare(world, { capsules: [await makeCapsule(world)], chain })).request
}

const ask = async (request: ReleaseRequest, late?: readonly number[]): Promise<Outcome> =>
  askRelease(world, running, { ...request, receipt: await receiptOf(world, running, request.access, late) })

const serial = (): number => running.store.asked(({ spent }) => spent.serial)

describe('a release', () => {
  test.each([[[61]], [[-61]], [[-DAY]], [[61, -61]]])(
    'under cosignatures that peers date %j seconds later is refused, not charged, nobody\'s doing', async (late) => {
      const request = await prepared()
      const { status, code } = await ask(request, late)
      expect([status, code, serial()]).toEqual([503, 'clock-skewed', 0])
      expect(running.store.words.of(world.vault.vault, world.hospital.id, 0, 9)).toEqual([])
      world.clock.move(1)
      expect((await ask(request)).status, 'it is released once a receipt is of one time').toBe(200)
    })

  test.each([[[60]], [[-60]], [[DAY, 0]], [[0, -DAY]]])('with %j it is made', async (late) => {
    expect((await ask(await prepared(), late)).status).toBe(200)
  })

  test('of an access dated for tomorrow, by a clock that is put there once the log is cosigned: refused', async () => {
    const reader = { ...world, clock: later(world.clock, DAY) }
    const grant = await grantTo(world, world.doctor, { expires: T + 9 * DAY, depth: 0 })
    const { request } = await prepare(reader, { capsules: [await makeCapsule(world)], chain: [grant] })
    const receipt = await receiptOf(world, running, request.access)
    world.clock.move(DAY)
    const { code } = await askRelease(world, running, { ...request, receipt })
    expect([code, serial()]).toEqual(['clock-skewed', 0])
    // The same access under a cosignature of that day is good: nothing else was wrong with it.
    expect((await ask(request)).status).toBe(200)
  })
})

test('asking where one stands under a clock put forward does not empty the windows', async () => {
  expect((await ask(await prepared())).status).toBe(200)
  const meter = hashOf('statementId', world.doctor.id)
  const counted = (): number => running.store.looked(({ ledger }) => ledger.count(meter, 'seen', 'day', T))
  world.clock.move(2 * DAY)
  const shown = [world.doctor, world.register, world.practice, world.hospital]
  const body = encode(MeterRequest, { statuses: [...world.statuses], keys: shown.map(({ chain }) => [...chain]) })
  const outcome = await post(world, running, '/v1/meter', body, world.doctor)
  expect(decode(MeterAnswer, outcome.bytes).counter.day, 'by that clock nothing is left of it').toBe(0)
  expect(counted(), 'what it spent before the clock was moved').toBe(1)
})

test('the newest time of each peer outlives a restart', () => {
  const { log } = running.store
  const [, second, third] = world.trustees.map(({ id }) => id) as [Uint8Array, Uint8Array, Uint8Array]
  const note = { size: 1, root: new Uint8Array(32), note: new Uint8Array(1) }
  const seen = new SeenNotes(log)
  seen.add(second, note, T)
  seen.add(second, note, T - 5)
  seen.keep()
  expect([new SeenNotes(log).newest(third), new SeenNotes(log).newest(second)]).toEqual([[T], []])
})
