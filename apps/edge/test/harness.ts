/** An edge inside the whole constellation, and an application that signs its requests. */
import type { Bundle, OperationOutcome, Parameters, Resource } from '@medplum/fhirtypes'
import { createPerson, type PersonKeys, sealingKeyOf, unsignedOf, unsignedSession } from '@scelle/seal/persons'
import {
  confirmationBody, createIdentity, type Identity, type NewConfirmation, rotateIdentity, toHex, verifyKeyChain,
} from '@scelle/sdk'
import { SoftwareAuthenticator } from '@scelle/testing/authenticator'
import {
  type Constellation, type ConstellationOptions, createConstellation, type PartyHandle,
} from '@scelle/testing/constellation'
import type { Enrolled } from '@scelle/testing/register'
import { signRequest } from '@scelle/wire/http'
import { readAsk, writeAnswer } from '@scelle/wire/passkey-page'
import { createEdge, type Edge, type EdgeOptions, type Right } from '../src/edge.ts'

export interface Reply<T = Resource> {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: T
}

export interface Sending {
  readonly body?: unknown
  /** Sent as it is. */
  readonly raw?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

/** An enrolled application: `get('Patient/1')`, and so on. */
export class Application {
  readonly identity: Identity
  readonly #base: string
  readonly #constellation: Constellation
  readonly #session: string | undefined

  constructor(identity: Identity, base: string, constellation: Constellation, session?: string) {
    this.identity = identity
    this.#base = base
    this.#constellation = constellation
    this.#session = session
  }

  /** The name of the session that its requests are signed for. */
  get session(): string {
    return this.#session ?? ''
  }

  /** The same application, serving somebody else. */
  serving(person: string): Application {
    const session = Buffer.from(`session of ${person}`).toString('base64url')
    return new Application(this.identity, this.#base, this.#constellation, session)
  }

  /** The answer as it comes: its body may be no JSON. */
  async fetch(method: string, path: string, sending: Sending = {}): Promise<Response> {
    const url = path.startsWith('http') ? path : `${this.#base}${path === '' ? '' : '/'}${path}`
    const raw = sending.raw ?? (sending.body === undefined ? undefined : JSON.stringify(sending.body))
    const body = typeof raw === 'string' ? new TextEncoder().encode(raw) : raw
    const { network, now } = this.#constellation
    const random = this.#constellation.random(`nonce/${nonces++}`)
    const signature = await signRequest({
      method, url, identity: this.identity, now, random, session: this.#session,
      ...(body === undefined ? {} : { body }),
    })
    const type = body === undefined ? {} : { 'content-type': 'application/fhir+json' }
    return network.fetch(url, {
      method, headers: { ...type, ...sending.headers, ...signature },
        ...(body === undefined ? {} : { body: body as BodyInit }),
    })
  }

  async send<T = Resource>(method: string, path: string, sending: Sending = {}): Promise<Reply<T>> {
    const answer = await this.fetch(method, path, sending)
    const text = await answer.text()
    const isJson = text !== '' && (answer.headers.get('content-type') ?? '').includes('json')
    return { status: answer.status, headers: answer.headers, text,
      body: (isJson ? JSON.parse(text) : undefined) as T }
  }

  get = <T = Resource>(path: string, headers: Record<string, string> = {}): Promise<Reply<T>> =>
    this.send<T>('GET', path, { headers })
  post = <T = Resource>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply<T>> =>
    this.send<T>('POST', path, { body, headers })
  put = <T = Resource>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply<T>> =>
    this.send<T>('PUT', path, { body, headers })
  delete = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    this.send('DELETE', path, { headers })
  search = (path: string): Promise<Reply<Bundle>> => this.get<Bundle>(path)
}

let nonces = 0

export interface World {
  readonly constellation: Constellation
  readonly party: PartyHandle
  readonly app: Application
  /** The edge of the present process: another one after a restart. */
  readonly edge: () => Edge
  readonly lines: readonly string[]
  /** People of the house, by name. */
  readonly staff: ReadonlyMap<string, StaffKeys>
  /** May read and search only. */
  readonly reader: Application
  /** May write only. */
  readonly writer: Application
  /** May read, search and export. */
  readonly exporter: Application
  /** Lets time go on until something is done: whoever waits inside a request would wait for ever otherwise. */
  readonly patiently: <T>(promise: Promise<T>) => Promise<T>
  readonly close: () => Promise<void>
}

export interface WorldOptions extends Partial<ConstellationOptions> {
  readonly charts?: EdgeOptions['charts']
  readonly sessions?: EdgeOptions['sessions']
  /** The organisation has a status: of what it is. Without, it is one that nobody knows. */
  readonly registered?: Pick<Enrolled, 'role' | 'patientsPerDay' | 'emergency' | 'name'>
  /** It holds the key of emergency sites. */
  readonly emergency?: boolean
  /** People of the house, by name, with what the register says of them. */
  readonly staff?: Readonly<Record<string, Pick<Enrolled, 'role' | 'number' | 'organisation'>>>
  readonly basis?: 'care-team' | 'consent'
  /** The desk of the register at which its people enrol. */
  readonly desk?: { readonly url: string; readonly id: string }
  readonly name?: string
  readonly profiles?: EdgeOptions['profiles']
  readonly base?: string
  /** Applications by SMART App Launch; its base is then this party's own address. */
  readonly smart?: (world: () => World) => NonNullable<EdgeOptions['smart']>
  /** Hex ids whose shared patients enter by themselves. */
  readonly partners?: readonly string[]
  readonly within?: Constellation
  readonly did?: EdgeOptions['did']
  readonly spoolFault?: EdgeOptions['spoolFault']
  readonly aside?: EdgeOptions['aside']
  readonly keysAhead?: EdgeOptions['keysAhead']
}

export interface StaffKeys {
  readonly identity: Pick<Identity, 'id'>
  readonly chain: readonly Uint8Array[]
  /** The seed that the house keeps. */
  readonly sealing: Uint8Array
  /** Of the person alone. */
  readonly keys: PersonKeys
  readonly statuses: readonly Uint8Array[]
  readonly passkey: SoftwareAuthenticator
}

/** Each with a passkey, which the edge does not have. */
const staffOf = async (
  people: NonNullable<WorldOptions['staff']>, house: Identity, constellation: Constellation,
): Promise<Map<string, StaffKeys>> => {
  const staff = new Map<string, StaffKeys>()
  for (const [name, enrolled] of Object.entries(people)) {
    const random = constellation.random(`person ${name}`)
    const passkey = new SoftwareAuthenticator({ random })
    const sealing = random(32)
    const keys = { signing: random(32), sealingKey: sealingKeyOf(sealing), passkeys: [passkey.passkey] }
    const chain = [await createPerson(keys, { now: constellation.now, random })]
    const { id } = await verifyKeyChain(chain)
    const status = await constellation.register.enrol({
      subject: id, organisation: house.id, ownKey: false, ...enrolled,
    })
    staff.set(name, { identity: { id }, chain, sealing, keys, statuses: [status], passkey })
  }
  return staff
}

/** A session of somebody of the house, signed in on the passkey page. */
export const loggedIn = async (world: World, name: string, session = name): Promise<Application> => {
  const app = world.app.serving(session)
  const { status, text } = await app.post('$scelle-login', await loginOf(world, name, app))
  if (status !== 200) throw new Error(`${name} did not log in: ${status} ${text}`)
  return app
}

/** Where the passkey page is said to be; the harness answers for it. */
export const PAGE = 'https://passkey.test/'

const RETURN = 'https://ward.example/back'

const urlIn = (reply: Reply<Parameters>): string => {
  const url = reply.body.parameter?.find(({ name }) => name === 'url')?.valueString
  if (reply.status !== 200 || url === undefined) throw new Error(`nothing to sign: ${reply.status} ${reply.text}`)
  return url
}

/** What the page would answer, once this passkey was touched. */
export const answerAt = async (world: World, url: string, by: string): Promise<string> => {
  const { passkey } = world.staff.get(by) as StaffKeys
  const { request } = await readAsk(url.slice(url.indexOf('#') + 1))
  const person = await verifyKeyChain(request.person ?? [])
  const body = request.body ?? new Uint8Array()
  const unsigned = request.task === 'sign-in'
    ? unsignedSession(body, person) : unsignedOf(request.kind ?? 'confirmation', body, person)
  return writeAnswer({ state: request.state, signed: passkey.sign(unsigned) })
}

/** Asks for a sign-in; the page's address. */
export const askedToLogin = async (world: World, name: string, app: Application): Promise<string> => {
  const { identity } = world.staff.get(name) as StaffKeys
  return urlIn(await app.post<Parameters>('$scelle-login', parametersOf({
    person: toHex(identity.id), return: RETURN, language: 'fr',
  })))
}

/** The page's answer to a sign-in that this session asked for. */
export const loginOf = async (world: World, name: string, app: Application, by = name): Promise<Parameters> =>
  parametersOf({ answer: await answerAt(world, await askedToLogin(world, name, app), by) })

/** A word that this passkey signed, elsewhere than at this edge. */
export const wordBy = async (
  world: World, by: string, word: Omit<NewConfirmation, 'organisation'>,
): Promise<string> => {
  const { chain, passkey } = world.staff.get(by) as StaffKeys
  const random = world.constellation.random(`word ${nonces++}`)
  const body = confirmationBody({ ...word, organisation: world.party.id }, { now: world.constellation.now, random })
  return Buffer.from(passkey.sign(unsignedOf('confirmation', body, await verifyKeyChain(chain)))).toString('base64')
}

/** The session's person confirms on the page: their own going on, or a colleague's. */
export const confirmedBy = async (
  world: World, name: string, app: Application, given: Readonly<Record<string, string>>,
): Promise<Reply> => {
  const asked = await app.post<Parameters>('$scelle-confirm', parametersOf({ ...given, return: RETURN }))
  if (asked.status !== 200) return asked
  return app.post('$scelle-confirm', parametersOf({ answer: await answerAt(world, urlIn(asked), name) }))
}

/** An officer reviews a broken glass, by passkey. */
export const reviewedBy = async (world: World, name: string, app: Application, access: string): Promise<Reply> => {
  const asked = await app.post<Parameters>('$scelle-review', parametersOf({
    access, reason: 'vu avec le service', return: RETURN,
  }))
  const answer = await answerAt(world, urlIn(asked), name)
  return app.post('$scelle-review', parametersOf({ access, answer }))
}

export const parametersOf = (values: Readonly<Record<string, string>>): Parameters => ({
  resourceType: 'Parameters',
  parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})

const RIGHTS: readonly Right[] = ['read', 'write', 'search', 'share']

/** A constellation with one edge. */
export const createWorld = async (options: WorldOptions): Promise<World> => {
  const constellation = options.within ?? await createConstellation({ seed: 'edge', jump: 2_000, ...options })
  const name = options.name ?? 'edge'
  const random = constellation.random(`applications/${name}`)
  const make = (): Promise<Identity> => createIdentity('machine', { now: constellation.now, random })
  const main = await make()
  const reader = { identity: await make(), rights: ['read', 'search'] as const }
  const writer = { identity: await make(), rights: ['write'] as const }
  const exporter = { identity: await make(), rights: ['read', 'search', 'export'] as const }
  const lines: string[] = []
  const made = await constellation.identity('organisation')
  // Of a house with people, its key record says that charts open for them alone.
  const identity = options.staff === undefined ? made : await rotateIdentity(
    made, { now: constellation.now, random: constellation.random(`house ${name}`) }, { flowOnly: true })
  const statuses = options.registered === undefined
    ? undefined : [await constellation.register.enrol({ subject: identity.id, ...options.registered })]
  const staff = await staffOf(options.staff ?? {}, identity, constellation)
  let edge: Edge | undefined
  const party = await constellation.attach({
    name,
    identity,
    start: async ({ context, directory, authority }) => {
      const { fetch, timers } = constellation.options(main)
      edge = await createEdge({
        identity, data: directory,
        index: { url: constellation.index.url, id: toHex(constellation.index.id) },
        trustees: constellation.trustees.map(({ url, id }) => ({ url, id: toHex(id) })),
        organisation: { name: 'Hôpital d’essai' },
        applications: [
          { identity: main, rights: RIGHTS }, reader, writer, exporter,
        ].map(({ identity: own, rights }, place) => ({
          id: toHex(own.id), name: `application ${place}`, keys: own.chain, rights,
        })),
        authorities: [authority],
        ...(options.staff === undefined ? {} : {
          staff: {
            ...(options.basis === undefined ? {} : { basis: options.basis }),
            page: PAGE,
            ...(options.desk === undefined ? {} : { register: options.desk }),
            people: [...staff].map(([called, { chain, sealing, statuses: theirs }]) =>
              ({ name: called, chain, sealing: [sealing], statuses: () => theirs })),
          },
        }),
        ...(options.emergency === true ? { emergency: { identity: constellation.emergency } } : {}),
        ...(statuses === undefined ? {} : { standing: { statuses: () => statuses } }),
        ...context,
        ...(fetch === undefined ? {} : { fetch }),
        ...(timers === undefined ? {} : { timers }),
        ...(options.base === undefined ? {} : { base: options.base }),
        ...(options.smart === undefined ? {} : { smart: options.smart(() => world), base: `http://${authority}/fhir` }),
        ...(options.profiles === undefined ? {} : { profiles: options.profiles }),
        emergencyKeys: [toHex(constellation.emergency.id)],
        ...(options.partners === undefined ? {} : { partners: options.partners }),
        ...(options.charts === undefined ? {} : { charts: options.charts }),
        ...(options.sessions === undefined ? {} : { sessions: options.sessions }),
        ...(options.aside === undefined ? {} : { aside: options.aside }),
        ...(options.keysAhead === undefined ? {} : { keysAhead: options.keysAhead }),
        ...(options.did === undefined ? {} : { did: options.did }),
        ...(options.spoolFault === undefined ? {} : { spoolFault: options.spoolFault }),
        write: (line) => lines.push(line),
      })
      return edge
    },
  })
  const world: World = {
    constellation, party, lines, staff,
    app: new Application(main, `${party.url}/fhir`, constellation),
    edge: () => edge as Edge,
    patiently: async (promise) => {
      const state = { done: false }
      const end = (): void => {
        state.done = true
      }
      promise.then(end, end)
      while (!state.done) {
        // Real work first: time only goes on when nothing else does.
        for (let rest = 0; rest < 20 && !state.done; rest++) await new Promise((resolve) => setImmediate(resolve))
        // Submissions gather for some milliseconds of real time, which must not become minutes of this one.
        await new Promise((resolve) => setTimeout(resolve, 2))
        if (!state.done) await constellation.clock.advance(250)
      }
      return promise
    },
    reader: new Application(reader.identity, `${party.url}/fhir`, constellation),
    writer: new Application(writer.identity, `${party.url}/fhir`, constellation),
    exporter: new Application(exporter.identity, `${party.url}/fhir`, constellation),
    close: () => (options.within === undefined ? constellation.close() : Promise.resolve()),
  }
  // The log publishes the key records of people within a second; nobody relies on them before.
  if (options.staff !== undefined) await constellation.clock.advance(2_000)
  return world
}

export const issueOf = (reply: Reply<unknown>): NonNullable<OperationOutcome['issue']>[number] => {
  const outcome = reply.body as OperationOutcome
  if (outcome?.resourceType !== 'OperationOutcome') {
    throw new Error(`no OperationOutcome: ${reply.status} ${reply.text.slice(0, 300)}`)
  }
  return outcome.issue[0] as NonNullable<OperationOutcome['issue']>[number]
}
