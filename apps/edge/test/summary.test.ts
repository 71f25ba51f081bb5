/** `Patient/$summary` over real vaults: what it holds, whom it is given to, and what it says of what it leaves out. */
import type { Bundle, Composition, OperationOutcome, Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
let other: World
beforeAll(async () => {
  world = await createWorld({ seed: 'summary' })
  other = await createWorld({
    seed: 'summary', within: world.constellation, name: 'other', partners: [toHex(world.party.id)],
  })
  const { app } = world
  await app.put('Patient/p', { ...patient('p'), identifier: [{ system: 'urn:test', value: '17' }] })
  await app.put('Patient/q', { ...patient('q'), identifier: [{ system: 'urn:test', value: '18' }] })
  await app.put('Practitioner/d', { resourceType: 'Practitioner', id: 'd', name: [{ family: 'Martin' }] })
  const result = glucose('p', 5)
  const raw = JSON.stringify({ ...result, id: 'o', effectiveDateTime: '2026-01-02',
    performer: [{ reference: 'Practitioner/d' }] })
  await app.send('PUT', 'Observation/o', { raw: raw.replace('"value":5', '"value":5.0') })
  await app.put('AllergyIntolerance/a', allergy('a', 'Pénicilline'))
  await app.put('AllergyIntolerance/n', { ...allergy('n', 'Latex'), note: [{ text: 'elle en a honte' }] })
  await app.put('Condition/hiv', { resourceType: 'Condition', id: 'hiv', subject,
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10', code: 'B24', display: 'VIH' }] } })
})
afterAll(async () => {
  await other.close()
  await world.close()
})

const subject = { reference: 'Patient/p' }
const allergy = (id: string, display: string) => ({
  resourceType: 'AllergyIntolerance', id, patient: subject,
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',
    code: 'active' }] },
  code: { coding: [{ system: 'urn:test', code: display, display }] },
})
const compositionOf = ({ body }: Reply<Bundle>): Composition => body.entry?.[0]?.resource as Composition
const divOf = (reply: Reply<Bundle>, code: string): string =>
  compositionOf(reply).section?.find((each) => each.code?.coding?.[0]?.code === code)?.text?.div ?? ''

test('is a document whose entries are what this edge serves, with the digits they were sent with', async () => {
  const summary = await world.app.get<Bundle>('Patient/p/$summary')
  expect(summary.status, summary.text).toBe(200)
  expect([summary.body.type, summary.headers.get('content-language')]).toEqual(['document', 'fr'])
  expect(Date.parse(summary.body.timestamp ?? '')).toBe(world.constellation.now())
  const urls = summary.body.entry?.map(({ fullUrl }) => fullUrl) ?? []
  expect(urls.filter((url) => url?.startsWith('http'))).toEqual(expect.arrayContaining([
    'http://edge.test/fhir/Patient/p', 'http://edge.test/fhir/AllergyIntolerance/a',
    'http://edge.test/fhir/AllergyIntolerance/n', 'http://edge.test/fhir/Observation/o',
    'http://edge.test/fhir/Practitioner/d',
  ]))
  const stored = await world.app.get('AllergyIntolerance/a')
  expect(summary.body.entry?.find(({ resource }) => resource?.id === 'a')?.resource).toEqual(stored.body)
  expect(summary.text).toContain('"value":5.0')
  expect(divOf(summary, '30954-2')).toContain('5,0 mmol/L')
  expect(summary.text).not.toMatch(/honte|VIH|B24/)
  const checked = await world.app.post<OperationOutcome>('Bundle/$validate', summary.body)
  expect(checked.body.issue[0]?.severity).toBe('information')
})

test('two summaries of a patient are two documents of one line', async () => {
  const one = await world.app.get<Bundle>('Patient/p/$summary')
  const two = await world.app.get<Bundle>('Patient/p/$summary')
  expect(one.body.identifier?.value).not.toBe(two.body.identifier?.value)
  expect(compositionOf(one).identifier).toEqual(compositionOf(two).identifier)
  expect(compositionOf(one).identifier).not.toEqual(
    compositionOf(await world.app.get<Bundle>('Patient/q/$summary')).identifier)
})

test('in the language of the reader, else of the patient', async () => {
  const english = await world.app.get<Bundle>('Patient/p/$summary', { 'accept-language': 'en-GB, fr;q=0.5' })
  expect([compositionOf(english).title, english.headers.get('content-language')]).toEqual(['Patient summary', 'en'])
  const speaks = [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en' }] } }]
  await world.app.put('Patient/e', { ...patient('e'), communication: speaks })
  expect(compositionOf(await world.app.get<Bundle>('Patient/e/$summary')).language).toBe('en')
})

test('strict categories by name only', async () => {
  const asked = await world.app.get<Bundle>('Patient/p/$summary?categories=sexual-health,notes')
  expect(asked.text).toContain('VIH')
  expect(asked.text).toContain('honte')
  const posted = await world.app.post<Bundle>('Patient/p/$summary', {
    resourceType: 'Parameters', parameter: [{ name: 'categories', valueString: 'sexual-health' }],
  })
  expect([posted.text.includes('VIH'), posted.text.includes('honte')]).toEqual([true, false])
  for (const bad of ['laboratory', 'nonsense', '']) {
    const refused = await world.app.get(`Patient/p/$summary?categories=${bad}`)
    expect([refused.status, issueOf(refused).code]).toEqual([400, 'value'])
  }
})

test('by identifier: one patient or none', async () => {
  const found = await world.app.get<Bundle>('Patient/$summary?identifier=urn:test|17')
  expect(found.body.entry?.[1]?.fullUrl).toBe('http://edge.test/fhir/Patient/p')
  const posted = await world.app.post<Bundle>('Patient/$summary', { resourceType: 'Parameters', parameter: [
    { name: 'identifier', valueString: 'urn:test|18' },
    { name: 'profile', valueCanonical: 'http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips|2.0.0' },
  ] })
  expect(posted.body.entry?.[1]?.resource?.id).toBe('q')
  expect((await world.app.get('Patient/$summary?identifier=urn:test|99')).status).toBe(404)
  expect((await world.app.get('Patient/$summary')).status).toBe(400)
  expect((await world.app.get('Patient/$summary?identifier=urn:test|17,urn:test|18')).status).toBe(400)
  await world.app.put('Patient/twin', { ...patient('twin'), identifier: [{ system: 'urn:test', value: '18' }] })
  expect((await world.app.get('Patient/$summary?identifier=urn:test|18')).status).toBe(412)
})

test.each([
  ['Patient/nobody/$summary', 404], ['Patient/p/$summary?profile=urn:else', 400], ['Patient/p/$summary?x=1', 400],
  ['Patient/p/$summary?categories=notes&categories=notes', 400], ['Patient/..%2Fp/$summary', 404],
  ['Observation/o/$summary', 404],
])('%s is refused', async (path, status) => {
  const refused = await world.app.get(path)
  expect([refused.status, issueOf(refused).severity]).toEqual([status, 'error'])
})

test('needs reading and searching', async () => {
  expect((await world.writer.get('Patient/p/$summary')).status).toBe(403)
  expect((await world.reader.get('Patient/p/$summary')).status).toBe(200)
})

test('at another organisation holds what was shared with it', async () => {
  const shared = await world.app.post<Parameters>('Patient/p/$scelle-share', {
    resourceType: 'Parameters', parameter: Object.entries({
      with: toHex(other.party.id), categories: 'summary,administrative', rights: 'read',
      until: new Date(world.constellation.now() + 86_400_000).toISOString(),
    }).map(([name, valueString]) => ({ name, valueString })),
  })
  expect(shared.status, shared.text).toBe(200)
  await other.edge().lookForGrants()
  const summary = await other.app.get<Bundle>('Patient/p/$summary?categories=notes,sexual-health')
  expect(summary.status, summary.text).toBe(200)
  expect(divOf(summary, '48765-2')).toContain('Pénicilline')
  expect(summary.text).not.toMatch(/Latex|VIH|mmol/)
})
