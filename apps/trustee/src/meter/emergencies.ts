/** Broken glass, for review: what officers of the reader's organisation look through, and what they have not yet. */
import { equalBytes } from '@scelle/seal/verify'
import type { Database } from '../database.ts'
import type { Officer } from './orders.ts'

export const EMERGENCY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS emergency (
    access BLOB PRIMARY KEY, house BLOB NOT NULL, meter BLOB NOT NULL, vault BLOB NOT NULL, time INTEGER NOT NULL,
    reason BLOB NOT NULL, reviewed INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS emergency_of ON emergency (house, time);
  CREATE INDEX IF NOT EXISTS emergency_by ON emergency (meter, time) WHERE reviewed IS NULL;
`

export interface BrokenGlass {
  /** Statement id of the access. */
  readonly access: Uint8Array
  /** Organisation of the reader. */
  readonly house: Uint8Array
  /** The reader's meter. */
  readonly meter: Uint8Array
  readonly vault: Uint8Array
  /** Seconds. */
  readonly time: number
  /** The reader's signed reason. */
  readonly reason: Uint8Array
}

export interface ReviewedGlass extends BrokenGlass {
  /** Seconds; undefined where nobody has looked at it. */
  readonly reviewed: number | undefined
}

export class Emergencies {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  add({ access, house, meter, vault, time, reason }: BrokenGlass): void {
    this.#db.run(`INSERT INTO emergency (access, house, meter, vault, time, reason) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`, access, house, meter, vault, time, reason)
  }

  /**
   * False where there is none of that officer's organisation, or it is the officer's own: a doctor who is the officer
   * as well would be the only one who looked. Idempotent.
   */
  review(access: Uint8Array, { organisation, meter }: Officer, now: number): boolean {
    const row = this.#db.row<{ house: Uint8Array; meter: Uint8Array }>(
      'SELECT house, meter FROM emergency WHERE access = ?', access)
    if (row === undefined || equalBytes(row.meter, meter)) return false
    if (organisation !== undefined && !equalBytes(row.house, organisation)) return false
    this.#db.run('UPDATE emergency SET reviewed = ? WHERE access = ? AND reviewed IS NULL', now, access)
    return true
  }

  /** Older than that, and nobody has looked at them: of one reader. */
  unreviewed(meter: Uint8Array, before: number): number {
    const row = this.#db.row<{ count: number }>(
      'SELECT count(*) AS count FROM emergency WHERE meter = ? AND time < ? AND reviewed IS NULL', meter, before)
    return row?.count ?? 0
  }

  /** Of one organisation, newest first. */
  of(house: Uint8Array, limit: number): ReviewedGlass[] {
    return this.#db.rows<BrokenGlass & { reviewed: number | null }>(
      'SELECT * FROM emergency WHERE house = ? ORDER BY time DESC, access LIMIT ?', house, limit)
      .map(({ reviewed, ...one }) => ({ ...one, reviewed: reviewed ?? undefined }))
  }
}
