/** Kills, lost answers, a silent index: what was acknowledged is there, once, and nothing is half there. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Database } from '../src/store/database.ts'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const filesIn = (directory: string): string[] => readdirSync(directory, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))

let world: World
afterEach(() => world.close())

const put = (resource: Resource): unknown => ({ resource,
  request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } })
const transaction = (...resources: Resource[]) => ({ resourceType: 'Bundle', type: 'transaction',
  entry: resources.map(put) })

describe('crashes', () => {
  test('an answer lost on the way back from the index writes nothing twice', async () => {
    world = await createWorld({ seed: 'lost-answer', jump: 0 })
    const { app, constellation: { network } } = world
    await app.put('Patient/p', patient('p'))
    network.add({ host: 'index.test', target: /^\/v1\/commits$/, times: 1, effect: { kind: 'drop-answer' } })
    const created = await world.patiently(app.put('Observation/o', { ...glucose('p', 1), id: 'o' }))
    expect(created.status, created.text).toBe(201)
    expect((await app.get<Bundle>('Observation/o/_history')).body.total).toBe(1)
  })

  test('killed between the index\'s effect and its answer, the edge completes the write when it starts again',
    async () => {
    world = await createWorld({ seed: 'killed', jump: 0 })
    const { app, constellation: { network }, party } = world
    await app.post('', transaction(patient('a'), patient('b')))
    const reached = Promise.withResolvers<void>()
    const remove = network.add({
      host: 'index.test', target: /^\/v1\/commits$/,
      effect: { kind: 'replace', handle: async (request, server) => {
        await server(request)
        reached.resolve()
        return new Promise(() => undefined) // the edge never hears of it
      } },
    })
    void app.post('', transaction({ ...glucose('a', 1), id: 'oa' }, { ...glucose('b', 2), id: 'ob' })).catch(() =>
      undefined)
    await reached.promise
    await party.kill()
    remove()
    await party.restart()
    for (const id of ['oa', 'ob']) {
      expect((await app.get(`Observation/${id}`)).status).toBe(200)
      expect((await app.get<Bundle>(`Observation/${id}/_history`)).body.total).toBe(1)
    }
  })

  test('killed before the index heard of it, a transaction over two patients is there whole after the start',
    async () => {
    world = await createWorld({ seed: 'killed-before', jump: 0 })
    const { app, constellation: { network }, party } = world
    await app.post('', transaction(patient('a'), patient('b')))
    const reached = Promise.withResolvers<void>()
    const remove = network.add({
      host: 'index.test', target: /^\/v1\/commits$/,
      effect: { kind: 'replace', handle: () => {
        reached.resolve()
        return new Promise(() => undefined)
      } },
    })
    void app.post('', transaction({ ...glucose('a', 1), id: 'oa' }, { ...glucose('b', 2), id: 'ob' })).catch(() =>
      undefined)
    await reached.promise
    await party.kill()
    remove()
    await party.restart()
    for (const id of ['oa', 'ob']) expect((await app.get(`Observation/${id}`)).status).toBe(200)
    expect((await app.put('Observation/oa', { ...glucose('a', 5), id: 'oa' })).headers.get('etag')).toBe('W/"2"')
  })

  test('a full disk ends neither the process nor the sweeping of open charts', async () => {
    world = await createWorld({ seed: 'full-disk' })
    const { app, constellation: { clock }, lines } = world
    await app.put('Patient/p', patient('p'))
    await app.search('Observation?patient=p')
    const before = world.edge().figures().openCharts
    const flush = vi.spyOn(Database.prototype, 'flush').mockImplementation(() => {
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    })
    await clock.advance(EDGE_LIMITS.sweepInterval)
    expect(lines.some((line) => line.includes('housekeeping-failed'))).toBe(true)
    flush.mockRestore()
    await clock.advance(EDGE_LIMITS.chartIdle + EDGE_LIMITS.sweepInterval)
    expect(world.edge().figures().openCharts).toBe(before - 1)
  })

  test('an edge that cannot tell what its disk has is not ready', async () => {
    world = await createWorld({ seed: 'uncertain' })
    const ready = async (): Promise<number> =>
      (await world.edge().inject({ method: 'GET', url: '/readyz', headers: { host: 'edge.test' } })).statusCode
    expect(await ready()).toBe(200)
    const sound = vi.spyOn(Database.prototype, 'sound', 'get').mockReturnValue(false)
    expect(await ready()).toBe(503)
    sound.mockRestore()
  })

  test('a seeded run of kills and losses: every acknowledged write is there, once', { timeout: 60_000 }, async () => {
    world = await createWorld({ seed: 'kills', jump: 2_000 })
    const { app, constellation, party } = world
    const random = constellation.random('faults')
    await app.post('', transaction(patient('a'), patient('b'), patient('c')))
    const acknowledged = new Map<string, number>()
    for (let round = 0; round < 12; round++) {
      const kind = (random(1)[0] as number) % 3
      const after = (random(1)[0] as number) % 4
      let seen = 0
      const killed = Promise.withResolvers<void>()
      const remove = constellation.network.add({
        host: 'index.test', target: /^\/v1\/commits$/,
        effect: { kind: 'replace', handle: async (request, server) => {
          if (seen++ < after) return server(request)
          if (kind !== 0) await server(request)
          killed.resolve()
          return new Promise(() => undefined)
        } },
      })
      const sending = Array.from({ length: 9 }, async (_, place) => {
        const id = `r${round}-${place}`
        const answer = await app.put(`Observation/${id}`, { ...glucose('abc'[place % 3] as string, place), id })
        if (answer.status === 201) acknowledged.set(id, place)
      })
      await Promise.race([killed.promise, Promise.allSettled(sending)])
      remove()
      await party.kill()
      if (kind === 2) {
        await constellation.index.kill()
        await constellation.index.restart()
      }
      await party.restart()
    }
    for (const [id] of acknowledged) {
      expect((await app.get(`Observation/${id}`)).status, id).toBe(200)
      expect((await app.get<Bundle>(`Observation/${id}/_history`)).body.total, id).toBe(1)
    }
    for (const id of 'abc') {
      const found = (await app.search(`Observation?patient=${id}&_count=1000`)).body.entry ?? []
      expect(new Set(found.map(({ resource }) => resource?.id)).size).toBe(found.length)
    }
    expect(acknowledged.size).toBeGreaterThan(10)
  })
})

describe('without the index', () => {
  test('open charts are read, writes are refused with nothing kept, and all goes on afterwards', async () => {
    world = await createWorld({ seed: 'silent', jump: 0 })
    const { app, constellation } = world
    await app.put('Patient/p', patient('p'))
    await app.put('Observation/o', { ...glucose('p', 1), id: 'o' })
    expect((await app.get('Observation/o')).status).toBe(200)
    await constellation.index.kill()
    expect((await app.get('Observation/o')).status).toBe(200)
    expect((await app.search('Observation?patient=p')).body.total).toBe(1)
    const { patiently } = world
    const first = await patiently(app.put('Observation/o2', { ...glucose('p', 2), id: 'o2' }))
    expect([first.status, issueOf(first).code]).toEqual([503, 'timeout'])
    const second = await patiently(app.put('Observation/o3', { ...glucose('p', 3), id: 'o3' }))
    expect([second.status, issueOf(second).code]).toEqual([503, 'transient'])
    expect((await constellation.network.fetch('http://edge.test/readyz')).status).toBe(503)
    const stranger = await patiently(app.put('Patient/new', patient('new'))) // needs a vault of its own
    expect([stranger.status, issueOf(stranger).code]).toEqual([503, 'transient'])
    const shared = await patiently(app.post('Patient/p/$scelle-share', {
      resourceType: 'Parameters',
      parameter: Object.entries({
        with: 'ab'.repeat(32), categories: 'laboratory', until: new Date(constellation.now() + 1e7).toISOString(),
      }).map(([name, valueString]) => ({ name, valueString })),
    }))
    expect([shared.status, issueOf(shared).code]).toEqual([503, 'transient'])
    await constellation.index.restart()
    await constellation.clock.advance(2_000)
    expect((await patiently(app.put('Observation/o4', { ...glucose('p', 4), id: 'o4' }))).status).toBe(201)
    expect((await app.get('Observation/o2')).status).toBe(200) // its outcome was unknown: the outbox completed it
    expect((await app.get('Observation/o3')).status).toBe(404) // nothing of it was kept
    expect((await constellation.network.fetch('http://edge.test/readyz')).status).toBe(200)
  })

  test('with one trustee down charts open; with two they do not, and come back', async () => {
    world = await createWorld({ seed: 'trustees', jump: 0 })
    const { app, constellation: { trustees }, party } = world
    await app.put('Patient/p', patient('p'))
    await app.put('Observation/o', { ...glucose('p', 1), id: 'o' })
    const { patiently } = world
    await trustees[0]?.kill()
    await patiently(party.restart())
    expect((await patiently(app.get('Observation/o'))).status).toBe(200)
    await trustees[1]?.kill()
    await patiently(party.restart())
    const refused = await patiently(app.get('Observation/o'))
    expect([refused.status, issueOf(refused).code]).toEqual([503, 'transient'])
    expect((await app.get('Patient/p')).status).toBe(200) // the directory's own
    // writing opens nothing
    expect((await patiently(app.put('Observation/o', { ...glucose('p', 2), id: 'o' }))).status).toBe(200)
    await trustees[1]?.restart()
    expect((await patiently(app.get('Observation/o'))).headers.get('etag')).toBe('W/"2"')
  })
})

describe('the disk', () => {
  test('nothing of the records can be read from the edge\'s folder', async () => {
    world = await createWorld({ seed: 'disk', jump: 2_000 })
    const { app, party } = world
    await app.put('Patient/secret-id', { ...patient('secret-id'), name: [{ family: 'Troubadour' }] })
    await app.put('Observation/other-id', { ...glucose('secret-id', 5), id: 'other-id' })
    const begun = await app.fetch('POST', 'Binary', {
      raw: 'Troubadour, 1980-02-03, mmol '.repeat(20_000),
      headers: { 'content-type': 'text/plain', 'x-security-context': 'Patient/secret-id', 'upload-complete': '?0' },
    })
    expect(begun.status).toBe(201)
    await party.kill()
    const bytes = Buffer.concat(filesIn(party.directory).map((path) => readFileSync(path)))
    expect(bytes.length).toBeGreaterThan(10_000)
    for (const word of ['Troubadour', 'secret-id', 'other-id', '2339-0', 'Observation', 'laboratory', 'mmol',
      '1980-02-03']) {
      for (const form of [word, Buffer.from(word).toString('base64').slice(0, -2), Buffer.from(word).toString('hex')]) {
        expect(bytes.includes(form), form).toBe(false)
      }
      expect(bytes.includes(Buffer.from(word, 'utf16le')), word).toBe(false)
    }
    await party.restart()
    expect((await app.get('Observation/other-id')).status).toBe(200)
  })
})
