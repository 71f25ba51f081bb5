/** A shared workstation: whoever pulls their key has nothing open any more, and the next person starts with nothing. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createEdge } from '@scelle/edge'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createPerson, sealingKeyOf, unsignedSession } from '@scelle/seal/persons'
import { toHex, verifyKeyChain } from '@scelle/seal/verify'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connectApplication, type Connected } from '../src/connect/command.ts'
import { type EdgeClient, edgeClient, fhirJson } from '../src/edge-client.ts'
import { Home } from '../src/home.ts'
import type { Io } from '../src/io.ts'
import { CLI_LIMITS } from '../src/limits.ts'
import { FakeBus, type Plugged } from './fake-bus.ts'

const clock = { now: (): number => Date.now(), random: (length: number) => new Uint8Array(randomBytes(length)) }

interface Person {
  readonly id: string
  readonly chain: readonly Uint8Array[]
  readonly sealing: Uint8Array
  readonly passkey: SoftwareAuthenticator
  readonly status: Uint8Array
}

let constellation: Constellation
let people: ReadonlyMap<'alice' | 'bob', Person>
let application: Identity
let edge: EdgeClient
let edgeUrl = ''

const personOf = async (house: Identity): Promise<Person> => {
  const passkey = new SoftwareAuthenticator({ random: clock.random })
  const sealing = clock.random(32)
  const keys = { signing: clock.random(32), sealingKey: sealingKeyOf(sealing), passkeys: [passkey.passkey] }
  const chain = [await createPerson(keys, clock)]
  const { id } = await verifyKeyChain(chain)
  const status = await constellation.register.enrol({
    subject: id, role: 'gp', organisation: house.id, ownKey: false,
  })
  return { id: toHex(id), chain, sealing, passkey, status }
}

const startEdge = async (house: Identity): Promise<string> => {
  const houseStatus = await constellation.register.enrol({ subject: house.id, role: 'practice' })
  const party = await constellation.attach({
    name: 'edge', identity: house,
    start: ({ context, directory, authority }) => createEdge({
      identity: house, data: directory, ...context, authorities: [authority], write: () => undefined,
      index: { url: constellation.index.url, id: toHex(constellation.index.id) },
      trustees: constellation.trustees.map(({ url, id }) => ({ url, id: toHex(id) })),
      organisation: { name: 'Cabinet' }, standing: { statuses: () => [houseStatus] },
      applications: [{
        id: toHex(application.id), name: 'ward', keys: application.chain, rights: ['read', 'write', 'search', 'share'],
      }],
      staff: {
        basis: 'consent', page: 'https://passkey.test/',
        people: [...people].map(([name, { chain, sealing, status }]) =>
          ({ name, chain, sealing: [sealing], statuses: () => [status] })),
      },
    }),
  })
  return party.url
}

beforeAll(async () => {
  constellation = await createConstellation({ seed: 'workstation', sockets: { now: Date.now } })
  application = await createIdentity('machine', clock)
  const house = await rotateIdentity(await constellation.identity('organisation'), clock, { flowOnly: true })
  people = new Map([['alice', await personOf(house)], ['bob', await personOf(house)]])
  edgeUrl = await startEdge(house)
  edge = edgeClient(edgeUrl, application, clock)
  await edge('PUT', '/fhir/Patient/p', fhirJson({ resourceType: 'Patient', id: 'p', name: [{ family: 'Durand' }] }))
  await edge('PUT', '/fhir/Condition/c', fhirJson({
    resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' },
  }))
}, 60_000)
afterAll(() => constellation.close())

let bus: FakeBus
let root = ''
let said: string[]
let door: Connected
let token = ''
const connect = async (keys: string, by: EdgeClient = edge): Promise<void> => {
  const io: Io = {
    home: new Home(root), language: 'fr', out: (line) => said.push(line), ...clock, sleep: (ms) => sleep(ms),
    terminal: { isTTY: false, columns: 80, write: () => undefined }, stopped: new AbortController().signal,
  }
  door = await connectApplication(io, by, edgeUrl, { application: 'ward', port: 0, origins: [], keys })
  token = (await readFile(door.tokenPath, 'utf8')).trim()
}
beforeEach(async () => {
  bus = await FakeBus.make()
  root = await mkdtemp(join(tmpdir(), 'scelle-workstation-'))
  said = []
  await connect(bus.folder)
})
afterEach(async () => {
  await door.close()
  await bus.close()
  await rm(root, { recursive: true, force: true })
})

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${door.base}/${path}`, {
  ...init, headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/fhir+json' },
})
const statusOf = async (path: string): Promise<number> => (await ask(path)).status

const login = async (values: Readonly<Record<string, string>>) => {
  const parameter = Object.entries(values).map(([name, valueString]) => ({ name, valueString }))
  const answer = await ask('$scelle-login', {
    method: 'POST', body: JSON.stringify({ resourceType: 'Parameters', parameter }),
  })
  const body = await answer.json() as { parameter?: { name: string; valueString: string }[] }
  return { status: answer.status, url: body.parameter?.find(({ name }) => name === 'url')?.valueString ?? '' }
}

/** What the passkey page answers for whoever touched their key. */
const touched = async (name: 'alice' | 'bob'): Promise<string> => {
  const { id, chain, passkey } = people.get(name) as Person
  const { url } = await login({ person: id, return: 'https://ward.example/back', language: 'fr' })
  const { request } = await readAsk(url.slice(url.indexOf('#') + 1))
  const unsigned = unsignedSession(request.body ?? new Uint8Array(), await verifyKeyChain([...chain]))
  return writeAnswer({ state: request.state, signed: passkey.sign(unsigned) })
}

const signIn = async (name: 'alice' | 'bob'): Promise<number> =>
  (await login({ answer: await touched(name) })).status

/** Until it is so, or half a minute is over: a machine may have other work. */
const becomes = async (is: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) if (await is()) return true
  return false
}

/** Key records are relied on once the log has published them, which may be a moment after the sign-in. */
const opens = (): Promise<boolean> => becomes(async () => (await statusOf('Condition/c')) === 200)

/** More than sockets hold while nobody reads. */
const SIZE = 24 * 1024 * 1024
const PULLED = 'Une clé de sécurité a été retirée : la personne connectée avec elle ne l’est plus.'

describe('a workstation with a security key', () => {
  let key: Plugged
  beforeEach(async () => {
    key = await bus.plug('key', 'hidraw0')
    await sleep(2 * CLI_LIMITS.keyInterval)
  })

  test('pulled, it ends what its person had open, and the next person starts with nothing', async () => {
    expect(await statusOf('Condition/c'), 'nobody').toBe(401)
    expect(await signIn('alice')).toBe(200)
    expect(await opens()).toBe(true)
    await key.pull()
    expect(await becomes(() => said.includes(PULLED))).toBe(true)
    expect(await statusOf('Condition/c')).toBe(401)
    await sleep(CLI_LIMITS.keyGrace + 100)
    await bus.plug('key', 'hidraw0')
    expect(await signIn('bob')).toBe(200)
    expect(await (await ask('Condition')).text()).not.toContain('Condition/c')
    expect(await opens()).toBe(true)
  })

  test('the session is over at the edge itself: its name opens nothing there', async () => {
    const names: string[] = []
    const spied: EdgeClient = (method, path, options) => {
      if (options?.session !== undefined) names.push(options.session)
      return edge(method, path, options)
    }
    await door.close()
    await connect(bus.folder, spied)
    await signIn('alice')
    const [session = ''] = names
    expect(await opens()).toBe(true)
    expect((await edge('GET', '/fhir/Condition/c', { session })).status).toBe(200)
    await key.pull()
    expect(await becomes(async () => (await edge('GET', '/fhir/Condition/c', { session })).status === 401)).toBe(true)
  })

  test('a stream that is open breaks off', async () => {
    await signIn('alice')
    const made = await fetch(`${door.base}/Binary`, {
      method: 'POST', body: new Uint8Array(SIZE),
      headers: {
        'authorization': `Bearer ${token}`, 'content-type': 'application/octet-stream',
        'x-security-context': 'Patient/p',
      },
    })
    const place = new URL(made.headers.get('location') ?? '').pathname.replace('/fhir/', '').replace(/\/_history.*/, '')
    const stream = await fetch(`${door.base}/${place}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/octet-stream' },
    })
    expect(stream.status).toBe(200)
    const reader = stream.body?.getReader()
    let read = (await reader?.read())?.value?.length ?? 0
    await key.pull()
    expect(await becomes(() => said.includes(PULLED))).toBe(true)
    const rest = async (): Promise<string> => {
      for (;;) {
        const { done, value } = await reader?.read() ?? { done: true, value: undefined }
        if (done) return 'whole'
        read += value?.length ?? 0
      }
    }
    await expect(rest()).rejects.toThrow('terminated')
    expect(read).toBeLessThan(SIZE)
  })

  test('pulled before the answer came through, it lets nobody in for longer than that', async () => {
    const answer = await touched('alice')
    await key.pull()
    await expect(login({ answer }), 'broken off').rejects.toThrow('fetch failed')
    expect(await statusOf('Condition/c')).toBe(401)
  })

  test('a keyboard that is pulled ends nothing', async () => {
    const keyboard = await bus.plug('keyboard', 'hidraw1')
    await signIn('alice')
    expect(await opens()).toBe(true)
    await keyboard.pull()
    await sleep(3 * CLI_LIMITS.keyInterval)
    expect(await statusOf('Condition/c')).toBe(200)
  })
})

test('where the system does not tell, the door says so, and what holds instead', async () => {
  await door.close()
  await connect('/nonexistent/hidraw')
  expect(said.some((line) => /finit après 5 minutes/.test(line))).toBe(true)
  expect(await signIn('alice')).toBe(200)
})
