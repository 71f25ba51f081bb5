/** The whole of an index's files, derived anew: nothing in it can change unnoticed. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditDirectory } from '../src/audit/audit.ts'
import { AuditFault } from '../src/audit/fault.ts'
import { fillWorld } from './audit-world.ts'
import { temporaryDirectory, World } from './world.ts'

let world: World
let directory: { path: string; remove: () => void }

beforeAll(async () => {
  world = await World.create({ seed: 'audit' })
  directory = temporaryDirectory()
  await fillWorld(world)
  // The newest checkpoint is out before the files are copied.
  for (let size = 0; size === 0 || size !== (await world.storage.store.log.checkpoint())?.size;) {
    size = await world.storage.store.log.size()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await world.stop()
  cpSync(world.directory, join(directory.path, 'whole'), { recursive: true })
}, 60_000)

afterAll(async () => {
  // Ending it stops it again.
  world.start()
  await world.end()
  directory.remove()
})

let copies = 0
/** A copy of the files, changed, as an audit sees it. */
const changed = async (change: (path: string) => void): Promise<unknown> => {
  const path = join(directory.path, `copy-${copies++}`)
  cpSync(join(directory.path, 'whole'), path, { recursive: true })
  change(path)
  return auditDirectory(path, { index: world.identity.keys }).catch((error: unknown) => error)
}

const inDatabase = (file: string, sql: string, ...values: (number | Uint8Array | null)[]) => (path: string): void => {
  const database = new DatabaseSync(join(path, file))
  const { changes } = database.prepare(sql).run(...values)
  database.close()
  if (changes === 0) throw new Error('nothing was changed')
}

test('what the index wrote fits, from every octet to the checkpoint', async () => {
  const steps: string[] = []
  const audit = await auditDirectory(join(directory.path, 'whole'), {
    index: world.identity.keys, progress: (step) => steps.push(step),
  })
  expect(audit).toMatchObject({ vaults: 2, records: 272 })
  expect(audit!.statements).toBeGreaterThan(280)
  expect(new Set(steps)).toEqual(new Set(['statements', 'vaults']))
  expect(await auditDirectory(join(directory.path, 'nowhere'), { index: world.identity.keys })).toBeUndefined()
})

/**
 * Columns by table. Left out: row numbers of our own, which stand for nothing (a row that is found under another one is
 * another row), and `time` of a commit's statement, which is signed in the answer to its request alone.
 */
const COLUMNS: Record<string, string[]> = {
  principals: ['id'],
  statements: ['sequence', 'vault', 'id', 'time', 'key_version', 'signature', 'statement', 'salt', 'subject'],
  key_records: ['principal', 'version', 'sequence'],
  vaults: ['id', 'sequence'],
  parts: ['vault', 'custodian'],
  manifests: ['part', 'version', 'sequence', 'id'],
  categories: ['part', 'place', 'category', 'epoch', 'strict', 'access_log', 'closed'],
  grants: [
    'sequence', 'vault', 'id', 'parent', 'part', 'signer', 'grantee', 'mask', 'rights', 'purposes', 'not_before',
    'expires', 'revoked', 'keys_sequence', 'keys_version',
  ],
  encapsulations: ['id', 'bytes'],
  commits: ['sequence', 'part', 'author', 'mask', 'capsule', 'capsules', 'record', 'records', 'leaves'],
  capsules: ['no', 'category', 'place', 'capsule'],
  capsule_states: [
    'vault', 'capsule', 'part', 'writer', 'category', 'epoch', 'opened', 'sequence', 'closed', 'records',
  ],
  capsule_hashes: ['vault', 'hash', 'capsule'],
  records: ['no', 'category', 'place', 'header', 'size', 'digest', 'body'],
  versions: ['part', 'category', 'author', 'handle', 'version'],
  blob_places: ['digest', 'part', 'category'],
  accesses: ['sequence', 'part', 'reader'],
  denials: ['sequence', 'part', 'reader', 'access'],
}

/** A number that stands elsewhere too, or one that stands nowhere; an octet that is another. */
const other = (value: number | Uint8Array, seed: number): number | Uint8Array => {
  if (typeof value === 'number') return value + 1_000_000 + seed
  const bytes = Uint8Array.from(value)
  const at = (seed * 7919) % bytes.length
  bytes[at] = (bytes[at] as number) ^ (1 << (seed % 8))
  return bytes
}

const tamper = (table: string, column: string, seed: number) => (path: string): void => {
  const database = new DatabaseSync(join(path, 'index.sqlite'))
  const positioned = table === 'statements' && (column === 'time' || column === 'signature')
  const keys = (database.prepare(`PRAGMA table_info(${table})`).all() as { name: string; pk: number }[])
    .filter(({ pk }) => pk > 0).map(({ name }) => name)
  type Row = Record<string, number | Uint8Array>
  const rows = database.prepare(`SELECT ${[...new Set([...keys, column])].join(', ')} FROM ${table}
    WHERE ${column} IS NOT NULL ${positioned ? 'AND length(signature) > 0' : ''}`).all() as Row[]
  const row = rows[seed % rows.length] as Row
  database.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${keys.map((key) => `${key} = ?`).join(' AND ')}`)
    .run(other(row[column] as number | Uint8Array, seed), ...keys.map((key) => row[key] as number))
  database.close()
}

const cases = Object.entries(COLUMNS).flatMap(([table, columns]) => columns.map((column) => [table, column] as const))

describe('one value changed is found', () => {
  test('in every column there is', () => {
    const database = new DatabaseSync(join(directory.path, 'whole', 'index.sqlite'), { readOnly: true })
    const named = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[]
    for (const { name } of named) {
      // They hold something only of an index that was restored from a backup.
      if (['lost_leaves', 'given_up', 'losses'].includes(name)) continue
      const columns = database.prepare(`PRAGMA table_info(${name})`).all() as { name: string }[]
      const left = columns.map((one) => one.name).filter((column) => !COLUMNS[name]?.includes(column))
      expect(left.filter((column) => column !== 'no')).toEqual([])
      expect(database.prepare(`SELECT count(*) AS rows FROM ${name}`).get()).not.toEqual({ rows: 0 })
    }
    database.close()
  })

  test.each(cases)('%s.%s', async (table, column) => {
    for (const seed of [58]) {
      const found = await changed(tamper(table, column, seed))
      expect(found, `seed ${seed}`).toBeInstanceOf(AuditFault)
    }
  })

  test('and named: table, row and field', async () => {
    const places = await Promise.all([
      changed(inDatabase('index.sqlite', 'UPDATE statements SET salt = zeroblob(16) WHERE sequence = 120')),
      changed(inDatabase('index.sqlite', 'UPDATE statements SET id = zeroblob(32) WHERE sequence = 120')),
      changed(inDatabase('index.sqlite', 'UPDATE categories SET strict = 0 WHERE strict = 1')),
      changed(inDatabase('index.sqlite', 'UPDATE grants SET revoked = 0 WHERE revoked <> 0')),
      changed(inDatabase('index.sqlite', 'UPDATE capsule_states SET closed = 0 WHERE closed = 1')),
      changed(inDatabase('index.sqlite', 'DELETE FROM accesses')),
      changed(inDatabase('log.sqlite', 'UPDATE tiles SET bytes = zeroblob(8192)')),
      changed(inDatabase('log.sqlite', 'UPDATE checkpoint SET root = zeroblob(32)')),
    ])
    expect(places.map((fault) => fault instanceof AuditFault && `${fault.place.table}.${fault.place.field}`)).toEqual([
      'statements.salt', 'statements.id', 'categories.strict', 'grants.revoked', 'capsule_states.closed', 'accesses.-',
      'tiles.bytes', 'checkpoint.root',
    ])
    expect((places[1] as AuditFault).place.row).toBe('sequence 120')
  })

  test('in the log\'s own file', async () => {
    for (const sql of [
      'UPDATE checkpoint SET size = size + 1', 'UPDATE checkpoint SET size = size - 1', 'DELETE FROM tiles',
      'UPDATE checkpoint SET note = CAST(substr(note, 2) AS BLOB)', 'UPDATE tiles SET no = no + 1',
      'UPDATE cosigned SET size = size - 1', 'UPDATE tiles SET level = 1', 'UPDATE cosigned SET note = zeroblob(9)',
    ]) expect(await changed(inDatabase('log.sqlite', sql)), sql).toBeInstanceOf(AuditFault)
  })

  test('in a blob, or where it is gone', async () => {
    const blobOf = (path: string): string => {
      const names = readdirSync(join(path, 'blobs'), { recursive: true, encoding: 'utf8' })
      return join(path, 'blobs', names.find((one) => one.length > 60) as string)
    }
    const found = await changed((path) => {
      const bytes = readFileSync(blobOf(path))
      bytes[100] = (bytes[100] as number) ^ 1
      writeFileSync(blobOf(path), bytes)
    })
    expect(found).toMatchObject({ place: { table: 'blobs', field: 'octets' } })
    expect(await changed((path) => writeFileSync(blobOf(path), ''))).toBeInstanceOf(AuditFault)
  })

  test('a lost leaf that follows nothing, or is none', async () => {
    const insert = (leaf: string) => changed(inDatabase('index.sqlite',
      `INSERT INTO lost_leaves (leaf, entry) SELECT ${leaf}, x'a1' FROM statements`))
    expect(await insert('max(sequence) + 1')).toMatchObject({ place: { table: 'lost_leaves', field: 'leaf' } })
    expect(await insert('max(sequence)')).toMatchObject({ place: { table: 'lost_leaves', field: 'entry' } })
  })

  test('a statement taken out at the end, before it was published', async () => {
    expect(await changed(inDatabase('index.sqlite',
      'DELETE FROM statements WHERE sequence = (SELECT max(sequence) FROM statements)'))).toBeInstanceOf(AuditFault)
  })
})

test('the database of another index is not this one\'s', async () => {
  const stranger = await World.create({ seed: 'another' })
  const found = await auditDirectory(join(directory.path, 'whole'), { index: stranger.identity.keys })
    .catch((error: unknown) => error)
  expect(found).toBeInstanceOf(AuditFault)
  await stranger.end()
})
