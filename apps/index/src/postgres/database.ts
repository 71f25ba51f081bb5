/** The tables as Kysely sees them: `schema.ts` makes them. */
import { createHash } from 'node:crypto'
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import type { Pool } from 'pg'

export interface Tables {
  settings: { name: string; value: Uint8Array }
  vaults: { vault: Uint8Array; counter: number; parts: number; genesis: number | null }
  statements: {
    vault: Uint8Array; seq: number; id: Uint8Array; statement: Uint8Array; salt: Uint8Array
    subject: Uint8Array | null; time: number | null
  }
  positions: { vault: Uint8Array; seq: number; time: number; key_version: number; signature: Uint8Array }
  key_records: { principal: Uint8Array; version: number; seq: number; id: Uint8Array }
  parts: {
    vault: Uint8Array; part: number; custodian: Uint8Array; categories: Uint8Array; manifest: Uint8Array
    version: number
  }
  manifests: { vault: Uint8Array; part: number; version: number; seq: number }
  grants: {
    vault: Uint8Array; id: Uint8Array; seq: number; parent: Uint8Array | null; part: number; signer: Uint8Array
    grantee: Uint8Array; mask: number; rights: number; purposes: number; not_before: number; expires: number
    revoked: number; keys_seq: number; keys_version: number
  }
  encapsulations: { id: Uint8Array; bytes: Uint8Array }
  commits: {
    vault: Uint8Array; part: number; seq: number; author: Uint8Array; mask: number; leaves: Uint8Array
  }
  capsules: { vault: Uint8Array; seq: number; place: number; category: number; bytes: Uint8Array }
  capsule_states: {
    vault: Uint8Array; capsule: Uint8Array; hash: Uint8Array; part: number; writer: Uint8Array; category: number
    epoch: number; opened: number; seq: number; closed: boolean; records: number
  }
  records: {
    vault: Uint8Array; seq: number; place: number; category: number; header: Uint8Array; size: number
    digest: Uint8Array | null; body: Uint8Array | null
  }
  blob_places: { vault: Uint8Array; part: number; category: number; digest: Uint8Array }
  accesses: { vault: Uint8Array; part: number; seq: number; reader: Uint8Array; refused: Uint8Array | null }
  leaves: {
    sequence: number; vault: Uint8Array; seq: number; id: Uint8Array; salt: Uint8Array; subject: Uint8Array | null
  }
  log_head: {
    one: number; term: number; locked: boolean; beat: number; size: number; checkpoint: number
    root: Uint8Array | null; note: Uint8Array | null
  }
  tiles: { level: number; no: number; bytes: Uint8Array }
  cosigned: { kind: string; size: number; note: Uint8Array }
  wraps: { locator: Uint8Array; writer: Uint8Array; version: number; bytes: Uint8Array }
  sign_outs: { principal: Uint8Array; session: Uint8Array; before: number; at: number }
}

export type Database = Kysely<Tables>

/**
 * Kysely over the pool. Every statement that it builds is prepared once a connection: the texts are few, because lists
 * are arrays in one parameter.
 */
export const overPool = (pool: Pool): Database => {
  const names = new Map<string, string>()
  const nameOf = (text: string): string => {
    const known = names.get(text)
    if (known !== undefined) return known
    const name = createHash('sha256').update(text).digest('base64url').slice(0, 32)
    names.set(text, name)
    return name
  }
  const preparing = {
    connect: async () => {
      const client = await pool.connect()
      return {
        query: (text: string, values: readonly unknown[]) =>
          client.query({ name: nameOf(text), text, values: [...values] }),
        release: (destroy?: boolean) => client.release(destroy),
      }
    },
    end: async () => pool.end(),
  }
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: preparing as unknown as PostgresPool }) })
}
