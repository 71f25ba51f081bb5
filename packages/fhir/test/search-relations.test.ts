/** Chains, `_has` and includes: what other resources decide, and that no resource outside the space ever does. */
import type { Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FhirError } from '../src/outcomes.ts'
import { findIncluded, findMatches, parseSearch } from '../src/search.ts'
import type { ParseOptions, SearchSpace } from '../src/search.ts'
import { LIMITS } from '../src/validate.ts'
import { indexOf, refusal } from './searching.ts'

const make = (type: string, id: string, more: object): Resource => ({ resourceType: type, id, ...more }) as Resource
const ref = (reference: string): { reference: string } => ({ reference })

const chart = [
  make('Patient', 'p1', { name: [{ family: 'Durand' }], gender: 'female', managingOrganization: ref('Organization/o1'),
    generalPractitioner: [ref('Practitioner/d1')], link: [{ other: ref('Patient/p2'), type: 'seealso' }] }),
  make('Patient', 'p2', { name: [{ family: 'Martin' }], gender: 'male',
    link: [{ other: ref('Patient/p1'), type: 'refer' }] }),
  make('Encounter', 'e1', { status: 'finished', subject: ref('Patient/p1'), serviceProvider: ref('Organization/o2'),
    partOf: ref('Encounter/e2') }),
  make('Encounter', 'e2', { status: 'planned', subject: ref('Patient/p1'), partOf: ref('Encounter/e3') }),
  make('Encounter', 'e3', { status: 'planned', subject: ref('Patient/p2') }),
  make('Observation', 'b1', { subject: ref('Patient/p1/_history/4'), encounter: ref('Encounter/e1'), status: 'final',
    code: { coding: [{ code: 'hb' }] }, performer: [ref('Practitioner/d1'), ref('Organization/gone')] }),
  make('Observation', 'b2', { subject: ref('http://here.test/fhir/Patient/p2'), status: 'final',
    code: { coding: [{ code: 'k' }] }, hasMember: [ref('Observation/b1')] }),
  make('Observation', 'b3', { subject: ref('Patient/nobody'), status: 'final', code: { coding: [{ code: 'hb' }] } }),
  make('Provenance', 'v1', { target: [ref('Observation/b1')], agent: [{ who: ref('Practitioner/d1') }] }),
  make('QuestionnaireResponse', 'r1', { questionnaire: 'http://q.test/q|2', subject: ref('Patient/p1') }),
  make('QuestionnaireResponse', 'r2', { questionnaire: 'http://q.test/q', subject: ref('Patient/p1') }),
]
const own = [
  make('Organization', 'o1', { name: 'CHU', partOf: ref('Organization/o2') }),
  make('Organization', 'o2', { name: 'Région' }),
  make('Practitioner', 'd1', { name: [{ family: 'Lefèvre' }] }),
  make('Patient', 'p1', { name: [{ family: 'Shadow' }], gender: 'other' }),
  make('Questionnaire', 'q1', { url: 'http://q.test/q', version: '1', title: 'First', status: 'active' }),
  make('Questionnaire', 'q2', { url: 'http://q.test/q', version: '2', title: 'Second', status: 'active' }),
]
const space: SearchSpace = { searched: indexOf(chart), beside: [indexOf(own)] }
const options: ParseOptions = { bases: ['http://here.test/fhir'] }
const ask = (type: string, query: string): string => findMatches(space, parseSearch(type, query, options)).join(' ')

test.each<[string, string, string]>([
  ['Observation', 'subject:Patient.name=dur', 'b1'], ['Observation', 'subject.name=dur', 'b1'],
  ['Observation', 'patient.gender=male', 'b2'], ['Observation', 'patient.name=shadow', ''],
  ['Observation', 'patient.gender:not=female', 'b2'], ['Observation', 'patient.name:exact=Durand', 'b1'],
  ['Observation', 'patient.organization.name=chu', 'b1'], ['Observation', 'encounter.service-provider.name=reg', 'b1'],
  ['Observation', 'patient.organization:Organization.partof.name=region', 'b1'],
  ['Observation', 'patient.name=dur,martin', 'b1 b2'], ['Observation', 'patient.name=dur&patient.name=martin', ''],
  ['Observation', 'patient.organization:missing=true', 'b2'], ['Observation', 'patient._id=p1', 'b1'],
  ['Observation', 'encounter.patient.general-practitioner.family=lefevre', 'b1'],
  ['Observation', 'performer:Practitioner.name=lef&code=hb', 'b1'],
  ['Patient', '_has:Observation:patient:code=hb', 'p1'], ['Patient', '_has:Observation:patient:code:not=hb', 'p2'],
  ['Patient', '_has:Observation:subject:_has:Provenance:target:agent=d1', 'p1'],
  ['Patient', '_has:Encounter:patient:status=planned', 'p1 p2'],
  ['Patient', '_has:Encounter:patient:part-of.status=planned', 'p1'],
  ['Patient', '_has:Observation:patient:encounter.service-provider.name=reg', 'p1'],
  ['Patient', '_has:Observation:patient:code=hb&_has:Observation:patient:code=k', ''],
  ['Encounter', 'subject:Patient._has:Observation:patient:code=k', 'e3'],
  ['Encounter', 'part-of.part-of.patient.name=martin', 'e1'],
  ['QuestionnaireResponse', 'questionnaire.title=second', 'r1 r2'],
  ['QuestionnaireResponse', 'questionnaire.title=first', 'r2'],
  ['Organization', '_has:Patient:organization:gender=female', ''], // Organizations are beside: not what is searched
])('%s?%s', (type, query, expected) => {
  expect(ask(type, query)).toBe(expected)
})

test('a shadowed resource decides nothing', () => {
  const beside: SearchSpace = { searched: indexOf(own), beside: [indexOf(chart)] }
  const other = (type: string, query: string): string[] => findMatches(beside, parseSearch(type, query))
  expect(other('Patient', 'gender=other')).toEqual(['p1'])
  // The Patient/p1 that counts is now the one without organisation.
  expect(other('Organization', '_has:Patient:organization:gender=female')).toEqual([])
  expect(other('Practitioner', '_has:Observation:performer:code=hb')).toEqual(['d1'])
  expect(other('Practitioner', '_has:Observation:performer:patient.name=shadow')).toEqual(['d1'])
})

describe('refused', () => {
  test.each<[string, string, string]>([
    ['Observation', 'subject.nom=x', 'unsupported-parameter'], ['Observation', 'code.name=x', 'unsupported-parameter'],
    ['Observation', 'subject:Ship.name=x', 'unsupported-modifier'],
    ['Observation', 'subject:Practitioner.name=x', 'invalid-value'],
    ['Observation', 'subject.=x', 'unsupported-parameter'], ['Observation', '.name=x', 'unsupported-parameter'],
    ['Observation', 'subject:Patient.gender=femme', 'invalid-value'],
    ['Observation', 'subject.constructor=x', 'unsupported-parameter'],
    ['Patient', '_has:Observation:code:code=x', 'unsupported-parameter'],
    ['Patient', '_has:Ship:patient:code=x', 'unsupported-parameter'],
    ['Patient', '_has:Observation:patient=x', 'unsupported-parameter'], ['Patient', '_has=x', 'unsupported-parameter'],
    ['Patient', '_has:Observation:patient:nom=x', 'unsupported-parameter'],
    ['Patient', '_has:Observation:encounter:code=x', 'invalid-value'],
    ['Patient', '_has:Observation:patient:date=hier', 'invalid-value'],
    ['Patient', '_has:__proto__:x:y=z', 'unsupported-parameter'],
    ['Observation', '_include=Observation:code', 'unsupported-parameter'],
    ['Observation', '_include=Observation', 'invalid-value'],
    ['Observation', '_include=Ship:x', 'invalid-value'],
    ['Observation', '_include=Observation:subject:Practitioner', 'invalid-value'],
    ['Observation', '_include=Observation:subject:Ship', 'invalid-value'],
    ['Observation', '_include=Patient:organization', 'invalid-value'],
    ['Observation', '_include:recurse=Observation:subject', 'unsupported-modifier'],
    ['Patient', '_revinclude=*', 'invalid-value'],
    ['Patient', '_revinclude=Observation:encounter', 'invalid-value'],
    ['Observation', '_include=a:b:c:d', 'invalid-value'],
    ['Observation', '_include=Observation:subject&_summary=text', 'invalid-value'],
  ])('%s?%s', (type, query, code) => {
    expect(refusal(type, query).code).toBe(code)
  })

  test('chains too deep, too wide, includes too many', () => {
    const deep = (times: number): string => `${'part-of.'.repeat(times)}status=planned`
    expect(parseSearch('Encounter', deep(LIMITS.chainDepth)).criteria).toHaveLength(1)
    expect(refusal('Encounter', deep(LIMITS.chainDepth + 1)).code).toBe('too-many-values')
    expect(refusal('Patient', `${'_has:Patient:link:'.repeat(LIMITS.chainDepth + 1)}gender=male`).code)
      .toBe('too-many-values')
    // Every type may be a target: the second step would branch into thousands.
    expect(refusal('Provenance', 'target.subject.name=x').code).toBe('too-many-values')
    expect(refusal('Patient', '_revinclude=Observation:patient&'.repeat(LIMITS.includes + 1)).code)
      .toBe('too-many-values')
  })

  test('chains of any text are understood or refused, never more', () => {
    const piece = fc.constantFrom('subject', 'patient', '_has', ':', '.', 'Patient', 'name', 'Observation', 'code',
      '_id',
      'part-of', '', 'constructor', ':missing', '$', '%00')
    fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      let outcome = 'understood'
      try {
        findMatches(space, parseSearch('Encounter', `${pieces.join('')}=x`))
      } catch (error) {
        outcome = error instanceof FhirError ? 'refused' : String(error)
      }
      expect(['understood', 'refused']).toContain(outcome)
    }), { numRuns: 2000 })
  })
})

describe('includes', () => {
  const included = (type: string, query: string): string => {
    const parsed = parseSearch(type, query, options)
    return findIncluded(space, parsed, findMatches(space, parsed)).join(' ')
  }

  test.each<[string, string, string]>([
    ['Observation', '_id=b1&_include=Observation:subject', 'Patient/p1'],
    ['Observation', '_include=Observation:subject', 'Patient/p1 Patient/p2'],
    ['Observation', '_id=b1&_include=Observation:subject:Group', ''],
    ['Observation', '_id=b1&_include=Observation:performer:Practitioner', 'Practitioner/d1'],
    ['Observation', '_id=b1&_include=Observation:performer', 'Practitioner/d1'],
    ['Observation', '_id=b1&_include=*', 'Encounter/e1 Patient/p1 Practitioner/d1'],
    ['Observation', '_id=b1&_include=Observation:*:Patient', 'Patient/p1'],
    ['Observation', '_include=Observation:has-member', ''], // b1 is a match itself
    ['Observation', '_id=b2&_include=Observation:has-member', 'Observation/b1'],
    ['Observation', '_id=b1&_include=Observation:subject&_include:iterate=Patient:organization' +
      '&_include:iterate=Organization:partof',
      'Patient/p1 Organization/o1 Organization/o2'],
    ['Observation', '_id=b1&_include=Observation:subject&_include:iterate=Patient:link', 'Patient/p1 Patient/p2'],
    ['Encounter', '_id=e1&_include=Encounter:part-of', 'Encounter/e2'],
    ['Encounter', '_id=e1&_include:iterate=Encounter:part-of', 'Encounter/e2 Encounter/e3'],
    ['Patient', '_id=p1&_revinclude=Observation:patient', 'Observation/b1'],
    ['Patient', '_id=p1&_revinclude=Observation:patient&_revinclude:iterate=Provenance:target',
      'Observation/b1 Provenance/v1'],
    ['Patient', '_id=p1&_revinclude=Encounter:*', 'Encounter/e1 Encounter/e2'],
    ['Patient', '_id=p2&_revinclude=Observation:subject:Group', ''],
    ['QuestionnaireResponse', '_id=r1&_include=QuestionnaireResponse:questionnaire', 'Questionnaire/q2'],
    ['Patient', '_id=nobody&_revinclude=Observation:patient', ''],
  ])('%s?%s', (type, query, expected) => {
    expect(included(type, query)).toBe(expected)
  })

  test('a long chain costs its length, not its square', () => {
    const length = 3000
    const links = Array.from({ length }, (_, at) =>
      make('Encounter', `e${at}`, { partOf: ref(`Encounter/e${at + 1}`), subject: ref('Patient/p') }))
    const chain = { searched: indexOf(links), beside: [] }
    const all = ['_include', '_revinclude'].map((each) => `${each}:iterate=Encounter:part-of`).join('&')
    expect(findIncluded(chain, parseSearch('Encounter', all), ['e5'])).toHaveLength(length - 1)
  }, 20_000)

  test('more than a page may include is refused, not cut', () => {
    const many = Array.from({ length: LIMITS.included + 1 }, (_, at) =>
      make('Observation', `o${at}`, { subject: ref('Patient/p') }))
    const crowd = { searched: indexOf([make('Patient', 'p', {}), ...many]), beside: [] }
    const parsed = parseSearch('Patient', '_revinclude=Observation:subject')
    expect(() => findIncluded(crowd, parsed, ['p'])).toThrow(FhirError)
    crowd.searched.remove('Observation', 'o0')
    expect(findIncluded(crowd, parsed, ['p'])).toHaveLength(LIMITS.included)
  })
})

test('what is outside the space changes no answer', () => {
  const alone: SearchSpace = { searched: space.searched, beside: [] }
  expect(findMatches(alone, parseSearch('Observation', 'patient.organization.name=chu'))).toEqual([])
  expect(findIncluded(alone, parseSearch('Observation', '_include=Observation:performer'), ['b1'])).toEqual([])
  expect(findMatches(alone, parseSearch('Observation', 'subject=Patient/nobody'))).toEqual(['b3'])
})

test('a chain and a _has over one reference agree with walking it', () => {
  const families = fc.constantFrom('a', 'b', 'c')
  const people = fc.array(families, { minLength: 1, maxLength: 5 })
  const links = fc.array(fc.tuple(fc.nat(6), families), { maxLength: 12 })
  fc.assert(fc.property(people, links, families, (names, notes, asked) => {
    const patients = names.map((family, at) => make('Patient', `${at}`, { name: [{ family }] }))
    const observations = notes.map(([to, code], at) =>
      make('Observation', `o${at}`, { subject: ref(`Patient/${to}`), code: { coding: [{ code }] } }))
    const all = { searched: indexOf([...patients, ...observations]), beside: [] }
    const chain = findMatches(all, parseSearch('Observation', `patient.family=${asked}`))
    expect(chain).toEqual(notes.flatMap(([to], at) => (names[to] === asked ? [`o${at}`] : [])).toSorted())
    const has = findMatches(all, parseSearch('Patient', `_has:Observation:patient:code=${asked}`))
    expect(has).toEqual(names.flatMap((_, at) =>
      (notes.some(([to, code]) => to === at && code === asked) ? [`${at}`] : [])))
  }))
})
