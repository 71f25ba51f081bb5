/** Wraps: one row a locator, in no vault's order. */
import { sql } from 'kysely'
import type { Refusal, StoredWrap, Wraps } from '../store.ts'
import { wrapRefusal } from '../wraps.ts'
import type { Database } from './database.ts'

export class PostgresWraps implements Wraps {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async get(locator: Uint8Array): Promise<StoredWrap | undefined> {
    const row = await this.#database.selectFrom('wraps').select(['writer', 'version', 'bytes'])
      .where('locator', '=', locator).executeTakeFirst()
    if (row === undefined) return undefined
    return { writer: new Uint8Array(row.writer), version: row.version, bytes: new Uint8Array(row.bytes) }
  }

  async put(locator: Uint8Array, wrap: StoredWrap): Promise<Refusal | undefined> {
    const { writer, version, bytes } = wrap
    const stored = await this.#database.insertInto('wraps').values({ locator, writer, version, bytes })
      .onConflict((conflict) => conflict.column('locator').doUpdateSet({ version, bytes })
        .where('wraps.writer', '=', writer).where(sql<number>`wraps.version + 1`, '=', version))
      .returning('version').executeTakeFirst()
    return stored === undefined ? wrapRefusal(await this.get(locator), wrap) : undefined
  }
}
