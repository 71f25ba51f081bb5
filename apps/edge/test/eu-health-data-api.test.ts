/**
 * The EU Health Data API (hl7.fhir.eu.health-data-api 1.0.0-ballot, CapabilityStatements of 2026-01-26 and 2026-02-02,
 * CC0-1.0): every SHALL and SHOULD of its two access providers for servers, tried on a running edge, each search with a
 * value that finds and one that does not. What is missing for the actors is tried too, so that the day it is there this
 * test asks for `instantiates`.
 */
import type { Bundle, CapabilityStatement, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'

const subject = { reference: 'Patient/p' }
const coded = (system: string, code: string) => ({ coding: [{ system, code }] })
const HL7 = 'http://terminology.hl7.org/CodeSystem'
const LOINC = 'http://loinc.org'

type Parameters = Readonly<Record<string, readonly [found: string, not: string]>>

interface Row {
  readonly resource: Resource & { id: string }
  /** Interactions that SHALL be there. */
  readonly interactions: readonly ('read' | 'search-type')[]
  readonly shall: Parameters
  readonly should?: Parameters
}

const both = ['read', 'search-type'] as const
const patientOnly: Parameters = { patient: ['Patient/p', 'Patient/q'] }

/** Document Access Provider: MHD ITI-67, ITI-68 and PDQm ITI-78. */
const DOCUMENTS: readonly Row[] = [
  { resource: { resourceType: 'Patient', id: 'p', name: [{ family: 'Durand', given: ['Zoé'] }], birthDate: '1980-02-03',
    identifier: [{ system: 'urn:oid:1.2.250.1.213.1.4.8', value: '280' }], gender: 'female' },
  interactions: both,
  shall: { identifier: ['urn:oid:1.2.250.1.213.1.4.8|280', 'urn:oid:1.2.250.1.213.1.4.8|281'], _id: ['p', 'none'] },
  should: { family: ['durand', 'martin'], given: ['zoe', 'anne'], birthdate: ['1980-02-03', 'lt1980'] } },
  { resource: { resourceType: 'DocumentReference', id: 'd', status: 'current', subject, date: '2026-03-01T10:00:00Z',
    type: coded(LOINC, '60591-5'), category: [coded('urn:oid:1.3.6.1.4.1.19376.1.2.6.1', 'SUMMARY')],
    masterIdentifier: { system: 'urn:ietf:rfc:3986', value: 'urn:oid:1.2.3' },
    content: [{ attachment: { contentType: 'application/pdf', url: 'Binary/b' } }] },
  interactions: both,
  shall: { ...patientOnly, type: [`${LOINC}|60591-5`, `${LOINC}|11502-2`], _id: ['d', 'none'] },
  should: { category: ['SUMMARY', 'OTHER'], date: ['ge2026-03-01', 'lt2026-03-01'],
    status: ['current', 'superseded'], identifier: ['urn:oid:1.2.3', 'urn:oid:1.2.4'] } },
]

/** Resource Access Provider: IPA and QEDm. */
const RESOURCES: readonly Row[] = [
  { resource: { resourceType: 'Practitioner', id: 'pr', name: [{ family: 'Martin' }] },
  interactions: ['read'], shall: {} },
  { resource: { resourceType: 'Organization', id: 'or', name: 'CHU' }, interactions: ['read'], shall: {} },
  { resource: { resourceType: 'Condition', id: 'c', subject, code: coded('http://hl7.org/fhir/sid/icd-10', 'E11'),
    clinicalStatus: coded(`${HL7}/condition-clinical`, 'active'),
    category: [coded(`${HL7}/condition-category`, 'problem-list-item')] },
  interactions: both, shall: patientOnly,
  should: { 'clinical-status': ['active', 'resolved'], category: ['problem-list-item', 'encounter-diagnosis'],
    code: ['E11', 'I10'] } },
  { resource: { resourceType: 'AllergyIntolerance', id: 'a', patient: subject, code: { text: 'Pénicilline' },
    clinicalStatus: coded(`${HL7}/allergyintolerance-clinical`, 'active') },
  interactions: both, shall: patientOnly, should: { 'clinical-status': ['active', 'inactive'] } },
  { resource: { resourceType: 'Observation', id: 'o', subject, status: 'final', code: coded(LOINC, '2339-0'),
    category: [coded(`${HL7}/observation-category`, 'laboratory')], effectiveDateTime: '2026-03-01' },
  interactions: both, shall: { ...patientOnly, category: ['laboratory', 'vital-signs'] },
  should: { code: [`${LOINC}|2339-0`, `${LOINC}|8302-2`], date: ['2026-03', '2026-04'],
    status: ['final', 'preliminary'] } },
  { resource: { resourceType: 'DiagnosticReport', id: 'r', subject, status: 'final', code: coded(LOINC, '11502-2'),
    category: [coded(`${HL7}/v2-0074`, 'LAB')], effectiveDateTime: '2026-03-01' },
  interactions: both, shall: { ...patientOnly, category: ['LAB', 'RAD'] },
  should: { code: ['11502-2', '60591-5'], date: ['2026-03-01', 'gt2026-03-01'], status: ['final', 'partial'] } },
  { resource: { resourceType: 'MedicationRequest', id: 'mr', subject, status: 'active', intent: 'order',
    medicationCodeableConcept: { text: 'Metformine' }, authoredOn: '2026-03-01' },
  interactions: both, shall: patientOnly,
  should: { status: ['active', 'stopped'], intent: ['order', 'plan'], authoredon: ['2026-03-01', '2026-03-02'] } },
  { resource: { resourceType: 'MedicationDispense', id: 'md', subject, status: 'completed',
    medicationCodeableConcept: { text: 'Metformine' }, whenHandedOver: '2026-03-01' },
  interactions: both, shall: patientOnly,
  should: { status: ['completed', 'stopped'], whenhandedover: ['2026-03-01', '2026-03-02'] } },
  { resource: { resourceType: 'Immunization', id: 'im', patient: subject, status: 'completed',
    vaccineCode: { text: 'DTP' }, occurrenceDateTime: '2026-03-01' },
  interactions: both, shall: patientOnly,
  should: { date: ['2026-03-01', '2026-03-02'], status: ['completed', 'not-done'] } },
  { resource: { resourceType: 'MedicationStatement', id: 'ms', subject, status: 'active',
    medicationCodeableConcept: { text: 'Metformine' }, effectiveDateTime: '2026-03-01' },
  interactions: both, shall: patientOnly,
  should: { status: ['active', 'stopped'], effective: ['2026-03-01', '2026-03-02'] } },
  { resource: { resourceType: 'Encounter', id: 'e', subject, status: 'finished',
    period: { start: '2026-03-01', end: '2026-03-01' },
    class: { system: `${HL7}/v3-ActCode`, code: 'IMP' } },
  interactions: both, shall: patientOnly,
  should: { date: ['2026-03-01', 'lt2026-03-01'], status: ['finished', 'planned'], class: ['IMP', 'AMB'] } },
]

const ROWS = [...DOCUMENTS, ...RESOURCES]

let world: World
let statement: CapabilityStatement
beforeAll(async () => {
  world = await createWorld({ seed: 'eu-api' })
  const other: Resource & { id: string } = { resourceType: 'Patient', id: 'q', name: [{ family: 'Autre' }] }
  for (const resource of [other, ...ROWS.map((row) => row.resource)]) {
    const { status, text } = await world.app.put(`${resource.resourceType}/${resource.id}`, resource)
    if (status !== 201) throw new Error(text)
  }
  statement = (await world.app.get<CapabilityStatement>('metadata')).body
})
afterAll(() => world.close())

const declaredOf = (type: string) => statement.rest?.[0]?.resource?.find((each) => each.type === type)
const idsOf = (bundle: Bundle): string[] => (bundle.entry ?? []).map(({ resource }) => resource?.id ?? '')

/** A clinical search is about one patient here; `patient` itself is its own context. */
const queryOf = ({ resource }: Row, name: string, value: string): string => {
  const pair = `${name}=${encodeURIComponent(value)}`
  const isWhole = resource.resourceType === 'Patient' || name === 'patient' || name === '_id'
  return isWhole ? pair : `patient=Patient/p&${pair}`
}

const searches = ROWS.flatMap((row) => (['shall', 'should'] as const).flatMap((level) =>
  Object.entries(row[level] ?? {}).map(([name, [found, not]]) =>
    ({ row, level: level.toUpperCase(), type: row.resource.resourceType, name, found, not }))))

describe('what the access providers demand of a server', () => {
  test.each(searches)('$level: $type?$name', async ({ row, type, name, found, not }) => {
    expect(declaredOf(type)?.searchParam?.map((each) => each.name)).toContain(name)
    const hit = await world.app.search(`${type}?${queryOf(row, name, found)}`)
    expect([hit.status, idsOf(hit.body)]).toEqual([200, [row.resource.id]])
    const miss = await world.app.search(`${type}?${queryOf(row, name, not)}`)
    expect([miss.status, idsOf(miss.body)]).toEqual([200, []])
  })

  test.each(ROWS.map((row) => ({ row, type: row.resource.resourceType })))('SHALL: $type, interactions',
    async ({ row, type }) => {
      const declared = declaredOf(type)?.interaction?.map(({ code }) => code)
      for (const interaction of row.interactions) expect(declared).toContain(interaction)
      const { status, body } = await world.app.get(`${type}/${row.resource.id}`)
      expect([status, body.id]).toEqual([200, row.resource.id])
    })

  test('ITI-67 and ITI-78 by POST, as IHE asks', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const documents = await world.app.send<Bundle>('POST', 'DocumentReference/_search',
      { raw: 'patient=Patient%2Fp&status=current', headers: form })
    expect(idsOf(documents.body)).toEqual(['d'])
    const persons = await world.app.send<Bundle>('POST', 'Patient/_search',
      { raw: 'family=Durand&birthdate=1980-02-03', headers: form })
    expect(idsOf(persons.body)).toEqual(['p'])
  })

  test('ITI-67: the provenance of what is found comes along', async () => {
    await world.app.put('Provenance/v', { resourceType: 'Provenance', id: 'v', recorded: '2026-03-01T10:00:00Z',
      target: [{ reference: 'DocumentReference/d' }], agent: [{ who: { reference: 'Practitioner/pr' } }] })
    const { body } = await world.app.search('DocumentReference?patient=Patient/p&_revinclude=Provenance:target')
    expect(new Set(idsOf(body))).toEqual(new Set(['d', 'v']))
  })
})

describe('what is declared of them', () => {
  test('nothing that is not fulfilled: no actor, while these are missing', async () => {
    const missing: string[] = []
    const smart = await world.app.get('.well-known/smart-configuration').catch(() => undefined)
    if (smart?.status !== 200) missing.push('SMART Backend Services')
    const xml = await world.app.get('Patient/p', { accept: 'application/fhir+xml' })
    if (xml.status === 406) missing.push('XML')
    expect(missing).toEqual(['SMART Backend Services', 'XML'])
    expect(statement.instantiates).toBeUndefined()
    expect(statement.rest?.[0]?.security?.service).toBeUndefined()
  })

  test('the patient summary, which is made here', () => {
    expect(statement.document).toEqual([
      { mode: 'producer', profile: 'http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips' },
    ])
    expect(statement.implementationGuide).toEqual([
      'http://hl7.org/fhir/uv/ips/ImplementationGuide/hl7.fhir.uv.ips|2.0.0',
    ])
  })

  test('both forms of metadata are valid R4', async () => {
    for (const mode of ['full', 'terminology']) {
      const { status, body } = await world.app.get(`metadata?mode=${mode}`)
      expect(status).toBe(200)
      const { text } = await world.app.post(`${body.resourceType}/$validate`, body)
      expect(text).toContain('valid against base R4')
    }
    expect((await world.app.get('metadata?mode=all')).status).toBe(400)
  })
})
