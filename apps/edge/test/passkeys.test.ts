/** Signing in on the passkey page, and a workstation that several people share: each attack by its name. */
import type { Bundle } from '@medplum/fhirtypes'
import { writeAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  answerAt, type Application, askedToLogin, createWorld, loggedIn, loginOf, parametersOf, type World,
} from './harness.ts'

const STAFF = { martin: { role: 'gp' }, durand: { role: 'gp' } } as const
const MINUTE = 60_000

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'passkeys', registered: { role: 'practice' }, staff: STAFF, basis: 'consent' })
  for (const n of [1, 2]) {
    await world.app.put(`Patient/p${n}`, { resourceType: 'Patient', id: `p${n}`, name: [{ family: `Famille${n}` }] })
    await world.app.put(`Condition/c${n}`, {
      resourceType: 'Condition', id: `c${n}`, subject: { reference: `Patient/p${n}` },
    })
  }
}, 30_000)
afterAll(() => world.close())

const login = async (app: Application, answer: string): Promise<number> =>
  (await app.post('$scelle-login', parametersOf({ answer }))).status

describe('an answer of the page', () => {
  test('is good once, in the session that asked, within five minutes', async () => {
    const app = world.app.serving('once')
    const url = await askedToLogin(world, 'martin', app)
    const answer = await answerAt(world, url, 'martin')
    expect(await login(world.app.serving('another browser'), answer), 'elsewhere').toBe(403)
    expect(await login(app, answer), 'used up by whoever tried').toBe(403)
    const good = await answerAt(world, await askedToLogin(world, 'martin', app), 'martin')
    expect(await login(app, good)).toBe(200)
    await app.post('$scelle-logout', undefined)
    expect(await login(app, good), 'replayed').toBe(403)
    const late = await answerAt(world, await askedToLogin(world, 'martin', app), 'martin')
    await world.constellation.clock.advance(5 * MINUTE)
    expect(await login(app, late), 'late').toBe(403)
  })

  test('by another person, of another request, or of a state that nobody has, lets nobody in', async () => {
    const app = world.app.serving('wrong')
    expect(await login(app, await answerAt(world, await askedToLogin(world, 'martin', app), 'durand'))).toBe(403)
    const signed = new Uint8Array(40)
    expect(await login(app, writeAnswer({ state: new Uint8Array(32), signed }))).toBe(403)
    expect(await login(app, writeAnswer({ state: new Uint8Array(32), problem: 'declined' }))).toBe(403)
    expect(await login(app, 'no answer')).toBe(400)
    expect((await app.get('Condition/c1')).status).toBe(401)
  })
})

describe('a shared workstation', () => {
  test('the next person sees nothing of the last one\'s: charts, pages, lists of what is open', async () => {
    const app = await loggedIn(world, 'martin', 'desk')
    expect((await app.get('Condition/c1')).status).toBe(200)
    const page = await app.get<Bundle>('Patient/p1/$everything?_count=1')
    const next = page.body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    expect(next).toContain('/fhir')
    await app.post('$scelle-logout', undefined)
    expect((await app.get('Condition/c1')).status).toBe(401)
    const began = performance.now()
    const { status } = await app.post('$scelle-login', await loginOf(world, 'durand', app))
    expect([status, performance.now() - began < 5_000]).toEqual([200, true])
    expect((await app.get(next)).status).toBe(410)
    expect((await app.search('Condition')).text).not.toContain('c1')
  })

  test('five minutes without a request lock it', async () => {
    const app = await loggedIn(world, 'martin', 'idle')
    expect((await app.get('Condition/c2')).status).toBe(200)
    await world.constellation.clock.advance(5 * MINUTE + 1_000)
    expect((await app.get('Condition/c2')).status).toBe(401)
  })

  test('signing out everywhere ends the person\'s sessions, and no colleague\'s', async () => {
    const [here, there] = [await loggedIn(world, 'martin', 'here'), await loggedIn(world, 'martin', 'there')]
    const durand = await loggedIn(world, 'durand', 'durand')
    expect((await here.post('$scelle-logout', parametersOf({ everywhere: 'true' }))).status).toBe(204)
    expect([(await here.get('Condition/c1')).status, (await there.get('Condition/c1')).status]).toEqual([401, 401])
    expect((await durand.get('Condition/c1')).status).toBe(200)
  })
})

test('whoever copies the disk finds no session: a restarted edge is nobody\'s', async () => {
  const app = await loggedIn(world, 'durand', 'before')
  expect((await app.get('Condition/c1')).status).toBe(200)
  await world.party.kill()
  await world.party.restart()
  expect((await app.get('Condition/c1')).status).toBe(401)
})
