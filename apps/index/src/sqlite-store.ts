/** The embedded engine: one SQLite database in WAL mode with full synchronisation, for one process. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { INDEX_LIMITS } from './limits.ts'
import type { LostLeaves } from './lost-leaves.ts'
import { type FaultPoint, GroupWriter, type Tick } from './sqlite/group.ts'
import { type Flush, LogFlush } from './sqlite/log-flush.ts'
import { LogTables } from './sqlite/log-tables.ts'
import { LostTables } from './sqlite/lost-tables.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { lockDirectory, openLog, openReader, openWriter } from './sqlite/schema.ts'
import { SignOutTables } from './sqlite/sign-out-tables.ts'
import { WrapTables } from './sqlite/wrap-tables.ts'
import type { PositionSigner, Store } from './store.ts'

export interface SqliteOptions {
  /** Made where it does not exist. */
  readonly directory: string
  readonly sign: PositionSigner
  /** Draws the 16 bytes of a leaf's salt. */
  readonly random: (length: number) => Uint8Array
  readonly tick?: Tick
  readonly faultPoint?: FaultPoint
  /** Flushes the write-ahead log on another thread; where absent, each commit waits for the disk on this one. */
  readonly flush?: Flush
}

export type SqliteStore = Store & { readonly lost: LostLeaves }

/** Opens the store in a directory of its own. Throws where another process has it, or made it with another schema. */
export const openSqliteStore = (options: SqliteOptions): SqliteStore => {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const lock = lockDirectory(join(options.directory, 'index.lock'))
  const file = join(options.directory, 'index.sqlite')
  const log = options.flush === undefined ? undefined : new LogFlush(file, options.flush)
  const database = openWriter(file, log === undefined ? 'FULL' : 'NORMAL')
  const readDatabase = openReader(file)
  const logFile = join(options.directory, 'log.sqlite')
  const logFlush = options.flush === undefined ? undefined : new LogFlush(logFile, options.flush)
  const logDatabase = openLog(logFile, logFlush === undefined ? 'FULL' : 'NORMAL')
  const tables = new LogTables({
    log: logDatabase,
    statements: readDatabase,
    durable: () => writer.durable(),
    flush: logFlush,
    faultPoint: options.faultPoint ?? (() => undefined),
  })
  const writer: GroupWriter = new GroupWriter(database, {
    sign: options.sign,
    salt: () => options.random(16),
    grown: tables.wake,
    tick: options.tick ?? ((run) => void setImmediate(run)),
    faultPoint: options.faultPoint ?? (() => undefined),
    ...(log === undefined ? {} : { log }),
  })
  const reader = new SqliteReader(readDatabase)
  const wraps = new WrapTables(join(options.directory, 'wraps.sqlite'))
  const signOuts = new SignOutTables(join(options.directory, 'sign-outs.sqlite'))
  return {
    wraps,
    signOuts,
    log: tables,
    lost: new LostTables(writer, readDatabase),
    apply: async (operations) => writer.write(operations),
    keyChain: async (principal) => reader.keyChain(principal),
    keyCount: async (principal) => reader.keyCount(principal),
    position: async (statement, vault) => reader.position(statement, vault),
    genesis: async (vault) => reader.genesis(vault),
    custodians: async (vault) => reader.custodians(vault),
    manifests: async (vault, custodian) => reader.manifests(vault, custodian),
    categories: async (vault, custodian) => reader.categories(vault, custodian),
    grant: async (vault, grant) => reader.grant(vault, grant),
    grants: async (vault, only) => reader.grants(vault, only),
    grantsTo: async (query) => reader.grantsTo(query),
    mayWriteSomewhere: async (principal, at) => reader.mayWriteSomewhere(principal, at),
    encapsulations: async (ids) => reader.encapsulations(ids),
    feed: async (query) => reader.feed(query),
    anyCommit: async (query) => reader.anyCommit(query),
    history: async (vault, custodian, author) => reader.history(vault, custodian, author, INDEX_LIMITS.history),
    accesses: async (vault, custodian) => reader.accesses(vault, custodian),
    accessEntries: async (query) => reader.accessEntries(query),
    statementsAfter: async (sequence, limit) => reader.statementsAfter(sequence, limit),
    capsule: async (vault, headerHash) => reader.capsule(vault, headerHash),
    blobPlaces: async (digest) => reader.blobPlaces(digest),
    durable: () => writer.durable(),
    ready: async () => writer.sound,
    close: async () => {
      await writer.drained()
      await tables.settled()
      log?.close()
      logFlush?.close()
      readDatabase.close()
      database.close()
      logDatabase.close()
      wraps.close()
      signOuts.close()
      lock.close()
    },
  }
}
