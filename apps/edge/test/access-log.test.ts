/** Who opened what, through the façade: by whom it is written, who reads it, and that no application writes any. */
import type { AuditEvent, Bundle, CapabilityStatement, Parameters, Resource } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { findingsOf } from '@scelle/fhir/validate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let hospital: World
let ward: World
beforeAll(async () => {
  const charts = { refresh: 0 }
  hospital = await createWorld({ seed: 'access-log', charts })
  ward = await createWorld({
    seed: 'access-log', charts, within: hospital.constellation, name: 'ward', partners: [toHex(hospital.party.id)],
  })
  await hospital.app.put('Patient/p', patient('p'))
  await hospital.app.put('Observation/lab', { ...glucose('p', 5), id: 'lab' })
  await hospital.app.put('Patient/q', patient('q'))
})
afterAll(async () => {
  await ward.close()
  await hospital.close()
})

const eventsIn = (bundle: Bundle): AuditEvent[] =>
  (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === 'AuditEvent' ? [resource] : []))

const identifiersOf = (event: AuditEvent): string[] =>
  (event.agent ?? []).map(({ who }) => who?.identifier?.value ?? '')

const details = (event: AuditEvent, wanted: string): string[] => (event.entity ?? [])
  .flatMap(({ detail }) => detail ?? []).filter(({ type }) => type === wanted)
  .map(({ valueString, valueBase64Binary }) => valueString ?? valueBase64Binary ?? '')

test('an opening is told with person, application, organisation, categories and the access itself', async () => {
  const alice = hospital.app.serving('alice')
  expect((await alice.search('Observation?patient=p')).body.total).toBe(1)
  const found = await hospital.app.search('AuditEvent?patient=Patient/p')
  expect(found.status, found.text).toBe(200)
  const events = eventsIn(found.body)
  const [event, ...more] = events.filter((each) => identifiersOf(each).includes(
    Buffer.from('session of alice').toString('base64url')))
  expect(more).toEqual([])
  expect(findingsOf(event)).toEqual([])
  expect(event?.entity?.[0]?.what?.reference).toBe('Patient/p')
  expect(identifiersOf(event as AuditEvent)).toContain(toHex(hospital.app.identity.id))
  expect(identifiersOf(event as AuditEvent)).toContain(toHex(hospital.party.id))
  expect(details(event as AuditEvent, 'category')).toEqual(['administrative', 'laboratory'])
  expect(details(event as AuditEvent, 'access-statement')).toHaveLength(1)
})

test('is searched by other parameters too, read by its id, and found in the compartment', async () => {
  const all = eventsIn((await hospital.app.search('AuditEvent?patient=p')).body)
  const { id = '' } = all[0] as AuditEvent
  const one = await hospital.app.get<AuditEvent>(`AuditEvent/${id}`)
  expect(one.status, one.text).toBe(200)
  expect(one.body.recorded).toBe(all[0]?.recorded)
  const none = await hospital.app.search('AuditEvent?patient=p&date=lt2000-01-01')
  expect(none.body.total).toBe(0)
  const compartment = await hospital.app.search('Patient/p/AuditEvent?_count=1')
  expect(compartment.body.total).toBeGreaterThanOrEqual(all.length)
  const next = compartment.body.link?.find(({ relation }) => relation === 'next')?.url ?? ''
  expect(eventsIn((await hospital.app.search(next)).body)).toHaveLength(1)
  expect((await hospital.app.get('AuditEvent/unknown')).status).toBe(404)
  expect(issueOf(await hospital.app.get(`AuditEvent/${id}/_history`)).code).toBe('not-supported')
  expect(issueOf(await hospital.app.search('AuditEvent?patient=p&patient=q')).code).toBe('too-costly')
})

test('a reader of another organisation is told of as well, and reads the log only where that was shared', async () => {
  const share = (categories: string) => hospital.app.post<Parameters>('Patient/p/$scelle-share', {
    resourceType: 'Parameters',
    parameter: Object.entries({
      with: toHex(ward.party.id), categories, rights: 'read',
      until: new Date(hospital.constellation.now() + 86_400_000).toISOString(),
    }).map(([name, valueString]) => ({ name, valueString })),
  })
  expect((await share('laboratory,administrative')).status).toBe(200)
  await ward.edge().lookForGrants()
  expect((await ward.app.serving('bob').search('Observation?patient=p')).body.total).toBe(1)
  expect((await ward.app.search('AuditEvent?patient=p')).status).toBe(403)
  const seen = async (world: World): Promise<string[]> =>
    eventsIn((await world.app.search('AuditEvent?patient=p')).body).flatMap(identifiersOf)
  expect(await seen(hospital)).toContain(Buffer.from('session of bob').toString('base64url'))
  const theirs = eventsIn((await hospital.app.search('AuditEvent?patient=p')).body)
    .filter((event) => identifiersOf(event).includes(toHex(ward.party.id)))
  expect(details(theirs.at(-1) as AuditEvent, 'grant')).toHaveLength(1)
  // A grant on its own category gives it.
  expect((await share('access-log')).status).toBe(200)
  await ward.edge().lookForGrants()
  expect(await seen(ward)).toContain(Buffer.from('session of alice').toString('base64url'))
})

test('no chart, no export and no $everything holds any of it', async () => {
  const whole = await hospital.app.get<Bundle>('Patient/p/$everything?_count=1000')
  expect(eventsIn(whole.body)).toEqual([])
  expect(whole.body.entry?.map(({ resource }) => resource?.resourceType).toSorted()).toEqual(['Observation', 'Patient'])
})

test('another patient\'s openings are not among them', async () => {
  await hospital.app.get('Patient/q/$everything')
  const events = eventsIn((await hospital.app.search('AuditEvent?patient=q')).body)
  expect(events.map(({ entity }) => entity?.[0]?.what?.reference)).toEqual(events.map(() => 'Patient/q'))
})

const FORGED: AuditEvent = {
  resourceType: 'AuditEvent', type: { code: 'rest' }, recorded: '2026-01-15T08:00:00Z',
  agent: [{ requestor: true, who: { reference: 'Patient/p' } }], source: { observer: { display: 'x' } },
  entity: [{ what: { reference: 'Patient/p' } }],
}

test('no application writes, changes or deletes any, by whatever request', async () => {
  const { id = '' } = eventsIn((await hospital.app.search('AuditEvent?patient=p')).body)[0] as AuditEvent
  const entry = (request: object, resource?: Resource) => ({ request, ...(resource === undefined ? {} : { resource }) })
  const bundle = (type: string) => ({
    resourceType: 'Bundle', type, entry: [entry({ method: 'POST', url: 'AuditEvent' }, FORGED)],
  })
  const refused = [
    await hospital.app.post('AuditEvent', FORGED),
    await hospital.app.put(`AuditEvent/${id}`, { ...FORGED, id }),
    await hospital.app.put('AuditEvent/mine', { ...FORGED, id: 'mine' }),
    await hospital.app.delete(`AuditEvent/${id}`),
    await hospital.app.post('', bundle('transaction')),
  ]
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 422))
  const batch = await hospital.app.post<Bundle>('', bundle('batch'))
  expect(batch.body.entry?.[0]?.response?.status).toMatch(/^422/)
  expect((await hospital.app.get(`AuditEvent/${id}`)).status).toBe(200)
})

test('the CapabilityStatement says so', async () => {
  const { body } = await hospital.app.get<CapabilityStatement>('metadata')
  const told = body.rest?.[0]?.resource?.find(({ type }) => type === 'AuditEvent')
  expect(told?.interaction?.map(({ code }) => code)).toEqual(['read', 'search-type'])
})

test('the organisation keeps a register of what it opened, of everybody, which outlives the process', async () => {
  const carol = hospital.app.serving('carol')
  await carol.get('Patient/q/$everything')
  const by = (events: AuditEvent[], person: string): AuditEvent[] => events.filter((event) =>
    identifiersOf(event).includes(Buffer.from(`session of ${person}`).toString('base64url')))
  await hospital.party.restart()
  const found = await hospital.app.search('AuditEvent?_count=1000')
  expect(found.status, found.text).toBe(200)
  const events = eventsIn(found.body)
  const patients = (of: AuditEvent[]) => of.map(({ entity }) => entity?.[0]?.what?.reference)
  expect(patients(by(events, 'carol'))).toEqual(['Patient/q'])
  expect(patients(by(events, 'alice'))).toEqual(['Patient/p'])
  // Whom another organisation's reader opened stands in that organisation's register.
  expect(by(events, 'bob')).toEqual([])
  expect(patients(by(eventsIn((await ward.app.search('AuditEvent')).body), 'bob'))).toEqual(['Patient/p'])
  const { id = '' } = by(events, 'carol')[0] as AuditEvent
  expect((await hospital.app.get<AuditEvent>(`AuditEvent/${id}`)).body.id).toBe(id)
  const again = eventsIn((await hospital.app.search('AuditEvent?_count=1000')).body)
  expect(new Set(again.map((event) => event.id)).size).toBe(again.length)
})

test('what names a patient otherwise is refused, not answered in part', async () => {
  for (const query of ['patient:missing=true', 'patient.name=Dupont', 'patient:not=p']) {
    expect(issueOf(await hospital.app.search(`AuditEvent?${query}`)).code).toBe('too-costly')
  }
})

test('$scelle-accesses compares every account of it, for the custodian alone', async () => {
  await hospital.constellation.clock.advance(120_000)
  const { status, body, text } = await hospital.app.get<Parameters>('Patient/p/$scelle-accesses')
  expect(status, text).toBe(200)
  const of = (wanted: string) => (body.parameter ?? []).filter(({ name }) => name === wanted)
  expect(of('finding')).toEqual([])
  const told = of('access').map(({ part = [] }) => part.flatMap(({ name, valueString }) =>
    (name === 'person' || name === 'organisation' ? valueString ?? [] : [])))
  expect(told).toContainEqual(['Hôpital d’essai', Buffer.from('session of bob').toString('base64url')])
  expect(of('access').every(({ part = [] }) => part.some(({ name }) => name === 'time'))).toBe(true)
  expect((await ward.app.get('Patient/p/$scelle-accesses')).status).toBe(403)
  expect((await hospital.app.get('Patient/nobody/$scelle-accesses')).status).toBe(404)
})
