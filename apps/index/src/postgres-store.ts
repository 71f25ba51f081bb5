/** The engine for more than one process: PostgreSQL, or what speaks it. */
import { INDEX_LIMITS } from './limits.ts'
import { connectPool } from './postgres/connect.ts'
import { overPool } from './postgres/database.ts'
import { type LanePoint, Lanes } from './postgres/lanes.ts'
import { Leader, type LeaderPoint } from './postgres/leader.ts'
import { PostgresLog } from './postgres/log-tables.ts'
import { Positions } from './postgres/positions.ts'
import { Notices } from './postgres/notices.ts'
import { PostgresReader } from './postgres/reader.ts'
import { migrate, requireDurable } from './postgres/schema.ts'
import { keptSecret } from './postgres/settings.ts'
import { Watch } from './postgres/watch.ts'
import { PostgresSignOuts } from './postgres/sign-outs.ts'
import { PostgresWraps } from './postgres/wraps.ts'
import type { PositionSigner, Store } from './store.ts'

export type PostgresPoint =
  LanePoint | LeaderPoint | 'position-signed' | 'position-written' | 'publish-begun' | 'publish-written'

export interface PostgresOptions {
  /** `postgres://…`: a database of its own. */
  readonly database: string
  readonly sign: PositionSigner
  readonly random: (length: number) => Uint8Array
  /** Called at named points, so that a test can end the process exactly there. */
  readonly faultPoint?: (point: PostgresPoint) => void
}

export interface OpenedPostgres {
  readonly store: Store
  /** 32 bytes that all processes of this database share: under them cursors are sealed. */
  readonly cursorSecret: Uint8Array
}

/** Opens the store. Throws where the server cannot be reached, keeps nothing safe, or has another program's schema. */
export const openPostgresStore = async (options: PostgresOptions): Promise<OpenedPostgres> => {
  const pool = connectPool(options.database, INDEX_LIMITS.connections)
  const database = overPool(pool)
  let cursorSecret: Uint8Array
  try {
    await requireDurable(pool)
    await migrate(pool)
    cursorSecret = await keptSecret(database, 'cursor', () => options.random(32))
  } catch (error) {
    await pool.end()
    throw error
  }
  const faultPoint = options.faultPoint ?? (() => undefined)
  const notices = new Notices(options.database, pool)
  const watch = new Watch(notices, pool)
  const leader = new Leader({ database: options.database, watch, faultPoint })
  const positions = new Positions({ pool, watch, sign: options.sign, faultPoint })
  const lanes = new Lanes({ pool, watch, positions, salt: () => options.random(16), faultPoint })
  const reader = new PostgresReader(database, positions)
  const store: Store = {
    wraps: new PostgresWraps(database),
    signOuts: new PostgresSignOuts(database),
    log: new PostgresLog({ database, pool, leader, watch, notices, faultPoint }),
    apply: (operations) => lanes.apply(operations),
    keyChain: (principal) => reader.keyChain(principal),
    keyCount: (principal) => reader.keyCount(principal),
    position: (statement, vault) => reader.position(statement, vault),
    genesis: (vault) => reader.genesis(vault),
    custodians: (vault) => reader.custodians(vault),
    manifests: (vault, custodian) => reader.manifests(vault, custodian),
    categories: (vault, custodian) => reader.categories(vault, custodian),
    grant: (vault, grant) => reader.grant(vault, grant),
    grants: (vault, only) => reader.grants(vault, only),
    grantsTo: (query) => reader.grantsTo(query),
    mayWriteSomewhere: (principal, at) => reader.mayWriteSomewhere(principal, at),
    encapsulations: (ids) => reader.encapsulations(ids),
    feed: (query) => reader.feed(query),
    anyCommit: (query) => reader.anyCommit(query),
    history: (vault, custodian, author) => reader.history(vault, custodian, author),
    accesses: (vault, custodian) => reader.accesses(vault, custodian),
    accessEntries: (query) => reader.accessEntries(query),
    statementsAfter: (sequence, limit) => reader.statementsAfter(sequence, limit),
    capsule: (vault, headerHash) => reader.capsule(vault, headerHash),
    blobPlaces: (digest) => reader.blobPlaces(digest),
    // The server shows a transaction to others only once it is on its disk.
    durable: async () => undefined,
    ready: () => pool.query('SELECT 1').then(() => true, () => false),
    close: async () => {
      await lanes.drained()
      await leader.close()
      await watch.close()
      await notices.close()
      await pool.end()
    },
  }
  return { store, cursorSecret }
}
