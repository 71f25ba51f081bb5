/** A key is lost in the middle of a shift: two officers put a spare one in its place, at the same meter. */
import type { Parameters } from '@medplum/fhirtypes'
import { createPerson } from '@scelle/seal/persons'
import { toHex, verifyKeyChain } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  answerAt, type Application, createWorld, loggedIn, parametersOf, type Reply, type StaffKeys, type World,
} from './harness.ts'

const STAFF = {
  claire: { role: 'officer' }, odile: { role: 'officer' }, martin: { role: 'gp' }, durand: { role: 'gp' },
  // Of another house, by the register: whoever runs this edge has listed them here all the same.
  eve: { role: 'officer', organisation: new Uint8Array(32).fill(9) },
} as const
const RETURN = 'https://desk.example/back'
const MINUTE = 60_000
const HOUR = 60 * MINUTE

let world: World
let claire: Application
let odile: Application
beforeEach(async () => {
  world = await createWorld({ seed: 'replace', registered: { role: 'practice' }, staff: STAFF, basis: 'consent' })
  for (const n of [1, 2]) {
    await world.app.put(`Patient/p${n}`, { resourceType: 'Patient', id: `p${n}`, name: [{ family: `Famille${n}` }] })
    await world.app.put(`Condition/c${n}`, {
      resourceType: 'Condition', id: `c${n}`, subject: { reference: `Patient/p${n}` },
    })
  }
  claire = await loggedIn(world, 'claire')
  odile = await loggedIn(world, 'odile')
}, 30_000)
afterEach(() => world.close())

const valueOf = ({ body, status, text }: Reply<Parameters>, name: string): string => {
  const found = body.parameter?.find((each) => each.name === name)?.valueString
  if (found === undefined) throw new Error(`no ${name}: ${status} ${text}`)
  return found
}

const idOf = (name: string): string => toHex((world.staff.get(name) as StaffKeys).identity.id)

/** A security key out of the drawer: its passkey is made on the page at an officer's desk; no register knows it. */
const spare = async (name: string): Promise<string> => {
  const url = valueOf(await claire.post<Parameters>('$scelle-enrol', parametersOf({ name, return: RETURN })), 'url')
  const { request } = await readAsk(url.slice(url.indexOf('#') + 1))
  const random = world.constellation.random(`spare ${name}`)
  const passkey = new SoftwareAuthenticator({ random })
  const keys = {
    signing: random(32), sealingKey: request.sealingKey ?? new Uint8Array(), passkeys: [passkey.passkey],
  }
  const chain = [await createPerson(keys, { now: world.constellation.now, random })]
  const wraps = [{ sealed: new Uint8Array(64).fill(1) }]
  const answer = writeAnswer({ state: request.state, chain, wraps })
  const person = valueOf(await claire.post<Parameters>('$scelle-enrol', parametersOf({ answer })), 'person')
  const { id } = await verifyKeyChain(chain)
  const staff = world.staff as Map<string, StaffKeys>
  staff.set(name, { identity: { id }, chain, sealing: new Uint8Array(), keys, statuses: [], passkey })
  return person
}

const post = (by: Application, given: Readonly<Record<string, string>>): Promise<Reply<Parameters>> =>
  by.post<Parameters>('$scelle-replace-key', parametersOf(given))

const begun = (by: Application, person: string, replacement: string, more: Readonly<Record<string, string>> = {}) =>
  post(by, { person, replacement, reason: 'clé perdue dans l’escalier', return: RETURN, ...more })

/** The officer's gesture on the page, for what this reply asks. */
const signed = async (reply: Reply<Parameters>, by: string, session: Application): Promise<Reply<Parameters>> =>
  world.patiently(post(session, { answer: await answerAt(world, valueOf(reply, 'url'), by) }))

/** Both officers, one after the other: what the second one is answered. */
const ordered = async (
  person: string, replacement: string, more: Readonly<Record<string, string>> = {},
): Promise<Reply<Parameters>> => {
  const first = await begun(claire, person, replacement, more)
  const order = valueOf(await signed(first, 'claire', claire), 'order')
  return signed(await post(odile, { order, return: RETURN }), 'odile', odile)
}

const opens = async (app: Application, path: string): Promise<number> => (await world.patiently(app.get(path))).status

/** Patients of the day and without explanation, by the first trustee that answers. */
const counted = async (app: Application): Promise<readonly unknown[]> => {
  const { body } = await app.get<Parameters>('$scelle-standing')
  const part = body.parameter?.find(({ name }) => name === 'trustee')?.part ?? []
  return ['day', 'unexplained'].map((name) => part.find((each) => each.name === name)?.valueInteger)
}

/** Whether that key lets anybody in here. */
const lets = (name: string): Promise<string> => world.patiently(loggedIn(world, name, `again ${name}`)
  .then(() => 'in', (error: unknown) => String(error).replace(/^.*did not log in: (\d+).*$/s, '$1')))

describe('two officers replace a lost key', () => {
  test('within minutes: the spare one opens, the count goes on, and what the lost one had open is closed', async () => {
    const martin = await loggedIn(world, 'martin')
    expect(await opens(martin, 'Condition/c1')).toBe(200)
    expect(await counted(martin)).toEqual([1, 1])
    const began = world.constellation.now()
    const key = await spare('martin’s spare')
    expect(await lets('martin’s spare'), 'before the order').toBe('403')
    expect((await ordered(idOf('martin'), key)).status).toBe(200)
    expect(await opens(martin, 'Condition/c1'), 'in the hands of whoever found it').toBe(401)
    const again = await world.patiently(loggedIn(world, 'martin’s spare'))
    expect([await opens(again, 'Condition/c1'), await counted(again)]).toEqual([200, [1, 1]])
    expect([await opens(again, 'Condition/c2'), await counted(again)]).toEqual([200, [2, 2]])
    expect(world.constellation.now() - began).toBeLessThan(2 * MINUTE)
    const found = await world.patiently(loggedIn(world, 'martin', 'the finder'))
    expect(await opens(found, 'Condition/c2')).toBe(403)
  })

  test('until the shift ends, and through a restart of the edge', async () => {
    const key = await spare('second')
    const until = new Date(world.constellation.now() + 2 * HOUR).toISOString()
    expect(valueOf(await ordered(idOf('martin'), key, { until }), 'until')).toBe(until)
    await world.party.kill()
    await world.party.restart()
    const again = await world.patiently(loggedIn(world, 'second'))
    expect(await opens(again, 'Condition/c1')).toBe(200)
    for (let minute = 0; minute < 119; minute += 4) {
      await world.constellation.clock.advance(4 * MINUTE)
      await again.get('metadata')
    }
    expect((await again.get('Condition/c1')).status).toBe(401)
    expect(await lets('second')).toBe('403')
  })

  test('the second officer sees what waits, and by which key; whoever is none sees and signs nothing', async () => {
    const key = await spare('third')
    const first = await begun(claire, idOf('martin'), key)
    const order = valueOf(await signed(first, 'claire', claire), 'order')
    const seen = await odile.get<Parameters>('$scelle-replace-key')
    const part = seen.body.parameter?.[0]?.part ?? []
    expect(Object.fromEntries(part.map(({ name, valueString, valueInteger }) => [name, valueString ?? valueInteger])))
      .toMatchObject({ order, person: idOf('martin'), replacement: key, signed: 1 })
    const durand = await loggedIn(world, 'durand')
    expect((await durand.get('$scelle-replace-key')).status).toBe(403)
    expect((await post(durand, { order, return: RETURN })).status).toBe(403)
    expect((await begun(durand, idOf('martin'), key)).status).toBe(403)
    expect((await begun(world.app, idOf('martin'), key)).status).toBe(401)
  })
})

describe('nobody stands in for anybody', () => {
  let key: string
  beforeEach(async () => {
    key = await spare('spare')
  })

  test('by one officer\'s word, given twice', async () => {
    const first = await begun(claire, idOf('martin'), key)
    const order = valueOf(await signed(first, 'claire', claire), 'order')
    expect((await post(claire, { order, return: RETURN })).status).toBe(409)
    const elsewhere = await loggedIn(world, 'claire', 'at another desk')
    expect((await post(elsewhere, { order, return: RETURN })).status).toBe(409)
    // Begun twice before it is signed, it is answered twice, and counts once.
    const twice = await begun(claire, idOf('martin'), key)
    const again = await post(elsewhere, { order: valueOf(twice, 'order'), return: RETURN })
    expect(valueOf(await signed(twice, 'claire', claire), 'signed')).toBe('1')
    expect(valueOf(await signed(again, 'claire', elsewhere), 'signed')).toBe('1')
    expect(await lets('spare')).toBe('403')
  })

  test('by an officer of another house as the second', async () => {
    const order = valueOf(await signed(await begun(claire, idOf('martin'), key), 'claire', claire), 'order')
    const eve = await loggedIn(world, 'eve')
    expect((await signed(await post(eve, { order, return: RETURN }), 'eve', eve)).status).toBe(403)
    expect(await lets('spare')).toBe('403')
    expect((await post(odile, { order, return: RETURN })).status, 'it is over').toBe(404)
  })

  test('of an officer: neither of those who order, nor another one', async () => {
    expect((await begun(claire, idOf('claire'), key)).status).toBe(403)
    expect((await begun(claire, idOf('martin'), idOf('claire'))).status, 'who did not enrol here as a spare').toBe(404)
    expect((await begun(claire, idOf('martin'), idOf('martin'))).status, 'by itself').toBe(404)
    expect((await ordered(idOf('odile'), key)).status, 'who signs it as well').toBe(403)
    expect((await ordered(idOf('eve'), key)).status).toBe(403)
    expect(await lets('spare')).toBe('403')
  })

  test('for a second shift within a month', async () => {
    expect((await ordered(idOf('martin'), key)).status).toBe(200)
    await world.constellation.clock.advance(15 * HOUR)
    ;[claire, odile] = [await loggedIn(world, 'claire', 'tomorrow'), await loggedIn(world, 'odile', 'tomorrow too')]
    expect((await ordered(idOf('martin'), key)).status).toBe(403)
    expect(await lets('spare')).toBe('403')
  })

  test('in a chain: what stands in is not replaced, and stands for one person', async () => {
    expect((await ordered(idOf('martin'), key)).status).toBe(200)
    const more = await spare('more')
    expect((await begun(claire, key, more)).status).toBe(403)
    expect((await begun(claire, idOf('durand'), key)).status).toBe(403)
    expect(await lets('more')).toBe('403')
  })

  test('by a word that was not asked for, is another\'s, is late, or comes in another session', async () => {
    const [one, two] = [await begun(claire, idOf('martin'), key), await begun(odile, idOf('martin'), key)]
    const answer = await answerAt(world, valueOf(one, 'url'), 'claire')
    expect((await post(odile, { answer })).status, 'in another session').toBe(403)
    expect((await post(claire, { answer })).status, 'used up by whoever tried').toBe(403)
    expect((await signed(two, 'claire', odile)).status, 'a colleague\'s gesture').toBe(400)
    const late = await begun(claire, idOf('martin'), key)
    const order = valueOf(await signed(late, 'claire', claire), 'order')
    for (let minute = 0; minute < 10; minute += 2) {
      await world.constellation.clock.advance(2 * MINUTE)
      await odile.get('metadata')
    }
    expect((await post(odile, { order, return: RETURN })).status, 'late').toBe(404)
    const longer = new Date(world.constellation.now() + 15 * HOUR).toISOString()
    expect((await begun(odile, idOf('martin'), key, { until: longer })).status, 'longer than a shift').toBe(400)
  })
})

test('trustees that were away are told again by the order\'s id, without another gesture', async () => {
  const key = await spare('spare')
  const first = await begun(claire, idOf('martin'), key)
  const order = valueOf(await signed(first, 'claire', claire), 'order')
  const asked = await post(odile, { order, return: RETURN })
  const [away] = world.constellation.trustees
  await away?.kill()
  expect(valueOf(await signed(asked, 'odile', odile), 'pending')).toBe('1')
  await away?.restart()
  expect(valueOf(await world.patiently(post(odile, { order })), 'pending')).toBe('0')
  const again = await world.patiently(loggedIn(world, 'spare'))
  expect(await opens(again, 'Condition/c1')).toBe(200)
})
