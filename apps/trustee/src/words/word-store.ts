/** This trustee's signed words about accesses, what it released and refused: kept for whoever the part is of. */
import type { Database } from '../database.ts'

/** A word about an access to one part of a vault. */
export interface Word {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly reader: Uint8Array
  readonly kind: 'release' | 'denial'
  /** Seconds. */
  readonly time: number
  /** The signed access. */
  readonly access: Uint8Array
  /** This trustee's signed `release` or `denial` of it. */
  readonly word: Uint8Array
}

export interface KeptWord {
  readonly sequence: number
  readonly time: number
  readonly access: Uint8Array
  readonly word: Uint8Array
}

export const WORD_SCHEMA = `
  CREATE TABLE IF NOT EXISTS word (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, vault BLOB NOT NULL, custodian BLOB NOT NULL, reader BLOB NOT NULL,
    denial INTEGER NOT NULL, time INTEGER NOT NULL, access BLOB NOT NULL, word BLOB NOT NULL, due INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS words_of ON word (vault, custodian, time, sequence);
  CREATE INDEX IF NOT EXISTS words_due ON word (sequence) WHERE due = 1;
  CREATE INDEX IF NOT EXISTS words_denied ON word (time, reader) WHERE denial = 1;
  CREATE INDEX IF NOT EXISTS words_old ON word (time);
`

export class WordStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Releases are due to be put on record by the index. */
  add({ vault, custodian, reader, kind, time, access, word }: Word): void {
    const denial = kind === 'denial' ? 1 : 0
    // Never dated before an earlier one: whoever reads on from a time would miss it.
    this.#db.run(`INSERT INTO word (vault, custodian, reader, denial, time, access, word, due)
      VALUES (?, ?, ?, ?, max(?, coalesce((SELECT max(time) FROM word), 0)), ?, ?, ?)`,
    vault, custodian, reader, denial, time, access, word, 1 - denial)
  }

  /** Words about one part from that second on, oldest first. */
  of(vault: Uint8Array, custodian: Uint8Array, since: number, limit: number): KeptWord[] {
    return this.#db.rows(`SELECT sequence, time, access, word FROM word
      WHERE vault = ? AND custodian = ? AND time >= ? ORDER BY time, sequence LIMIT ?`, vault, custodian, since, limit)
  }

  /** The oldest release that the index has not answered. */
  due(): KeptWord | undefined {
    return this.#db.row('SELECT sequence, time, access, word FROM word WHERE due = 1 ORDER BY sequence LIMIT 1')
  }

  answered(sequence: number): void {
    this.#db.run('UPDATE word SET due = 0 WHERE sequence = ?', sequence)
  }

  /** Denials since that second: of one reader, and of all. */
  denials(reader: Uint8Array, since: number): { own: number; all: number } {
    return this.#db.row<{ own: number; all: number }>(
      'SELECT coalesce(sum(reader = ?), 0) AS own, count(*) AS "all" FROM word WHERE denial = 1 AND time >= ?',
      reader, since) ?? { own: 0, all: 0 }
  }

  /** Drops what is older than that second. */
  drop(before: number): void {
    this.#db.run('DELETE FROM word WHERE time < ? AND due = 0', before)
  }
}
