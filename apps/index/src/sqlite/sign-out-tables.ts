/**
 * Which sessions ended, in a file of its own: asked with each request in a session, and for nothing else. The statement
 * itself is a leaf of the log; here is what follows from it, for as long as a session could last.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EndedSessions, SessionEnd, SessionSeen } from '../store.ts'
import { openOwnFile } from './own-file.ts'

const TABLE = `
CREATE TABLE sign_outs (
  principal BLOB NOT NULL, session BLOB NOT NULL, before INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (principal, session)) STRICT, WITHOUT ROWID;
CREATE INDEX sign_outs_at ON sign_outs (at);
`
const VERSION = 1
/** In place of one session: all that began before. */
const ALL = new Uint8Array(0)

export class SignOutTables implements EndedSessions {
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #forget: StatementSync
  readonly #ended: StatementSync

  /** Throws where the file is of another program. */
  constructor(file: string) {
    this.#database = openOwnFile(file, { tables: TABLE, version: VERSION, of: 'sign-outs' })
    this.#put = this.#database.prepare(`INSERT INTO sign_outs (principal, session, before, at) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET before = max(before, excluded.before), at = max(at, excluded.at)`)
    this.#forget = this.#database.prepare('DELETE FROM sign_outs WHERE at < ?')
    this.#ended = this.#database.prepare(`SELECT 1 FROM sign_outs WHERE principal = ? AND session = ?
      UNION ALL SELECT 1 FROM sign_outs WHERE principal = ? AND session = x'' AND before > ? LIMIT 1`)
  }

  async end({ principal, session, before }: SessionEnd, at: number): Promise<void> {
    this.#put.run(principal, session ?? ALL, before, at)
  }

  async isEnded({ principal, id, notBefore }: SessionSeen): Promise<boolean> {
    return this.#ended.get(principal, id, principal, notBefore) !== undefined
  }

  async forget(before: number): Promise<void> {
    this.#forget.run(before)
  }

  close(): void {
    this.#database.close()
  }
}
