/** Binary by R4 binary.html: octets in and out as they are, in ranges, and inside JSON where they are few. */
import { createHash } from 'node:crypto'
import type { Binary, Bundle } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { createWorld, issueOf, type World } from './harness.ts'
import { ask, OF_P, placeIn, refusalIn, sha256 } from './octets.ts'
import { patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'binaries' })
  await world.app.put('Patient/p', patient('p'))
  await world.app.put('Patient/q', patient('q'))
})
afterAll(() => world.close())

const octets = (length: number): Buffer => Buffer.from(world.constellation.random(`octets ${length}`)(length))
const get = (path: string, headers: Record<string, string> = {}) => ask(world.app, 'GET', path, headers)

describe('octets', () => {
  test.each([0, 1, 48 * 1024, 48 * 1024 + 1, 2_500_000])('%i: sent, read, headed, by version', async (length) => {
    const { app } = world
    const sent = octets(length)
    const created = await ask(app, 'POST', 'Binary', { ...OF_P, 'repr-digest': sha256(sent) }, sent)
    expect(created.status, created.bytes.toString()).toBe(201)
    expect(created.headers.get('etag')).toBe('W/"1"')
    expect(created.bytes).toHaveLength(0)
    const place = placeIn(created)
    expect(place).toMatch(/^Binary\/[0-9a-f-]{36}$/)
    for (const path of [place, `${place}/_history/1`]) {
      const read = await get(path)
      expect(read.status, read.bytes.toString().slice(0, 200)).toBe(200)
      expect(read.bytes.equals(sent)).toBe(true)
      expect(Object.fromEntries(read.headers)).toMatchObject({
        'content-type': 'application/dicom', 'content-length': String(length), 'accept-ranges': 'bytes',
        'etag': '"1"', 'repr-digest': sha256(sent), 'x-content-type-options': 'nosniff', 'vary': 'accept',
        'content-disposition': 'attachment', 'content-security-policy': "default-src 'none'; sandbox",
      })
    }
    const head = await ask(app, 'HEAD', place)
    expect([head.status, head.bytes.length, head.headers.get('content-length')]).toEqual([200, 0, String(length)])
    expect((await get(place, { 'if-none-match': '"1"' })).status).toBe(304)
  })

  test('ranges as RFC 9110 has them', async () => {
    const sent = octets(400_000)
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, sent))
    const cases: [string, number, number][] = [
      ['bytes=0-0', 0, 1], ['bytes=0-399999', 0, 400_000], ['bytes=16380-16390', 16_380, 16_391],
      ['bytes=399999-', 399_999, 400_000], ['bytes=-1', 399_999, 400_000], ['bytes=-1000000', 0, 400_000],
      ['bytes=1000-9999999', 1_000, 400_000],
    ]
    for (const [range, start, end] of cases) {
      const part = await get(place, { range })
      expect([range, part.status, part.headers.get('content-range')]).toEqual(
        [range, 206, `bytes ${start}-${end - 1}/400000`])
      expect(part.bytes.equals(sent.subarray(start, end)), range).toBe(true)
    }
    for (const range of ['bytes=400000-', 'bytes=5-4', 'bytes=-', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-0', 'x']) {
      const refused = await get(place, { range })
      expect(refusalIn(refused), range).toMatch(/^416 value/)
      expect(refused.headers.get('content-type')).toMatch('application/fhir+json')
    }
    const part = { range: 'bytes=5-9' }
    expect((await get(place, { ...part, 'if-range': '"1"' })).status).toBe(206)
    for (const other of ['"2"', 'W/"1"', 'Thu, 01 Jan 1970 00:00:00 GMT']) {
      const whole = await get(place, { ...part, 'if-range': other })
      expect([whole.status, whole.bytes.length], other).toEqual([200, 400_000])
    }
  })

  test('inside the JSON of their Binary, as R4 has it, and by search without them', async () => {
    const sent = octets(100_000)
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, sent))
    const json = await world.app.get<Binary>(place, { accept: 'application/fhir+json' })
    expect(json.status).toBe(200)
    expect(json.body).toMatchObject({ resourceType: 'Binary', contentType: 'application/dicom' })
    expect(Buffer.from(json.body.data ?? '', 'base64').equals(sent)).toBe(true)
    const batch = await world.app.post<Bundle>('', { resourceType: 'Bundle', type: 'batch',
      entry: [{ request: { method: 'GET', url: place } }] })
    expect(batch.body.entry?.[0]?.resource).toMatchObject({ data: json.body.data })
    const history = await world.app.get<Bundle>(`${place}/_history`)
    expect(history.body.entry?.[0]?.resource).not.toHaveProperty('data')
  })

  test('too many for JSON: told to ask for the type itself', async () => {
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, octets(EDGE_LIMITS.binaryJson + 1)))
    const refused = await world.app.get(place, { accept: 'application/fhir+json' })
    expect(refused.status).toBe(406)
    expect(issueOf(refused).diagnostics).toMatch('media type')
  })

  test('by what Accept asks for', async () => {
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, octets(10)))
    const typeFor = async (accept: string): Promise<string> => {
      const { status, headers } = await get(place, accept === '' ? {} : { accept })
      return status === 200 ? headers.get('content-type') ?? '' : String(status)
    }
    for (const raw of ['', '*/*', 'application/dicom', 'application/*', 'application/dicom, application/json;q=0.5',
      'text/html, */*;q=0.1']) expect(await typeFor(raw), raw).toBe('application/dicom')
    for (const fhir of ['application/fhir+json', 'application/json', 'application/fhir+json, */*;q=0.1']) {
      expect(await typeFor(fhir), fhir).toMatch('application/fhir+json')
    }
    for (const none of ['image/png', 'application/dicom;q=0', 'text/*']) expect(await typeFor(none), none).toBe('406')
    expect((await get(`${place}?_format=json`)).headers.get('content-type')).toMatch('application/fhir+json')
  })

  test.each(['text/日本', '\u007f/x', 'letter', 'text/html/x'])(
    'under a code that is no media type (%j) are octets of no known type, never a failure', async (contentType) => {
      const { app } = world
      const made = await app.post<Binary>('Binary',
        { resourceType: 'Binary', contentType, securityContext: { reference: 'Patient/p' }, data: 'SGVsbG8=' })
      expect(made.status, made.text).toBe(201)
      const read = await get(`Binary/${made.body.id}`)
      expect([read.status, read.headers.get('content-type'), read.bytes.toString()]).toEqual(
        [200, 'application/octet-stream', 'Hello'])
    })

  test('that a batch asks for again and again are given as often as there is room', async () => {
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, octets(EDGE_LIMITS.binaryJson)))
    const one = Math.ceil(EDGE_LIMITS.binaryJson / 3) * 4
    const most = Math.floor(EDGE_LIMITS.bundleAnswers / one)
    const entry = Array.from({ length: most + 5 }, () => ({ request: { method: 'GET', url: place } }))
    const batch = await world.app.post<Bundle>('', { resourceType: 'Bundle', type: 'batch', entry })
    const statuses = batch.body.entry?.map(({ response }) => response?.status) ?? []
    expect(statuses.filter((status) => status === '200')).toHaveLength(most)
    expect(statuses.filter((status) => status === '413')).toHaveLength(5)
    expect(batch.text.length).toBeLessThan(EDGE_LIMITS.bundleAnswers + 100_000)
  }, 30_000)

  test('of a Binary that was sent as JSON are served as they are, too', async () => {
    const { app } = world
    const data = Buffer.from('Lettre de liaison, 12 mars').toString('base64')
    const created = await app.post<Binary>('Binary',
      { resourceType: 'Binary', contentType: 'text/plain', securityContext: { reference: 'Patient/p' }, data })
    expect(created.status, created.text).toBe(201)
    const read = await get(`Binary/${created.body.id}`, { accept: 'text/plain' })
    expect([read.headers.get('content-type'), read.bytes.toString()]).toEqual(
      ['text/plain', 'Lettre de liaison, 12 mars'])
    expect((await get(`Binary/${created.body.id}`, { range: 'bytes=0-5' })).bytes.toString()).toBe('Lettre')
  })
})

describe('a Binary', () => {
  test('is replaced, keeps its versions, and is deleted', async () => {
    const { app } = world
    const [first, second] = [octets(70_000), octets(90_000)]
    const made = await ask(app, 'PUT', 'Binary/scan', OF_P, first)
    expect([made.status, placeIn(made)]).toEqual([201, 'Binary/scan'])
    expect((await ask(app, 'PUT', 'Binary/scan', { ...OF_P, 'if-match': 'W/"7"' }, second)).status).toBe(412)
    expect((await ask(app, 'PUT', 'Binary/scan', { ...OF_P, 'if-none-match': '*' }, second)).status).toBe(412)
    const replaced = await ask(app, 'PUT', 'Binary/scan', { ...OF_P, 'if-match': 'W/"1"' }, second)
    expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, 'W/"2"'])
    expect((await get('Binary/scan')).bytes.equals(second)).toBe(true)
    expect((await get('Binary/scan/_history/1')).bytes.equals(first)).toBe(true)
    expect((await app.delete('Binary/scan')).status).toBe(204)
    expect(refusalIn(await get('Binary/scan'))).toMatch(/^410 deleted/)
    expect((await get('Binary/scan/_history/2')).bytes.equals(second)).toBe(true)
  })

  test('keeps its octets where its JSON is written back, and takes nobody else\'s', async () => {
    const { app } = world
    const sent = octets(80_000)
    const mine = placeIn(await ask(app, 'POST', 'Binary', OF_P, sent))
    const ofQ = { ...OF_P, 'x-security-context': 'Patient/q' }
    const other = placeIn(await ask(app, 'POST', 'Binary', ofQ, octets(81_000)))
    const stored = async (place: string): Promise<Binary> =>
      (await app.get<Bundle>(`${place}/_history`)).body.entry?.[0]?.resource as Binary
    const written = await app.put<Binary>(mine, { ...(await stored(mine)), contentType: 'image/jpeg' })
    expect(written.status, written.text).toBe(200)
    const read = await get(mine)
    expect([read.headers.get('content-type'), read.bytes.equals(sent)]).toEqual(['image/jpeg', true])
    const { meta } = await stored(other)
    for (const body of [
      { ...(await stored(mine)), meta }, { ...(await stored(mine)), data: 'QQ==' },
      { resourceType: 'Binary', id: 'n', contentType: 'text/plain', securityContext: { reference: 'Patient/p' }, meta },
    ]) {
      const refused = await app.put(`Binary/${body.id}`, body)
      expect(refused.status).toBe(422)
      expect(issueOf(refused).expression).toEqual(['Binary.meta.extension'])
    }
  })

  test('goes to no category where its octets are not', async () => {
    const { app } = world
    const place = placeIn(await ask(app, 'POST', 'Binary', OF_P, octets(80_000)))
    const { body: { entry } } = await app.get<Bundle>(`${place}/_history`)
    const stored = entry?.[0]?.resource as Binary
    const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }]
    const moved = await app.put(place, { ...stored, meta: { ...stored.meta, security } })
    expect(moved.status).toBe(422)
    expect(issueOf(moved).diagnostics).toContain('send its octets again')
    expect((await get(place)).bytes).toHaveLength(80_000)
    const { meta: _, ...plain } = stored
    const again = await app.put(place, { ...plain, meta: { security }, data: 'SGVsbG8=' })
    expect(again.status, again.text).toBe(200)
  })

  test('in JSON with its data becomes one without a second record', async () => {
    const { app } = world
    const place = placeIn(await ask(app, 'POST', 'Binary', OF_P, octets(60_000)))
    const whole = await app.get<Binary>(place, { accept: 'application/fhir+json' })
    const { meta: _, ...plain } = whole.body
    const written = await app.put(place, { ...plain, data: 'SGVsbG8=' })
    expect(written.status, written.text).toBe(200)
    expect((await get(place)).bytes.toString()).toBe('Hello')
  })
})

describe('octets are refused, with nothing kept', () => {
  const before = async () => world.edge().figures()

  test.each([
    ['without saying whose', { 'x-security-context': '' }, /^422 business-rule .*X-Security-Context/],
    ['of a Group', { 'x-security-context': 'Group/g' }, /^422 business-rule/],
    ['without a type', { 'content-type': '' }, /^400 invalid/],
    ['with a type that is none', { 'content-type': 'dicom' }, /^400 invalid/],
    ['with a type that is no label', { 'content-type': `text/plain; note=${'x'.repeat(300)}` }, /^415/],
    ['at another place than the beginning', { 'upload-offset': '5' }, /^409 conflict/],
    ['packed', { 'content-encoding': 'gzip' }, /^415/],
    ['under a condition', { 'if-none-exist': 'identifier=1' }, /^400 not-supported/],
    ['in a range', { 'content-range': 'bytes 0-9/10' }, /^400 not-supported/],
    ['with another digest', { 'repr-digest': sha256(Buffer.from('other')) }, /^400 invalid .*digest/],
    ['with a digest that is none', { 'repr-digest': 'md5=:AAAA:' }, /^400 value/],
    ['of another length', { 'upload-length': '9', 'upload-complete': '?1' }, /^400 invalid .*Upload-Length/],
    ['with a flag that is none', { 'upload-complete': 'yes' }, /^400 value/],
  ])('%s', async (_, headers, expected) => {
    const figures = await before()
    for (const length of [100, 100_000]) {
      const refused = await ask(world.app, 'POST', 'Binary', { ...OF_P, ...headers }, octets(length))
      expect(refusalIn(refused)).toMatch(expected)
    }
    expect(await before()).toEqual(figures)
  })

  test('by an application that may not write, or not read', async () => {
    expect(refusalIn(await ask(world.reader, 'POST', 'Binary', OF_P, octets(10)))).toMatch(/^403 forbidden/)
    const place = placeIn(await ask(world.writer, 'POST', 'Binary', OF_P, octets(10)))
    expect(refusalIn(await ask(world.writer, 'GET', place))).toMatch(/^403 forbidden/)
    expect((await ask(world.reader, 'GET', place)).status).toBe(200)
  })

  test('where the index does not answer, and taken once it does', async () => {
    const { constellation: { network }, app } = world
    network.down('index.test')
    const refused = await world.patiently(ask(app, 'POST', 'Binary', OF_P, octets(100_000)))
    expect(refusalIn(refused)).toMatch(/^503 transient/)
    network.up('index.test')
    expect((await ask(app, 'POST', 'Binary', OF_P, octets(100_000))).status).toBe(201)
  })
})

test('a blob that the index changed is refused before a byte of it leaves', async () => {
  const { app, constellation: { network } } = world
  const place = placeIn(await ask(app, 'POST', 'Binary', OF_P, octets(300_000)))
  for (const change of [
    (body: Uint8Array) => body.map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
    (body: Uint8Array) => body.subarray(0, body.length - 1),
  ]) {
    const stop = network.add({ host: 'index.test', method: 'GET', target: /blobs/,
      effect: { kind: 'tamper', change: (answer) => ({ ...answer, body: change(answer.body) }) } })
    expect(refusalIn(await get(place))).toMatch(/^503 transient/)
    expect((await world.app.get(place, { accept: 'application/fhir+json' })).status).toBe(503)
    stop()
  }
  expect((await get(place)).status).toBe(200)
})

test('what a hash of R4 is: SHA-1, in base64', async () => {
  const sent = octets(1_000)
  const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, sent))
  const hash = createHash('sha1').update(sent).digest('base64')
  const document = (attachment: object, of = 'p') => ({
    resourceType: 'DocumentReference', status: 'current', subject: { reference: `Patient/${of}` },
    content: [{ attachment: { contentType: 'application/dicom', url: place, ...attachment } }],
  })
  const right = await world.app.post('DocumentReference', document({ size: 1_000, hash }))
  expect(right.status, right.text).toBe(201)
  for (const [wrong, at] of [[{ size: 999 }, 'size'], [{ hash: 'AAAA' }, 'hash']] as const) {
    const refused = await world.app.post('DocumentReference', document(wrong))
    expect([refused.status, issueOf(refused).expression]).toEqual(
      [422, [`DocumentReference.content[0].attachment.${at}`]])
  }
  const elsewhere = await world.app.post('DocumentReference', document({}, 'q'))
  expect([elsewhere.status, issueOf(elsewhere).diagnostics]).toEqual([422, expect.stringMatching('securityContext')])
})

describe('a document and its Binary in one transaction', () => {
  const PAGES = 'urn:uuid:5b9d2ad4-5a0e-4ab2-8a7b-0d5f3a0d7f01'
  const entryOf = (resource: object, url: string, fullUrl: string) =>
    ({ fullUrl, resource, request: { method: 'POST', url } })
  const bundle = (attachment: object, binary: object = {}) => ({
    resourceType: 'Bundle', type: 'transaction',
    entry: [
      entryOf({ resourceType: 'Binary', contentType: 'text/plain', data: 'SGVsbG8=', ...binary }, 'Binary', PAGES),
      entryOf({
        resourceType: 'DocumentReference', status: 'current', subject: { reference: 'Patient/p' },
        content: [{ attachment: { url: PAGES, ...attachment } }],
      }, 'DocumentReference', 'urn:uuid:5b9d2ad4-5a0e-4ab2-8a7b-0d5f3a0d7f02'),
    ],
  })

  test('the Binary goes where its document goes', async () => {
    const answer = await world.app.post<Bundle>('', bundle({ size: 5 }))
    expect(answer.status, answer.text).toBe(200)
    const { constellation: { network } } = world
    network.recording = true
    network.seen.length = 0
    const location = answer.body.entry?.[0]?.response?.location ?? ''
    expect((await get(/Binary\/[^/]+/.exec(location)?.[0] ?? '')).bytes.toString()).toBe('Hello')
    network.recording = false
    const document = await world.app.get<Bundle>('DocumentReference?patient=p')
    expect(document.body.total).toBeGreaterThan(0)
  })

  test('one that says otherwise is refused', async () => {
    const wrong = await world.app.post('', bundle({ size: 6 }))
    expect([wrong.status, issueOf(wrong).diagnostics]).toEqual([422, expect.stringMatching('size')])
    const other = await world.app.post('', bundle({}, { securityContext: { reference: 'Patient/q' } }))
    expect([other.status, issueOf(other).diagnostics]).toEqual([422, expect.stringMatching('securityContext')])
  })
})

describe('another person\'s session', () => {
  test('reads octets by an access of its own', async () => {
    const place = placeIn(await ask(world.app, 'POST', 'Binary', OF_P, octets(200_000)))
    const { network } = world.constellation
    await get(place)
    network.recording = true
    network.seen.length = 0
    await get(place)
    const accesses = () => network.seen.filter(({ target }) => target === '/v1/accesses').length
    expect(accesses()).toBe(0)
    await ask(world.reader, 'GET', place)
    expect(accesses()).toBeGreaterThanOrEqual(1)
    network.recording = false
  })
})
