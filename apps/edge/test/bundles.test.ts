import type { Bundle, BundleEntry, Observation, OperationOutcome, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everythingAside } from './aside.ts'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const WAYS = [
  ['carried out on one thread', {}],
  ['prepared elsewhere, where they can be', { aside: everythingAside() }],
] as const

describe.each(WAYS)('bundles %s', (_way, options) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ seed: 'bundles', ...options })
  })
  afterAll(() => world.close())

  const PATIENT = 'urn:uuid:11111111-1111-4111-8111-111111111111'
  const send = (type: 'transaction' | 'batch', entry: unknown[], headers = {}): Promise<Reply<Bundle>> =>
    world.app.post<Bundle>('', { resourceType: 'Bundle', type, entry }, headers)
  const put = (resource: Resource): unknown => ({ resource,
    request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } })
  const statuses = (bundle: Bundle): (string | undefined)[] =>
    (bundle.entry ?? []).map(({ response }) => response?.status)
  const observed = (value: number): Resource => ({ ...glucose('x', value), subject: { reference: PATIENT } })

  describe('transactions', () => {
    test('entries refer to each other, and reads at the end see what was written', async () => {
      const answer = await send('transaction', [
        { request: { method: 'GET', url: 'Organization/t' } },
        {
          fullUrl: 'urn:uuid:22222222-2222-4222-8222-222222222222', resource: observed(1),
          request: { method: 'POST', url: 'Observation' },
        },
        { fullUrl: PATIENT, resource: patient(), request: { method: 'POST', url: 'Patient' } },
        put({ resourceType: 'Organization', id: 't', name: 'T' }),
      ], { prefer: 'return=representation' })
      expect(answer.status, answer.text.slice(0, 300)).toBe(200)
      expect(answer.body.type).toBe('transaction-response')
      expect(statuses(answer.body)).toEqual(['200', '201', '201', '201'])
      const [read, observation, person] = answer.body.entry as [BundleEntry, BundleEntry, BundleEntry]
      expect((read.resource as { name: string } & Resource).name).toBe('T')
      const id = person.resource?.id
      expect(observation.response?.location).toMatch(/^http:\/\/edge\.test\/fhir\/Observation\/[^/]+\/_history\/1$/)
      expect((observation.resource as Observation).subject?.reference).toBe(`Patient/${id}`)
      expect((await world.app.search(`Observation?patient=${id}`)).body.total).toBe(1)
    })

    test('conditions are resolved: references, creates and updates', async () => {
      const identified = { ...patient(), identifier: [{ system: 'urn:test', value: 'tx' }] }
      const entry = [
        {
          fullUrl: PATIENT, resource: identified,
          request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:test|tx' },
        },
        { resource: observed(3), request: { method: 'POST', url: 'Observation' } },
      ]
      const first = await send('transaction', entry)
      expect(statuses(first.body)).toEqual(['201', '201'])
      const second = await send('transaction', entry)
      expect(statuses(second.body)).toEqual(['200', '201'])
      const third = await send('transaction', [{
        resource: { ...glucose('x', 4), subject: { reference: 'Patient?identifier=urn:test|tx' } },
          request: { method: 'POST', url: 'Observation' },
      }])
      expect(third.status, third.text).toBe(200)
      const found = await world.app.search('Patient?identifier=urn:test|tx')
      expect(found.body.total).toBe(1)
      expect((await world.app.search(`Observation?patient=${found.body.entry?.[0]?.resource?.id}`)).body.total).toBe(3)
      const dangling = await send('transaction', [{
        resource: { ...glucose('x', 4), subject: { reference: 'Patient?identifier=urn:test|nobody' } },
          request: { method: 'POST', url: 'Observation' },
      }])
      expect(dangling.status).toBe(400)
    })

    test('patch and delete take part', async () => {
      await send('transaction',
        [put(patient('tp')), put({ ...glucose('tp', 1), id: 'tp1' }), put({ ...glucose('tp', 2), id: 'tp2' })])
      const data = Buffer.from(JSON.stringify([{ op: 'replace', path: '/valueQuantity/value',
        value: 9 }])).toString('base64')
      const answer = await send('transaction', [
        { request: { method: 'DELETE', url: 'Observation/tp1' } },
        {
          resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data },
          request: { method: 'PATCH', url: 'Observation/tp2', ifMatch: 'W/"1"' },
        },
      ])
      expect(statuses(answer.body)).toEqual(['204', '200'])
      expect((await world.app.get('Observation/tp1')).status).toBe(410)
      expect((await world.app.get('Observation/tp2')).text).toContain('"value":9')
    })

    const GOOD = [put(patient('rb')), put({ ...glucose('rb', 1), id: 'rb1' })]
    test.each([
      ['an invalid resource', 400, put({ ...glucose('rb', 1), id: 'rb2', status: 'nonsense' as never })],
      ['a version that is not current', 412,
        { ...put({ ...glucose('rb', 1), id: 'there' }) as object,
        request: { method: 'PUT', url: 'Observation/there', ifMatch: 'W/"7"' } }],
      ['a reference to nothing', 400, { resource: observed(1), request: { method: 'POST', url: 'Observation' } }],
      ['the same resource twice', 400, put({ ...glucose('rb', 3), id: 'rb1' })],
      ['a condition with many matches', 412,
        { resource: patient(), request: { method: 'PUT', url: 'Patient?family=Dupont' } }],
      ['a patch of nothing', 404,
        { resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: 'W10=' },
        request: { method: 'PATCH', url: 'Observation/none' } }],
      ['an unknown type', 400,
        { resource: { resourceType: 'Nonsense' }, request: { method: 'POST', url: 'Nonsense' } }],
      ['an ambiguous patient', 422, put({ ...glucose('rb', 1), id: 'rb3', subject: { reference: 'Group/1' } })],
    ])('%s leaves nothing of the whole', async (_, status, bad) => {
      await world.app.put('Observation/there', { ...glucose('there', 1), id: 'there' })
      const { patients } = world.edge().figures()
      for (const entry of [[...GOOD, bad], [bad, ...GOOD]]) {
        const answer = await send('transaction', entry)
        expect(answer.status, answer.text.slice(0, 300)).toBe(status)
        issueOf(answer)
      }
      expect((await world.app.get('Patient/rb')).status).toBe(404)
      expect((await world.app.get('Observation/rb1')).status).toBe(404)
      expect(world.edge().figures().patients).toBe(patients)
    })
  })

  describe('batches', () => {
    test('each entry stands by itself', async () => {
      const answer = await send('batch', [
        put(patient('b1')),
        put({ ...glucose('b1', 1), id: 'b1', status: 'nonsense' as never }),
        { request: { method: 'GET', url: 'Patient/nobody' } },
        { request: { method: 'GET', url: 'Observation?code=1' } },
        {
          resource: { ...patient(), identifier: [{ system: 'urn:test', value: 'batch' }] },
          request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:test|batch' },
        },
        {
          resource: { ...patient(), identifier: [{ system: 'urn:test', value: 'batch' }] },
          request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:test|batch' },
        },
        { request: { method: 'GET', url: 'metadata' } },
        null,
        { request: { method: 'BREW', url: 'Patient/b1' } },
        { request: { method: 'GET', url: 'http://elsewhere.test/fhir/Patient/1' } },
        { request: { method: 'GET', url: '../../v1/self' } },
        { resource: 7, request: { method: 'POST', url: 'Patient' } },
      ])
      expect(answer.status).toBe(200)
      expect(answer.body.type).toBe('batch-response')
      expect(statuses(answer.body).slice(0, 4)).toEqual(['201', '400', '404', '403'])
      expect(new Set(statuses(answer.body).slice(4, 6))).toEqual(new Set(['201', '200']))
      expect(statuses(answer.body).slice(6)).toEqual(['200', '400', '400', '400', '400', '400'])
      const outcome = answer.body.entry?.[1]?.response?.outcome as OperationOutcome
      expect(outcome.issue[0]?.expression).toEqual(['Observation.status'])
      expect((await world.app.get('Patient/b1')).status).toBe(200)
    })

    test('many writes to many patients go in few submissions', async () => {
      world.constellation.network.recording = true
      const before = world.constellation.network.seen.length
      const entry = Array.from({ length: 300 }, (_, place) =>
        put({ ...glucose(`m${place % 5}`, place), id: `m${place}` }))
      const answer = await send('batch', entry)
      world.constellation.network.recording = false
      expect(new Set(statuses(answer.body))).toEqual(new Set(['201']))
      const seen = world.constellation.network.seen.slice(before)
      const submissions = seen.filter(({ target }) => target === '/v1/commits')
      expect(submissions.length).toBeLessThan(20)
      for (let of = 0; of < 5; of++) expect((await world.app.search(`Observation?patient=m${of}`)).body.total).toBe(60)
    })
  })
})
