/** Connections to the server, and what their failures mean. */
import { Client, type ClientConfig, DatabaseError, Pool } from 'pg'
import { INDEX_LIMITS } from '../limits.ts'

const INT8 = 20
const BYTEA = 17
const VOID = 2278
const INT8_ARRAY = 1016
const text = (value: string): string => value
const bytes = (value: string): Uint8Array => {
  const buffer = Buffer.from(value.slice(2), 'hex')
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}
/** How values of these types are read; all integers of the tables are safe in JavaScript. */
const PARSERS: Readonly<Record<number, (value: string) => unknown>> = {
  [INT8]: Number, 23: Number, [BYTEA]: bytes, 16: (value) => value === 't', [VOID]: () => undefined,
  [INT8_ARRAY]: (value) => value.slice(1, -1).split(',').map(Number),
}

/**
 * Set on every connection, whatever the server's default or the address says: an answer is given only once it is on
 * the disk, and a process that stands still in a transaction loses it instead of holding a vault's row for ever. Each
 * statement has an index that serves it, whatever the server believes of tables that were empty a moment ago, and one
 * plan, which costs more to make than to follow.
 */
const SESSION = `SET synchronous_commit = on; SET default_transaction_isolation = 'read committed';
  SET enable_seqscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan;
  SET statement_timeout = ${INDEX_LIMITS.statementTimeout * 1000};
  SET idle_in_transaction_session_timeout = ${INDEX_LIMITS.idleTransaction * 1000}`

const configOf = (database: string): ClientConfig => ({
  connectionString: database,
  application_name: 'scelle-index',
  connectionTimeoutMillis: INDEX_LIMITS.connectTimeout * 1000,
  keepAlive: true,
  // Statements of one transaction are sent together: one round trip loads, one writes.
  pipeline: true,
  types: { getTypeParser: (type: number) => PARSERS[type] ?? text },
})

const prepare = (client: Pick<Client, 'on' | 'query' | 'end'>): void => {
  // What a connection dies of is told to the query under way; without one there is nothing to tell.
  client.on('error', () => undefined)
  // Everything else is sent after this, and a connection on which it failed carries nothing.
  client.query(SESSION).catch(() => client.end().catch(() => undefined))
}

/** `database`: `postgres://…`. It may hold a password, so no error shows it. */
export const connectPool = (database: string, size: number): Pool => {
  const pool = new Pool({ ...configOf(database), max: size })
  pool.on('connect', prepare)
  pool.on('error', () => undefined)
  return pool
}

/** One connection of its own, for what is tied to a session: a lock, notifications. */
export const connectAlone = async (database: string): Promise<Client> => {
  const client = new Client(configOf(database))
  client.on('error', () => undefined)
  await client.connect()
  prepare(client)
  return client
}

/**
 * Whether the connection is gone, or going: then whether a statement under way took effect is not known. Errors that
 * the server gave for the statement itself are certain: it had none.
 */
export const isLost = (error: unknown): boolean => {
  if (error instanceof DatabaseError) {
    return error.severity === 'FATAL' || error.severity === 'PANIC' || /^(08|57P|58|XX|40003)/.test(error.code ?? '')
  }
  // Of sockets and of `pg` itself. A TypeError, say, is a mistake of this program.
  return error instanceof AggregateError || (error instanceof Error && error.constructor === Error)
}

/** Whether the same transaction may succeed when it is run again: a deadlock or a conflict of serialization. */
export const isPassing = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
