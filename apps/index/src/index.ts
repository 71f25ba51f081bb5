/** The state's server: holds ciphertext, handles and signed statements, and no key that opens any of it. */
import type { Identity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import type { Fetch } from '@scelle/wire/ask'
import { type Answer, createServer, type Log, type Route, type Server } from '@scelle/wire/server'
import { systemTimers, type Timers } from '@scelle/wire/timers'
import { Cursors } from './cursor.ts'
import { Denials } from './denials.ts'
import { HourlyCounts } from './hourly.ts'
import { INDEX_LIMITS } from './limits.ts'
import { IndexLog } from './log/log.ts'
import { Restorer } from './log/restorer.ts'
import type { TrusteeAddress } from './log/trustee.ts'
import type { LostLeaves } from './lost-leaves.ts'
import { Registry } from './registry.ts'
import { addAccessRoutes } from './routes/accesses.ts'
import { addBlobRoutes, addBlobUploads } from './routes/blobs.ts'
import { addCommitRoutes } from './routes/commits.ts'
import { addFeedRoutes } from './routes/feed.ts'
import { addGrantRoutes } from './routes/grants.ts'
import { addLogRoutes } from './routes/log.ts'
import { addManifestRoutes } from './routes/manifests.ts'
import { addNoticeRoutes } from './routes/notices.ts'
import { addPrincipalRoutes } from './routes/principals.ts'
import { addReleaseRoutes } from './routes/releases.ts'
import { addRestoreRoutes } from './routes/restore.ts'
import { addRevocationRoutes } from './routes/revocations.ts'
import { addSessionRoutes } from './routes/sessions.ts'
import { addSoftwareRoutes } from './routes/software.ts'
import { addVaultRoutes } from './routes/vaults.ts'
import { addWrapRoutes } from './routes/wraps.ts'
import type { Services } from './services.ts'
import { Sessions } from './sessions.ts'
import type { Blobs, Store } from './store.ts'

export type { Fetch } from '@scelle/wire/ask'
export { LogUnusable } from './log/errors.ts'
export type { TrusteeAddress } from './log/trustee.ts'
export { type InspectedVault, inspectVault } from './inspect.ts'
export { type Audit, auditDirectory, AuditFault } from './audit/audit.ts'
export { inspectDirectory } from './inspect-directory.ts'
export {
  openPostgresStorage, openStorage, type PostgresStorageOptions, type Storage, type StorageOptions,
} from './storage.ts'
export type { Blobs, Store } from './store.ts'

export interface IndexOptions {
  /** Of kind `index`. Signs positions; the store must have been opened with the same. */
  readonly identity: Identity
  readonly store: Store
  /** Where what a restored index lost is kept until it is back. */
  readonly lost?: LostLeaves
  readonly blobs: Blobs
  /** 32 bytes under which cursors are sealed: the same after a restart. */
  readonly cursorSecret: Uint8Array
  /** Ids in hex of organisations that may create vaults in custody and deposit into them. */
  readonly admitted: readonly string[]
  /** The trustees, who cosign the log: without two of them no access is answered. */
  readonly trustees: readonly TrusteeAddress[]
  readonly context: Context
  readonly log: Log
  /** How trustees are reached, and what waits: the platform's where absent. */
  readonly fetch?: Fetch
  readonly timers?: Timers
  /** Names, with port, under which others reach it, beside loopback. */
  readonly authorities?: readonly string[]
}

const ROUTES = [
  addPrincipalRoutes, addVaultRoutes, addManifestRoutes, addGrantRoutes, addRevocationRoutes, addCommitRoutes,
  addBlobRoutes, addFeedRoutes, addAccessRoutes, addReleaseRoutes,
  addNoticeRoutes, addSessionRoutes, addSoftwareRoutes,
]

/** Adds routes that serve nothing before it is known that nothing of the log is missing: see `log/recovery.ts`. */
const whole = (server: Server, log: IndexLog): Server => ({
  ...server,
  route: <T>(route: Route<T>): void => {
    const { handler } = route as { handler: (request: never) => Answer | Promise<Answer> }
    const gated = async (request: never): Promise<Answer> => {
      await log.requireWhole()
      return handler(request)
    }
    server.route({ ...route, handler: gated } as Route<T>)
  },
})

export interface IndexServer extends Server {
  /** Resolves once the stored log was found sound. Rejects with LogUnusable: then it must not serve. */
  readonly started: Promise<void>
  /** Ends what goes on by itself, as the end of the process would. The store can be closed then. */
  readonly halt: () => Promise<void>
}

/** A server with every route of spec/protocol.md's index table; `listen`, or `inject` without a socket. */
export const createIndex = (options: IndexOptions): IndexServer => {
  const { identity, store, lost, context } = options
  const registry = new Registry(store)
  const sessions = new Sessions({ registry, ended: store.signOuts, index: identity.id, now: context.now })
  const log = new IndexLog({
    identity,
    store: store.log,
    trustees: options.trustees,
    context,
    timers: options.timers ?? systemTimers,
    fetch: options.fetch ?? fetch,
    events: options.log,
    restoring: lost === undefined ? undefined : { lost, restorer: new Restorer(lost, registry) },
  })
  const server = createServer({
    role: 'index',
    chain: identity.chain,
    log: options.log,
    now: context.now,
    random: context.random,
    keyOf: async (principal, session) => {
      const keys = await (session === undefined ? registry.keysOf(principal) : sessions.keysOf(principal, session))
      // Whoever a restored index does not know may have been registered in what it lost.
      if (keys === undefined) await log.requireWhole()
      return keys
    },
    sessions: true,
    readiness: async () => log.ready && (await store.ready()),
    settled: () => store.durable(),
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  const services: Services = {
    store,
    lost,
    log,
    denials: new Denials({ identity, store, context }),
    notices: new HourlyCounts(INDEX_LIMITS.noticePrincipals),
    wraps: new HourlyCounts(1),
    blobs: options.blobs,
    registry,
    sessions,
    cursors: new Cursors(options.cursorSecret, context.random),
    context,
    index: identity.id,
    identity,
    admitted: new Set(options.admitted),
  }
  const served = whole(server, log)
  for (const add of ROUTES) add(served, services)
  addBlobUploads(server, services)
  addWrapRoutes(server, services)
  addLogRoutes(server, services)
  addRestoreRoutes(server, services)
  const close = async (): Promise<void> => {
    await server.close()
    await log.end()
  }
  return { ...server, close, started: log.started, halt: () => log.end() }
}
