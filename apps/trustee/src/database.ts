/** One SQLite file, used by one process. Every change is on disk when the call that made it returns. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

export class Database {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** `:memory:` keeps nothing. Throws where another process has the file. */
  constructor(path: string, schema: string) {
    this.#db = new DatabaseSync(path)
    // EXCLUSIVE: two trustees over one file would each believe that they know everything that was released.
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    this.#db.exec(schema)
  }

  #prepared(text: string): StatementSync {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    const statement = this.#db.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }

  run(text: string, ...values: SQLInputValue[]): void {
    this.#prepared(text).run(...values)
  }

  /** The one row, or none. Its shape is the statement's: whoever writes both says it. */
  row<T>(text: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepared(text).get(...values) as T | undefined
  }

  rows<T>(text: string, ...values: SQLInputValue[]): T[] {
    return this.#prepared(text).all(...values) as T[]
  }

  /**
   * All of `work` or nothing. Work is synchronous, so nothing comes in between. Within another one: a part of it, which
   * may fail by itself where the other goes on.
   */
  transaction<T>(work: () => T): T {
    const [begin, end, undo] = this.#db.isTransaction
      ? ['SAVEPOINT part', 'RELEASE part', 'ROLLBACK TO part'] as const
      : ['BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'] as const
    this.run(begin)
    try {
      const result = work()
      this.run(end)
      return result
    } catch (error) {
      // A full disk may have ended it already.
      if (this.#db.isTransaction) this.run(undo)
      throw error
    }
  }

  /** What `work` would say: nothing that it changed stays. */
  undone<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE')
    try {
      return work()
    } finally {
      if (this.#db.isTransaction) this.run('ROLLBACK')
    }
  }

  /** True while the file can be read. */
  get works(): boolean {
    return this.#db.isOpen && this.row('SELECT 1 AS one') !== undefined
  }

  close(): void {
    this.#statements.clear()
    this.#db.close()
  }
}
