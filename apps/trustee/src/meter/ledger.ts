/**
 * Who opened how many patients: exact sets under sliding windows, in the trustee's own file. A vault counts from the
 * last time that it was opened; a count at a time is the number of vaults whose last opening lies within the window.
 */
import type { Database } from '../database.ts'
import { type Measure, MEASURES, type Window, WINDOWS } from './budgets.ts'

export const METER_SCHEMA = `
  CREATE TABLE IF NOT EXISTS charge (
    meter BLOB NOT NULL, measure INTEGER NOT NULL, vault BLOB NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (meter, measure, vault)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS charge_time ON charge (meter, measure, time);
  CREATE TABLE IF NOT EXISTS charge_count (
    meter BLOB NOT NULL, measure INTEGER NOT NULL, span INTEGER NOT NULL, count INTEGER NOT NULL,
    horizon INTEGER NOT NULL, PRIMARY KEY (meter, measure, span)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS charge_day (
    meter BLOB NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (meter, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS confirmed (
    statement BLOB PRIMARY KEY, meter BLOB NOT NULL, colleague INTEGER NOT NULL, time INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS confirmed_for ON confirmed (meter, colleague, time);
`

const DAY = WINDOWS.day

/** What the meter asks of a ledger. Times are seconds. */
export interface LedgerLike {
  count(meter: Uint8Array, measure: Measure, window: Window, now: number): number
  has(meter: Uint8Array, measure: Measure, window: Window, vault: Uint8Array, now: number): boolean
  add(meter: Uint8Array, measure: Measure, vault: Uint8Array, now: number): void
  pastDays(meter: Uint8Array, days: number, now: number): { days: number; most: number }
  /** When it opened anything last, in seconds. */
  lastSeen(meter: Uint8Array): number | undefined
  confirmations(meter: Uint8Array, colleague: boolean, now: number): number
  isConfirmed(statement: Uint8Array): boolean
  confirm(statement: Uint8Array, meter: Uint8Array, colleague: boolean, now: number): void
}

/** All methods belong into the transaction that records the release. */
export class Ledger implements LedgerLike {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Distinct vaults within the window that ends now. Never fewer than a clock that stepped back would say. */
  count(meter: Uint8Array, measure: Measure, window: Window, now: number): number {
    return this.#counted(meter, MEASURES.indexOf(measure), WINDOWS[window], now).count
  }

  /** Whether the vault counts already. */
  has(meter: Uint8Array, measure: Measure, window: Window, vault: Uint8Array, now: number): boolean {
    const last = this.#last(meter, MEASURES.indexOf(measure), vault)
    const { horizon } = this.#counted(meter, MEASURES.indexOf(measure), WINDOWS[window], now)
    return last !== undefined && last > horizon
  }

  /** Counts the vault from now on. */
  add(meter: Uint8Array, measure: Measure, vault: Uint8Array, now: number): void {
    const place = MEASURES.indexOf(measure)
    const last = this.#last(meter, place, vault)
    let time = now
    // Before the row changes: what falls out of a window by then must be found with its old time.
    for (const span of Object.values(WINDOWS)) {
      const { horizon } = this.#counted(meter, place, span, now)
      // Under a clock that stepped back: an opening before the horizon would be counted, and never leave the window.
      time = Math.max(time, horizon + span)
      if (last === undefined || last <= horizon) {
        this.#db.run('UPDATE charge_count SET count = count + 1 WHERE meter = ? AND measure = ? AND span = ?',
          meter, place, span)
        if (measure === 'own' && span === DAY) this.#addToDay(meter, now)
      }
    }
    this.#db.run(`INSERT INTO charge (meter, measure, vault, time) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET time = max(time, excluded.time)`, meter, place, vault, time)
  }

  /** Of the days before today, of so many: on how many vaults came to be `own`, and how many on the busiest. */
  pastDays(meter: Uint8Array, days: number, now: number): { days: number; most: number } {
    const today = Math.floor(now / DAY)
    const row = this.#db.row<{ days: number; most: number | null }>(
      'SELECT count(*) AS days, max(count) AS most FROM charge_day WHERE meter = ? AND day >= ? AND day < ?',
      meter, today - days, today)
    return { days: row?.days ?? 0, most: row?.most ?? 0 }
  }

  lastSeen(meter: Uint8Array): number | undefined {
    return this.#db.row<{ time: number | null }>('SELECT max(time) AS time FROM charge WHERE meter = ? AND measure = ?',
      meter, MEASURES.indexOf('seen'))?.time ?? undefined
  }

  /** How often this was confirmed in the last 24 hours. */
  confirmations(meter: Uint8Array, colleague: boolean, now: number): number {
    const row = this.#db.row<{ count: number }>(
      'SELECT count(*) AS count FROM confirmed WHERE meter = ? AND colleague = ? AND time > ?',
      meter, Number(colleague), now - DAY)
    return row?.count ?? 0
  }

  /** Whether the statement confirmed something before: each counts once. */
  isConfirmed(statement: Uint8Array): boolean {
    return this.#db.row('SELECT 1 FROM confirmed WHERE statement = ?', statement) !== undefined
  }

  /** Uses the statement up. Idempotent. */
  confirm(statement: Uint8Array, meter: Uint8Array, colleague: boolean, now: number): void {
    this.#db.run('INSERT INTO confirmed (statement, meter, colleague, time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      statement, meter, Number(colleague), now)
  }

  #last(meter: Uint8Array, measure: number, vault: Uint8Array): number | undefined {
    return this.#db.row<{ time: number }>(
      'SELECT time FROM charge WHERE meter = ? AND measure = ? AND vault = ?', meter, measure, vault)?.time
  }

  #addToDay(meter: Uint8Array, now: number): void {
    this.#db.run(`INSERT INTO charge_day (meter, day, count) VALUES (?, ?, 1)
      ON CONFLICT DO UPDATE SET count = count + 1`, meter, Math.floor(now / DAY))
  }

  /**
   * The count, kept beside the rows so that a region's millions need not be counted for each release: what has fallen
   * out of the window since the last look is taken off. The horizon never goes back, so a clock that does refills
   * nothing.
   */
  #counted(meter: Uint8Array, measure: number, span: number, now: number): { count: number; horizon: number } {
    const known = this.#db.row<{ count: number; horizon: number }>(
      'SELECT count, horizon FROM charge_count WHERE meter = ? AND measure = ? AND span = ?', meter, measure, span)
    const horizon = Math.max(now - span, known?.horizon ?? now - span)
    if (known !== undefined && known.horizon === horizon) return known
    const left = known === undefined ? 0 : this.#db.row<{ count: number }>(
      'SELECT count(*) AS count FROM charge WHERE meter = ? AND measure = ? AND time > ? AND time <= ?',
      meter, measure, known.horizon, horizon)?.count ?? 0
    const count = (known?.count ?? 0) - left
    this.#db.run(`INSERT INTO charge_count (meter, measure, span, count, horizon) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = excluded.count, horizon = excluded.horizon`,
    meter, measure, span, count, horizon)
    return { count, horizon }
  }
}
