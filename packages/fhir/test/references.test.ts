import type { Bundle, Resource } from '@medplum/fhirtypes'
import { describe, expect, test } from 'vitest'
import compartment from '../src/r4/patient-compartment.json' with { type: 'json' }
import { FhirError } from '../src/outcomes.ts'
import { hasElement, subjectElements } from '../src/patient-of.ts'
import { mapReferences, parseReference, patientOf, planTransaction, referencesOf,
  transactionLookups } from '../src/references.ts'
import type { PlannedEntry } from '../src/references.ts'
import { validateResource } from '../src/validate.ts'
import { hasMaterial, ipsTexts, syntheaBundles } from './material.ts'

const as = (json: unknown): Resource => validateResource(json)
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof FhirError) return error.code
    throw error
  }
  return 'accepted'
}
const observation = (more: object): Resource => as({ resourceType: 'Observation', status: 'final',
  code: { text: 'x' }, ...more })

describe('patientOf', () => {
  test('every subject element exists, and every compartment type has one or is settled otherwise', () => {
    for (const [type, element] of subjectElements()) expect(hasElement(type, element), `${type}.${element}`).toBe(true)
    const settled = new Set([...subjectElements().map(([type]) => type), 'Patient', 'Group', 'Provenance', 'AuditEvent',
      'Person', 'Schedule'])
    expect(Object.keys(compartment).filter((type) => !settled.has(type))).toEqual([])
  })

  test.each<[string, object, object]>([
    ['a subject', observation({ subject: { reference: 'Patient/1' } }), { kind: 'patient', reference: 'Patient/1' }],
    ['a versioned subject', observation({ subject: { reference: 'Patient/1/_history/3' } }),
      { kind: 'patient', reference: 'Patient/1' }],
    ['a performer beside the subject does not count',
      observation({ subject: { reference: 'Patient/1' }, performer: [{ reference: 'Patient/2' }] }),
        { kind: 'patient', reference: 'Patient/1' }],
    ['no subject but a patient as performer', observation({ performer: [{ reference: 'Patient/2' }] }),
      { kind: 'patient', reference: 'Patient/2' }],
    ['nobody', observation({}), { kind: 'organisation' }],
    ['a device as subject', observation({ subject: { reference: 'Device/1' } }), { kind: 'organisation' }],
    ['a group', observation({ subject: { reference: 'Group/1' } }),
      { kind: 'ambiguous', reason: 'group', references: ['Group/1'] }],
    ['a logical reference', observation({ subject: { type: 'Patient', identifier: { value: 'x' } } }),
      { kind: 'ambiguous', reason: 'logical', references: [] }],
    ['a contained patient', observation({ contained: [{ resourceType: 'Patient', id: 'c', name: [{ family: 'x' }] }],
      subject: { reference: '#c' } }),
      { kind: 'ambiguous', reason: 'logical', references: [] }],
    ['an organisation', as({ resourceType: 'Organization', name: 'x' }), { kind: 'organisation' }],
    ['a person linked to a patient', as({ resourceType: 'Person', link: [{ target: { reference: 'Patient/7' } }] }),
      { kind: 'patient', reference: 'Patient/7' }],
    ['a group of one', as({ resourceType: 'Group', type: 'person', actual: true,
      member: [{ entity: { reference: 'Patient/1' } }] }),
      { kind: 'patient', reference: 'Patient/1' }],
    ['a group of two', as({ resourceType: 'Group', type: 'person', actual: true,
      member: [{ entity: { reference: 'Patient/1' } }, { entity: { reference: 'Patient/2' } }] }),
    { kind: 'ambiguous', reason: 'many', references: ['Patient/1', 'Patient/2'] }],
  ])('%s', (_name, resource, owner) => {
    expect(patientOf(resource as Resource)).toEqual(owner)
  })

  test('two patients are refused, this server\'s absolute URL is its own, another\'s is not', () => {
    const appointment = as({ resourceType: 'Appointment', status: 'proposed', participant: [
      { actor: { reference: 'Patient/1' }, status: 'accepted' },
        { actor: { reference: 'Patient/2' }, status: 'accepted' },
    ] })
    expect(code(() => patientOf(appointment))).toBe('ambiguous-patient')
    const here = observation({ subject: { reference: 'https://here.test/fhir/Patient/1' } })
    expect(patientOf(here, { bases: ['https://here.test/fhir'] })).toEqual({ kind: 'patient', reference: 'Patient/1' })
    expect(patientOf(here)).toEqual({ kind: 'patient', reference: 'https://here.test/fhir/Patient/1' })
  })

  test('Provenance and AuditEvent follow what they speak of', () => {
    const provenance = as({ resourceType: 'Provenance', target: [{ reference: 'Observation/o' }],
      recorded: '2024-01-01T00:00:00Z',
      agent: [{ who: { reference: 'Practitioner/1' } }] })
    expect(patientOf(provenance)).toEqual({ kind: 'organisation' })
    const patientOfTarget = (type: string, id: string): string | undefined =>
      (type === 'Observation' && id === 'o' ? 'Patient/9' : undefined)
    expect(patientOf(provenance, { patientOfTarget })).toEqual({ kind: 'patient', reference: 'Patient/9' })
  })
})

test('references are mapped in contained resources, extensions and bundles, and the input is untouched', () => {
  const input = { resourceType: 'Bundle', type: 'collection', entry: [{ fullUrl: 'urn:uuid:1', resource: {
    resourceType: 'Observation', status: 'final', code: { text: 'Patient/1' }, subject: { reference: 'Patient/1' },
    extension: [{ url: 'http://x.test/r', valueReference: { reference: 'Patient/1' } }],
    contained: [{ resourceType: 'Device', id: 'd', patient: { reference: 'Patient/1' } }],
    _issued: { extension: [{ url: 'http://x.test/r', valueReference: { reference: 'Patient/1' } }] },
    issued: '2024-01-01T00:00:00Z', device: { reference: '#d' },
  } }] }
  const before = JSON.stringify(input)
  const mapped = mapReferences(as(input), (text) => (text === 'Patient/1' ? 'Patient/2' : undefined))
  expect(JSON.stringify(input)).toBe(before)
  expect(JSON.stringify(mapped)).toBe(before.replaceAll('"reference":"Patient/1"', '"reference":"Patient/2"'))
  expect(referencesOf(as(input)).map(({ path }) =>
    path)).toContain('Bundle.entry[0].resource.contained[0].patient.reference')
})

test('reference texts', () => {
  expect(parseReference('Patient/1')).toEqual({ kind: 'literal', type: 'Patient', id: '1' })
  expect(parseReference('https://a.test/fhir/Patient/1/_history/2')).toEqual(
    { kind: 'literal', type: 'Patient', id: '1', version: '2', base: 'https://a.test/fhir' })
  expect(parseReference('Patient?identifier=a|b')).toEqual({ kind: 'conditional', type: 'Patient',
    query: 'identifier=a|b' })
  for (const text of ['', 'Patient', 'Patient/', 'Ship/1', '/Patient/1', '../Patient/1', 'Patient/1/x', 'Ship?a=b']) {
    expect(parseReference(text).kind, text).toBe('other')
  }
})

const post = (fullUrl: string, resource: object, request: object = {}): object => ({
  fullUrl, resource, request: { method: 'POST', url: (resource as { resourceType: string }).resourceType, ...request },
})
const patient = { resourceType: 'Patient', name: [{ family: 'A' }] }
const about = (reference: string): object => ({ resourceType: 'Observation', status: 'final', code: { text: 'x' },
  subject: { reference } })
const bundle = (entry: object[], type = 'transaction'): Bundle =>
  ({ resourceType: 'Bundle', type, entry }) as unknown as Bundle
const assignId = (type: string, index: number): string => `${type.toLowerCase()}-${index}`
const plan = (entry: object[], lookups = new Map<string, string[]>(), type?: string): readonly PlannedEntry[] =>
  planTransaction(bundle(entry, type), { assignId, lookups }).entries

describe('transactions', () => {
  test('order, ids and references', () => {
    const entries = plan([
      { request: { method: 'GET', url: 'Patient?name=a' } },
      { resource: { ...patient, id: 'p9' }, request: { method: 'PUT', url: 'Patient/p9' } },
      post('urn:uuid:2', about('urn:uuid:3')),
      post('urn:uuid:3', patient),
      { request: { method: 'DELETE', url: 'Observation/old' } },
    ])
    expect(entries.map(({ kind, index }) => [kind, index])).toEqual([['delete', 4], ['create', 2], ['create', 3],
      ['update', 1], ['get', 0]])
    expect(entries[1]).toMatchObject({ id: 'observation-2',
      resource: { id: 'observation-2', subject: { reference: 'Patient/patient-3' } } })
  })

  test('relative references resolve against a RESTful fullUrl', () => {
    const entries = plan([post('http://old.test/fhir/Patient/77', patient),
      post('http://old.test/fhir/Observation/1', about('Patient/77'))])
    expect(entries[1]).toMatchObject({ resource: { subject: { reference: 'Patient/patient-0' } } })
  })

  test.each([null, undefined, 1, 'x', [], {}, { request: null }, { request: 'POST' }, { request: [] }])(
    'an entry that is none is refused, not stumbled over: %j', (entry) => {
      const of = (type: string, entries: unknown = [entry]): Bundle =>
        ({ resourceType: 'Bundle', type, entry: entries }) as unknown as Bundle
      expect(code(() => transactionLookups(of('transaction')))).toBe('invalid-bundle')
      expect(transactionLookups(of('batch'))).toEqual([])
      expect(code(() => transactionLookups(of('batch', { 0: entry })))).toBe('invalid-bundle')
    })

  test('conditions are looked up by the caller', () => {
    const entry = [
      post('urn:uuid:1', patient, { ifNoneExist: 'identifier=a' }), post('urn:uuid:2', about('urn:uuid:1')),
      post('urn:uuid:3', about('Patient?identifier=b')),
      { resource: patient, request: { method: 'PUT', url: 'Patient?identifier=c' } },
    ]
    expect(transactionLookups(bundle(entry)).map(({ key, purpose }) => [key, purpose])).toEqual([
      ['Patient?identifier=a', 'create'], ['Patient?identifier=b', 'reference'], ['Patient?identifier=c', 'write']])
    const lookups = new Map([['Patient?identifier=a', ['Patient/pa']], ['Patient?identifier=b', ['Patient/pb']],
      ['Patient?identifier=c', []]])
    const entries = plan(entry, lookups)
    expect(entries.map(({ kind }) => kind)).toEqual(['exists', 'create', 'create', 'update'])
    expect(entries[1]).toMatchObject({ resource: { subject: { reference: 'Patient/pa' } } })
    expect(entries[2]).toMatchObject({ resource: { subject: { reference: 'Patient/pb' } } })
    expect(code(() => plan(entry, new Map([...lookups, ['Patient?identifier=b', []]])))).toBe('unresolved-reference')
    expect(code(() => plan(entry, new Map([...lookups, ['Patient?identifier=a', ['Patient/1',
      'Patient/2']]])))).toBe('multiple-matches')
    expect(code(() => plan(entry))).toBe('unresolved-reference')
  })

  test.each<[string, object[], string]>([
    ['a urn that names nothing', [post('urn:uuid:1', about('urn:uuid:9'))], 'unresolved-reference'],
    ['a urn that names a wrong type', [post('urn:uuid:1', about('urn:uuid:2')),
      post('urn:uuid:2', { resourceType: 'Organization', name: 'x' })],
      'invalid-resource'],
    ['the same fullUrl twice', [post('urn:uuid:1', patient), post('urn:uuid:1', patient)], 'invalid-resource'],
    ['two writes of one resource', [{ request: { method: 'DELETE', url: 'Patient/1' } },
      { resource: { ...patient, id: '1' }, request: { method: 'PUT', url: 'Patient/1' } }], 'invalid-bundle'],
    ['an id other than the URL\'s', [{ resource: { ...patient, id: '2' }, request: { method: 'PUT',
      url: 'Patient/1' } }], 'invalid-bundle'],
    ['an id missing', [{ resource: patient, request: { method: 'PUT', url: 'Patient/1' } }], 'invalid-bundle'],
    ['a type other than the URL\'s', [{ resource: patient, request: { method: 'POST', url: 'Observation' } }],
      'invalid-bundle'],
    ['POST to an id', [{ resource: patient, request: { method: 'POST', url: 'Patient/1' } }], 'invalid-bundle'],
    ['an operation', [{ resource: patient, request: { method: 'POST', url: 'Patient/$match' } }], 'invalid-bundle'],
    ['an absolute URL', [{ request: { method: 'GET', url: 'https://evil.test/Patient/1' } }], 'invalid-bundle'],
    ['DELETE of a type', [{ request: { method: 'DELETE', url: 'Patient' } }], 'invalid-bundle'],
    ['POST without resource', [{ request: { method: 'POST', url: 'Patient' } }], 'invalid-bundle'],
    ['an invalid last entry', [post('urn:uuid:1', patient), post('urn:uuid:2', { ...patient, nickname: 'x' })],
      'invalid-resource'],
    ['a reference to what is deleted', [{ fullUrl: 'http://x.test/Patient/1', request: { method: 'DELETE',
      url: 'Patient?identifier=1' } },
      post('urn:uuid:2', about('http://x.test/Patient/1'))], 'unresolved-reference'],
  ])('%s is refused as a whole', (_name, entry, expected) => {
    expect(code(() => plan(entry, new Map([['Patient?identifier=1', []]])))).toBe(expected)
  })

  test('a batch refuses entry by entry', () => {
    const entries = plan([post('urn:uuid:1', patient), post('urn:uuid:2', { ...patient, nickname: 'x' }),
      post('urn:uuid:3', about('urn:uuid:1'))],
      new Map(), 'batch')
    expect(entries.map((entry) => [entry.kind, entry.index])).toEqual([['create', 0], ['refused', 1], ['refused', 2]])
    expect(entries[1]?.kind === 'refused' &&
      entries[1].error.findings[0]?.expression).toBe('Bundle.entry[1].resource.nickname')
    expect(code(() => plan([], new Map(), 'searchset'))).toBe('invalid-bundle')
  })
})

describe.skipIf(!hasMaterial)('real material', () => {
  test('Synthea transactions plan whole; every clinical resource finds its patient', () => {
    for (const { name, text } of syntheaBundles(30)) {
      const { entries } = planTransaction(JSON.parse(text) as Bundle, { assignId })
      const [only] = new Set(entries.flatMap((entry) =>
        (entry.kind === 'create' && entry.type === 'Patient' ? [`Patient/${entry.id}`] : [])))
      for (const entry of entries) {
        if (entry.kind !== 'create') throw new Error(`${name}: ${entry.kind}`)
        expect(JSON.stringify(referencesOf(entry.resource))).not.toContain('urn:')
        const isShared = entry.type === 'Organization' || entry.type === 'Practitioner'
        expect(patientOf(entry.resource)).toEqual(isShared ? { kind: 'organisation' } : { kind: 'patient',
          reference: only })
      }
    }
  })

  test('IPS documents belong to their Composition\'s subject', () => {
    const documents = ipsTexts().map(({ text }) => JSON.parse(text) as Resource).filter((resource) =>
      resource.resourceType === 'Bundle')
    expect(documents).toHaveLength(5)
    for (const document of documents) {
      const inside = (document).entry?.find((entry) => entry.resource?.resourceType === 'Patient')?.resource?.id
      expect(patientOf(document)).toEqual({ kind: 'patient', reference: `Patient/${inside}` })
    }
  })
})
