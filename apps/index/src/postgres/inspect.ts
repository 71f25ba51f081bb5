/** Looks into an index's database beside its processes: of one moment, and able to write nothing. */
import { type InspectedVault, inspectVault } from '../inspect.ts'
import { connectPool } from './connect.ts'
import { overPool } from './database.ts'
import { PostgresReader } from './reader.ts'

const signsNothing = (): Promise<never> => Promise.reject(new Error('who looks into a database signs nothing'))

/** What the state sees of one vault; undefined where it does not know it. */
export const inspectPostgres = async (database: string, vault: Uint8Array): Promise<InspectedVault | undefined> => {
  // One connection, so that all that is read belongs to its transaction.
  const pool = connectPool(database, 1)
  try {
    await pool.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return await inspectVault(new PostgresReader(overPool(pool), { of: signsNothing, complete: signsNothing }), vault)
  } finally {
    await pool.end()
  }
}
