import type { Bundle, Composition, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import { assembleDocument, checkDocument } from '../src/documents.ts'
import { FhirError } from '../src/outcomes.ts'
import { validateResource } from '../src/validate.ts'
import { hasMaterial, ipsTexts } from './material.ts'

const PATIENT = 'urn:uuid:11111111-1111-4111-8111-111111111111'
const AUTHOR = 'urn:uuid:22222222-2222-4222-8222-222222222222'
const COMPOSITION = 'urn:uuid:33333333-3333-4333-8333-333333333333'
const CONDITION = 'urn:uuid:44444444-4444-4444-8444-444444444444'

const composition = (more: Partial<Composition> = {}): Composition => ({
  resourceType: 'Composition', status: 'final', type: { text: 'Lettre' }, title: 'Lettre', date: '2026-01-01',
  subject: { reference: PATIENT }, author: [{ reference: AUTHOR }],
  section: [{ title: 'Problèmes', entry: [{ reference: CONDITION }] }], ...more,
})
const withoutSubject = (): Composition => {
  const { subject: _, ...rest } = composition({ section: [] })
  return rest
}
const entries = (): NonNullable<Bundle['entry']> => [
  { fullUrl: COMPOSITION, resource: composition() },
  { fullUrl: PATIENT, resource: { resourceType: 'Patient', id: 'theirs', birthDate: '1980-02-03' } },
  { fullUrl: AUTHOR, resource: { resourceType: 'Practitioner', name: [{ family: 'Martin' }] } },
  { fullUrl: CONDITION, resource: { resourceType: 'Condition', subject: { reference: PATIENT } } },
]
const documentOf = (entry: Bundle['entry'] = entries(), more: Partial<Bundle> = {}): Bundle => ({
  resourceType: 'Bundle', type: 'document', identifier: { system: 'urn:test', value: '1' },
  timestamp: '2026-01-01T00:00:00Z', entry: entry ?? [], ...more,
})
const changed = (place: number, resource: Resource, fullUrl?: string): Bundle => {
  const all = entries()
  all[place] = { fullUrl: fullUrl ?? all[place]?.fullUrl ?? '', resource }
  return documentOf(all)
}
const refusal = (bundle: Bundle): string => {
  try {
    checkDocument(bundle)
  } catch (error) {
    if (error instanceof FhirError) return `${error.code} ${error.findings[0]?.expression}`
    throw error
  }
  return 'accepted'
}

describe('a document', () => {
  test('says whom it is about', () => {
    expect(checkDocument(documentOf())).toMatchObject({ fullUrl: PATIENT, patient: { id: 'theirs' } })
    expect(checkDocument(documentOf([
      { fullUrl: COMPOSITION, resource: withoutSubject() }, ...entries().slice(2, 3),
    ]))).toBeUndefined()
  })

  test('finds an entry by a reference to one of its versions', () => {
    const all = entries()
    const server = 'https://else.test/fhir'
    all[1] = { ...all[1], fullUrl: `${server}/Patient/9` }
    for (const place of [0, 3]) all[place] = { ...all[place],
      fullUrl: `${server}/${place === 0 ? 'Composition' : 'Condition'}/${place}`,
      resource: { ...all[place]?.resource, subject: { reference: 'Patient/9/_history/2' } } as Resource }
    all[0] = { ...all[0], resource: { ...all[0]?.resource as Composition,
      section: [{ title: 'x', entry: [{ reference: 'Condition/3/_history/1' }] }] } }
    expect(checkDocument(documentOf(all))).toMatchObject({ fullUrl: `${server}/Patient/9` })
  })

  test('with a long address and many references is read in one go', () => {
    const many = Array.from({ length: 20_000 }, (_, at) => ({ item: { reference: `Organization/${at}` } }))
    const list: Resource = { resourceType: 'List', status: 'current', mode: 'working', entry: many }
    const started = process.hrtime.bigint()
    checkDocument(documentOf([...entries(), { fullUrl: `https://else.test/${'a'.repeat(500_000)}`, resource: list }]))
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(5)
  })

  test.skipIf(!hasMaterial)('of the patient summary guide is one', () => {
    const bundles = ipsTexts().map(({ text }) => JSON.parse(text) as Bundle)
      .filter(({ resourceType, type }) => resourceType === 'Bundle' && type === 'document')
    expect(bundles.length).toBe(5)
    for (const bundle of bundles) expect(checkDocument(bundle)?.patient.resourceType).toBe('Patient')
  })

  const extra = (resource: Resource): Bundle => documentOf([...entries(), { fullUrl: 'urn:uuid:5', resource }])
  test.each<[string, Bundle, string]>([
    ['no identifier', documentOf(entries(), { identifier: undefined as never }), 'invalid-bundle Bundle.identifier'],
    ['an identifier of no system', documentOf(entries(), { identifier: { value: '1' } }),
      'invalid-bundle Bundle.identifier'],
    ['no timestamp', documentOf(entries(), { timestamp: undefined as never }), 'invalid-bundle Bundle.timestamp'],
    ['no entry', documentOf([]), 'invalid-bundle Bundle.entry[0]'],
    ['another first entry', documentOf(entries().toReversed()), 'invalid-bundle Bundle.entry[0]'],
    ['a relative fullUrl', changed(2, entries()[2]?.resource as Resource, 'Practitioner/1'),
      'invalid-bundle Bundle.entry[2].fullUrl'],
    ['one fullUrl twice', changed(2, entries()[2]?.resource as Resource, PATIENT),
      'invalid-bundle Bundle.entry[2].fullUrl'],
    ['a section entry that is not there', changed(0, composition({ section: [{ title: 'x',
      entry: [{ reference: 'Condition/elsewhere' }] }] })),
      'unresolved-reference Bundle.entry[0].resource.section[0].entry[0].reference'],
    ['an author who is not there', changed(0, composition({ author: [{ reference: 'urn:uuid:0' }] })),
      'unresolved-reference Bundle.entry[0].resource.author[0].reference'],
    ['an entry that points to nothing', changed(3, { resourceType: 'Condition', subject: { reference: PATIENT },
      asserter: { reference: 'urn:uuid:0' } }),
      'unresolved-reference Bundle.entry[3].resource.asserter.reference'],
    ['a second patient', extra({ resourceType: 'Patient' }), 'ambiguous-patient Bundle.entry[4].resource'],
    ['an entry about another patient, by id', extra({ resourceType: 'Condition',
      subject: { reference: 'Patient/theirs' } }), 'ambiguous-patient Bundle.entry[4].resource'],
    ['an entry about another patient, by address', extra({ resourceType: 'Observation', status: 'final',
      code: { text: 'x' }, subject: { reference: 'https://else.test/fhir/Patient/1' } }),
      'ambiguous-patient Bundle.entry[4].resource'],
    ['nobody but a number as its subject', changed(0, composition({ subject: { identifier: { value: '7' } } })),
      'ambiguous-patient Bundle.entry[0].resource'],
    ['a contained subject', documentOf([{ fullUrl: COMPOSITION, resource: composition({ section: [],
      subject: { reference: '#p' }, contained: [{ resourceType: 'Patient', id: 'p' }] }) }, ...entries().slice(2, 3)]),
      'ambiguous-patient Bundle.entry[0].resource'],
    ['no subject, and a result of somebody known by a number', documentOf([
      { fullUrl: COMPOSITION, resource: withoutSubject() }, ...entries().slice(2, 3), { fullUrl: CONDITION, resource: {
        resourceType: 'Condition', subject: { type: 'Patient', identifier: { system: 'urn:test', value: '7' } } } }]),
      'ambiguous-patient Bundle.entry[2].resource'],
    ['a result that names two patients as its performers', extra({ resourceType: 'Observation', status: 'final',
      code: { text: 'x' }, performer: [{ reference: 'Patient/1' }, { reference: 'Patient/2' }] }),
      'ambiguous-patient Observation'],
    ['a patient who is not among its entries', changed(0, composition({ subject: { reference: AUTHOR } })),
      'ambiguous-patient Bundle.entry[1].resource'],
  ])('with %s is refused', (_name, bundle, expected) => {
    const given = structuredClone(bundle)
    for (const name of ['identifier', 'timestamp'] as const) if (given[name] === undefined) delete given[name]
    expect(refusal(given)).toBe(expected)
  })

  test('may refer to what lies outside, where it does not rest on it', () => {
    expect(refusal(changed(0, composition({ relatesTo: [{ code: 'replaces',
      targetReference: { reference: 'https://else.test/fhir/Composition/1' } }] })))).toBe('accepted')
    expect(refusal(changed(3, { resourceType: 'Condition', subject: { reference: PATIENT },
      encounter: { reference: 'Encounter/outside' } }))).toBe('accepted')
  })
})

describe('a document made of stored resources', () => {
  const stored = new Map<string, Resource>([
    ['Patient/p', { resourceType: 'Patient', id: 'p' }],
    ['Practitioner/d', { resourceType: 'Practitioner', id: 'd' }],
    ['MedicationRequest/m', { resourceType: 'MedicationRequest', id: 'm', status: 'active', intent: 'order',
      subject: { reference: 'Patient/p' }, medicationReference: { reference: 'Medication/x' } }],
    ['Medication/x', { resourceType: 'Medication', id: 'x' }],
  ])
  const assemble = (more: Partial<Composition>): Bundle => assembleDocument({
    composition: { ...composition(), id: 'c', subject: { reference: 'Patient/p' },
      author: [{ reference: 'http://edge.test/fhir/Practitioner/d' }],
      section: [{ title: 'x', entry: [{ reference: 'MedicationRequest/m' }] }], ...more },
    source: (key) => stored.get(key), base: 'http://edge.test/fhir',
    documentId: '5f1c2c5e-8b57-4b7c-9d56-0b7a3c1d2e3f', now: 0,
  })

  test('holds what its Composition names and what that refers to, and is a document', () => {
    const bundle = assemble({})
    expect(bundle.entry?.map(({ resource }) => `${resource?.resourceType}/${resource?.id}`)).toEqual([
      'Composition/c', 'Patient/p', 'Practitioner/d', 'MedicationRequest/m', 'Medication/x',
    ])
    expect(checkDocument(validateResource(bundle) as Bundle)?.fullUrl).toBe('http://edge.test/fhir/Patient/p')
  })

  test('is not made in part', () => {
    expect(() => assemble({ section: [{ title: 'x', entry: [{ reference: 'Condition/gone' }] }] }))
      .toThrow('cannot be read here')
    expect(() => assemble({ author: [{ reference: 'https://else.test/fhir/Practitioner/d' }] })).toThrow(FhirError)
  })
})
