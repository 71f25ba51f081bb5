/** What a trustee keeps of recoveries and PINs: who is to get its part and when, who objected, what was tried. */
import { Problem } from '@scelle/wire/errors'
import type { Database } from '../database.ts'
import { TRUSTEE_LIMITS } from '../limits.ts'

export const RECOVERY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS recovery (
    id BLOB PRIMARY KEY, set_id BLOB NOT NULL, owner BLOB NOT NULL, device BLOB NOT NULL, time INTEGER NOT NULL,
    due INTEGER NOT NULL, replaced INTEGER NOT NULL, released INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS recovery_owner ON recovery (owner, due);
  CREATE INDEX IF NOT EXISTS recovery_set ON recovery (set_id);
  CREATE TABLE IF NOT EXISTS recovery_objection (
    target BLOB NOT NULL, owner BLOB NOT NULL, PRIMARY KEY (target, owner)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS pin_try (
    pin BLOB NOT NULL, blinded BLOB NOT NULL, PRIMARY KEY (pin, blinded)
  ) STRICT, WITHOUT ROWID;
`

/** A recovery that two guardians signed and the log holds. Times are seconds by this trustee's clock but `time`. */
export interface RecoveryCase {
  readonly id: Uint8Array
  readonly set: Uint8Array
  readonly owner: Uint8Array
  readonly device: Uint8Array
  /** By its guardians' word. */
  readonly time: number
  /** Nothing is given before. */
  readonly due: number
}

export interface KnownCase extends RecoveryCase {
  /** The owner objected, or a later recovery took its place. */
  readonly ended: boolean
  /** When this trustee gave its part. */
  readonly released: number | undefined
}

interface CaseRow extends RecoveryCase { readonly ended: number; readonly released: number | null }

const CASES = `SELECT id, set_id AS "set", owner, device, time, due, released,
  replaced OR EXISTS (SELECT 1 FROM recovery_objection o
    WHERE o.owner = recovery.owner AND o.target IN (recovery.id, recovery.set_id)) AS ended FROM recovery`

const caseOf = ({ ended, released, ...row }: CaseRow): KnownCase =>
  ({ ...row, ended: ended !== 0, released: released ?? undefined })

export class RecoveryStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /**
   * Begins a case, once: the same one again changes nothing, whoever puts it on record a second time. Of two of one set
   * the one signed later goes on, so that there are never two that wait.
   */
  begin({ id, set, owner, device, time, due }: RecoveryCase): void {
    this.#db.transaction(() => {
      if (this.#db.row('SELECT 1 FROM recovery WHERE id = ?', id) !== undefined) return
      const later = this.#db.row('SELECT 1 FROM recovery WHERE set_id = ? AND time >= ?', set, time) !== undefined
      this.#db.run('UPDATE recovery SET replaced = 1 WHERE set_id = ? AND time < ?', set, time)
      this.#db.run(`INSERT INTO recovery (id, set_id, owner, device, time, due, replaced) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        id, set, owner, device, time, due, later ? 1 : 0)
    })
  }

  find(id: Uint8Array): KnownCase | undefined {
    const row = this.#db.row<CaseRow>(`${CASES} WHERE id = ?`, id)
    return row === undefined ? undefined : caseOf(row)
  }

  /** Of an owner, newest first. */
  of(owner: Uint8Array): KnownCase[] {
    return this.#db.rows<CaseRow>(`${CASES} WHERE owner = ? ORDER BY due DESC LIMIT ?`, owner,
      TRUSTEE_LIMITS.recoveriesListed).map(caseOf)
  }

  /**
   * Keeps an owner's word against a recovery or a set, also where neither is known yet. Answers whether this trustee
   * had not given its part before.
   */
  object(target: Uint8Array, owner: Uint8Array): boolean {
    return this.#db.transaction(() => {
      this.#db.run('INSERT INTO recovery_objection (target, owner) VALUES (?, ?) ON CONFLICT DO NOTHING', target, owner)
      return this.#db.row(`SELECT 1 FROM recovery WHERE owner = ? AND (id = ? OR set_id = ?) AND released IS NOT NULL`,
        owner, target, target) === undefined
    })
  }

  /**
   * Notes that the part is given, on the disk before it is. An objection that came first wins, one that comes after is
   * told that it did. Throws `recovery-ended`.
   */
  release(id: Uint8Array, now: number): void {
    this.#db.transaction(() => {
      if (this.find(id)?.ended !== false) throw new Problem('recovery-ended')
      this.#db.run('UPDATE recovery SET released = ? WHERE id = ? AND released IS NULL', now, id)
    })
  }

  /**
   * Counts a try of a PIN, on the disk before it is answered; the same point again is the same try. Answers how many
   * are left. Throws `pin-locked`.
   */
  tryPin(pin: Uint8Array, blinded: Uint8Array): number {
    return this.#db.transaction(() => {
      const tried = this.#db.row<{ count: number }>('SELECT count(*) AS count FROM pin_try WHERE pin = ?', pin)
      const left = TRUSTEE_LIMITS.pinTries - (tried?.count ?? 0)
      if (this.#db.row('SELECT 1 FROM pin_try WHERE pin = ? AND blinded = ?', pin, blinded) !== undefined) return left
      if (left <= 0) throw new Problem('pin-locked')
      this.#db.run('INSERT INTO pin_try (pin, blinded) VALUES (?, ?)', pin, blinded)
      return left - 1
    })
  }

  /** Forgets the tries of a PIN that somebody proved to know. */
  forgetTries(pin: Uint8Array): void {
    this.#db.run('DELETE FROM pin_try WHERE pin = ?', pin)
  }
}
