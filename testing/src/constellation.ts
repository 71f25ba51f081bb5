/** Index and three trustees in one process, with time, randomness, network and disks in the hand of the caller. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIndex, openStorage } from '@scelle/index'
import {
  type Client,
  type ClientState,
  connect,
  createIdentity,
  type Identity,
  memoryState,
  type Options,
  type Standing,
  type Timers,
} from '@scelle/sdk'
import { type Address, createTrustee, type Trustee, TrusteeStore } from '@scelle/trustee'
import { type Context, toHex } from '@scelle/seal/verify'
import type { DeclaredRoute, Log, LogEvent } from '@scelle/wire/server'
import { TestClock } from './clock.ts'
import { type Handler, Network } from './network.ts'
import { type Random, seededRandom } from './random.ts'
import { Register } from './register.ts'

export { TestClock } from './clock.ts'
export { type Effect, type Fault, type Handler, Network, type NetworkAnswer, type NetworkRequest } from './network.ts'
export { below, type Random, seededRandom } from './random.ts'

type Storage = ReturnType<typeof openStorage>

export type PrincipalKind = 'person' | 'organisation' | 'vendor' | 'machine'

export interface ConstellationOptions {
  /** The same seed gives the same identities, ids and faults. (HPKE and Shamir draw their own randomness.) */
  readonly seed: string
  /** Kept when the constellation closes; a temporary directory, removed then, where absent. */
  readonly directory?: string
  /** Milliseconds since 1970. */
  readonly start?: number
  /** Milliseconds that time goes on by itself for somebody who waits; see TestClock. Two minutes where absent. */
  readonly jump?: number
  /** Milliseconds between two exchanges of checkpoints among trustees: six hours where absent, as days go by here. */
  readonly gossipEvery?: number
  /** Organisations that the index admits: they may create vaults in custody. 8 where absent. */
  readonly organisations?: number
  /** Real sockets on loopback, and real time, for measurements and demonstrations: `{ now: Date.now }`. */
  readonly sockets?: { readonly now: () => number }
  readonly log?: (party: string, event: LogEvent) => void
}

/** What a party in the constellation runs on. */
export interface Site {
  readonly context: Context
  readonly directory: string
  readonly log: Log
  readonly authority: string
}

/** A server, as the constellation handles it. */
export interface Running {
  readonly inject: (request: {
    method: 'GET'
    url: string
  }) => Promise<{ statusCode: number; headers: object; rawPayload: Buffer }>
  readonly listen: (address: { host: string; port: number }) => Promise<{ url: string }>
  /** Absent where it is no server of ours. */
  readonly routes?: () => readonly DeclaredRoute[]
  readonly close: () => Promise<void>
  /** Lets go of the disk. After a kill this is all that happens: nothing is finished, nothing is told. */
  readonly release: () => Promise<void> | void
}

/** One party: stop it, start it again over what it kept, put its clock wrong. */
export interface PartyHandle {
  readonly name: string
  readonly id: Uint8Array
  readonly identity: Identity
  /** Base URL. */
  readonly url: string
  readonly host: string
  readonly directory: string
  /** Ends it at once, as if its process were killed. */
  kill(): Promise<void>
  /** Starts it again over its data directory. */
  restart(): Promise<void>
  /** Every route that it declares. */
  routes(): readonly DeclaredRoute[]
  /** Its clock runs ahead of the others' by this many milliseconds. */
  skew(ms: number): void
}

const START = Date.UTC(2026, 0, 15, 8)

const handlerOf =
  (running: Running): Handler =>
  async (request) => {
    const answer = await running.inject({
      method: request.method,
      url: request.target,
      authority: request.host,
      headers: { ...request.headers, host: request.host },
      ...(request.body === undefined ? {} : { payload: Buffer.from(request.body) }),
    } as { method: 'GET'; url: string })
    const headers = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]))
    return { status: answer.statusCode, headers, body: new Uint8Array(answer.rawPayload) }
  }

interface PartyPlan {
  readonly name: string
  readonly identity: Identity
  readonly start: (site: Site) => Promise<Running> | Running
}

/** Where a party listens changes with each of its starts. Nobody answers before the first. */
const addressOf = (id: Uint8Array, party: () => PartyHandle | undefined): Address => ({
  id: toHex(id),
  get url() {
    return party()?.url ?? 'http://127.0.0.1:9'
  },
})

class Party implements PartyHandle {
  readonly name: string
  readonly identity: Identity
  readonly host: string
  readonly directory: string
  url: string
  readonly #plan: PartyPlan
  readonly #within: Constellation
  readonly #random: Random
  #running: Running | undefined
  #skew = 0

  constructor(plan: PartyPlan, within: Constellation) {
    this.name = plan.name
    this.identity = plan.identity
    this.host = `${plan.name}.test`
    this.url = `http://${this.host}`
    this.directory = join(within.directory, plan.name)
    this.#plan = plan
    this.#within = within
    this.#random = within.random(`party/${plan.name}`)
    mkdirSync(this.directory, { recursive: true })
  }

  get id(): Uint8Array {
    return this.identity.id
  }

  routes(): readonly DeclaredRoute[] {
    return this.#running?.routes?.() ?? []
  }

  skew(ms: number): void {
    this.#skew = ms
  }

  async restart(): Promise<void> {
    if (this.#running !== undefined) await this.kill()
    const { now, sockets, network } = this.#within
    const running = await this.#plan.start({
      context: { now: () => now() + this.#skew, random: this.#random },
      directory: this.directory,
      log: (event) => this.#within.log(this.name, event),
      authority: this.host,
    })
    this.#running = running
    if (sockets) this.url = (await running.listen({ host: '127.0.0.1', port: 0 })).url
    network.attach(this.host, handlerOf(running))
    network.up(this.host)
  }

  async kill(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    this.#within.network.down(this.host)
    if (running === undefined) return
    if (this.#within.sockets) await running.close()
    await running.release()
  }

  async close(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    this.#within.network.down(this.host)
    await running?.close()
    await running?.release()
  }
}

export class Constellation {
  readonly seed: string
  readonly sockets: boolean
  readonly directory: string
  readonly clock: TestClock
  readonly network: Network
  readonly log: (party: string, event: LogEvent) => void
  readonly #temporary: boolean
  readonly #gossipEvery: number
  readonly #admitted: Identity[] = []
  readonly #parties: Party[] = []
  #clients = 0
  #index: Party | undefined
  #register: Register | undefined
  #emergency: Identity | undefined
  #store: Storage['store'] | undefined
  #trustees: Party[] = []
  readonly #ceremonies = new Map<string, Trustee['discovery']>()

  constructor(options: ConstellationOptions) {
    this.seed = options.seed
    this.sockets = options.sockets !== undefined
    this.#temporary = options.directory === undefined
    this.#gossipEvery = options.gossipEvery ?? 6 * 3_600_000
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'scelle-constellation-'))
    this.clock = new TestClock(options.start ?? START, options.jump ?? 120_000)
    this.now = options.sockets?.now ?? this.clock.now
    this.network = new Network(this.clock.timers)
    this.clock.moves = () => this.network.moves
    this.clock.busy = (waiting) => this.network.underWay > waiting
    this.log = options.log ?? (() => {})
  }

  /** Milliseconds since 1970, for everybody whose clock is right. */
  readonly now: () => number

  /** A stream of its own for each name: one more draw here does not change what is drawn there. */
  random(name: string): Random {
    return seededRandom(`${this.seed}/${name}`)
  }

  get index(): PartyHandle {
    return this.#index as Party
  }

  /** The register of professionals that the trustees list. */
  get register(): Register {
    return this.#register as Register
  }

  /** The emergency key, which registered sites hold. */
  get emergency(): Identity {
    return this.#emergency as Identity
  }

  /** What the index keeps, for whoever has taken it over. */
  get indexStore(): Storage['store'] {
    return this.#store as Storage['store']
  }

  get trustees(): readonly PartyHandle[] {
    return this.#trustees
  }

  /** The trustees make their key for finding vaults; `renew` asks for new shares of it, once a day at most. */
  async discovery({ renew }: { readonly renew?: PartyHandle } = {}): Promise<void> {
    if (renew !== undefined) await this.#ceremonies.get(toHex(renew.id))?.renew()
    // One round to deal, one to sign, one to hear that all have signed; whoever is first hears in the next.
    for (let round = 0; round < 4; round++) {
      for (const { id } of this.#trustees) await this.#ceremonies.get(toHex(id))?.round()
    }
  }

  /** Starts index and trustees; used by `createConstellation`. */
  async start(organisations: number): Promise<void> {
    const people = { now: this.now, random: this.random('identities') }
    const index = await createIdentity('index', people)
    this.#register = await Register.create({ now: this.now, random: this.random('register') })
    for (let i = 0; i < organisations; i++) this.#admitted.push(await createIdentity('organisation', people))
    this.#emergency = await createIdentity('organisation', { now: this.now, random: this.random('emergency') })
    const admitted = this.#admitted.map(({ id }) => toHex(id))
    const identities: Identity[] = []
    for (let i = 0; i < 3; i++) identities.push(await createIdentity('trustee', people))
    const trustees = identities.map(({ id }, place) => addressOf(id, () => this.#trustees[place]))
    // The index asks them first how far they know its log.
    for (const [place, identity] of identities.entries()) {
      const peers = trustees.filter((_, other) => other !== place)
      const around = { index: addressOf(index.id, () => this.#index), peers }
      const start = (site: Site): Running => this.#startTrustee(identity, around, site)
      this.#trustees.push((await this.attach({ name: `trustee-${place + 1}`, identity, start })) as Party)
    }
    this.#index = (await this.attach({
      name: 'index',
      identity: index,
      start: (site) => this.#startIndex(index, { admitted, trustees }, site),
    })) as Party
    // Its keys are looked up at the index, as everybody's.
    await connect(this.options(this.#register.identity))
    await connect(this.options(this.#emergency))
  }

  #startTrustee(identity: Identity, around: { index: Address; peers: readonly Address[] }, site: Site): Running {
    const { context, directory, log, authority } = site
    const store = new TrusteeStore(join(directory, 'trustee.sqlite'))
    const server = createTrustee({
      identity,
      store,
      ...around,
      issuers: [toHex(this.register.id)],
      emergencyKeys: [toHex(this.emergency.id)],
      gossipEvery: this.#gossipEvery,
      context,
      log,
      authorities: [authority],
      ...this.#reached(),
    })
    this.#ceremonies.set(toHex(identity.id), server.discovery)
    const release = (): void => {
      server.halt()
      store.close()
    }
    return { ...server, release }
  }

  #startIndex(
    identity: Identity,
    around: { admitted: readonly string[]; trustees: readonly Address[] },
    site: Site,
  ): Running {
    const { context, directory, log, authority } = site
    const storage = openStorage({ directory, identity, context })
    this.#store = storage.store
    const server = createIndex({
      identity,
      ...storage,
      ...around,
      context,
      log,
      authorities: [authority],
      ...this.#reached(),
    })
    const release = async (): Promise<void> => {
      await server.halt()
      await storage.store.close()
    }
    return { ...server, release }
  }

  /** How servers reach others and wait: for nobody's sake does time go on by itself while they do. */
  #reached(): { fetch: Network['fetch']; timers: Timers } | Record<string, never> {
    return this.sockets ? {} : { fetch: this.network.fetchBetween, timers: this.clock.background }
  }

  /** Adds a party and starts it: an edge, say. Its host is `NAME.test`. */
  async attach(plan: PartyPlan): Promise<PartyHandle> {
    const party = new Party(plan, this)
    this.#parties.push(party)
    await party.restart()
    return party
  }

  /** A new identity. Organisations are taken from those that the index admits. */
  async identity(kind: PrincipalKind): Promise<Identity> {
    if (kind !== 'organisation')
      return createIdentity(kind, { now: this.now, random: this.random(`identity/${this.#clients++}`) })
    const admitted = this.#admitted.shift()
    if (admitted === undefined)
      throw new Error('no admitted organisation is left: create the constellation with more')
    return admitted
  }

  /** What `connect` needs to reach this constellation as somebody. */
  options(identity: Identity, state: ClientState = memoryState()): Options {
    return {
      index: this.index.url,
      trustees: this.trustees.map(({ url }) => url),
      identity,
      state,
      context: { now: this.now, random: this.random(`client/${toHex(identity.id).slice(0, 16)}/${this.#clients++}`) },
      pins: { index: this.index.id, trustees: this.trustees.map(({ id }) => id) },
      standing: this.standingOf(identity),
      ...(this.sockets ? {} : { fetch: this.network.fetch, timers: this.clock.timers }),
    }
  }

  /**
   * What a client shows unless told otherwise: as an organisation a hospital's status, as a person a specialist's who
   * works for nobody else. Asked anew once a day, since a status ends.
   */
  standingOf({ id, keys: { kind } }: Identity): Standing {
    const role = kind === 'person' ? 'specialist' : 'hospital'
    let signed: { readonly day: number; readonly status: Promise<Uint8Array> } | undefined
    return {
      show: async () => {
        const day = Math.floor(this.now() / 86_400_000)
        if (signed?.day !== day) signed = { day, status: this.register.enrol({ subject: id, role }) }
        return { statuses: [await signed.status] }
      },
    }
  }

  /** A connected client: a new principal of that kind, or an identity that is there already. */
  async client(who: PrincipalKind | Identity, overrides: Partial<Options> = {}): Promise<Client> {
    const identity = typeof who === 'string' ? await this.identity(who) : who
    return connect({ ...this.options(identity), ...overrides })
  }

  async close(): Promise<void> {
    for (const party of this.#parties.toReversed()) await party.close()
    this.clock.stop()
    if (this.#temporary) rmSync(this.directory, { recursive: true, force: true })
  }
}

export const createConstellation = async (options: ConstellationOptions): Promise<Constellation> => {
  const constellation = new Constellation(options)
  await constellation.start(options.organisations ?? 8)
  return constellation
}
