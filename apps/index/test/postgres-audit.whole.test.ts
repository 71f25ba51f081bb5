/** The whole of an index's database on PostgreSQL, derived anew: nothing in it can change unnoticed. */
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditDirectory } from '../src/audit/audit.ts'
import { AuditFault } from '../src/audit/fault.ts'
import { inspectVault } from '../src/inspect.ts'
import { inspectDirectory } from '../src/inspect-directory.ts'
import { fillWorld } from './audit-world.ts'
import { type FreshDatabase, freshDatabase, hasPostgres, query } from './postgres.ts'
import { World } from './world.ts'

/**
 * Columns by table. Left out: what stands for nothing (the leader's term and beat), a cursor secret, and `time` of
 * commits, which is signed in the answer to their request alone. Of notes with cosignatures the index's own part is
 * checked, below: whose the others are, its database does not say.
 */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  vaults: ['vault', 'counter', 'parts', 'genesis'],
  statements: ['vault', 'seq', 'id', 'statement', 'salt', 'subject'],
  positions: ['vault', 'seq', 'time', 'key_version', 'signature'],
  key_records: ['principal', 'version', 'seq', 'id'],
  parts: ['vault', 'part', 'custodian', 'categories', 'manifest', 'version'],
  manifests: ['vault', 'part', 'version', 'seq'],
  grants: [
    'vault', 'id', 'seq', 'parent', 'part', 'signer', 'grantee', 'mask', 'rights', 'purposes', 'not_before', 'expires',
    'revoked', 'keys_seq', 'keys_version',
  ],
  encapsulations: ['id', 'bytes'],
  commits: ['vault', 'part', 'seq', 'author', 'mask', 'leaves'],
  capsules: ['vault', 'seq', 'place', 'category', 'bytes'],
  capsule_states: [
    'vault', 'capsule', 'hash', 'part', 'writer', 'category', 'epoch', 'opened', 'seq', 'closed', 'records',
  ],
  records: ['vault', 'seq', 'place', 'category', 'header', 'size', 'digest', 'body'],
  versions: ['vault', 'handle', 'version', 'part', 'category', 'author'],
  blob_places: ['vault', 'part', 'category', 'digest'],
  accesses: ['vault', 'part', 'seq', 'reader', 'refused'],
  leaves: ['sequence', 'vault', 'seq', 'id', 'salt', 'subject'],
  log_head: ['size', 'checkpoint', 'root', 'note'],
  tiles: ['level', 'no', 'bytes'],
  cosigned: ['size'],
}

const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  statements: ['time'], log_head: ['one', 'term', 'locked', 'beat'], cosigned: ['kind', 'note'],
  // In no log, and of nobody that the index knows: whoever opens one finds out whether it is what was stored.
  wraps: ['locator', 'writer', 'version', 'bytes'],
  // What follows for ten hours from statements that are checked; trustees go by those, and not by this table.
  sign_outs: ['principal', 'session', 'before', 'at'],
}

type Value = Buffer | string | number | boolean

/** A number that stands nowhere, an octet that is another. */
const other = (value: Value, seed: number): Value => {
  if (typeof value === 'boolean') return !value
  if (!Buffer.isBuffer(value)) return String(Number(value) + 1_000_000 + seed)
  const bytes = Buffer.from(value)
  const at = (seed * 7919) % bytes.length
  bytes[at] = (bytes[at] as number) ^ (1 << (seed % 8))
  return bytes
}

let world: World
let database: FreshDatabase
let client: Client

const audit = () => auditDirectory(world.directory, { index: world.identity.keys }, database.url)
const audited = (): Promise<unknown> => audit().catch((error: unknown) => error)

/** What an audit finds with one value changed, which is put back after. */
const tampered = async (table: string, column: string, seed: number): Promise<unknown> => {
  const { rows } = await client.query<{ ctid: string; value: Value }>(
    `SELECT ctid::text, ${column} AS value FROM ${table} WHERE ${column} IS NOT NULL ORDER BY ctid`)
  const { ctid, value } = rows[seed % rows.length]!
  const set = async (at: string, to: Value): Promise<string> => {
    const changed = await client.query<{ ctid: string }>(
      `UPDATE ${table} SET ${column} = $1 WHERE ctid = $2::tid RETURNING ctid::text`, [to, at])
    return changed.rows[0]!.ctid
  }
  const at = await set(ctid, other(value, seed))
  try {
    return await audited()
  } finally {
    await set(at, value)
  }
}

describe.runIf(hasPostgres)('an audit on PostgreSQL', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    database = await freshDatabase()
    World.freshDatabase = async () => ({ url: database.url, remove: async () => undefined })
    world = await World.create({ seed: 'audit' })
    await fillWorld(world)
    const { log } = world.storage.store
    const settled = async (): Promise<boolean> => {
      const size = await log.size()
      return size === (await log.checkpoint())?.size && size === (await log.cosigned('final'))?.size
    }
    while (!(await settled())) await new Promise((resolve) => void setTimeout(resolve, 20))
    client = new Client({ connectionString: database.url })
    await client.connect()
  }, 60_000)
  afterAll(async () => {
    await client.end()
    // Ending it stops it again.
    await world.open()
    await world.end()
    await database.remove()
  })

  test('what the index wrote fits, beside it while it runs', async () => {
    expect(await audit()).toMatchObject({ vaults: 2, records: 272, lost: 0 })
  })

  test('a look at one vault from beside tells what its processes would', async () => {
    const rows = await query(database.url, 'SELECT vault FROM vaults WHERE genesis IS NOT NULL')
    for (const { vault } of rows as { vault: Uint8Array }[]) {
      const seen = await inspectDirectory(world.directory, new Uint8Array(vault), database.url)
      expect(seen?.parts[0]?.commits.length).toBeGreaterThan(0)
      expect(seen).toEqual(await inspectVault(world.storage.store, new Uint8Array(vault)))
    }
    expect(await inspectDirectory(world.directory, world.context.random(32), database.url)).toBeUndefined()
  })

  test('what has no number yet is read as if it had', async () => {
    await world.stop()
    await query(database.url, `WITH last AS (
        DELETE FROM leaves WHERE sequence = (SELECT size FROM log_head) RETURNING *)
      INSERT INTO pending (vault, seq, id, salt, subject) SELECT vault, seq, id, salt, subject FROM last`)
    const [head] = await query(database.url, 'SELECT checkpoint, root, note FROM log_head')
    await query(database.url, `UPDATE log_head SET size = size - 1, checkpoint = 0, root = NULL, note = NULL;
      CREATE TABLE kept_tiles AS SELECT * FROM tiles; CREATE TABLE kept_notes AS SELECT * FROM cosigned;
      DELETE FROM tiles; DELETE FROM cosigned`)
    expect(await audit()).toMatchObject({ vaults: 2, records: 272 })
    await query(database.url, `INSERT INTO leaves SELECT (SELECT size + 1 FROM log_head), vault, seq, id, salt, subject
      FROM pending; DELETE FROM pending; INSERT INTO tiles SELECT * FROM kept_tiles; DROP TABLE kept_tiles;
      INSERT INTO cosigned SELECT * FROM kept_notes; DROP TABLE kept_notes; UPDATE log_head SET size = size + 1`)
    await client.query('UPDATE log_head SET checkpoint = $1, root = $2, note = $3',
      [head?.['checkpoint'], head?.['root'], head?.['note']])
    expect(await audit()).toMatchObject({ vaults: 2, records: 272 })
  })

  test('every column there is, is named here', async () => {
    const columns = await query(database.url, `SELECT table_name, column_name FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name NOT IN ('settings', 'schema_version', 'pending')`)
    const left = columns.filter(({ table_name: table, column_name: column }) =>
      ![...(COLUMNS[table as string] ?? []), ...(LEFT_OUT[table as string] ?? [])].includes(column as string))
    expect(left).toEqual([])
  })

  const cases = Object.entries(COLUMNS).flatMap(([table, columns]) => columns.map((column) => [table, column] as const))

  test.each(cases)('one value changed is found: %s.%s', async (table, column) => {
    for (const seed of [58]) expect(await tampered(table, column, seed), `seed ${seed}`).toBeInstanceOf(AuditFault)
  })

  test('and named: table, row and field', async () => {
    expect(await tampered('records', 'body', 3))
      .toMatchObject({ place: { table: 'records', field: 'header or body' } })
    expect(await tampered('grants', 'revoked', 0)).toMatchObject({ place: { table: 'grants', field: 'revoked' } })
    expect(await tampered('tiles', 'bytes', 0)).toMatchObject({ place: { table: 'tiles', field: 'bytes' } })
    expect(await tampered('vaults', 'counter', 1)).toMatchObject({ place: { table: 'vaults', field: 'counter' } })
    expect(await tampered('leaves', 'salt', 2))
      .toMatchObject({ place: { table: 'leaves', field: 'id, salt or subject' } })
    expect(await audit()).toMatchObject({ vaults: 2 })
  })

  test('a cosigned note of another tree', async () => {
    await client.query('CREATE TABLE kept AS SELECT * FROM cosigned')
    await client.query("UPDATE cosigned SET note = overlay(note PLACING 'x'::bytea FROM 90) WHERE kind = 'quorum'")
    expect(await audited()).toMatchObject({ place: { table: 'cosigned', row: 'quorum', field: 'note' } })
    await client.query('DELETE FROM cosigned; INSERT INTO cosigned SELECT * FROM kept; DROP TABLE kept')
  })
})
