/**
 * A house's people enrol at the register's desk, nobody carries a file, and who leaves is out within a minute: at
 * trustees, and in the session that is open here.
 */
import type { Parameters } from '@medplum/fhirtypes'
import { createPerson, type PersonKeys } from '@scelle/seal/persons'
import { signStatus } from '@scelle/seal/grants'
import { encode, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { Browser, DESK, DeskScene } from '@scelle/testing/desk'
import { keyPair, Wallet } from '@scelle/testing/professionals'
import { type PageRequest, readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { StatusesAnswer } from '@scelle/wire/register'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Application, createWorld, loggedIn, parametersOf, type StaffKeys, type World } from './harness.ts'

let constellation: Constellation
let world: World
let scene: DeskScene
let officer: Application

beforeEach(async () => {
  constellation = await createConstellation({ seed: 'register', jump: 2_000 })
  world = await createWorld({
    within: constellation, registered: { role: 'hospital' }, basis: 'consent', staff: { claire: { role: 'officer' } },
    desk: { url: DESK, id: toHex(constellation.register.id) },
  })
  scene = await DeskScene.create(constellation, { houses: [{ id: world.party.id, name: 'CHU', places: [] }] })
  await world.app.put('Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }] })
  await world.app.put('Condition/c', { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' } })
  officer = await loggedIn(world, 'claire', 'desk of the officer')
}, 30_000)
afterEach(async () => {
  await scene.close()
  await constellation.close()
})

const RETURN = 'https://desk.example/back'

const urlIn = ({ status, body, text }: { status: number; body: Parameters; text: string }): string => {
  const url = body.parameter?.find(({ name }) => name === 'url')?.valueString
  if (url === undefined) throw new Error(`nothing was asked: ${status} ${text}`)
  return url
}

const asked = (values: Readonly<Record<string, string>>, by = officer) =>
  world.patiently(by.post<Parameters>('$scelle-status', parametersOf(values)))

interface Hired extends StaffKeys {
  readonly person: string
}

/** Somebody whom an officer enrols on the passkey page; the register has said nothing of them yet. */
const hired = async (name: string): Promise<Hired> => {
  const begun = await officer.post<Parameters>('$scelle-enrol', parametersOf({ name, return: RETURN, language: 'fr' }))
  const address = urlIn(begun)
  const request: PageRequest = (await readAsk(address.slice(address.indexOf('#') + 1))).request
  const random = constellation.random(`page of ${name}`)
  const passkey = new SoftwareAuthenticator({ random })
  const keys: PersonKeys = {
    signing: random(32), sealingKey: request.sealingKey ?? new Uint8Array(), passkeys: [passkey.passkey],
  }
  const chain = [await createPerson(keys, { now: constellation.now, random })]
  const wraps = [{ sealed: new Uint8Array(64) }]
  await world.patiently(officer.post('$scelle-enrol', parametersOf({
    answer: writeAnswer({ state: request.state, chain, wraps }),
  })))
  const { id } = await verifyKeyChain(chain)
  const known = { identity: { id }, chain, sealing: new Uint8Array(), keys, statuses: [], passkey }
  const staff = world.staff as Map<string, StaffKeys>
  staff.set(name, known)
  return { ...known, person: toHex(id) }
}

/** Goes to the desk with a browser and a wallet; where the status list has this credential. */
const shown = async (one: Hired): Promise<number> => {
  const url = urlIn(await asked({ person: one.person, return: RETURN, language: 'fr' }))
  const wallet = new Wallet(await keyPair(), constellation.now)
  const { credential, index } = await scene.issuer.issue({
    number: '899700366240', role: 'gp', organisation: world.party.id, holder: wallet.key.publicJwk,
  })
  const browser = new Browser(constellation)
  await world.patiently(scene.proven(browser, url, one))
  const done = await world.patiently(scene.byWallet(browser, url, wallet, credential))
  if (done.location !== RETURN) throw new Error(`not enrolled: ${done.status} ${done.text}`)
  return index
}

/** Lets so many milliseconds go by, and what is under way come to its end. */
const advance = async (ms: number): Promise<void> => {
  for (let left = ms; left > 0; left -= 500) {
    await constellation.clock.advance(Math.min(500, left))
    await Promise.race([scene.desk.rest(), new Promise((resolve) => setTimeout(resolve, 100))])
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Seconds until requests of this session are refused; undefined where they are not within two minutes. */
const outAfter = async (session: Application): Promise<number | undefined> => {
  for (let seconds = 1; seconds <= 120; seconds++) {
    await advance(1_000)
    if ((await session.get('Condition/c')).status === 401) return seconds
  }
  return undefined
}

describe('somebody who enrols', () => {
  test('goes on to the register by their own browser, and signs in: nobody carries a file', async () => {
    const nadia = await hired('nadia')
    await expect(world.patiently(loggedIn(world, 'nadia', 'too soon'))).rejects.toThrow('did not log in: 403')
    await shown(nadia)
    const session = await world.patiently(loggedIn(world, 'nadia'))
    expect((await world.patiently(session.get('Condition/c'))).status).toBe(200)
  })

  test('signs in while the desk is down, with the status that is here', async () => {
    const olga = await hired('olga')
    await shown(olga)
    expect((await asked({ person: olga.person })).status).toBe(200)
    await scene.party.kill()
    const session = await world.patiently(loggedIn(world, 'olga'))
    expect((await world.patiently(session.get('Condition/c'))).status).toBe(200)
  })

  test('is sent there by an officer alone; of whom the register says nothing, nothing is fetched', async () => {
    const pia = await hired('pia')
    expect((await asked({ person: pia.person })).status).toBe(404)
    expect((await asked({ person: '00'.repeat(32), return: RETURN, language: 'fr' })).status).toBe(404)
    expect((await asked({ person: pia.person, return: RETURN, language: 'fr' }, world.app)).status).toBe(401)
    await scene.party.kill()
    expect((await asked({ person: pia.person, return: RETURN, language: 'fr' })).status).toBe(503)
  })

  test('has no status by another register, though the desk\'s address answers it', async () => {
    const quentin = await hired('quentin')
    await shown(quentin)
    const other = await constellation.client('organisation')
    await advance(3_000)
    const forged = await signStatus(other.identity, {
      subject: quentin.identity.id, role: 'officer', organisation: world.party.id, meter: new Uint8Array(32),
      notBefore: 0, expires: Math.floor(constellation.now() / 1000) + 1_000,
    }, { now: constellation.now, random: constellation.random('forger') })
    constellation.network.add({
      host: 'register.test', target: /statuses/, effect: { kind: 'tamper', change: (answer) => ({
        ...answer, body: encode(StatusesAnswer, { statuses: [{ person: quentin.identity.id, status: forged }] }),
      }) },
    })
    expect((await asked({ person: quentin.person })).status).toBe(400)
  })
})

describe('who leaves', () => {
  const signedIn = async (name: string): Promise<{ readonly index: number; readonly session: Application }> => {
    const index = await shown(await hired(name))
    const session = await world.patiently(loggedIn(world, name))
    if ((await world.patiently(session.get('Condition/c'))).status !== 200) throw new Error('nothing opens')
    return { index, session }
  }
  /** Two trustees at least said so: an edge ends nobody's session by less. */
  const saidByTrustees = (): boolean => world.lines.some((line) => line.includes('"person-locked"'))

  test('is out within a minute of the issuer\'s word, and does not sign in again', async () => {
    const { index, session } = await signedIn('rita')
    scene.issuer.revoke(index)
    expect(await outAfter(session)).toBeLessThanOrEqual(60)
    expect(saidByTrustees()).toBe(true)
    await expect(world.patiently(loggedIn(world, 'rita', 'again'))).rejects.toThrow('did not log in: 403')
  })

  test('is out within a minute though nobody lets the list be fetched; who stays is back with it', async () => {
    const { session } = await signedIn('sofia')
    // Just after a look: the latest moment from which its word is good.
    const before = scene.fetched
    while (scene.fetched === before) await advance(500)
    scene.isListed = false
    expect(await outAfter(session)).toBeLessThanOrEqual(60)
    await expect(world.patiently(loggedIn(world, 'sofia', 'meanwhile'))).rejects.toThrow('did not log in: 403')
    scene.isListed = true
    await advance(12_000)
    const again = await world.patiently(loggedIn(world, 'sofia', 'again'))
    expect((await world.patiently(again.get('Condition/c'))).status).toBe(200)
  })

  test('stays in while a list cannot be fetched for less', async () => {
    const { session } = await signedIn('tania')
    scene.isListed = false
    await advance(20_000)
    scene.isListed = true
    expect(await outAfter(session)).toBeUndefined()
  })
})
