/** A house enrols its people on the passkey page, and they change their passkeys there: each attack by its name. */
import type { Parameters } from '@medplum/fhirtypes'
import { createPerson, type PersonKeys, renewPerson, signOutBody, unsignedOf } from '@scelle/seal/persons'
import { type Passkey, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { type PageRequest, readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Application, askedToLogin, confirmedBy, createWorld, loggedIn, parametersOf, type StaffKeys, type World,
} from './harness.ts'

let world: World
let officer: Application
beforeAll(async () => {
  world = await createWorld({
    seed: 'enrolment', registered: { role: 'practice' }, basis: 'consent',
    staff: { claire: { role: 'officer' }, martin: { role: 'gp' } },
  })
  await world.app.put('Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }] })
  await world.app.put('Condition/c', { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' } })
  officer = await loggedIn(world, 'claire', 'desk of the officer')
}, 30_000)
afterAll(() => world.close())

const RETURN = 'https://desk.example/back'
const WRAP = [{ sealed: new Uint8Array(64).fill(1) }]

const askedOf = async (reply: { status: number; body: Parameters; text: string }): Promise<PageRequest> => {
  const url = reply.body.parameter?.find(({ name }) => name === 'url')?.valueString
  if (url === undefined) throw new Error(`nothing was asked: ${reply.status} ${reply.text}`)
  return (await readAsk(url.slice(url.indexOf('#') + 1))).request
}

const toEnrol = async (name: string, by = officer): Promise<PageRequest> =>
  askedOf(await by.post<Parameters>('$scelle-enrol', parametersOf({ name, return: RETURN, language: 'fr' })))

interface Made {
  readonly keys: PersonKeys
  readonly chain: readonly Uint8Array[]
  readonly passkey: SoftwareAuthenticator
}

interface Wrong {
  readonly change?: Partial<Passkey>
  readonly sealingKey?: Uint8Array
}

/** What the page makes of it, with the person before it. */
const made = async (request: PageRequest, given: Wrong = {}): Promise<Made> => {
  const random = world.constellation.random(`page ${toHex(request.state)}`)
  const passkey = new SoftwareAuthenticator({ random })
  const keys = {
    signing: random(32), sealingKey: given.sealingKey ?? request.sealingKey ?? new Uint8Array(),
    passkeys: [{ ...passkey.passkey, ...given.change }],
  }
  return { keys, passkey, chain: [await createPerson(keys, { now: world.constellation.now, random })] }
}

/** New key records are relied on once the log has published them: within a second. */
const answered = async (request: PageRequest, chain: readonly Uint8Array[], by = officer) =>
  world.patiently(by.post<Parameters>('$scelle-enrol', parametersOf({
    answer: writeAnswer({ state: request.state, chain: [...chain], wraps: WRAP }),
  })))

/** Known to the harness as its own people are: they sign in likewise. */
const employ = async (name: string, { keys, chain, passkey }: Made): Promise<string> => {
  const { id } = await verifyKeyChain(chain)
  const staff = world.staff as Map<string, StaffKeys>
  staff.set(name, { identity: { id }, chain, sealing: new Uint8Array(), keys, statuses: [], passkey })
  return toHex(id)
}

const stated = async (person: string, organisation: Uint8Array = world.party.id): Promise<number> => {
  const status = await world.constellation.register.enrol({
    subject: new Uint8Array(Buffer.from(person, 'hex')), role: 'gp', organisation, ownKey: false,
  })
  const statement = Buffer.from(status).toString('base64')
  return (await officer.post('$scelle-status', parametersOf({ person, statement }))).status
}

const enrolled = async (name: string): Promise<{ readonly person: string; readonly page: Made }> => {
  const request = await toEnrol(name)
  const page = await made(request)
  expect((await answered(request, page.chain)).status).toBe(200)
  const person = await employ(name, page)
  expect(await stated(person)).toBe(200)
  return { person, page }
}

describe('enrolment', () => {
  test('takes an officer, the page and a register\'s word; then the person signs in and opens', async () => {
    await enrolled('nadia')
    const nadia = await loggedIn(world, 'nadia')
    expect((await world.patiently(nadia.get('Condition/c'))).status).toBe(200)
    // Kept sealed, and still there after a restart.
    await world.party.kill()
    await world.party.restart()
    const again = await loggedIn(world, 'nadia', 'after the restart')
    expect((await world.patiently(again.get('Condition/c'))).status).toBe(200)
    officer = await loggedIn(world, 'claire', 'officer again')
  })

  test('is nobody\'s but an officer\'s to begin', async () => {
    const martin = await loggedIn(world, 'martin')
    const wish = parametersOf({ name: 'Mallory', return: RETURN, language: 'fr' })
    expect((await martin.post('$scelle-enrol', wish)).status).toBe(403)
    expect((await world.app.post('$scelle-enrol', wish)).status).toBe(401)
    const status = parametersOf({ person: '00'.repeat(32), statement: 'aaaaaaaa' })
    expect((await martin.post('$scelle-status', status)).status).toBe(403)
  })

  test('takes no key that can be copied, of another page, or that the house did not make', async () => {
    const attempts: readonly (readonly [string, Wrong])[] = [
      ['a synced passkey', { change: { deviceBound: false } }],
      ['a passkey of another page', { change: { origin: 'https://evil.test' } }],
      ['a sealing key of somebody else\'s', { sealingKey: new Uint8Array(1216) }],
    ]
    for (const [what, given] of attempts) {
      const request = await toEnrol(what)
      expect([what, (await answered(request, (await made(request, given)).chain)).status]).toEqual([what, 403])
    }
  })

  test('an answer is good once, and for the request that it is to', async () => {
    const [one, two] = [await toEnrol('one'), await toEnrol('two')]
    const page = await made(one)
    expect((await answered({ ...two, state: one.state }, (await made(two)).chain)).status, 'mixed up').toBe(403)
    expect((await answered(one, page.chain)).status, 'used up').toBe(403)
    const martin = await loggedIn(world, 'martin', 'elsewhere')
    expect((await answered(two, (await made(two)).chain, martin)).status, 'in another session').toBe(403)
  })

  test('without a register\'s word about this house nobody signs in', async () => {
    const request = await toEnrol('olga')
    const page = await made(request)
    await answered(request, page.chain)
    const person = await employ('olga', page)
    await expect(loggedIn(world, 'olga')).rejects.toThrow('did not log in: 403')
    expect(await stated(person, new Uint8Array(32).fill(7)), 'of another house').toBe(400)
  })
})

describe('a lost device, or one more', () => {
  test('is taken out by its person, whose sessions by it are over; the other one opens', async () => {
    const { person, page } = await enrolled('pia')
    const first = await loggedIn(world, 'pia')
    expect((await world.patiently(first.get('Condition/c'))).status).toBe(200)
    const change = (task: string, by: Application) => by.post<Parameters>('$scelle-enrol', parametersOf({
      task, person, return: RETURN, language: 'fr',
    }))
    const context = { now: world.constellation.now, random: world.constellation.random('second device') }
    const second = new SoftwareAuthenticator({ random: context.random })
    const adding = await askedOf(await change('add-passkey', first))
    expect(adding.wraps).toEqual(WRAP)
    const both = await renewPerson(page.chain, {
      ...page.keys, passkeys: [page.passkey.passkey, second.passkey],
    }, context)
    expect((await answered(adding, both, first)).status).toBe(200)
    expect((await world.patiently(first.get('Condition/c'))).status, 'the first one goes on').toBe(200)
    const removing = await askedOf(await change('remove-passkey', first))
    const left = await renewPerson(both, { ...page.keys, passkeys: [second.passkey] }, context)
    expect((await answered(removing, left, first)).status).toBe(200)
    expect((await first.get('Condition/c')).status, 'by the lost one').toBe(401)
    await employ('pia', { ...page, chain: left })
    await expect(world.patiently(loggedIn(world, 'pia', 'thief'))).rejects.toThrow('did not log in: 403')
    await employ('pia', { keys: page.keys, chain: left, passkey: second })
    const again = await world.patiently(loggedIn(world, 'pia', 'second device'))
    expect((await world.patiently(again.get('Condition/c'))).status).toBe(200)
  })

  test('of somebody else\'s is nobody\'s to change; recovery is begun by an officer', async () => {
    const { person } = await enrolled('quentin')
    const martin = await loggedIn(world, 'martin', 'curious')
    const change = (task: string, by: Application) => by.post<Parameters>('$scelle-enrol', parametersOf({
      task, person, return: RETURN, language: 'fr',
    }))
    expect((await change('add-passkey', martin)).status).toBe(403)
    expect((await change('recover', martin)).status).toBe(403)
    expect((await askedOf(await change('recover', officer))).task).toBe('recover')
    expect(await askedToLogin(world, 'quentin', world.app.serving('q'))).toContain('https://passkey.test/')
  })

  /** Somebody who confirmed something, has a second passkey since, and goes on in the session of the first. */
  const goesOn = async (name: string) => {
    const { person, page } = await enrolled(name)
    const app = await loggedIn(world, name)
    const confirmed = await confirmedBy(world, name, app, { reader: person, reason: 'garde de nuit' })
    const asked = await askedOf(await app.post<Parameters>('$scelle-enrol', parametersOf({
      task: 'add-passkey', person, return: RETURN, language: 'fr',
    })))
    const context = { now: world.constellation.now, random: world.constellation.random(`second device of ${name}`) }
    const second = new SoftwareAuthenticator({ random: context.random })
    const passkeys = [page.passkey.passkey, second.passkey]
    const chain = await renewPerson(page.chain, { ...page.keys, passkeys }, context)
    const added = await answered(asked, chain, app)
    if (confirmed.status !== 200 || added.status !== 200) throw new Error(`${confirmed.text} ${added.text}`)
    return { app, person: await verifyKeyChain(chain), second, context }
  }

  test('leaves the session that goes on as it was: it opens, though its words are of former key records', async () => {
    const { app } = await goesOn('rita')
    expect((await world.patiently(app.get('Condition/c'))).status).toBe(200)
  })

  test('leaves no session that goes on behind: signed out elsewhere, it is over as any other', async () => {
    const { app, person, second, context } = await goesOn('sven')
    expect((await app.get('$scelle-standing')).status).toBe(200)
    const unsigned = unsignedOf('sign-out', signOutBody(person.id, context), person)
    await (await world.constellation.client('machine')).people.signOut(second.sign(unsigned))
    await world.constellation.clock.advance(20_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await app.get('$scelle-standing')).status).toBe(401)
  })
})
