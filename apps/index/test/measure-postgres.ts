/**
 * What the PostgreSQL engine does a second, on the server that SCELLE_TEST_POSTGRES names, in a database of its own.
 * Prints and asserts nothing: node apps/index/test/measure-postgres.ts [seconds a row]
 */
import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { Client } from 'pg'
import { openPostgresStore } from '../src/postgres-store.ts'
import type { Operation, Store } from '../src/store.ts'
import { capsule, commit, keyRecord, plainSigner, record, statement, vault } from './operations.ts'

const [seconds = '3'] = process.argv.slice(2)
const server = process.env['SCELLE_TEST_POSTGRES']
if (server === undefined) throw new Error('SCELLE_TEST_POSTGRES names no server')
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const name = `scelle_${randomBytes(8).toString('hex')}`
const administer = async (url: string, text: string): Promise<void> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}
await administer(server, `CREATE DATABASE ${name}`)
const database = new URL(server)
database.pathname = `/${name}`
const open = async (): Promise<Store> =>
  (await openPostgresStore({ database: database.href, sign: plainSigner, random })).store

/** So many callers, each with one operation under way. */
const measure = async (what: string, callers: number, next: (caller: number) => Operation[]): Promise<void> => {
  const until = performance.now() + Number(seconds) * 1000
  const times: number[] = []
  let done = 0
  const started = performance.now()
  await Promise.all(Array.from({ length: callers }, async (_, caller) => {
    while (performance.now() < until) {
      const operations = next(caller)
      const asked = performance.now()
      await store.apply(operations)
      times.push(performance.now() - asked)
      done += operations.length
    }
  }))
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
  const rate = Math.round(done / ((performance.now() - started) / 1000))
  say(`${what}, ${callers} callers: ${rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
}

let store = await open()
await measure('key records', 8, () => [keyRecord(random, random(32), 0)])

const parts = await Promise.all(Array.from({ length: 64 }, async () => {
  const [custodian, category] = [random(32), random(16)]
  const made = vault(random, custodian, [category])
  await store.apply([made])
  return { vault: made.statement.id, custodian, author: custodian, category }
}))
const commitTo = (place: number, body = 1000): Operation => {
  const part = parts[place % parts.length] as (typeof parts)[number]
  const opened = capsule(random, part.category, { bytes: random(1200) })
  return commit(random, part, { capsules: [opened], records: [record(random, opened.capsule, { body: random(body) })] })
}
for (const callers of [1, 8, 32, 64]) await measure('commits of one record', callers, (caller) => [commitTo(caller)])
const sixteen = (place: (i: number) => number): Operation[] => Array.from({ length: 16 }, (_, i) => commitTo(place(i)))
await measure('commits, 16 in a request to one vault', 8, (caller) => sixteen(() => caller))
await measure('commits, 16 in a request to 16 vaults', 8, () => sixteen((i) => i))
await store.close()

const leaves = 100_000
const made = statement(random)
await administer(database.href, `INSERT INTO pending (vault, seq, id, salt)
  SELECT '\\x${Buffer.from(made.id).toString('hex')}', n, sha256(n::text::bytea), md5(n::text)::bytea
  FROM generate_series(1, ${leaves}) AS n`)
store = await open()
const before = await store.log.size()
const started = performance.now()
for (;;) {
  const size = await store.log.size()
  if (size >= before + leaves) break
  await new Promise((resolve) => void setTimeout(resolve, 5))
}
say(`sequencer: ${Math.round((await store.log.size() - before) / ((performance.now() - started) / 1000))} leaves/s`)
await store.close()
await administer(server, `DROP DATABASE ${name} WITH (FORCE)`)
