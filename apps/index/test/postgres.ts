/** A PostgreSQL server for tests, where the environment names one: `SCELLE_TEST_POSTGRES`, any database of it. */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { Client } from 'pg'
import { afterAll } from 'vitest'
import { openPostgresStore, type PostgresOptions } from '../src/postgres-store.ts'
import { plainSigner } from './operations.ts'
import type { OpenedStore } from './store-suite.ts'
import { seeded } from './world.ts'

const server = process.env['SCELLE_TEST_POSTGRES']

/** For `describe.runIf`. */
export const hasPostgres = server !== undefined
if (!hasPostgres) console.info('SCELLE_TEST_POSTGRES names no server: tests on PostgreSQL are skipped')

export const query = async (url: string, statement: string): Promise<Record<string, unknown>[]> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Databases of this file that nobody uses now. To empty one is quicker than to make one. */
const idle: string[] = []
const made: string[] = []

afterAll(async () => {
  for (const name of made) await query(server as string, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
})

const make = async (): Promise<string> => {
  const name = `scelle_${randomBytes(8).toString('hex')}`
  await query(server as string, `CREATE DATABASE ${name}`)
  made.push(name)
  const url = new URL(server as string)
  url.pathname = `/${name}`
  return url.href
}

const EMPTY = `DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('schema_version', 'log_head')
  LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
  UPDATE log_head SET size = 0, checkpoint = 0, root = NULL, note = NULL;
END $$`

export interface FreshDatabase {
  readonly url: string
  /** To be called when all that use it are closed. */
  readonly remove: () => Promise<void>
}

export const freshDatabase = async (): Promise<FreshDatabase> => {
  const url = idle.pop() ?? await make()
  return {
    url,
    remove: async () => {
      await query(url, EMPTY)
      idle.push(url)
    },
  }
}

type Options = Partial<Omit<PostgresOptions, 'database'>>

export const openOn = async (url: string, options: Options = {}) =>
  (await openPostgresStore({ database: url, sign: plainSigner, random: seeded('salts'), ...options })).store

/** What the contract's suite opens. */
export const openFresh = async (database?: FreshDatabase): Promise<OpenedStore> => {
  const on = database ?? await freshDatabase()
  const store = await openOn(on.url)
  return {
    store,
    reopen: async () => {
      await store.close()
      return openFresh(on)
    },
    remove: async () => {
      await store.close()
      await on.remove()
    },
  }
}
