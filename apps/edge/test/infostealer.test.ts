/**
 * An infostealer: every file of an edge's disk, its house's and application's keys, everything that the house keeps for
 * its people, the browser's names of sessions. What it has not is a security key. It opens nothing elsewhere.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createIdentity, fromHex } from '@scelle/sdk'
import { challengeOf, renewPerson, signedByPasskey } from '@scelle/seal/persons'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { createEdge } from '../src/edge.ts'
import { Application, createWorld, loggedIn, type StaffKeys, type World } from './harness.ts'

let world: World
let vault: Uint8Array
let stolen: string
beforeAll(async () => {
  world = await createWorld({
    seed: 'infostealer', registered: { role: 'practice' }, staff: { martin: { role: 'gp' } }, basis: 'consent',
  })
  await world.app.put('Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }] })
  await world.app.put('Condition/c', { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' } })
  const martin = await loggedIn(world, 'martin')
  // The log publishes the person's keys within a second; nobody seals to them before.
  const opened = await world.patiently(martin.get('Condition/c'))
  if (opened.status !== 200) throw new Error(`martin opened nothing: ${opened.text}`)
  const { body } = await world.patiently(martin.post<Parameters>('Patient/p/$scelle-vault', undefined))
  vault = fromHex(body.parameter?.find(({ name }) => name === 'vault')?.valueString ?? '') ?? new Uint8Array()
  stolen = `${world.party.directory}-stolen`
  cpSync(world.party.directory, stolen, { recursive: true })
}, 30_000)
afterAll(() => world.close())

const person = (): StaffKeys => world.staff.get('martin') as StaffKeys

const refusalOf = async (work: Promise<unknown>): Promise<string> => work.then(
  () => 'it opened',
  (error: unknown) => {
    const { cause, problem, code } = error as { cause?: { problem?: string }; problem?: string; code?: string }
    return cause?.problem ?? problem ?? String(code)
  },
)

const statuses = async (): Promise<Uint8Array[]> => [
  ...person().statuses,
  await world.constellation.register.enrol({ subject: world.party.id, role: 'practice' }),
]

describe('whoever has every file of an edge, and every key of its house,', () => {
  test('opens nothing as the house', async () => {
    const shown = await statuses()
    const house = await world.constellation.client(world.party.identity, {
      standing: { show: () => ({ statuses: shown.slice(-1) }) },
    })
    expect(await refusalOf((await house.vault(vault)).open())).toBe('session-required')
  })

  test('opens nothing by an edge of its own over the copy', async () => {
    const { constellation } = world
    const context = { now: constellation.now, random: constellation.random('thief') }
    const application = await createIdentity('machine', context)
    const { fetch, timers } = constellation.options(application)
    const party = await constellation.attach({
      name: 'thief', identity: world.party.identity,
      start: ({ context: own, authority }) => createEdge({
        ...own, identity: world.party.identity, data: stolen, authorities: [authority],
        index: { url: constellation.index.url }, organisation: { name: 'Thief' },
        trustees: constellation.trustees.map(({ url }) => ({ url })),
        applications: [{
          id: Buffer.from(application.id).toString('hex'), name: 'thief', keys: application.chain,
          rights: ['read', 'write', 'search', 'share', 'export'],
        }],
        ...(fetch === undefined ? {} : { fetch }), ...(timers === undefined ? {} : { timers }),
        write: () => undefined,
      }),
    })
    const thief = new Application(application, `${party.url}/fhir`, constellation)
    // Without the people in its configuration it would open as the house: trustees see to it that it does not.
    const { status, text } = await thief.get('Condition/c')
    expect([status, text.includes('"Condition"')]).toEqual([403, false])
    expect((await thief.get<Bundle>('Patient/p/$everything')).status).toBe(403)
    await party.kill()
  })

  test('opens nothing in the name of somebody of the house', async () => {
    const { constellation } = world
    const house = await constellation.client(world.party.identity)
    const { chain, sealing, keys } = person()
    const random = constellation.random('thief of sessions')
    const own = new SoftwareAuthenticator({ random })
    const key = random(32)
    const wish = {
      chain, key, device: random(32), purposes: ['treatment'] as const, until: constellation.now() + 3_600_000,
    }
    const unsigned = await house.people.ask({ ...wish, purposes: ['treatment'] })
    const hold = (signed: Uint8Array): Promise<unknown> => house.people.hold({ chain, key, signed, sealing: [sealing] })
    expect(await refusalOf(hold(own.sign(unsigned)))).toBe('assertion-invalid')
    const posing = { ...own.passkey, credential: keys.passkeys[0]!.credential }
    const forged = { ...own.get(challengeOf(unsigned)), credential: posing.credential }
    expect(await refusalOf(hold(signedByPasskey(unsigned, posing, forged)))).toBe('assertion-invalid')
    // Another passkey takes the person's own key, which the house has not.
    await expect(renewPerson(chain, { ...keys, signing: random(32), passkeys: [own.passkey] }, {
      now: constellation.now, random,
    })).rejects.toThrow('not the keys of this person')
  })

  test('opens nothing by a grant to somebody whom it invents', async () => {
    const { constellation } = world
    const house = await constellation.client(world.party.identity)
    const shown = await statuses()
    const accomplice = await constellation.client('person', {
      standing: { show: () => ({ statuses: shown.slice(-1) }) },
    })
    await (await house.vault(vault)).share({
      basis: 'consent', to: accomplice.identity.id, categories: ['summary'], until: constellation.now() + 3_600_000,
      purposes: ['treatment', 'patient-request'],
    })
    const held = await accomplice.vault(vault)
    expect(await refusalOf(held.open({ purpose: 'treatment' }))).toBe('status-required')
    expect(await refusalOf(held.open({ purpose: 'patient-request' }))).toBe('session-required')
  })

  test('finds no record in clear in any of them', () => {
    const files = readdirSync(stolen, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(0)
    for (const { parentPath, name } of files) {
      const bytes = readFileSync(join(parentPath, name))
      expect([name, bytes.includes('Durand'), bytes.includes('"Condition"')]).toEqual([name, false, false])
    }
  })
})
