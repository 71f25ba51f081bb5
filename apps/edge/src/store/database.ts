import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

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
  CREATE TABLE IF NOT EXISTS state (row BLOB PRIMARY KEY, sealed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, row BLOB NOT NULL, sealed BLOB NOT NULL);
`

/** Tables of sealed rows under an HMAC of their key. `outbox` has an order of its own. */
export type Table =
  'vault' | 'patient' | 'locator' | 'person' | 'review' | 'given' | 'received' | 'accepted' | 'block' | 'compared'
  | 'pair' | 'merge' | 'state'

export const TABLES: readonly Table[] =
  [
    'vault', 'patient', 'locator', 'person', 'review', 'given', 'received', 'accepted', 'block', 'compared', 'pair',
    'merge', 'state',
  ]

interface Statements {
  readonly get: StatementSync
  readonly put: StatementSync
  readonly drop: StatementSync
  readonly all: StatementSync
  readonly count: StatementSync
}

/**
 * The edge's one SQLite file. Exclusive: a second edge on the same folder fails to start, and so cannot fork a
 * history.
 */
export class Database {
  readonly #db: DatabaseSync
  readonly #tables: Record<Table, Statements>
  readonly #outboxPut: StatementSync
  readonly #outboxDrop: StatementSync
  readonly #outboxAll: StatementSync
  #durable = true

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const db = new DatabaseSync(join(folder, 'edge.db'))
    this.#db = db
    db.exec('PRAGMA locking_mode = EXCLUSIVE')
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = FULL')
    db.exec('PRAGMA temp_store = MEMORY')
    db.exec(SCHEMA)
    this.#tables = Object.fromEntries(TABLES.map((table) => [table, {
      get: db.prepare(`SELECT sealed FROM ${table} WHERE row = ?`),
      put: db.prepare(
        `INSERT INTO ${table} (row, sealed) VALUES (?, ?) ON CONFLICT (row) DO UPDATE SET sealed = excluded.sealed`,
      ),
      drop: db.prepare(`DELETE FROM ${table} WHERE row = ?`),
      all: db.prepare(`SELECT row, sealed FROM ${table}`),
      count: db.prepare(`SELECT count(*) AS n FROM ${table}`),
    }])) as Record<Table, Statements>
    this.#outboxPut = db.prepare('INSERT INTO outbox (row, sealed) VALUES (?, ?)')
    this.#outboxDrop = db.prepare('DELETE FROM outbox WHERE seq = ?')
    this.#outboxAll = db.prepare('SELECT seq, row, sealed FROM outbox ORDER BY seq')
  }

  /**
   * Runs `work` as one transaction. `durable`: it is on the disk when this returns. Otherwise it is atomic and in
   * order, and reaches the disk with the next durable one: for what the outbox would bring back anyway.
   */
  write<T>(durable: boolean, work: () => T): T {
    if (durable !== this.#durable) {
      this.#db.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
      this.#durable = durable
    }
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  get(table: Table, row: Uint8Array): Uint8Array | undefined {
    return this.#tables[table].get.get(row)?.['sealed'] as Uint8Array | undefined
  }

  put(table: Table, row: Uint8Array, sealed: Uint8Array): void {
    this.#tables[table].put.run(row, sealed)
  }

  drop(table: Table, row: Uint8Array): void {
    this.#tables[table].drop.run(row)
  }

  count(table: Table): number {
    return Number(this.#tables[table].count.get()?.['n'])
  }

  *all(table: Table): Generator<{ row: Uint8Array; sealed: Uint8Array }> {
    for (const found of this.#tables[table].all.iterate()) {
      yield { row: found['row'] as Uint8Array, sealed: found['sealed'] as Uint8Array }
    }
  }

  outboxPut(row: Uint8Array, sealed: Uint8Array): number {
    return Number(this.#outboxPut.run(row, sealed).lastInsertRowid)
  }

  outboxDrop(seq: number): void {
    this.#outboxDrop.run(seq)
  }

  outbox(): { seq: number; row: Uint8Array; sealed: Uint8Array }[] {
    return this.#outboxAll.all().map((found) => ({
      seq: Number(found['seq']), row: found['row'] as Uint8Array, sealed: found['sealed'] as Uint8Array,
    }))
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }
}
