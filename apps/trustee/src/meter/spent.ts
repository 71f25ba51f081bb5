/**
 * How far the journal goes, and whether this meter was restored from a backup. A restored one does not know what it
 * spent since: until it has it back from the log, every window counts as full.
 */
import type { Database } from '../database.ts'
import { WINDOWS } from './budgets.ts'

export const SPENT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS spent (
    one INTEGER PRIMARY KEY CHECK (one = 1), serial INTEGER NOT NULL, restored INTEGER, leaf INTEGER
  ) STRICT;
  CREATE TABLE IF NOT EXISTS peer_spent (
    peer BLOB PRIMARY KEY, serial INTEGER NOT NULL, word BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`

export interface Restored {
  /** Seconds; when it was found out. */
  readonly at: number
  /** Leaves before this one were known when the backup was made. */
  readonly leaf: number
}

interface SpentRow {
  readonly serial: number
  readonly restored: number | null
  readonly leaf: number | null
}

export class Spent {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Number of the last entry of the journal; 0 before the first. */
  get serial(): number {
    return this.#row()?.serial ?? 0
  }

  set serial(serial: number) {
    this.#db.run(`INSERT INTO spent (one, serial) VALUES (1, ?) ON CONFLICT DO UPDATE SET serial = excluded.serial`,
      serial)
  }

  /** Undefined where this meter knows all that it spent. */
  restored(now: number): Restored | undefined {
    const { restored, leaf } = this.#row() ?? {}
    // What it spent before it was found out has left the longest window by then.
    if (restored === undefined || restored === null || now >= restored + WINDOWS.month) return undefined
    return { at: restored, leaf: leaf ?? 0 }
  }

  /** Whether it was restored within such a time, and has not got back what it spent since: it may not know somebody. */
  isUnsure(now: number, span: number): boolean {
    const { restored } = this.#row() ?? {}
    return restored !== undefined && restored !== null && now < restored + span
  }

  /** Others know more of this trustee than it does itself. A second time before the first is over: the older leaf. */
  wasRestored({ at, leaf }: Restored): void {
    const known = this.restored(at)
    this.#db.run(`INSERT INTO spent (one, serial, restored, leaf) VALUES (1, 0, ?, ?)
      ON CONFLICT DO UPDATE SET restored = excluded.restored, leaf = excluded.leaf`,
    at, known === undefined ? leaf : Math.min(leaf, known.leaf))
  }

  /** All is back. */
  replayed(): void {
    this.#db.run('UPDATE spent SET restored = NULL, leaf = NULL')
  }

  /** A peer's signed word of its highest number: kept for it. */
  heard(peer: Uint8Array, serial: number, word: Uint8Array): void {
    this.#db.run(`INSERT INTO peer_spent (peer, serial, word) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET serial = excluded.serial, word = excluded.word WHERE excluded.serial > serial`,
    peer, serial, word)
  }

  wordOf(peer: Uint8Array): Uint8Array | undefined {
    return this.#db.row<{ word: Uint8Array }>('SELECT word FROM peer_spent WHERE peer = ?', peer)?.word
  }

  #row(): SpentRow | undefined {
    return this.#db.row<SpentRow>('SELECT serial, restored, leaf FROM spent')
  }
}
