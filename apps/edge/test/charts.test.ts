/** Charts close: after idleness, at the end of their time, when there are too many. Reading then is a new access. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const MINUTE = 60_000

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'charts', jump: 0, charts: { open: 2, idle: 10 * MINUTE, absolute: 30 * MINUTE } })
  for (const id of ['a', 'b', 'c']) {
    await world.app.put(`Patient/${id}`, patient(id))
    await world.app.put(`Observation/o${id}`, { ...glucose(id, 1), id: `o${id}` })
  }
})
afterAll(() => world.close())

/** Accesses that the index was asked to put on record. */
const accesses = async (work: () => Promise<unknown>): Promise<number> => {
  const { network } = world.constellation
  network.recording = true
  const before = network.seen.length
  await work()
  network.recording = false
  return network.seen.slice(before).filter(({ target }) => target === '/v1/accesses').length
}
const read = (id: string) => async (): Promise<void> => {
  expect((await world.app.get(`Observation/o${id}`)).status).toBe(200)
}

test('writing opens nothing; reading opens once', async () => {
  expect(world.edge().figures().openCharts).toBe(1) // the organisation's own
  expect(await accesses(read('a'))).toBe(1)
  expect(await accesses(read('a'))).toBe(0)
  expect(await accesses(() => world.app.search('Observation?patient=a'))).toBe(0)
})

test('an idle chart closes, a used one at the end of its time', async () => {
  const { clock } = world.constellation
  for (let turn = 0; turn < 3; turn++) {
    await clock.advance(9 * MINUTE)
    expect(await accesses(read('a'))).toBe(0)
  }
  await clock.advance(4 * MINUTE)
  expect(await accesses(read('a'))).toBe(1)
  await clock.advance(11 * MINUTE)
  expect(world.edge().figures().openCharts).toBe(1)
  expect(await accesses(read('a'))).toBe(1)
})

test('pages end with the chart they are of, though it is open again', async () => {
  const { clock } = world.constellation
  await world.app.put('Observation/oa2', { ...glucose('a', 2), id: 'oa2' })
  const { body } = await world.app.search('Observation?patient=a&_count=1')
  const next = body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
  await clock.advance(5 * MINUTE)
  expect((await world.app.search(next)).status).toBe(200)
  const other = (await world.app.search('Observation?patient=a&_count=1')).body
  const late = other.link?.find(({ relation }) => relation === 'next')?.url ?? ''
  // Another chart pushes it out, and it is opened anew.
  await read('b')()
  await read('c')()
  await read('a')()
  expect((await world.app.search(late)).status).toBe(410)
})

test('of too many charts the least recently used closes', async () => {
  await read('b')()
  await read('a')()
  await read('c')()
  expect(world.edge().figures().openCharts).toBe(3)
  expect(await accesses(read('a'))).toBe(0)
  expect(await accesses(read('b'))).toBe(1)
})

test('many readers of a closed chart share one opening', async () => {
  await world.party.restart()
  expect(await accesses(() => Promise.all(Array.from({ length: 10 }, () => read('a')())))).toBe(1)
})
