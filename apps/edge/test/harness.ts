/** An edge inside the whole constellation, and an application that signs its requests. */
import type { Bundle, OperationOutcome, Parameters, Resource } from '@medplum/fhirtypes'
import { type Client, createIdentity, type Identity, toHex } from '@scelle/sdk'
import {
  type Constellation, type ConstellationOptions, createConstellation, type PartyHandle,
} from '@scelle/testing/constellation'
import type { Enrolled } from '@scelle/testing/register'
import { signRequest } from '@scelle/wire/http'
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
  readonly staff?: Readonly<Record<string, Pick<Enrolled, 'role' | 'number'>>>
  readonly basis?: 'care-team' | 'consent'
  readonly name?: string
  readonly profiles?: EdgeOptions['profiles']
  readonly base?: string
  /** Applications by SMART App Launch; its base is then this party's own address. */
  readonly smart?: (world: () => World) => NonNullable<EdgeOptions['smart']>
  /** Hex ids whose shared patients enter by themselves. */
  readonly partners?: readonly string[]
  readonly within?: Constellation
  readonly spoolFault?: EdgeOptions['spoolFault']
  readonly aside?: EdgeOptions['aside']
  readonly keysAhead?: EdgeOptions['keysAhead']
}

export interface StaffKeys {
  readonly identity: Identity
  readonly statuses: readonly Uint8Array[]
  /** The second key. */
  readonly key: Client
}

/** Each with a second key that the edge does not have. */
const staffOf = async (
  people: NonNullable<WorldOptions['staff']>, house: Identity, constellation: Constellation,
): Promise<Map<string, StaffKeys>> => {
  const staff = new Map<string, StaffKeys>()
  for (const [name, enrolled] of Object.entries(people)) {
    const [identity, key] = [await constellation.identity('person'), await constellation.client('person')]
    const status = await constellation.register.enrol({
      subject: identity.id, organisation: house.id, stepUp: key.identity.id, ...enrolled,
    })
    staff.set(name, { identity, statuses: [status], key })
  }
  return staff
}

/** A session of somebody of the house, logged in. */
export const loggedIn = async (world: World, name: string, session = name): Promise<Application> => {
  const app = world.app.serving(session)
  const { status, text } = await app.post('$scelle-login', await loginOf(world, name, app))
  if (status !== 200) throw new Error(`${name} did not log in: ${status} ${text}`)
  return app
}

export const loginOf = async (world: World, name: string, app: Application, by = name): Promise<Parameters> => {
  const { identity } = world.staff.get(name) as StaffKeys
  const { key } = world.staff.get(by) as StaffKeys
  const statement = await key.confirm({
    type: 'session', reader: identity.id, organisation: world.party.id, reason: app.session,
  })
  return parametersOf({ person: toHex(identity.id), statement: Buffer.from(statement).toString('base64') })
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
  const identity = await constellation.identity('organisation')
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
            people: [...staff].map(([called, { identity: own, statuses: theirs }]) =>
              ({ name: called, identity: own, statuses: () => theirs })),
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
  return world
}

export const issueOf = (reply: Reply<unknown>): NonNullable<OperationOutcome['issue']>[number] => {
  const outcome = reply.body as OperationOutcome
  if (outcome?.resourceType !== 'OperationOutcome') {
    throw new Error(`no OperationOutcome: ${reply.status} ${reply.text.slice(0, 300)}`)
  }
  return outcome.issue[0] as NonNullable<OperationOutcome['issue']>[number]
}
