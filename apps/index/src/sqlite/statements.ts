/** Prepared once per text and connection; node:sqlite parses on every prepare. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { Cache } from '../cache.ts'
import { INDEX_LIMITS } from '../limits.ts'

export interface Prepare {
  (sql: string): StatementSync
  /** Numbers of vaults and principals seen on this connection. They never change, but what is rolled back never was. */
  readonly numbers: Cache<number>
}

export const preparer = (database: DatabaseSync): Prepare => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  return Object.assign(prepare, { numbers: new Cache<number>(INDEX_LIMITS.cachedNumbers) })
}

/** The one integer that a query gives, named `no`; undefined where it gives no row. */
export const numberOf = (row: unknown): number | undefined => (row as { no: number } | undefined)?.no
