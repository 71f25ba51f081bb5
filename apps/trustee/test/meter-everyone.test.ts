/** All readers together: a day that is unlike the last thirty is told, once, and nobody is refused for it. */
import { beforeEach, expect, test } from 'vitest'
import { decode } from '@scelle/seal/verify'
import { MeterStatus } from '@scelle/wire/messages'
import { EVERYONE, MEASURES } from '../src/meter/budgets.ts'
import { get } from './log-world.ts'
import { askRelease } from './logged.ts'
import { patientOf, requestOf } from './patients.ts'
import { makeWorld, type Running, startTrustee, type World } from './world.ts'

const DAY = 24 * 3_600
let world: World
let running: Running
beforeEach(async () => {
  world = await makeWorld('everyone')
  running = startTrustee(world)
})

/** So many days before today, with one opening each. */
const past = (days: number): void => {
  const now = Math.floor(world.clock.now() / 1000)
  running.store.asked((meter) => {
    for (let day = days; day > 0; day--) {
      const counted = [{ meter: EVERYONE, measures: 1 << MEASURES.indexOf('own') }]
      meter.replay({
        serial: meter.spent.serial + 1, vault: world.clock.random(32), time: now - day * DAY - 3_600, counted, used: [],
      })
    }
  })
}

const open = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) {
    const patient = await patientOf(world, [world.doctor])
    const request = await requestOf(world, patient, world.doctor, world.statuses)
    expect((await askRelease(world, running, {
      ...request, keys: [...request.keys, [...world.practice.chain]],
    })).status).toBe(200)
  }
}

const alarms = (): unknown[] => running.lines.map((line) => JSON.parse(line) as { event: string })
  .filter(({ event }) => event === 'meter-everyone')

const status = async (): Promise<MeterStatus> => decode(MeterStatus, (await get(running, '/v1/meter')).bytes)

test('more than 1.3 times the busiest day: told once, shown for a day, and told again the day after', async () => {
  past(7)
  await open(1)
  expect([alarms().length, (await status()).alarm]).toEqual([0, undefined])
  await open(1)
  const now = Math.floor(world.clock.now() / 1000)
  expect(alarms()).toEqual([expect.objectContaining({ day: 2, usual: 1 })])
  await open(2)
  expect(alarms()).toHaveLength(1)
  expect(await status()).toMatchObject({ alarm: now, day: 4, usual: 1 })
  world.clock.move(DAY)
  expect((await status()).alarm).toBeUndefined()
  await open(5)
  expect(alarms(), 'five are not 1.3 times the four of the day before').toHaveLength(1)
  await open(1)
  expect(alarms()[1]).toMatchObject({ day: 6, usual: 4 })
})

test('of a trustee that knows less than a week no day is unlike the others', async () => {
  past(6)
  await open(5)
  expect(alarms()).toEqual([])
})
