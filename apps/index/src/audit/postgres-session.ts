/** One read-only look at a database: all that is read is of one moment, and rows come in bounded numbers. */
import type { Client } from 'pg'
import { connectAlone } from '../postgres/connect.ts'
import { type Parameter, prepared } from '../postgres/prepared.ts'

type Raw = Record<string, unknown>

/** Rows that a walk holds at once. */
const STEP = 64

/** Absent values are undefined. */
const clean = <T>(row: Raw): T =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T

export class PostgresSession {
  readonly #client: Client
  #walks = 0

  private constructor(client: Client) {
    this.#client = client
  }

  /** Throws where the database cannot be reached, or is no index's. */
  static async open(database: string): Promise<PostgresSession> {
    const client = await connectAlone(database)
    try {
      // It may take hours, and waits between two rows as long as they take to check.
      await client.query('SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0')
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      await client.query('SELECT one FROM log_head')
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
    return new PostgresSession(client)
  }

  async all<T>(text: string, ...values: Parameter[]): Promise<T[]> {
    return (await prepared<Raw>(text)(this.#client, ...values)).map((row) => clean<T>(row))
  }

  async first<T>(text: string, ...values: Parameter[]): Promise<T | undefined> {
    return (await this.all<T>(text, ...values))[0]
  }

  /** A walk that is given up may leave its cursor open until the session ends. */
  async *walk<T>(text: string, ...values: Parameter[]): AsyncGenerator<T> {
    const name = `walk_${this.#walks++}`
    await this.#client.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${text}`, values)
    for (;;) {
      const { rows } = await this.#client.query<Raw>(`FETCH ${STEP} FROM ${name}`)
      for (const row of rows) yield clean<T>(row)
      if (rows.length < STEP) break
    }
    await this.#client.query(`CLOSE ${name}`)
  }

  async close(): Promise<void> {
    await this.#client.end()
  }
}
