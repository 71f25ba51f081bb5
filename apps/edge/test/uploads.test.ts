/** Uploads that are interrupted: by the client, the network, a full disk, a kill of edge or index. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from '@medplum/fhirtypes'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Uploads, type UploadsOptions } from '../src/attachments/uploads.ts'
import { EDGE_LIMITS } from '../src/limits.ts'
import { createWorld, type World } from './harness.ts'
import { ask, type Fields, type Got, OF_P, placeIn, refusalIn, sha256 } from './octets.ts'
import { patient } from './records.ts'

const fault = { at: 'nothing', synced: (): void => undefined }
let world: World
beforeEach(async () => {
  fault.at = 'nothing'
  world = await createWorld({
    seed: 'uploads',
    spoolFault: (point) => {
      if (point === 'spool-sync') fault.synced()
      if (point === fault.at) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    },
  })
  await world.app.put('Patient/p', patient('p'))
})
afterEach(() => world.close())

const octets = (length: number): Buffer => Buffer.from(world.constellation.random(`octets ${length}`)(length))
const spool = (): string[] => readdirSync(join(world.party.directory, 'spool'))
const EMPTY = Buffer.alloc(0)

const begin = async (fields: Fields = {}, piece: Uint8Array = EMPTY): Promise<{ got: Got; place: string }> => {
  const got = await ask(world.app, 'POST', 'Binary', { ...OF_P, 'upload-complete': '?0', ...fields }, piece)
  return { got, place: placeIn(got) }
}

const append = (
  place: string, offset: number, piece: Uint8Array, complete = false, fields: Fields = {},
): Promise<Got> =>
  ask(world.app, 'PATCH', place, {
    'content-type': 'application/partial-upload', 'upload-offset': String(offset),
    'upload-complete': complete ? '?1' : '?0', ...fields,
  }, piece)

const progress = async (place: string): Promise<string> => {
  const { status, headers } = await ask(world.app, 'HEAD', place)
  return `${status} ${headers.get('upload-offset')} ${headers.get('upload-complete')}`
}

describe('an upload in pieces', () => {
  test('of any size becomes one Binary', async () => {
    const sent = octets(1_300_000)
    const { got, place } = await begin({ 'repr-digest': sha256(sent), 'upload-length': '1300000' }, sent.subarray(0, 7))
    expect(got.status, got.bytes.toString()).toBe(201)
    expect(place).toMatch(/^\$scelle-upload\/[0-9a-f]{32}$/)
    expect(got.headers.get('upload-limit')).toMatch(/max-size=\d+, max-append-size=\d+, max-age=86400/)
    expect(await progress(place)).toBe('204 7 ?0')
    const more = await append(place, 7, sent.subarray(7, 500_000))
    expect([more.status, more.headers.get('upload-offset')]).toEqual([204, '500000'])
    const last = await append(place, 500_000, sent.subarray(500_000), true)
    expect([last.status, last.headers.get('upload-complete')]).toEqual([201, '?1'])
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
    expect(spool()).toEqual([])
  })

  test('may begin empty, and end empty', async () => {
    const sent = octets(60_000)
    const { place } = await begin()
    await append(place, 0, sent)
    const last = await append(place, 60_000, EMPTY, true)
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
  })

  test('may begin and end without any body, which has no digest to sign', async () => {
    const begun = await ask(world.app, 'POST', 'Binary', { ...OF_P, 'upload-complete': '?0' })
    expect(begun.status, begun.bytes.toString()).toBe(201)
    await append(placeIn(begun), 0, octets(70_000))
    const last = await ask(world.app, 'PATCH', placeIn(begun), {
      'content-type': 'application/partial-upload', 'upload-offset': '70000', 'upload-complete': '?1',
    })
    expect(last.status, last.bytes.toString()).toBe(201)
  })

  test('may replace a Binary, under a condition', async () => {
    await ask(world.app, 'PUT', 'Binary/scan', OF_P, octets(10))
    const fields = { ...OF_P, 'upload-complete': '?0', 'if-match': 'W/"1"' }
    const begun = await ask(world.app, 'PUT', 'Binary/scan', fields, EMPTY)
    await ask(world.app, 'PUT', 'Binary/scan', OF_P, octets(20))
    const last = await append(placeIn(begun), 0, octets(30), true)
    expect(refusalIn(last)).toMatch(/^412/)
    expect(await progress(placeIn(begun))).toMatch(/^404/)
    expect((await ask(world.app, 'GET', 'Binary/scan')).bytes).toHaveLength(20)
  })

  test('goes on only from where it is', async () => {
    const { place } = await begin({}, octets(100))
    for (const offset of [0, 99, 101]) {
      expect(refusalIn(await append(place, offset, octets(10)))).toMatch(/^409 conflict .*Upload-Offset/)
    }
    expect(await progress(place)).toBe('204 100 ?0')
  })

  test('keeps nothing of a piece that is not as it was signed, and takes it again', async () => {
    const sent = octets(600_000)
    const { place } = await begin({}, sent.subarray(0, 300_000))
    for (const change of [
      (body: Uint8Array) => body.map((byte, i) => (i === 299_999 ? byte ^ 1 : byte)),
      (body: Uint8Array) => body.subarray(0, -1), (body: Uint8Array) => body.subarray(0, 0),
    ]) {
      const remove = world.constellation.network.add({ method: 'PATCH', effect: {
        kind: 'replace', handle: (request, server) => server({ ...request, body: change(request.body as Uint8Array) }),
      } })
      expect(refusalIn(await append(place, 300_000, sent.subarray(300_000)))).toMatch(/^400 invalid .*digest/)
      remove()
    }
    expect(await progress(place)).toBe('204 300000 ?0')
    const last = await append(place, 300_000, sent.subarray(300_000), true)
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
  })

  test('with another digest in the end is gone, and nothing of it is a Binary', async () => {
    const { place } = await begin({ 'repr-digest': sha256(octets(5)) }, octets(100_000))
    const { patients } = world.edge().figures()
    expect(refusalIn(await append(place, 100_000, EMPTY, true))).toMatch(/^400 invalid .*digest/)
    expect(await progress(place)).toMatch(/^404/)
    expect(spool()).toEqual([])
    expect(world.edge().figures().patients).toBe(patients)
  })

  test('of another length than announced is refused at its end, or beyond it', async () => {
    const { place } = await begin({ 'upload-length': '100' }, octets(50))
    expect(refusalIn(await append(place, 50, octets(49), true))).toMatch(/^400 .*Upload-Length/)
    expect(refusalIn(await append(place, 50, octets(51)))).toMatch(/^413/)
    expect((await begin({ 'upload-length': String(EDGE_LIMITS.attachment + 1) })).got.status).toBe(413)
  })

  test('is its application\'s alone, may be given up, and expires', async () => {
    const { place } = await begin({}, octets(100))
    for (const method of ['HEAD', 'DELETE']) expect((await ask(world.writer, method, place)).status).toBe(404)
    expect((await ask(world.reader, 'HEAD', place)).status).toBe(403)
    expect((await ask(world.app, 'DELETE', place)).status).toBe(204)
    expect(await progress(place)).toMatch(/^404/)
    expect(spool()).toEqual([])
    const second = await begin({}, octets(100))
    expect(spool()).toHaveLength(1)
    await world.constellation.clock.advance(EDGE_LIMITS.uploadTime + EDGE_LIMITS.sweepInterval)
    expect(await progress(second.place)).toMatch(/^404/)
    await expect.poll(spool).toEqual([])
  })

  test('given up in the moment in which it ends is one or the other, never read where it is gone', async () => {
    for (let turn = 0; turn < 8; turn++) {
      const { place } = await begin({}, octets(60_000))
      const given = Promise.withResolvers<Got>()
      fault.synced = () => {
        ask(world.app, 'DELETE', place).then(given.resolve, given.reject)
      }
      const ended = await append(place, 60_000, octets(100_000), true)
      fault.synced = () => undefined
      expect([201, 404], ended.bytes.toString()).toContain(ended.status)
      expect((await given.promise).status).toBe(ended.status === 404 ? 204 : 409)
    }
    expect(spool()).toEqual([])
  })

  test('fields in no known form are refused', async () => {
    const { place } = await begin({}, octets(100))
    for (const fields of [
      { 'upload-offset': '-1' }, { 'upload-offset': 'x' }, { 'upload-complete': '1' }, { 'content-type': 'text/plain' },
    ]) {
      const { status } = await append(place, 100, octets(10), false, fields)
      expect([400, 415]).toContain(status)
    }
    expect((await begin({ 'upload-offset': '5' }, octets(10))).got.status).toBe(409)
    expect(await progress('$scelle-upload/none')).toMatch(/^404/)
    expect(await progress(place)).toBe('204 100 ?0')
  })

  test('is one of a bounded number', async () => {
    for (let i = 0; i < EDGE_LIMITS.uploadsEach; i++) expect((await begin()).got.status).toBe(201)
    expect(refusalIn((await begin()).got)).toMatch(/^429 throttled/)
    expect((await ask(world.writer, 'POST', 'Binary', { ...OF_P, 'upload-complete': '?0' }, EMPTY)).status).toBe(201)
  })
})

describe('whoever did not hear the answer', () => {
  test('is told of the uploads that were done last, not of all of a day', async () => {
    const rows = new Set<string>()
    const uploads = new Uploads({
      spool: { clean: () => undefined, remove: async () => undefined },
      db: {
        all: () => [], write: (_: boolean, work: () => void) => work(),
        put: (_: string, row: string) => rows.add(row), drop: (_: string, row: string) => rows.delete(row),
      },
      cabinet: { lookup: (_: string, id: string) => id, seal: () => undefined },
      now: () => 0, random: world.constellation.random('ids'),
    } as unknown as UploadsOptions)
    const wanted = { id: 'b', contentType: 'text/plain', context: 'Patient/p' }
    const waiting = uploads.begin('app', wanted, 1).id
    const ids = Array.from({ length: EDGE_LIMITS.uploadsDone + 2 }, async () => {
      const { id } = uploads.begin('another', wanted, 1)
      await uploads.done(id, 1)
      return id
    })
    const [first = '', second = '', third = ''] = await Promise.all(ids)
    for (const forgotten of [first, second]) expect(() => uploads.get('another', forgotten)).toThrow('no such upload')
    expect([uploads.get('another', third).done, uploads.get('app', waiting).done]).toEqual([1, undefined])
    expect([uploads.count, rows.size]).toEqual([EDGE_LIMITS.uploadsDone + 1, EDGE_LIMITS.uploadsDone + 1])
  })

  test('asks again, and gets the same Binary, not another one', async () => {
    const { place } = await begin({}, octets(100_000))
    const first = await append(place, 100_000, EMPTY, true)
    expect(await progress(place)).toBe('204 100000 ?1')
    const again = await append(place, 100_000, EMPTY, true)
    expect([again.status, again.headers.get('location')]).toEqual([201, first.headers.get('location')])
    expect(refusalIn(await append(place, 100_000, octets(1), true))).toMatch(/^400/)
    expect((await ask(world.app, 'GET', placeIn(again))).status).toBe(200)
  })

  test('twice at once, too', async () => {
    const { place } = await begin({}, octets(100_000))
    const both = await Promise.all([append(place, 100_000, EMPTY, true), append(place, 100_000, EMPTY, true)])
    const places = new Set(both.filter(({ status }) => status === 201).map(placeIn))
    expect(places.size).toBe(1)
  })
})

/** Kills the edge while the index has such a request of it, `taken` or not yet, and starts it again. */
const killAt = async (method: 'POST' | 'PUT', target: RegExp, taken: boolean, work: () => Promise<Got>) => {
  const { constellation: { network }, party } = world
  const reached = Promise.withResolvers<void>()
  const remove = network.add({ host: 'index.test', method, target, effect: {
    kind: 'replace', handle: async (request, server) => {
      if (taken) await server(request)
      reached.resolve()
      return new Promise(() => undefined)
    },
  } })
  void work().catch(() => undefined)
  await reached.promise
  await party.kill()
  remove()
  await party.restart()
}

describe('a kill of the edge', () => {
  test('between two pieces loses nothing, and what was half written is cut off', async () => {
    const sent = octets(900_000)
    const { place } = await begin({}, sent.subarray(0, 400_000))
    await world.party.kill()
    const [file] = spool()
    const path = join(world.party.directory, 'spool', file ?? '')
    writeFileSync(path, Buffer.concat([readFileSync(path), octets(5_000)]))
    writeFileSync(join(world.party.directory, 'spool', 'ab'.repeat(16)), octets(100))
    await world.party.restart()
    expect(spool()).toEqual([file])
    expect(await progress(place)).toBe('204 400000 ?0')
    const last = await append(place, 400_000, sent.subarray(400_000), true)
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
  })

  test.each([
    ['before the index heard of it', false],
    ['after the index took it', true],
  ])('while it becomes a Binary, %s: the Binary is there once, whoever asks', async (_, taken) => {
    const sent = octets(200_000)
    const { place } = await begin({}, sent)
    await killAt('POST', /^\/v1\/commits$/, taken, () => append(place, 200_000, EMPTY, true))
    expect(await progress(place)).toBe('204 200000 ?1')
    const again = await append(place, 200_000, EMPTY, true)
    expect(again.status, again.bytes.toString()).toBe(201)
    const binary = placeIn(again)
    expect((await ask(world.app, 'GET', binary)).bytes.equals(sent)).toBe(true)
    expect((await world.app.get<Bundle>(`${binary}/_history`)).body.total).toBe(1)
    expect(spool()).toEqual([])
  })

  test('while octets are on their way to the index: they are sent again', async () => {
    const sent = octets(200_000)
    const { place } = await begin({}, sent)
    await killAt('PUT', /blobs/, false, () => append(place, 200_000, EMPTY, true))
    const again = await append(place, 200_000, EMPTY, true)
    expect((await ask(world.app, 'GET', placeIn(again))).bytes.equals(sent)).toBe(true)
  })
})

describe('the index', () => {
  test('down at the end: the upload stays complete, and becomes a Binary later', async () => {
    const { constellation: { network } } = world
    const sent = octets(100_000)
    const { place } = await begin({}, sent)
    network.down('index.test')
    expect((await world.patiently(append(place, 100_000, EMPTY, true))).status).toBe(503)
    expect(await progress(place)).toBe('204 100000 ?1')
    network.up('index.test')
    const last = await append(place, 100_000, EMPTY, true)
    expect(last.status, last.bytes.toString()).toBe(201)
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
  })

  test('killed and started between upload and commit has the octets still', async () => {
    const { constellation: { network, index } } = world
    const sent = octets(100_000)
    let killed = false
    network.add({ host: 'index.test', target: /^\/v1\/commits$/, times: 1, effect: {
      kind: 'replace', handle: async (request, server) => {
        await index.kill()
        await index.restart()
        killed = true
        return server(request)
      },
    } })
    const created = await ask(world.app, 'POST', 'Binary', OF_P, sent)
    expect(killed).toBe(true)
    const again = created.status === 201 ? created : await ask(world.app, 'POST', 'Binary', OF_P, sent)
    expect((await ask(world.app, 'GET', placeIn(again))).bytes.equals(sent)).toBe(true)
  })
})

describe('a full disk', () => {
  test.each(['spool-write', 'spool-sync'])('at %s: 507, nothing kept, and on it goes later', async (at) => {
    const sent = octets(300_000)
    const { place } = await begin({}, sent.subarray(0, 100_000))
    fault.at = at
    expect(refusalIn(await append(place, 100_000, sent.subarray(100_000), true))).toMatch(/^507 no-store/)
    expect(refusalIn(await ask(world.app, 'POST', 'Binary', OF_P, sent))).toMatch(/^507 no-store/)
    expect((await begin({}, sent)).got.status).toBe(507)
    fault.at = 'nothing'
    expect(spool()).toHaveLength(1)
    expect(await progress(place)).toBe('204 100000 ?0')
    const last = await append(place, 100_000, sent.subarray(100_000), true)
    expect((await ask(world.app, 'GET', placeIn(last))).bytes.equals(sent)).toBe(true)
  })
})
