/** Prepared once per text and connection; node:sqlite parses on every prepare. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type Prepare = (sql: string) => StatementSync

export const preparer = (database: DatabaseSync): Prepare => {
  const prepared = new Map<string, StatementSync>()
  return (sql) => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
}

/** The one integer that a query gives, named `no`; undefined where it gives no row. */
export const numberOf = (row: unknown): number | undefined => (row as { no: number } | undefined)?.no
