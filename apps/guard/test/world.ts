/** A house with a person, its guard, and a legacy system that believes whatever it is sent: a plain HTTP server. */
import { createPrivateKey, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createIdentity, type Identity, rotateIdentity } from '@scelle/seal/identity'
import { createPerson, sealingKeyOf } from '@scelle/seal/persons'
import { encode, type SessionRequest, statementId, toHex, verifyKeyChain } from '@scelle/seal/verify'
import type { Client } from '@scelle/sdk'
import { type Gesture, SoftwareAuthenticator } from '@scelle/testing/authenticator'
import { type Constellation, createConstellation, seededRandom } from '@scelle/testing/constellation'
import { sessionName, signRequest } from '@scelle/wire/http'
import { SessionShown } from '@scelle/wire/messages'
import { type AuditLine, createGuard, type GuardOptions, legacyAt, type Rule } from '../src/guard.ts'

export const HOUR = 3_600_000

export interface Heard {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** The legacy system, with all that reached it. It answers as `answers` says, by path. */
export const startLegacy = async (answers: Readonly<Record<string, RequestListener>> = {}) => {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      heard.push({ method, url, headers, body: Buffer.concat(pieces).toString() })
      const answer = answers[url.split('?')[0] ?? '']
      if (answer !== undefined) answer(request, response)
      else response.setHeader('set-cookie', 'legacy=1').setHeader('content-type', 'text/plain').end('from the legacy')
    })
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => { server.close(resolve) })
  }
  return { heard, origin, close }
}
export type LegacySystem = Awaited<ReturnType<typeof startLegacy>>

interface Wish {
  readonly authenticator?: SoftwareAuthenticator
  readonly purposes?: SessionRequest['purposes']
  readonly until?: number
  readonly gesture?: Gesture
  readonly house?: Client
}

/** A session as its holder uses it: the statement, and the key that it gave. */
export interface Held extends Pick<Identity, 'id' | 'signRaw'> {
  readonly signed: Uint8Array
}

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  /** Who signs, instead of the session. */
  readonly by?: Pick<Identity, 'id' | 'signRaw'>
  readonly session?: string | undefined
  readonly at?: number
  /** In place of the fields that were signed. */
  readonly change?: (fields: Record<string, string>) => Record<string, string>
}

export interface Told {
  readonly status: number
  readonly code: string | undefined
  readonly headers: Headers
  readonly body: string
}

const toldBy = async (answer: Response): Promise<Told> => {
  const body = await answer.text()
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true
  const code = isProblem ? (JSON.parse(body) as { code: string }).code : undefined
  return { status: answer.status, code, headers: answer.headers, body }
}

const RULES: readonly Rule[] = [
  {
    methods: ['GET', 'HEAD', 'POST'], path: '/patients/*', roles: ['specialist'], purpose: 'treatment', machines: [],
  },
  { methods: ['GET'], path: '/exact', roles: ['specialist'], purpose: 'treatment', machines: [] },
  { methods: ['GET'], path: '/billing/*', roles: ['registration'], purpose: 'administration', machines: [] },
]

/** A house, a doctor of it, and a machine that the guard is to list. */
export const makeHouse = async (world: Constellation, seed: string) => {
  const random = seededRandom(`${seed}, people`)
  const context = { random, now: () => world.now() }
  const house = await world.client(
    await rotateIdentity(await world.identity('organisation'), context, { flowOnly: true }),
  )
  const machine = (await world.client('machine')).identity
  const stranger = (await world.client('machine')).identity
  const authenticator = new SoftwareAuthenticator({ random })
  const keys = { signing: random(32), sealingKey: sealingKeyOf(random(32)), passkeys: [authenticator.passkey] }
  const chain = [await createPerson(keys, context)]
  const person = await verifyKeyChain(chain)
  await house.people.register(chain)
  const rules: readonly Rule[] = [...RULES, {
    methods: ['POST'], path: '/results', roles: [], purpose: 'treatment', machines: [toHex(machine.id)],
  }]
  const statuses = async (): Promise<Uint8Array[]> => [
    await world.register.enrol({
      subject: person.id, role: 'specialist', organisation: house.identity.id, ownKey: false,
    }),
    await world.register.enrol({ subject: house.identity.id, role: 'hospital' }),
  ]
  return { world, random, context, house, machine, stranger, authenticator, keys, chain, person, rules, statuses }
}

/** All that a guard in this constellation is told of others. */
export const addressesOf = (world: Constellation) => ({
  index: { id: toHex(world.index.id), url: world.index.url },
  trustees: world.trustees.map(({ id, url }) => ({ id: toHex(id), url })),
  issuers: [toHex(world.register.id)],
})

/** A guard in the test's own process and time. */
export const makeWorld = async (seed: string, answers: Readonly<Record<string, RequestListener>> = {}) => {
  const world = await createConstellation({ seed })
  const home = await makeHouse(world, seed)
  const legacy = await startLegacy(answers)
  const lines: AuditLine[] = []
  const identity = await createIdentity('machine', home.context)
  const parts: { -readonly [K in keyof GuardOptions]?: GuardOptions[K] } = {}
  const party = await world.attach({
    name: 'guard',
    identity,
    start: async (site) => {
      const guard = createGuard({
        identity, rules: home.rules, context: site.context, log: site.log, authorities: [site.authority],
        ...addressesOf(world), house: toHex(home.house.identity.id),
        legacy: legacyAt({ origin: legacy.origin, legacyTime: 500, answerTime: 1_000, answer: 64 * 1024 }),
        audit: async (line) => { lines.push(line) },
        fetch: world.network.fetchBetween, timers: world.clock.background,
        ...parts,
      })
      await guard.register()
      return { ...guard, release: () => undefined }
    },
  })
  // What is new is cosigned within seconds; until then the guard says `not-cosigned`.
  await world.clock.advance(5_000)
  const close = async (): Promise<void> => {
    await world.close()
    await legacy.close()
  }
  return { ...home, legacy, lines, party, parts, close, fetch: world.network.fetch }
}
export type GuardWorld = Awaited<ReturnType<typeof makeWorld>>

/** What the functions below need of it, or of a guard in another process. */
export interface Door extends Awaited<ReturnType<typeof makeHouse>> {
  readonly party: { readonly url: string; readonly host: string }
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

/** The person's session at the house, once they touched their key. Nobody has shown it to the guard yet. */
export const signIn = async (home: Door, wish: Wish = {}): Promise<Held> => {
  const { world, random } = home
  const { authenticator = home.authenticator, house = home.house, gesture = {} } = wish
  const key = random(32)
  const chain = await house.people.registered(home.person.id)
  const unsigned = await house.people.ask({
    chain, key, device: random(32), purposes: [...wish.purposes ?? ['treatment'] as const],
    until: wish.until ?? world.now() + 10 * HOUR,
  })
  return { signed: authenticator.sign(unsigned, gesture), id: home.person.id, signRaw: signerOf(key) }
}

/** Ed25519 by a bare seed: whoever holds a session's key has nothing more. */
const signerOf = (seed: Uint8Array): ((message: Uint8Array) => Promise<Uint8Array>) => {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  return async (message) => new Uint8Array(sign(null, message, key))
}

const send = async (
  { fetch, party }: Door, { method, path, body, headers }: {
    method: string; path: string; body: Uint8Array | undefined; headers: Record<string, string>
  },
): Promise<Told> => toldBy(await fetch(`${party.url}${path}`, {
  method, headers, ...(body === undefined ? {} : { body: new Uint8Array(body) }),
}))

/** Fields of a request to the guard, signed as the person in that session unless said otherwise. */
export const fieldsOf = async (
  { context, party }: Door, held: Held, asked: Asked = {}, host = party.host,
): Promise<Record<string, string>> => {
  const { method = 'GET', path = '/patients/1', body, by = held, at = 0 } = asked
  const session = 'session' in asked ? asked.session : sessionName(statementId(held.signed))
  const signed = await signRequest({
    method, url: `http://${host}${path}`, identity: by, random: context.random, now: () => context.now() + at,
    body: body === undefined ? undefined : new TextEncoder().encode(body), session,
  })
  return { ...signed, ...asked.headers }
}

export const ask = async (home: Door, held: Held, asked: Asked = {}): Promise<Told> => {
  const { method = 'GET', path = '/patients/1', body, change = (fields) => fields } = asked
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body)
  return send(home, { method, path, body: bytes, headers: change(await fieldsOf(home, held, asked)) })
}

/** Shows a session to the guard, as its holder does. */
export const show = async (
  home: Door, held: Held, { statuses, by = held }: { statuses?: Uint8Array[]; by?: Held } = {},
): Promise<Told> => {
  const { party, context } = home
  const body = encode(SessionShown, { session: held.signed, statuses: statuses ?? await home.statuses() })
  const headers = await signRequest({
    method: 'POST', url: `${party.url}/v1/sessions`, body, identity: by, random: context.random, now: context.now,
  })
  return send(home, { method: 'POST', path: '/v1/sessions', body, headers: { ...headers } })
}

/** Signed in, and known to the guard. */
export const enter = async (home: Door, wish: Wish = {}): Promise<Held> => {
  const held = await signIn(home, wish)
  const { status } = await show(home, held)
  if (status !== 204) throw new Error(`the guard does not take the session: ${status}`)
  return held
}
