/** The twin's one SQLite file: plaintext rows, durable when a write returns, many writers in one transaction. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** One version of one resource. */
export interface Version {
  readonly type: string
  readonly id: string
  readonly version: number
  /** `meta.lastUpdated`, milliseconds since 1970. */
  readonly updated: number
  /** `Patient/id`; empty for what belongs to no patient. */
  readonly owner: string
  /** JSON text, as it is served. */
  readonly bytes: Uint8Array
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS versions (
  no INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, updated INTEGER NOT NULL,
  owner TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS version_names ON versions (type, id, version);
CREATE INDEX IF NOT EXISTS versions_of ON versions (owner);
`

interface Waiting {
  readonly versions: readonly Version[]
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

const versionOf = (row: Record<string, unknown>): Version => ({
  type: row['type'] as string,
  id: row['id'] as string,
  version: row['version'] as number,
  updated: row['updated'] as number,
  owner: row['owner'] as string,
  bytes: row['bytes'] as Uint8Array,
})

export class Database {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  readonly #newest: StatementSync
  readonly #ofOwner: StatementSync
  #waiting: Waiting[] = []

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(join(folder, 'twin.db'))
    // The same page size and durability as the index.
    this.#db.exec(
      'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536',
    )
    this.#db.exec(SCHEMA)
    this.#insert = this.#db.prepare(
      'INSERT INTO versions (type, id, version, updated, owner, bytes) VALUES (?, ?, ?, ?, ?, ?)',
    )
    this.#newest = this.#db.prepare(
      'SELECT type, id, version, updated, owner, bytes FROM versions WHERE type = ? AND id = ? ' +
        'ORDER BY version DESC LIMIT 1',
    )
    this.#ofOwner = this.#db.prepare(
      'SELECT type, id, version, updated, owner, bytes FROM versions WHERE owner = ? ORDER BY no',
    )
  }

  newest(type: string, id: string): Version | undefined {
    const row = this.#newest.get(type, id)
    return row === undefined ? undefined : versionOf(row)
  }

  ofOwner(owner: string): Version[] {
    return this.#ofOwner.all(owner).map(versionOf)
  }

  /** Resolves once the versions are on the disk. What is asked for in one turn of the loop shares a transaction. */
  write(versions: readonly Version[]): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ versions, done, failed })
      if (this.#waiting.length === 1) setImmediate(() => this.#commit())
    })
  }

  #commit(): void {
    const group = this.#waiting
    this.#waiting = []
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      for (const { versions } of group) {
        for (const { type, id, version, updated, owner, bytes } of versions) {
          this.#insert.run(type, id, version, updated, owner, bytes)
        }
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      for (const { failed } of group) failed(error)
      return
    }
    for (const { done } of group) done()
  }

  close(): void {
    this.#db.close()
  }
}
