/** Looks into an index's data directory while the index runs: read-only, beside it, through its own reader. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type InspectedVault, inspectVault } from './inspect.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { openReader } from './sqlite/schema.ts'

/**
 * What the state sees of one vault; undefined where it does not know it, or keeps nothing in that directory.
 * `database`: where it keeps what the directory does not hold.
 */
export const inspectDirectory = async (
  directory: string, vault: Uint8Array, database?: string,
): Promise<InspectedVault | undefined> => {
  const file = join(directory, 'index.sqlite')
  if (!existsSync(file)) {
    if (database === undefined) return undefined
    // Loaded where it is used: an embedded index needs no client of a server.
    const { inspectPostgres } = await import('./postgres/inspect.ts')
    return inspectPostgres(database, vault)
  }
  const opened = openReader(file)
  try {
    const reader = new SqliteReader(opened)
    return await inspectVault({
      genesis: async (id) => reader.genesis(id),
      custodians: async (id) => reader.custodians(id),
      manifests: async (id, custodian) => reader.manifests(id, custodian),
      categories: async (id, custodian) => reader.categories(id, custodian),
      grants: async (id, only) => reader.grants(id, only),
      feed: async (query) => reader.feed(query),
      accesses: async (id, custodian) => reader.accesses(id, custodian),
    }, vault)
  } finally {
    opened.close()
  }
}
