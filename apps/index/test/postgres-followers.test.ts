/** Two processes of one index: one leads the log, the other follows it, and clients meet either. */
import { parseTilePath, TileReader, tilePath, verifyCheckpoint } from '@scelle/log'
import { createAccess } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { decode, Head, verifyPosition, verifySigned } from '@scelle/seal/verify'
import { entryOf, logPolicy, verifyEd25519, verifyReceipt } from '@scelle/wire/log'
import { Receipt } from '@scelle/wire/messages'
import type { LogEvent } from '@scelle/wire/server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIndex, type IndexServer, openPostgresStorage, type Storage } from '../src/index.ts'
import { INDEX_LIMITS } from '../src/limits.ts'
import { type LogStore, PublishError } from '../src/log-store.ts'
import { type FreshDatabase, freshDatabase, hasPostgres, query } from './postgres.ts'
import { judge } from './postgres-judge.ts'
import { quickTimers } from './witnesses.ts'
import { seeded, World, Writer } from './world.ts'

interface Process {
  readonly server: IndexServer
  readonly storage: Storage
  readonly events: LogEvent[]
  /** Requests that it sent to trustees, by path. */
  readonly asked: string[]
}

let database: FreshDatabase
let world: World
let first: Process
let second: Process
let started = 0

const start = async (): Promise<Process> => {
  const context = { ...world.context, random: seeded(`process ${started++}`) }
  const { identity, directory } = world
  const storage = await openPostgresStorage({ directory, identity, context, database: database.url })
  const events: LogEvent[] = []
  const asked: string[] = []
  const server = createIndex({
    ...storage, identity, context, admitted: [], trustees: world.witnesses.addresses, timers: quickTimers,
    fetch: (url, init) => {
      asked.push(new URL(url).pathname)
      return world.witnesses.fetch(url, init)
    },
    log: (event) => events.push(event),
  })
  await server.started
  return { server, storage, events, asked }
}

const end = async ({ server, storage }: Process): Promise<void> => {
  await server.close()
  await storage.store.close()
}

/** By what it said last about it. */
const leads = ({ events }: Process): boolean => {
  const said = events.findLast((one) => one.event === 'log-leader')
  return said !== undefined && 'leads' in said && said.leads
}

type Publish = LogStore['publish']

/** What stands between a process and its database when it publishes. */
const publishing = ({ storage }: Process, by: (publish: Publish) => Publish): void => {
  const { log } = storage.store
  log.publish = by(log.publish.bind(log))
}

const policy = (quorum: number) =>
  logPolicy({ index: world.identity.keys, trustees: world.trustees.map(({ keys }) => keys), quorum })

const accessOf = async (owner: Identity, writer: Writer) => createAccess({
  vault: writer.vault.vault, custodian: owner.id, reader: owner,
  capsules: [(await writer.write()).capsule.headerHash], chain: [], purpose: 'patient-request',
}, world.context)

/** Everything a client does, from its registration to a receipt that verifies. The leaf of the access. */
const useAll = async (): Promise<number> => {
  const owner = await world.principal()
  const writer = new Writer(world, owner, await world.vault(owner), { custodian: owner })
  const access = await accessOf(owner, writer)
  const receipt = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
  const { sequence } = await verifyPosition(receipt.position, world.identity.keys, access.id)
  const { proof } = await verifyReceipt(receipt.proof as Uint8Array, access.signed, policy(2))
  expect(proof.index).toBe(sequence - 1)
  return proof.index
}

const sizeAt = async (path: string, quorum: number): Promise<number> => {
  const { status, body } = await world.send('GET', path, {})
  return status === 200 ? (await verifyCheckpoint(body, policy(quorum), verifyEd25519)).size : 0
}

describe.runIf(hasPostgres)('several processes of one index', { timeout: 30_000 }, () => {
  beforeEach(async () => {
    database = await freshDatabase()
    World.freshDatabase = async () => ({ url: database.url, remove: async () => undefined })
    world = await World.create({ seed: 'processes' })
    await world.stop()
    first = await start()
    while (!leads(first)) await new Promise((resolve) => void setTimeout(resolve, 10))
    second = await start()
    world.server = second.server
  })
  afterEach(async () => {
    await Promise.all([first, second].map(end))
    await world.open()
    await world.end()
    await judge(database.url)
    await database.remove()
  })

  test('one that follows takes everything, and answers accesses with receipts that verify', async () => {
    for (let i = 0; i < 3; i++) await useAll()
    expect(leads(second)).toBe(false)
    expect(second.asked.filter((path) => path === '/v1/log/push')).toEqual([])
    expect((await world.send('GET', '/readyz', {})).status).toBe(200)
    const leaf = await useAll()
    await expect.poll(() => sizeAt('/v1/log/final', 3)).toBeGreaterThan(leaf)
    expect((await world.send('GET', `/v1/log/proof/${leaf}`, {})).status).toBe(200)
  })

  test('its public log is the leader\'s: checkpoints, head, tiles', async () => {
    const owner = await world.principal()
    const writer = new Writer(world, owner, await world.vault(owner), { custodian: owner })
    const access = await accessOf(owner, writer)
    const receipt = await world.must(Receipt, owner, 'POST', '/v1/accesses', { body: access.signed })
    const { sequence, salt } = await verifyPosition(receipt.position, world.identity.keys, access.id)
    const { body } = await world.send('GET', '/checkpoint', {})
    const checkpoint = await verifyCheckpoint(body, policy(0), verifyEd25519)
    const reader = new TileReader(checkpoint, async (tile) => (await world.send('GET', `/${tilePath(tile)}`, {})).body)
    expect((await reader.entries(0))[sequence - 1]).toEqual(entryOf(access.signed, salt as Uint8Array))
    const head = await world.send('GET', '/v1/log/head', {})
    const said = decode(Head, (await verifySigned('head', head.body, world.identity.keys)).body)
    expect((await verifyCheckpoint(said.checkpoint, policy(0), verifyEd25519)).size).toBe(checkpoint.size)
    expect((await world.send('GET', '/tile/0/000.p/200', {})).code).toBe('not-found')
    expect(parseTilePath('tile/0/000.p/200').width).toBe(200)
  })

  test('behind one address at random: nobody is told less than before by any of them', async () => {
    const random = seeded('which process')
    const send = world.send.bind(world)
    world.send = async (...request) => {
      world.server = (random(1)[0] as number) % 2 === 0 ? first.server : second.server
      return send(...request)
    }
    const seen = { '/checkpoint': 0, '/v1/log/quorum': 0, '/v1/log/final': 0 }
    const look = async (): Promise<void> => {
      for (const [place, path] of (Object.keys(seen) as (keyof typeof seen)[]).entries()) {
        const size = await sizeAt(path, [0, 2, 3][place] as number)
        expect(size, path).toBeGreaterThanOrEqual(seen[path])
        seen[path] = size
        if (size > 0 && path === '/checkpoint') {
          const width = size % 256
          if (width > 0) expect((await world.send('GET', `/tile/0/000.p/${width}`, {})).status).toBe(200)
        }
      }
    }
    for (let i = 0; i < 8; i++) {
      const [leaf] = await Promise.all([useAll(), look(), look()])
      // A receipt's checkpoint is everybody's by the time it is given out.
      expect(await sizeAt('/v1/log/quorum', 2)).toBeGreaterThan(leaf)
      await look()
    }
  })

  /** The end of a process without a word: nothing of it goes on, and the connection that led is cut. */
  const kill = async (one: Process): Promise<void> => {
    await one.server.halt()
    await query(database.url, `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l USING (pid)
      WHERE a.datname = current_database() AND l.locktype = 'advisory' AND l.granted`)
    await one.storage.store.close()
  }

  test('the leader is gone: another leads within its limit, asks trustees first, and loses nothing', async () => {
    const leaf = await useAll()
    const before = second.asked.filter((path) => path === '/v1/log/checkpoint').length
    await kill(first)
    const gone = performance.now()
    await expect.poll(() => leads(second), { timeout: 10_000 }).toBe(true)
    expect(performance.now() - gone).toBeLessThan((INDEX_LIMITS.leaderSilence + 1) * 1000)
    const next = await useAll()
    expect(next).toBeGreaterThan(leaf)
    expect(second.asked.filter((path) => path === '/v1/log/checkpoint').length).toBeGreaterThanOrEqual(before + 2)
    expect((await world.send('GET', `/v1/log/proof/${leaf}`, {})).status).toBe(200)
    first = await start()
    expect(leads(first)).toBe(false)
    world.server = first.server
    expect(await useAll()).toBeGreaterThan(next)
  })

  test('a leader that lost its term without knowing follows the new one as soon as it is asked', async () => {
    await useAll()
    await first.storage.store.log.processes?.resign()
    await expect.poll(() => leads(second)).toBe(true)
    expect(leads(first)).toBe(true)
    world.server = first.server
    await useAll()
    expect([first, second].filter(leads)).toHaveLength(1)
    expect(first.events.filter(({ event }) => event === 'log-leader').slice(0, 2)).toEqual([
      { event: 'log-leader', leads: true }, { event: 'log-leader', leads: false },
    ])
  })

  test('a log that stopped at one process goes on at the other', async () => {
    await useAll()
    publishing(first, () => async () => {
      throw new PublishError('uncertain', 'the connection is gone')
    })
    await useAll()
    expect(first.events).toContainEqual(expect.objectContaining({ event: 'log-stopped', reason: 'uncertain' }))
    await expect.poll(() => leads(second)).toBe(true)
    await useAll()
    world.server = first.server
    expect((await world.send('GET', '/readyz', {})).status).toBe(503)
    await expect(useAll()).rejects.toThrow('log-stopped')
  })

  test('nobody publishes although leaves wait: the one that follows says so, until somebody does', async () => {
    await useAll()
    let held = true
    publishing(first, (publish) => async (...checkpoint) => {
      if (held) throw new Error('not now')
      return publish(...checkpoint)
    })
    await world.principal()
    await new Promise((resolve) => void setTimeout(resolve, 2 * INDEX_LIMITS.lookInterval))
    expect((await world.send('GET', '/readyz', {})).status).toBe(200)
    world.clock.now += INDEX_LIMITS.publishSilence
    await expect.poll(async () => (await world.send('GET', '/readyz', {})).status).toBe(503)
    expect(second.events.filter(({ event }) => event === 'log-still')).toHaveLength(1)
    held = false
    await expect.poll(async () => (await world.send('GET', '/readyz', {})).status, { timeout: 5_000 }).toBe(200)
  })

  test('a database that went back under running processes: nothing is signed, nothing is told', async () => {
    await useAll()
    await expect.poll(() => sizeAt('/v1/log/quorum', 2)).toBeGreaterThan(1)
    await query(database.url, 'UPDATE log_head SET checkpoint = 0, root = NULL, note = NULL; DELETE FROM cosigned')
    for (const { server, events } of [second, first]) {
      world.server = server
      const stopped = () => events.find(({ event }) => event === 'log-stopped')
      await expect.poll(stopped).toMatchObject({ reason: 'taken-back' })
      expect((await world.send('GET', '/checkpoint', {})).code).toBe('log-stopped')
    }
    expect(await query(database.url, 'SELECT checkpoint::integer FROM log_head')).toEqual([{ checkpoint: 0 }])
  })
})
