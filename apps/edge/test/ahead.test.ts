/** An edge through an outage: whoever is expected is released before it, opens within it, and is told after it. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type Application, createWorld, issueOf, loggedIn, parametersOf, type StaffKeys, type World,
} from './harness.ts'

const STAFF = { martin: { role: 'gp' }, durand: { role: 'gp' }, secretary: { role: 'registration' },
  officer: { role: 'officer' } } as const
const MINUTE = 60_000
const LOOK = 5 * MINUTE

let world: World
beforeEach(async () => {
  world = await createWorld({
    seed: 'ahead', registered: { role: 'practice' }, staff: STAFF, sessions: { idle: 60 * MINUTE },
  })
})
afterEach(() => world.close())

const person = (name: keyof typeof STAFF): StaffKeys => world.staff.get(name) as StaffKeys
const count = (event: string): number => world.lines.filter((line) => line.includes(`"${event}"`)).length

/** Registered, with a condition, and expected as the secretary says. */
const patient = async (
  n: number, desk: Application, fact: { from?: number; until: number; reader?: keyof typeof STAFF; type?: string },
): Promise<void> => {
  await world.app.put(`Patient/p${n}`, { resourceType: 'Patient', id: `p${n}`, name: [{ family: `Famille${n}` }] })
  const subject = { reference: `Patient/p${n}` }
  await world.app.put(`Condition/c${n}`, { resourceType: 'Condition', id: `c${n}`, subject })
  const at = (minutes: number): string => new Date(world.constellation.now() + minutes * MINUTE).toISOString()
  const { status, text } = await desk.post(`Patient/p${n}/$scelle-fact`, parametersOf({
    type: fact.type ?? 'appointment', from: at(fact.from ?? 0), until: at(fact.until),
    ...(fact.reader === undefined ? {} : { reader: toHex(person(fact.reader).identity.id) }),
  }))
  if (status !== 200) throw new Error(text)
}

/** Time goes on until the log says so, or for a minute. */
const until = async (done: () => boolean): Promise<void> => {
  for (let n = 0; n < 60 && !done(); n++) {
    for (let rest = 0; rest < 10 && !done(); rest++) await new Promise((resolve) => setTimeout(resolve, 2))
    if (!done()) await world.constellation.clock.advance(1_000)
  }
}

/** The next look, until it did what is expected of it; where that is nothing, for a moment. */
const look = async (event?: string, times = 1): Promise<void> => {
  await world.constellation.clock.advance(LOOK)
  if (event !== undefined) return until(() => count(event) >= times)
  for (let rest = 0; rest < 10; rest++) await new Promise((resolve) => setTimeout(resolve, 20))
}

type Of = 'all' | 'trustees'
const outage = async (of: Of = 'all'): Promise<void> => {
  const { index, trustees } = world.constellation
  if (of === 'all') await index.kill()
  for (const trustee of trustees) await trustee.kill()
}
const over = async (of: Of = 'all'): Promise<void> => {
  const { index, trustees } = world.constellation
  for (const trustee of trustees) await trustee.restart()
  if (of === 'all') await index.restart()
}

const read = (app: Application, n: number) => world.patiently(app.get(`Condition/c${n}`))

test('who is expected opens to whom they expect, without index and trustees, to nobody else; and is told', async () => {
  const desk = await loggedIn(world, 'secretary')
  await patient(1, desk, { from: 60, until: 120, reader: 'martin' })
  await patient(2, desk, { from: 60, until: 120 })
  await patient(3, desk, { from: 30 * 60, until: 31 * 60, reader: 'martin' })
  await patient(4, desk, { from: 60, until: 120, reader: 'martin', type: 'result' })
  await look()
  expect(count('released-ahead'), 'to nobody who is not signed in').toBe(0)
  const martin = await loggedIn(world, 'martin')
  await until(() => count('released-ahead') > 0)
  expect([count('released-ahead'), count('not-released-ahead')]).toEqual([1, 0])
  await look()
  expect(count('released-ahead'), 'once for each fact').toBe(1)

  const durand = await loggedIn(world, 'durand')
  await outage()
  const opened = await read(martin, 1)
  expect(opened.status, opened.text).toBe(200)
  const others = [await read(durand, 1), await read(martin, 2), await read(martin, 3), await read(world.app, 1)]
  expect(others.map(({ status }) => status)).toEqual([503, 503, 503, 401])
  expect((await world.patiently(martin.get('Patient/p1/AuditEvent'))).status, 'no access log').toBe(403)
  expect(count('opened-ahead')).toBe(1)

  // The note outlives the process that opened.
  await world.party.kill()
  await over()
  await world.party.restart()
  const back = await loggedIn(world, 'martin', 'back')
  await look('reported-ahead')
  expect([count('reported-ahead'), count('not-reported-ahead')]).toEqual([1, 0])
  await world.constellation.clock.advance(MINUTE)
  const officer = await loggedIn(world, 'officer')
  const again = await loggedIn(world, 'secretary', 'again')
  await again.post('Patient/p1/$scelle-fact', parametersOf({
    type: 'appointment', until: new Date(world.constellation.now() + 60 * MINUTE).toISOString(),
  }))
  const { body, text } = await officer.get<Parameters>('Patient/p1/$scelle-accesses')
  const readers = (body.parameter ?? []).filter(({ part }) => part?.some(({ name }) => name === 'openedOffline'))
  expect(readers, text).toHaveLength(1)
  expect((await world.app.get<Bundle>('AuditEvent')).status).toBe(401)
  const register = await back.get<Bundle>('AuditEvent')
  expect(register.text.split('opened-offline'), 'in the register of the house, beside the release').toHaveLength(2)
  expect(register.text).toContain('released-until')
  expect(JSON.stringify(readers)).toContain(toHex(person('martin').identity.id))
  expect((body.parameter ?? []).filter(({ name }) => name === 'finding')).toEqual([])
  await look()
  expect(count('reported-ahead'), 'told once').toBe(1)
}, 30_000)

test('with trustees away alone, too, until its time is over; and then everything is asked as before', async () => {
  const desk = await loggedIn(world, 'secretary')
  await patient(1, desk, { until: 20, reader: 'martin' })
  const martin = await loggedIn(world, 'martin')
  await until(() => count('released-ahead') > 0)
  await look()
  await outage('trustees')
  const opened = await read(martin, 1)
  expect(opened.status, opened.text).toBe(200)
  const { clock } = world.constellation
  await clock.advance(5 * MINUTE)
  // The index took the note meanwhile, so that what rests here was opened once more.
  expect((await read(martin, 1)).status).toBe(200)
  await clock.advance(10 * MINUTE)
  expect((await read(martin, 1)).status, 'its time is over').toBe(503)
  await over('trustees')
  const back = await loggedIn(world, 'martin', 'back')
  const refused = await read(back, 1)
  expect(issueOf(refused).details?.coding?.[0]?.code).toBe('fact-required')
}, 30_000)

test('a refusal by trustees that answer is no outage: nothing that rests here stands in for them', async () => {
  const desk = await loggedIn(world, 'secretary')
  await patient(1, desk, { until: 60, reader: 'martin' })
  const martin = await loggedIn(world, 'martin')
  await until(() => count('released-ahead') > 0)
  expect(count('released-ahead')).toBe(1)
  const { constellation } = world
  const officer = await constellation.client('person')
  const status = await constellation.register.enrol({
    subject: officer.identity.id, role: 'officer', organisation: world.party.id,
  })
  const { identity, statuses } = person('martin')
  const order = await officer.newOrder({
    action: 'lock', scope: 'device', target: identity.id, reason: 'clé volée', until: constellation.now() + 60 * MINUTE,
  })
  await officer.order([order], [status, ...statuses])
  expect(issueOf(await read(martin, 1)).details?.coding?.[0]?.code).toBe('locked')
  // Once the edge knows of the lock, no outage brings it back either.
  await constellation.clock.advance(20_000)
  await until(() => count('person-locked') > 0)
  const again = await loggedIn(world, 'martin', 'again')
  await outage()
  expect((await read(again, 1)).status).toBe(503)
  expect(count('opened-ahead')).toBe(0)
}, 30_000)
