/** The log as it grows: small operations with their leaves, durable and published, on each engine that is there. */
import { fdatasync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { parseCheckpoint, parseNote } from '@scelle/log'
import { createIndex, openPostgresStorage, openStorage, type Storage, type Store } from '@scelle/index'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { Client } from 'pg'
import { context } from '../sealing.ts'
import { median, ms, perSecond, quantile, type Row } from '../measure.ts'

type Operation = Parameters<Store['apply']>[0][number]

/** One call of `apply` brings so many, and so many calls are under way. */
const BATCH = 64
const CALLERS = 8
const BODY = 200
const ROUNDS = 3

/** As the index's own program flushes. */
const flush = promisify(fdatasync)

const { random } = context
const statement = (): Operation['statement'] => ({ id: random(32), bytes: random(300) })
const now = (): number => Math.floor(context.now() / 1000)

interface Part {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly category: Uint8Array
}

const newPart = async (store: Store): Promise<Part> => {
  const [custodian, category, genesis] = [random(32), random(16), statement()]
  const [outcome] = await store.apply([{
    kind: 'vault', statement: genesis, controller: custodian, mode: 'owner',
    manifest: {
      kind: 'manifest', statement: statement(), vault: genesis.id, custodian, version: 1, previous: undefined,
      categories: [{ category, epoch: 0, strict: false, accessLog: false }],
    },
  }])
  if (outcome === undefined || 'problem' in outcome) throw new Error('no vault could be made')
  return { vault: genesis.id, custodian, category }
}

/** A commit of one small record in a capsule of its own. */
const commitTo = ({ vault, custodian, category }: Part): Operation => {
  const capsule = random(16)
  return {
    kind: 'commit', statement: statement(), vault, custodian, author: custodian, at: now(), leaves: random(64),
    capsules: [{
      place: 0, bytes: random(600), capsule, headerHash: random(32), category, epoch: 0, opened: now(),
    }],
    records: [{
      place: 1, header: random(120), capsule, handle: random(16), version: 1, size: BODY, body: random(BODY),
      digest: random(32),
    }],
    encapsulations: [],
  }
}

/** Somebody is registered: a control leaf, whose position is signed by itself. */
const registration = (): Operation => {
  const made = { ...statement(), subject: random(32) }
  return { kind: 'key-record', statement: made, principal: made.id, version: 0 }
}

interface Reached {
  readonly rates: number[]
  /** Milliseconds of one call. */
  readonly times: number[]
  /** Milliseconds from the last call's answer until a signed checkpoint covers its leaves. */
  readonly published: number[]
}

const grow = async (store: Store, published: () => Promise<number>, lists: () => Operation[][]): Promise<Reached> => {
  const reached: Reached = { rates: [], times: [], published: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const calls = lists()
    const count = calls.reduce((sum, { length }) => sum + length, 0)
    const times: number[] = []
    const started = performance.now()
    let next = 0
    await Promise.all(Array.from({ length: CALLERS }, async () => {
      while (next < calls.length) {
        const began = performance.now()
        const outcomes = await store.apply(calls[next++] as Operation[])
        times.push(performance.now() - began)
        if (outcomes.some((outcome) => 'problem' in outcome)) throw new Error('an operation was refused')
      }
    }))
    const ended = performance.now()
    const size = await store.log.size()
    while ((await published()) < size) await new Promise((resolve) => void setTimeout(resolve, 2))
    if (round === 0) continue
    reached.rates.push((count * 1_000) / (ended - started))
    reached.times.push(...times)
    reached.published.push(performance.now() - ended)
  }
  return reached
}

const rowOf = (engine: string, what: string, { rates, times, published }: Reached): Row => ({
  what: `log on ${engine}: ${what}, ${CALLERS} callers`,
  perCapsule: '',
  reached: `${perSecond(median(rates))} leaves durable`,
  target: '10,000/s',
  beside: `a call of ${BATCH}: p50 ${ms(median(times))}, p99 ${ms(quantile(times, 0.99))}; ` +
    `published ${ms(median(published))} after the last`,
})

const rowsOn = async (engine: string, identity: Identity, storage: Storage, calls: number): Promise<Row[]> => {
  const { store } = storage
  const server = createIndex({ ...storage, identity, context, admitted: [], trustees: [], log: () => {} })
  try {
    await server.started
    const published = async (): Promise<number> => {
      const { statusCode, payload } = await server.inject({ method: 'GET', url: '/checkpoint' })
      return statusCode === 200 ? parseCheckpoint(parseNote(Buffer.from(payload)).text).size : 0
    }
    const parts: Part[] = []
    for (let i = 0; i < CALLERS; i++) parts.push(await newPart(store))
    const lists = (of: (call: number) => Operation): Operation[][] =>
      Array.from({ length: calls }, (_, call) => Array.from({ length: BATCH }, () => of(call)))
    const commits = await grow(store, published, () => lists((call) => commitTo(parts[call % CALLERS] as Part)))
    const control = await grow(store, published, () => lists(registration))
    return [
      rowOf(engine, `commits of one record, ${BATCH} of one vault at once`, commits),
      rowOf(engine, 'registrations, each signed for by itself', control),
    ]
  } finally {
    await server.close()
    await store.close()
  }
}

const administer = async (url: string, text: string): Promise<void> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(text)
  await client.end()
}

const onPostgres = async (server: string, identity: Identity, directory: string, calls: number): Promise<Row[]> => {
  const name = `scelle_${Buffer.from(random(8)).toString('hex')}`
  await administer(server, `CREATE DATABASE ${name}`)
  try {
    const url = new URL(server)
    url.pathname = `/${name}`
    const storage = await openPostgresStorage({ directory, database: url.href, identity, context })
    return await rowsOn('PostgreSQL', identity, storage, calls)
  } finally {
    await administer(server, `DROP DATABASE ${name} WITH (FORCE)`)
  }
}

/** `calls` of 64 operations a round. */
export const leavesRows = async (calls: number): Promise<Row[]> => {
  const root = mkdtempSync(join(tmpdir(), 'scelle-bench-'))
  const identity = await createIdentity('index', context)
  try {
    const embedded = openStorage({ directory: join(root, 'embedded'), identity, context, flush })
    const rows = await rowsOn('SQLite', identity, embedded, calls)
    const server = process.env['SCELLE_TEST_POSTGRES'] ?? process.env['DATABASE_URL']
    if (server !== undefined) return [...rows, ...await onPostgres(server, identity, join(root, 'blobs'), calls)]
    process.stderr.write(', PostgreSQL skipped: neither SCELLE_TEST_POSTGRES nor DATABASE_URL names a server')
    return rows
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
