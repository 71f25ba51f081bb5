/** The state's server: holds ciphertext, handles and signed statements, and no key that opens any of it. */
import type { Identity } from '@scelle/seal/identity'
import type { Context } from '@scelle/seal/verify'
import { createServer, type Log, type Server } from '@scelle/wire/server'
import { Cursors } from './cursor.ts'
import { Registry } from './registry.ts'
import { addAccessRoutes } from './routes/accesses.ts'
import { addBlobRoutes } from './routes/blobs.ts'
import { addCommitRoutes } from './routes/commits.ts'
import { addFeedRoutes } from './routes/feed.ts'
import { addGrantRoutes } from './routes/grants.ts'
import { addManifestRoutes } from './routes/manifests.ts'
import { addPrincipalRoutes } from './routes/principals.ts'
import { addRevocationRoutes } from './routes/revocations.ts'
import { addVaultRoutes } from './routes/vaults.ts'
import type { Services } from './services.ts'
import type { Blobs, Store } from './store.ts'

export { type InspectedVault, inspectVault } from './inspect.ts'
export { inspectDirectory } from './inspect-directory.ts'
export { openStorage, type Storage, type StorageOptions } from './storage.ts'
export type { Blobs, Store } from './store.ts'

export interface IndexOptions {
  /** Of kind `index`. Signs positions; the store must have been opened with the same. */
  readonly identity: Identity
  readonly store: Store
  readonly blobs: Blobs
  /** 32 bytes under which cursors are sealed: the same after a restart. */
  readonly cursorSecret: Uint8Array
  /** Ids in hex of organisations that may create vaults in custody and deposit into them. */
  readonly admitted: readonly string[]
  readonly context: Context
  readonly log: Log
  /** Names, with port, under which others reach it, beside loopback. */
  readonly authorities?: readonly string[]
}

const ROUTES = [
  addPrincipalRoutes, addVaultRoutes, addManifestRoutes, addGrantRoutes, addRevocationRoutes, addCommitRoutes,
  addBlobRoutes, addFeedRoutes, addAccessRoutes,
]

/** A server with every route of spec/protocol.md's index table; `listen`, or `inject` without a socket. */
export const createIndex = (options: IndexOptions): Server => {
  const { identity, store, context } = options
  const registry = new Registry(store)
  const server = createServer({
    role: 'index',
    chain: identity.chain,
    log: options.log,
    now: context.now,
    random: context.random,
    keyOf: (principal) => registry.keysOf(principal),
    readiness: () => store.ready(),
    settled: () => store.durable(),
    ...(options.authorities === undefined ? {} : { authorities: options.authorities }),
  })
  const services: Services = {
    store,
    blobs: options.blobs,
    registry,
    cursors: new Cursors(options.cursorSecret, context.random),
    context,
    index: identity.id,
    identity,
    admitted: new Set(options.admitted),
  }
  for (const add of ROUTES) add(server, services)
  return server
}
