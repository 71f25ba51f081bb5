/** Which sessions ended: told by one process of the index, asked by each of them. */
import { sql } from 'kysely'
import type { EndedSessions, SessionEnd, SessionSeen } from '../store.ts'
import type { Database } from './database.ts'

/** In place of one session: all that began before. */
const ALL = new Uint8Array(0)

export class PostgresSignOuts implements EndedSessions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  async end({ principal, session, before }: SessionEnd, at: number): Promise<void> {
    await this.#database.insertInto('sign_outs').values({ principal, session: session ?? ALL, before, at })
      .onConflict((conflict) => conflict.columns(['principal', 'session']).doUpdateSet({
        before: sql<number>`greatest(sign_outs.before, excluded.before)`,
        at: sql<number>`greatest(sign_outs.at, excluded.at)`,
      })).execute()
  }

  async isEnded({ principal, id, notBefore }: SessionSeen): Promise<boolean> {
    const found = await this.#database.selectFrom('sign_outs').select('at').where('principal', '=', principal)
      .where((is) => is.or([
        is('session', '=', id), is.and([is('session', '=', ALL), is('before', '>', notBefore)]),
      ])).limit(1).executeTakeFirst()
    return found !== undefined
  }

  async forget(before: number): Promise<void> {
    await this.#database.deleteFrom('sign_outs').where('at', '<', before).execute()
  }
}
