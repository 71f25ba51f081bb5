/** The register's desk: reads credentials once, looks after them, signs statuses and takes them back. */
import type { Fetch } from '@scelle/credentials/status-list'
import { type Issuer, StatusLists } from '@scelle/credentials/status-list'
import type { Identity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import { type Client, connect, toHex } from '@scelle/sdk'
import { createServer, type Log, type Server } from '@scelle/wire/server'
import { systemTimers, type Timers } from '@scelle/wire/timers'
import { Browsers } from './browser.ts'
import { didDocument } from './did.ts'
import { Enrolments } from './enrolments.ts'
import { addHouseRoutes, listedKeys, principalIn } from './house-routes.ts'
import { DESK_LIMITS } from './limits.ts'
import { Proving } from './proving.ts'
import { type House, type ProviderOptions, ProviderWay, type WalletOptions, WalletWay } from './reading.ts'
import { Statuses } from './statuses.ts'
import type { DeskStore } from './store.ts'
import { Watch } from './watch.ts'

export { DeskError, type DeskErrorCode } from './errors.ts'
export { DESK_LIMITS } from './limits.ts'
export { meterId } from './meter-id.ts'
export type { House, ProviderOptions, WalletOptions } from './reading.ts'
export { DeskStore } from './store.ts'

export interface Address {
  readonly url: string
  /** Principal id, hex. */
  readonly id: string
}

export interface DeskOptions {
  /** The register's: trustees list it. */
  readonly identity: Identity
  readonly store: DeskStore
  readonly index: Address
  readonly trustees: readonly Address[]
  /** As people are shown it. */
  readonly name: string
  /** Public address, without a slash at its end. */
  readonly base: string
  /** Address of the passkey page. */
  readonly page: string
  readonly houses: readonly House[]
  /** Principal ids, hex, that take back any status. */
  readonly operators?: readonly string[]
  /** Issuers of professional status, all under this register's numbers: their meter ids are taken as they are. */
  readonly issuers: readonly Issuer[]
  /** Milliseconds for which people stay in whose status list cannot be read; `DESK_LIMITS.listGrace` where absent. */
  readonly listGrace?: number
  /** One of the two at least: who is asked, and how. */
  readonly provider?: ProviderOptions
  readonly wallet?: WalletOptions & { readonly publicJwk: Readonly<Record<string, unknown>> }
  readonly context: Context
  readonly log: Log
  readonly authorities?: readonly string[]
  readonly fetch?: Fetch
  readonly timers?: Timers
}

/** `halt` ends what it does by itself alone; the store stays its owner's to close. */
export interface Desk extends Pick<Server, 'listen' | 'inject' | 'close' | 'routes'> {
  readonly halt: () => Promise<void>
  /** Until no look at credentials, and no telling of trustees, is under way. */
  readonly rest: () => Promise<void>
}

/** Met at the first use, and again where that failed: credentials are looked after while the index is away. */
const meeting = (options: DeskOptions): (() => Promise<Client>) => {
  const { identity, store, index, trustees, context, fetch, timers } = options
  let met: Promise<Client> | undefined
  return () => {
    met ??= connect({
      index: index.url, trustees: trustees.map(({ url }) => url), identity, context, state: store.state,
      pins: { index: index.id, trustees: trustees.map(({ id }) => id) },
      ...(fetch === undefined ? {} : { fetch }),
      ...(timers === undefined ? {} : { timers }),
    })
    met.catch(() => {
      met = undefined
    })
    return met
  }
}

const waysOf = (options: DeskOptions, lists: StatusLists): {
  readonly provider: ProviderWay | undefined; readonly wallet: WalletWay | undefined
} => {
  const { base, provider, wallet, issuers, context, fetch = globalThis.fetch } = options
  return {
    provider: provider === undefined
      ? undefined : new ProviderWay({ ...provider, ...context, fetch, redirectUri: `${base}/back` }),
    wallet: wallet === undefined ? undefined : new WalletWay({
      ...wallet, ...context, issuers, statuses: lists, responseUri: `${base}/wallet/answer`,
      returnTo: `${base}/wallet/done`,
    }),
  }
}

const addDocument = (server: Pick<Server, 'route'>, { wallet }: DeskOptions): void => {
  if (wallet === undefined) return
  const document = JSON.stringify(didDocument(wallet))
  server.route({
    method: 'GET',
    url: '/.well-known/did.json',
    policy: 'public',
    handler: () => ({ headers: { 'content-type': 'application/did+json' }, body: document }),
  })
}

export const createDesk = (options: DeskOptions): Desk => {
  const { identity, store, base, context, log, issuers, fetch = globalThis.fetch, timers = systemTimers } = options
  const houses = new Map(options.houses.map((house) => [toHex(house.id), house]))
  const operators = new Set((options.operators ?? []).map((id) => toHex(principalIn(id))))
  const client = meeting(options)
  const lists = new StatusLists({ fetch, now: context.now, age: DESK_LIMITS.listAge, seen: store })
  const statuses = new Statuses({ identity, store, context })
  const proving = new Proving({ ...options, client })
  const enrolments = new Enrolments({ base, proving, statuses, context, ...waysOf(options, lists) })
  const { listGrace: grace = DESK_LIMITS.listGrace } = options
  const watch = new Watch({ store, statuses, lists, issuers, grace, client, now: context.now, timers, log })
  const server = createServer({
    role: 'register',
    chain: identity.chain,
    log,
    now: context.now,
    random: context.random,
    keyOf: listedKeys((id) => houses.has(id) || operators.has(id), client),
    readiness: () => store.works,
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  addHouseRoutes(server, {
    houses, operators, enrolments, statuses, store, now: context.now, tell: () => watch.tell(),
  })
  new Browsers({ base, enrolments, log }).addTo(server)
  addDocument(server, options)
  watch.start()
  return {
    ...server,
    halt: () => watch.stop(),
    rest: () => watch.rest(),
    close: async () => {
      await watch.stop()
      await server.close()
    },
  }
}
