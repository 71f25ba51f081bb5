/** When it was last told that all readers together open more than usual: once a day, whatever was restarted since. */
import type { Database } from '../database.ts'
import { WINDOWS } from './budgets.ts'

export const ALARM_SCHEMA = `
  CREATE TABLE IF NOT EXISTS alarm (one INTEGER PRIMARY KEY CHECK (one = 1), time INTEGER NOT NULL) STRICT;
`

export class Alarm {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** In the day before now, in seconds; undefined where it was not. */
  told(now: number): number | undefined {
    const time = this.#db.row<{ time: number }>('SELECT time FROM alarm')?.time
    return time !== undefined && now < time + WINDOWS.day ? time : undefined
  }

  tell(now: number): void {
    this.#db.run('INSERT OR REPLACE INTO alarm (one, time) VALUES (1, ?)', now)
  }
}
