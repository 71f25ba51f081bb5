/**
 * What changes the word of a register before that word is over: the register took it back, or two officers put another
 * key in the place of one that was lost. Both on disk before they are answered, and both by way of the log.
 */
import { equalBytes, type Order } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Database } from '../database.ts'
import { TRUSTEE_LIMITS } from '../limits.ts'

/** No status of that subject which this issuer signed before `time` (seconds) counts any more. */
export interface Withdrawn {
  readonly subject: Uint8Array
  readonly issuer: Uint8Array
  readonly time: number
}

/** One principal stands in another one's place now. */
export interface StandIn {
  readonly replacement: Uint8Array
  readonly target: Uint8Array
}

/** Changes, as far as they are known where a request is verified. */
export interface KnownChanges {
  readonly withdrawn: readonly Withdrawn[]
  readonly standIns: readonly StandIn[]
}

export const NO_CHANGES: KnownChanges = { withdrawn: [], standIns: [] }

export const CHANGE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS withdrawal (
    subject BLOB NOT NULL, issuer BLOB NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (subject, issuer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS replacement (
    target BLOB PRIMARY KEY, replacement BLOB NOT NULL, first INTEGER NOT NULL, begins INTEGER NOT NULL,
    ends INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS stands_in ON replacement (replacement);
`

interface ReplacementRow extends StandIn {
  /** When the first key of this shift was lost, and since and until when this replacement counts: seconds. */
  readonly first: number
  readonly begins: number
  readonly ends: number
}

export class Changes {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Idempotent; the latest time counts. */
  withdraw({ subject, issuer, time }: Withdrawn): void {
    this.#db.run(`INSERT INTO withdrawal (subject, issuer, time) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET time = max(time, excluded.time)`, subject, issuer, time)
  }

  /** All that is known about these principals at a time. */
  about(principals: readonly Uint8Array[], now: number): KnownChanges {
    return {
      withdrawn: principals.flatMap((subject) => this.#db.rows<Withdrawn>(
        'SELECT subject, issuer, time FROM withdrawal WHERE subject = ?', subject)),
      standIns: principals.flatMap((replacement) => this.#inForce(replacement, now)
        .map(({ target }) => ({ replacement, target }))),
    }
  }

  /**
   * To be called within a transaction. `forAll`: one of the officers answers for all. Throws `not-permitted` where the
   * replacement stands for somebody else already, who would be a second budget, or where it is the second shift of one
   * lost key: by then its register has named another one.
   */
  replace({ target, notBefore: begins, expires: ends }: Order, replacement: Uint8Array, forAll: boolean): void {
    const others = this.#inForce(replacement, begins)
    if (others.some((one) => !equalBytes(one.target, target))) {
      throw new Problem('not-permitted', 'A key that stands for somebody stands for nobody else.')
    }
    const last = this.#db.row<ReplacementRow>('SELECT * FROM replacement WHERE target = ?', target)
    // Of two orders that the log brings out of turn, the one that officers signed last.
    if (last !== undefined && begins < last.begins) return
    const recent = last !== undefined && begins < last.first + TRUSTEE_LIMITS.replacementRest ? last.first : begins
    if (ends > recent + TRUSTEE_LIMITS.replacementTime && !forAll) {
      throw new Problem('not-permitted', 'A key is replaced for one shift. Its register names the new one after that.')
    }
    this.#db.run(`INSERT INTO replacement (target, replacement, first, begins, ends) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET replacement = excluded.replacement, first = excluded.first, begins = excluded.begins,
        ends = excluded.ends`, target, replacement, recent, begins, ends)
  }

  /** The lost key was found: nobody stands in its place any more. */
  found(target: Uint8Array, at: number): void {
    this.#db.run('UPDATE replacement SET ends = min(ends, ?) WHERE target = ? AND begins <= ?', at, target, at)
  }

  #inForce(replacement: Uint8Array, now: number): ReplacementRow[] {
    return this.#db.rows<ReplacementRow>(
      'SELECT * FROM replacement WHERE replacement = ? AND begins <= ? AND ends > ?',
      replacement, now + TRUSTEE_LIMITS.accessAhead, now)
  }
}
