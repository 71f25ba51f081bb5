/** Document bundles: kept as they came, in the vault of whom they are about, and given back the same. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, Composition, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const ips = join(process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../../shared'), 'data/ips')
const there = existsSync(ips)
if (!there) console.log(`no material at ${ips}: documents of the patient summary guide are skipped`)

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'documents' })
  const { app } = world
  const named = (id: string, value: string) => ({ ...patient(id), identifier: [{ system: 'urn:test|x', value }] })
  await app.put('Patient/p', named('p', '1,7'))
  await app.put('Patient/q', named('q', '18'))
  await app.put('Practitioner/d', { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Martin' }] })
})
afterAll(() => world.close())

const BASE = 'http://edge.test/fhir'
const PATIENT = 'urn:uuid:11111111-1111-4111-8111-111111111111'
const AUTHOR = 'urn:uuid:22222222-2222-4222-8222-222222222222'
const CODED = 'urn:uuid:44444444-4444-4444-8444-444444444444'

interface Telling {
  readonly fullUrl?: string
  readonly patient?: object
  readonly more?: Bundle['entry']
  readonly composition?: Partial<Composition>
}

const documentOf = ({ fullUrl = PATIENT, patient: told = {}, more = [], composition = {} }: Telling = {}): Bundle => ({
  resourceType: 'Bundle', type: 'document', identifier: { system: 'urn:test', value: '1' },
  timestamp: '2026-01-01T00:00:00Z',
  entry: [
    { fullUrl: 'urn:uuid:33333333-3333-4333-8333-333333333333', resource: {
      resourceType: 'Composition', status: 'final', type: { coding: [{ system: 'http://loinc.org', code: '11488-4' }] },
      title: 'Lettre', date: '2026-01-01', subject: { reference: fullUrl }, author: [{ reference: AUTHOR }],
      ...composition,
    } },
    { fullUrl, resource: { resourceType: 'Patient', id: 'p', ...told } },
    { fullUrl: AUTHOR, resource: { resourceType: 'Practitioner', name: [{ family: 'Durand' }] } },
    ...(more ?? []),
  ],
  signature: { type: [{ code: '1.2.840.10065.1.12.1.1' }], when: '2026-01-01T00:00:00Z', who: { reference: AUTHOR },
    sigFormat: 'application/jose', data: 'AAAA' },
})
const identified = (value: string, more: object = {}): object =>
  ({ identifier: [{ system: 'urn:test|x', value }], birthDate: '1980-02-03', ...more })
const without = ({ id: _id, meta: _meta, ...rest }: Resource): object => rest
const bundlesOf = async (id: string): Promise<string[]> =>
  ((await world.app.search(`Patient/${id}/Bundle`)).body.entry ?? []).map(({ resource }) => resource?.id ?? '')

describe('a document', () => {
  test('is kept as it came and comes back so, signature and digits included', async () => {
    const { app } = world
    const given = documentOf({ patient: identified('1,7'), more: [{ fullUrl: CODED, resource: {
      ...glucose('x', 5), subject: { reference: PATIENT }, derivedFrom: [{ reference: `${BASE}/Observation/absolute` }],
    } }] })
    const raw = JSON.stringify(given).replace('"value":5,', '"value":5.00,')
    const created = await app.send<Bundle>('POST', 'Bundle', { raw })
    expect(created.status, created.text).toBe(201)
    const read = await app.get<Bundle>(`Bundle/${created.body.id}`)
    expect(without(read.body)).toEqual(given)
    expect(read.text).toContain('"value":5.00,')
    expect(read.text).toContain(`"${BASE}/Observation/absolute"`)
    expect(await bundlesOf('p')).toContain(created.body.id)
  })

  test('comes to the base as well', async () => {
    const created = await world.app.post<Bundle>('', documentOf({ patient: identified('18') }))
    expect(created.status, created.text).toBe(201)
    expect(created.headers.get('location')).toBe(`${BASE}/Bundle/${created.body.id}/_history/1`)
    expect(await bundlesOf('q')).toEqual([created.body.id])
  })

  test('is filed by identifier or by our own address, never by an id that is its sender\'s', async () => {
    const { app } = world
    const before = await bundlesOf('p')
    const foreign = await app.post<Bundle>('Bundle', documentOf({ fullUrl: 'https://else.test/fhir/Patient/p' }))
    expect(foreign.status, foreign.text).toBe(201)
    const unnamed = await app.post<Bundle>('Bundle', documentOf())
    expect(unnamed.status).toBe(201)
    expect(await bundlesOf('p')).toEqual(before)
    const own = await app.post<Bundle>('Bundle', documentOf({ fullUrl: `${BASE}/Patient/p` }))
    expect(new Set(await bundlesOf('p'))).toEqual(new Set([...before, own.body.id]))
  })

  test('of somebody with that identifier but another birth date is not filed as theirs, nor lost', async () => {
    const before = await bundlesOf('q')
    const told = identified('18', { birthDate: '1990-01-01' })
    const kept = await world.app.post<Bundle>('Bundle', documentOf({ patient: told }))
    expect(kept.status, kept.text).toBe(201)
    expect(await bundlesOf('q')).toEqual(before)
    expect((await world.app.get(`Bundle/${kept.body.id}`)).status).toBe(200)
    // Where the document gives its patient no name of its own, there is nobody else to file it under.
    const nobody = await world.app.post('Bundle', documentOf({ patient: told, fullUrl: 'urn:oid:1.2.3' }))
    expect([nobody.status, issueOf(nobody).code]).toEqual([422, 'business-rule'])
  })

  test('of two people here is refused', async () => {
    const both = documentOf({ patient: { identifier: [
      { system: 'urn:test|x', value: '1,7' }, { system: 'urn:test|x', value: '18' },
    ] } })
    const refused = await world.app.post('Bundle', both)
    expect([refused.status, issueOf(refused).code]).toEqual([422, 'business-rule'])
  })

  test('stays where it was put first, and moves to nobody else', async () => {
    const { app } = world
    const id = 'moving'
    expect((await app.put(`Bundle/${id}`, { ...documentOf({ patient: identified('1,7') }), id })).status).toBe(201)
    const moved = await app.put(`Bundle/${id}`, { ...documentOf({ patient: identified('18') }), id })
    expect([moved.status, issueOf(moved).code]).toEqual([422, 'business-rule'])
    const patched = await app.send('PATCH', `Bundle/${id}`, { raw: '[{"op":"remove","path":"/signature"}]',
      headers: { 'content-type': 'application/json-patch+json' } })
    expect([patched.status, issueOf(patched).code]).toEqual([422, 'business-rule'])
  })

  test('with something strict inside is strict as a whole', async () => {
    const hiv = { fullUrl: CODED, resource: { resourceType: 'Condition' as const, subject: { reference: PATIENT },
      code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'B24' }] } } }
    const kept = await world.app.post<Bundle>('Bundle', documentOf({ patient: identified('18'), more: [hiv] }))
    const plain = await world.app.post<Bundle>('Bundle', documentOf({ patient: identified('18') }))
    const shared = await world.app.get<Bundle>('Patient/q/$summary')
    expect(shared.text).not.toContain('B24')
    expect([kept.status, plain.status]).toEqual([201, 201])
  })

  test('in a transaction is filed the same way', async () => {
    const answer = await world.app.post<Bundle>('', { resourceType: 'Bundle', type: 'transaction', entry: [
      { resource: documentOf({ patient: identified('18') }), request: { method: 'POST', url: 'Bundle' } },
    ] })
    expect(answer.status, answer.text).toBe(200)
    const location = answer.body.entry?.[0]?.response?.location ?? ''
    expect(await bundlesOf('q')).toContain(location.split('/').at(-3))
  })

  test.each<[string, Bundle, number, string]>([
    ['a dangling reference', documentOf({ composition: { section: [{ entry: [{ reference: 'urn:uuid:0' }] }] } }),
      400, 'not-found'],
    ['entries about two patients', documentOf({ more: [{ fullUrl: CODED, resource: { resourceType: 'Condition',
      subject: { reference: `${BASE}/Patient/q` } } }] }), 422, 'business-rule'],
    ['a second Patient', documentOf({ more: [{ fullUrl: CODED, resource: { resourceType: 'Patient' } }] }),
      422, 'business-rule'],
  ])('with %s is refused, and nothing of it is kept', async (_name, bundle, status, code) => {
    const before = [await bundlesOf('p'), await bundlesOf('q')]
    for (const path of ['Bundle', '']) {
      const refused = await world.app.post(path, bundle)
      expect([refused.status, issueOf(refused).code]).toEqual([status, code])
    }
    expect([await bundlesOf('p'), await bundlesOf('q')]).toEqual(before)
  })

  test('needs the right to write', async () => {
    for (const path of ['Bundle', '']) expect((await world.reader.post(path, documentOf())).status).toBe(403)
  })

  test.skipIf(!there)('of the guide comes back equal', async () => {
    for (const name of readdirSync(ips).filter((each) => each.startsWith('Bundle-'))) {
      const given = JSON.parse(readFileSync(join(ips, name), 'utf8')) as Bundle
      const created = await world.app.post<Bundle>('Bundle', given)
      expect(created.status, `${name}: ${created.text.slice(0, 300)}`).toBe(201)
      expect(without((await world.app.get(`Bundle/${created.body.id}`)).body)).toEqual(without(given))
    }
  })
})

describe('$document', () => {
  const composition = (id: string, entry: string) => ({
    resourceType: 'Composition', id, status: 'final',
    type: { coding: [{ system: 'http://loinc.org', code: '11488-4' }] },
    title: 'Lettre', date: '2026-01-01', subject: { reference: 'Patient/p' },
    author: [{ reference: 'Practitioner/d' }], section: [{ title: 'x', entry: [{ reference: entry }] }],
  })
  beforeAll(async () => {
    await world.app.put('Observation/o', { ...glucose('p', 5), id: 'o' })
    await world.app.put('Observation/other', { ...glucose('q', 5), id: 'other' })
    await world.app.put('Composition/c', composition('c', 'Observation/o'))
    await world.app.put('Composition/across', composition('across', 'Observation/other'))
  })

  test('makes a document of what is stored, and keeps it where that is wanted', async () => {
    const made = await world.app.get<Bundle>('Composition/c/$document')
    expect(made.status, made.text).toBe(200)
    expect(made.body.entry?.map(({ fullUrl }) => fullUrl?.slice(BASE.length + 1)))
      .toEqual(['Composition/c', 'Patient/p', 'Practitioner/d', 'Observation/o'])
    expect((await world.app.get(`Bundle/${made.body.id}`)).status).toBe(404)
    const kept = await world.app.get<Bundle>('Composition/c/$document?persist=true')
    expect(kept.status, kept.text).toBe(200)
    expect((await world.app.get(`Bundle/${kept.body.id}`)).body).toEqual(kept.body)
    expect(await bundlesOf('p')).toContain(kept.body.id)
    const posted = await world.app.post<Bundle>('Composition/c/$document', { resourceType: 'Parameters',
      parameter: [{ name: 'persist', valueBoolean: false }] })
    expect(posted.body.type).toBe('document')
  })

  test('reaches into no other patient\'s chart', async () => {
    const refused = await world.app.get('Composition/across/$document')
    expect([refused.status, issueOf(refused).code]).toEqual([400, 'not-found'])
  })

  test.each([
    ['Composition/none/$document', 404], ['Composition/c/$document?persist=yes', 400],
    ['Composition/c/$document?graph=x', 400], ['Composition/..%2Fc/$document', 404],
  ])('%s is refused', async (path, status) => {
    expect((await world.app.get(path)).status).toBe(status)
  })

  test('is kept by nobody who may not write', async () => {
    expect((await world.reader.get('Composition/c/$document?persist=true')).status).toBe(403)
    expect((await world.reader.get('Composition/c/$document')).status).toBe(200)
  })
})
