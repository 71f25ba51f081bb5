import { closeSync, fdatasync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { EDGE_LIMITS } from '../limits.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS vault (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS patient (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS locator (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS person (row BLOB PRIMARY KEY, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS review (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS received (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS given (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS accepted (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS block (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS compared (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pair (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS merge (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS upload (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS decoy (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS fact (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ahead (row BLOB PRIMARY KEY, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS expected (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS note (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS exposure (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS enrolled (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS guarded (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS register (row BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS state (row BLOB PRIMARY KEY, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, row BLOB NOT NULL, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS submission (seq INTEGER PRIMARY KEY, row BLOB NOT NULL, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS acknowledged (seq INTEGER PRIMARY KEY, row BLOB NOT NULL, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS confirmed (seq INTEGER PRIMARY KEY, row BLOB NOT NULL, sealed BLOB NOT NULL);
`

/**
 * What becomes of a submission, in the order of their numbers: units on their way, the sealed commits themselves, and
 * the index's words about them, before and after a final checkpoint held their leaves.
 */
export const NUMBERED = ['outbox', 'submission', 'acknowledged', 'confirmed'] as const
export type NumberedTable = (typeof NUMBERED)[number]

export interface NumberedRow {
  readonly seq: number
  readonly row: Uint8Array
  readonly sealed: Uint8Array
}

/** Tables of sealed rows under an HMAC of their key. Others have an order of their own. */
export type Table =
  'vault' | 'patient' | 'locator' | 'person' | 'review' | 'given' | 'received' | 'accepted' | 'block' | 'compared'
  | 'pair' | 'merge' | 'upload' | 'register' | 'decoy' | 'fact' | 'ahead' | 'expected' | 'note' | 'exposure'
  | 'enrolled' | 'guarded' | 'state'

export const TABLES: readonly Table[] =
  [
    'vault', 'patient', 'locator', 'person', 'review', 'given', 'received', 'accepted', 'block', 'compared', 'pair',
    'merge', 'upload', 'register', 'decoy', 'fact', 'ahead', 'expected', 'note', 'exposure',
    'enrolled', 'guarded', 'state',
  ]

interface NumberedStatements {
  readonly put: StatementSync
  readonly drop: StatementSync
  readonly after: StatementSync
  readonly bytes: StatementSync
}

interface Statements {
  readonly get: StatementSync
  readonly put: StatementSync
  readonly drop: StatementSync
  readonly all: StatementSync
  readonly after: StatementSync
  readonly count: StatementSync
}

/** A row that waits for the next transaction; without `sealed`, its removal. */
interface Change {
  readonly table: Table | NumberedTable
  readonly row: Uint8Array
  readonly sealed?: Uint8Array
  /** Of a numbered table. */
  readonly seq?: number
}

/** The disk's cache and how much the write-ahead log may grow: rows are keyed by hashes, so they land everywhere. */
const PRAGMAS = `
  PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${EDGE_LIMITS.databaseCache / 1024};
  PRAGMA wal_autocheckpoint = ${EDGE_LIMITS.checkpointPages};
`

/**
 * The edge's one SQLite file. Exclusive: a second edge on the same folder fails to start, and so cannot fork a
 * history.
 */
export class Database {
  readonly #db: DatabaseSync
  readonly #tables: Record<Table, Statements>
  readonly #numbered: Record<NumberedTable, NumberedStatements>
  readonly #aside: boolean
  readonly #flush: (file: number) => Promise<void>
  readonly #log: string
  #logFile: number | undefined
  /** One flush at a time: of two the system may tell only one that the disk failed. Rejected for good once one has. */
  #flushed: Promise<void> = Promise.resolve()
  #sound = true
  #durable = true
  /** What is to be written with the next transaction, by table and row: reads see it at once. */
  readonly #waiting = new Map<string, Change>()
  /** Where `put` and `drop` go at present: into this, or straight into the open transaction. */
  #collecting: Map<string, Change> | undefined
  #lastSeq: number

  /**
   * `aside`: {@link writeAside} leaves this thread; not where a test holds the time.
   * `flush`: another one in tests.
   */
  constructor(folder: string, aside = false, flush: (file: number) => Promise<void> = promisify(fdatasync)) {
    this.#aside = aside
    this.#flush = flush
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, 'edge.db')
    const db = new DatabaseSync(file)
    this.#log = `${file}-wal`
    this.#db = db
    db.exec(PRAGMAS)
    // What a killed process wrote last may be in the system's memory only, and the outbox is sent from now on.
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    db.exec(SCHEMA)
    this.#tables = Object.fromEntries(TABLES.map((table) => [table, {
      get: db.prepare(`SELECT sealed FROM ${table} WHERE row = ?`),
      put: db.prepare(
        `INSERT INTO ${table} (row, sealed) VALUES (?, ?) ON CONFLICT (row) DO UPDATE SET sealed = excluded.sealed`,
      ),
      drop: db.prepare(`DELETE FROM ${table} WHERE row = ?`),
      all: db.prepare(`SELECT row, sealed FROM ${table}`),
      after: db.prepare(`SELECT row, sealed FROM ${table} WHERE row > ? ORDER BY row LIMIT ?`),
      count: db.prepare(`SELECT count(*) AS n FROM ${table}`),
    }])) as Record<Table, Statements>
    this.#numbered = Object.fromEntries(NUMBERED.map((table) => [table, {
      put: db.prepare(`INSERT INTO ${table} (seq, row, sealed) VALUES (?, ?, ?)`),
      drop: db.prepare(`DELETE FROM ${table} WHERE seq = ?`),
      after: db.prepare(`SELECT seq, row, sealed FROM ${table} WHERE seq > ? ORDER BY seq LIMIT ?`),
      bytes: db.prepare(`SELECT coalesce(sum(length(sealed)), 0) AS n FROM ${table}`),
    }])) as Record<NumberedTable, NumberedStatements>
    const newest = NUMBERED.map((table) => Number(db.prepare(`SELECT max(seq) AS n FROM ${table}`).get()?.['n'] ?? 0))
    this.#lastSeq = Math.max(...newest)
  }

  /**
   * Runs `work` as one change. `durable`: it is on the disk when this returns, with all that waited. Otherwise it is
   * atomic and in order, seen by every read from now on, and reaches the disk with the next durable one: for what the
   * outbox would bring back anyway. So a submission costs one transaction, not two.
   */
  write<T>(durable: boolean, work: () => T): T {
    if (durable) return this.#transaction(true, work)
    const collected = new Map<string, Change>()
    this.#collecting = collected
    let result: T
    try {
      result = work()
    } finally {
      this.#collecting = undefined
    }
    for (const [name, change] of collected) this.#waiting.set(name, change)
    if (this.#waiting.size > EDGE_LIMITS.waitingRows) this.#tryFlush()
    return result
  }

  /** A full disk is the next durable write's to tell: this one has had its effect. */
  #tryFlush(): void {
    try {
      this.flush()
    } catch {
      // All of it waits on, as before.
    }
  }

  /**
   * As a durable {@link write}, which waits for the disk on another thread: on the disk once this resolves. The flush
   * is SQLite's own, of its write-ahead log, after which a commit under `synchronous = NORMAL` is one under `FULL`.
   * Where the disk fails this rejects, and what was written may or may not outlast the machine: a later flush would
   * succeed over what was lost, so nothing is written any more, and {@link sound} is false until a restart.
   */
  async writeAside<T>(work: () => T): Promise<T> {
    if (!this.#aside) return this.#transaction(true, work)
    const result = this.#transaction(false, work)
    this.#flushed = this.#flushed.then(() => this.#flushLog())
    await this.#flushed
    return result
  }

  async #flushLog(): Promise<void> {
    try {
      this.#logFile ??= openSync(this.#log, 'r+')
      await this.#flush(this.#logFile)
    } catch (error) {
      this.#sound = false
      throw error
    }
  }

  /** False once a flush ended uncertain. */
  get sound(): boolean {
    return this.#sound
  }

  /** Writes what waits. Not needed for safety: it bounds what a start has to do again. */
  flush(): void {
    if (this.#waiting.size > 0 && !this.#db.isTransaction) this.#transaction(false, () => undefined)
  }

  #transaction<T>(durable: boolean, work: () => T): T {
    if (!this.#sound) throw new Error('a durable write ended uncertain; the edge must be restarted')
    if (durable !== this.#durable) {
      this.#db.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
      this.#durable = durable
    }
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const change of this.#waiting.values()) this.#apply(change)
      const result = work()
      this.#db.exec('COMMIT')
      this.#waiting.clear()
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #apply({ table, row, sealed, seq }: Change): void {
    if (isNumbered(table)) {
      if (sealed === undefined) this.#numbered[table].drop.run(seq as number)
      else this.#numbered[table].put.run(seq as number, row, sealed)
    } else if (sealed === undefined) this.#tables[table].drop.run(row)
    else this.#tables[table].put.run(row, sealed)
  }

  #change(name: string, change: Change): void {
    if (this.#collecting === undefined) this.#apply(change)
    else this.#collecting.set(name, change)
  }

  get(table: Table, row: Uint8Array): Uint8Array | undefined {
    if (this.#collecting !== undefined || (this.#waiting.size > 0 && !this.#db.isTransaction)) {
      const name = nameOf(table, row)
      const change = this.#collecting?.get(name) ?? this.#waiting.get(name)
      if (change !== undefined) return change.sealed
    }
    return this.#tables[table].get.get(row)?.['sealed'] as Uint8Array | undefined
  }

  put(table: Table, row: Uint8Array, sealed: Uint8Array): void {
    this.#change(nameOf(table, row), { table, row, sealed })
  }

  drop(table: Table, row: Uint8Array): void {
    this.#change(nameOf(table, row), { table, row })
  }

  count(table: Table): number {
    this.flush()
    return Number(this.#tables[table].count.get()?.['n'])
  }

  *all(table: Table): Generator<{ row: Uint8Array; sealed: Uint8Array }> {
    this.flush()
    for (const found of this.#tables[table].all.iterate()) {
      yield { row: found['row'] as Uint8Array, sealed: found['sealed'] as Uint8Array }
    }
  }

  /** The next rows behind one, at most `count`; from the beginning where it is absent. */
  after(table: Table, row: Uint8Array | undefined, count: number): { row: Uint8Array; sealed: Uint8Array }[] {
    this.flush()
    return this.#tables[table].after.all(row ?? new Uint8Array(0), count).map((found) => ({
      row: found['row'] as Uint8Array, sealed: found['sealed'] as Uint8Array,
    }))
  }

  outboxPut(row: Uint8Array, sealed: Uint8Array): number {
    const seq = ++this.#lastSeq
    this.numberedPut('outbox', { seq, row, sealed })
    return seq
  }

  outboxDrop(seq: number): void {
    this.numberedDrop('outbox', seq)
  }

  outbox(): NumberedRow[] {
    return this.numbered('outbox', 0, Number.MAX_SAFE_INTEGER)
  }

  numberedPut(table: NumberedTable, { seq, row, sealed }: NumberedRow): void {
    this.#change(`${table} ${seq}`, { table, row, sealed, seq })
  }

  numberedDrop(table: NumberedTable, seq: number): void {
    this.#change(`${table} ${seq}`, { table, row: NO_ROW, seq })
  }

  /** Rows with a number above `after`, at most `count`. */
  numbered(table: NumberedTable, after: number, count: number): NumberedRow[] {
    this.flush()
    return this.#numbered[table].after.all(after, count).map((found) => ({
      seq: Number(found['seq']), row: found['row'] as Uint8Array, sealed: found['sealed'] as Uint8Array,
    }))
  }

  /** Bytes of all its rows together. */
  numberedBytes(table: NumberedTable): number {
    this.flush()
    return Number(this.#numbered[table].bytes.get()?.['n'])
  }

  /** Lets go of the file, and of what waits: call {@link flush} before where the process ends in order. */
  close(): void {
    if (this.#logFile !== undefined) closeSync(this.#logFile)
    this.#logFile = undefined
    if (this.#db.isOpen) this.#db.close()
  }
}

const isNumbered = (table: Table | NumberedTable): table is NumberedTable =>
  (NUMBERED as readonly string[]).includes(table)

const NO_ROW = new Uint8Array(0)

const nameOf = (table: Table, row: Uint8Array): string =>
  `${table} ${Buffer.from(row.buffer, row.byteOffset, row.length).toString('latin1')}`
