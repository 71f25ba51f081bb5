/**
 * Wraps, in a file of their own: they are of no vault, in no log, and few, so each is flushed by itself. Keyed by
 * locators alone, which are random: no column tells which came together.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Refusal, StoredWrap, Wraps } from '../store.ts'
import { wrapRefusal } from '../wraps.ts'
import { openOwnFile } from './own-file.ts'

const TABLE = `
CREATE TABLE wraps (
  locator BLOB PRIMARY KEY, writer BLOB NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
`
const VERSION = 1

export class WrapTables implements Wraps {
  readonly #database: DatabaseSync

  /** Throws where the file is of another program. */
  constructor(file: string) {
    this.#database = openOwnFile(file, { tables: TABLE, version: VERSION, of: 'wraps' })
  }

  async get(locator: Uint8Array): Promise<StoredWrap | undefined> {
    return this.#read(locator)
  }

  async put(locator: Uint8Array, wrap: StoredWrap): Promise<Refusal | undefined> {
    const { writer, version, bytes } = wrap
    const { changes } = this.#database.prepare(`INSERT INTO wraps (locator, writer, version, bytes) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET version = excluded.version, bytes = excluded.bytes
      WHERE writer = excluded.writer AND version + 1 = excluded.version`).run(locator, writer, version, bytes)
    return changes === 1 ? undefined : wrapRefusal(this.#read(locator), wrap)
  }

  close(): void {
    this.#database.close()
  }

  #read(locator: Uint8Array): StoredWrap | undefined {
    return this.#database.prepare('SELECT writer, version, bytes FROM wraps WHERE locator = ?').get(locator) as
      StoredWrap | undefined
  }
}
