/** Looks into an index's data directory while the index runs: read-only, beside it, through its own reader. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type InspectedVault, inspectVault } from './inspect.ts'
import { SqliteReader } from './sqlite/reader.ts'
import { openReader } from './sqlite/schema.ts'

/** What the state sees of one vault; undefined where it does not know it, or keeps nothing in that directory. */
export const inspectDirectory = async (directory: string, vault: Uint8Array): Promise<InspectedVault | undefined> => {
  const file = join(directory, 'index.sqlite')
  if (!existsSync(file)) return undefined
  const database = openReader(file)
  try {
    const reader = new SqliteReader(database)
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
    database.close()
  }
}
