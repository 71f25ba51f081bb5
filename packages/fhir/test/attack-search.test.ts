/** Searches that read as "none" though nobody understood them, and the whole evaluation against a naive second one. */
import type { Observation, Resource } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FhirError } from '../src/outcomes.ts'
import { parseSearch } from '../src/search.ts'
import { found, refusal } from './searching.ts'

const refusalOf = (type: string, query: string): string => {
  try {
    parseSearch(type, query)
  } catch (error) {
    if (error instanceof FhirError) return error.code
    throw error
  }
  return 'understood'
}

describe('a token that no value could ever match is refused', () => {
  test.each([
    // R4 search.html#token: no pipe on ContactPoint, uri and boolean; a code's system is its element's, never asked.
    ['Patient', 'active=http://hl7.org/fhir/special-values|true'], ['Patient', 'active=|true'],
    ['Patient', 'active=yes'], ['Patient', 'active=TRUE'], ['Patient', 'active:not=yes'],
    ['Patient', 'gender=http://hl7.org/fhir/administrative-gender|female'], ['Patient', 'gender=femme'],
    ['Patient', 'gender=male,femme'], ['Patient', 'gender=x|'], ['Patient', 'telecom=phone|0612'],
    ['Patient', 'phone=phone|0612'], ['Patient', '_id=urn:x|1'], ['Observation', 'status=Final'],
    ['AllergyIntolerance', 'criticality=severe'], ['AllergyIntolerance', 'category=drug'],
    ['AllergyIntolerance', 'criticality=http://hl7.org/fhir/allergy-intolerance-criticality|high'],
    ['MedicationRequest', 'status=actif'], ['Encounter', 'status=http://hl7.org/fhir/encounter-status|finished'],
  ])('%s?%s', (type, query) => {
    expect(refusalOf(type, query)).toBe('invalid-value')
  })

  test.each([
    ['Patient', 'active=true'], ['Patient', 'gender=female,other'], ['Patient', 'gender:not=male'],
    ['Patient', 'telecom=0612'], ['Patient', '_id=1,2'], ['AllergyIntolerance', 'criticality=high'],
    ['AllergyIntolerance', 'clinical-status=http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical|active'],
    ['Observation', 'code=|x'], ['Observation', 'code=x|'], ['Observation', 'category=laboratory'],
    ['Patient', 'identifier=urn:x|1'], ['Patient', 'deceased=true'], ['Encounter', 'class=AMB'],
    ['Encounter', 'class=http://terminology.hl7.org/CodeSystem/v3-ActCode|AMB'],
  ])('%s?%s is understood', (type, query) => {
    expect(refusalOf(type, query)).toBe('understood')
  })
})

test.each([
  'subject:Patient:exact.name=x', 'subject:Patient:.name=x',
])('%s: a chain with a part too many is refused, not read without it', (query) => {
  expect(refusalOf('Observation', query)).toBe('unsupported-parameter')
})

describe('a value set of tens of thousands', () => {
  const codes = Array.from({ length: 40_000 }, (_, at) => ({ system: 'urn:x', code: `C${at}` }))
  const valueSets = { expand: () => codes }
  const refused = (type: string, query: string): string => refusal(type, query, { valueSets }).code

  test('named over and over stands for no more codes than a query may', () => {
    expect(refused('Observation', `code:in=${Array(400).fill('u:x').join(',')}`)).toBe('too-many-values')
    expect(refused('Observation', 'code:in=u:x&code:in=u:x&code:not-in=u:x')).toBe('too-many-values')
    expect(refused('Observation', 'focus.code:in=u:x')).toBe('too-many-values')
    expect(parseSearch('Observation', 'code:in=u:x,u:y', { valueSets }).criteria).toHaveLength(1)
  })

  test('is asked by code, not one after the other', () => {
    const observations = Array.from({ length: 20_000 }, (_, at): Observation => ({
      resourceType: 'Observation', id: `o${at}`, status: 'final',
      code: { coding: [{ system: at % 2 === 0 ? 'urn:x' : 'urn:y', code: `c${20_000 + at}` }] },
    }))
    const started = process.hrtime.bigint()
    expect(found(observations, 'Observation', 'code:in=u:x', { valueSets })).toHaveLength(10_000)
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(5)
  })
})

/** A second reading of R4's rules, as plain as can be: by text where the other goes by intervals and postings. */
const NAIVE: Readonly<Record<string, (observation: Observation, value: string) => boolean>> = {
  '_id': ({ id }, value) => value.split(',').includes(id ?? ''),
  'status': ({ status }, value) => value.split(',').includes(status),
  'status:not': ({ status }, value) => !value.split(',').includes(status),
  'code': ({ code }, value) => hasCode(code, value),
  'code:not': ({ code }, value) => !hasCode(code, value),
  'method:missing': ({ method }, value) => (method === undefined) === (value === 'true'),
  'method:not': ({ method }, value) => !hasCode(method, value),
  'subject': ({ subject }, value) => value.split(',').some((one) =>
    subject?.reference?.replace(/\/_history\/.*/, '') === one),
  'date': ({ effectiveDateTime: date }, value) =>
    date !== undefined && value.split(',').some((one) => inDays(date, one)),
}

const hasCode = (concept: Observation['code'] | undefined, value: string): boolean => value.split(',').some((one) => {
  const [first = '', second] = one.split('|')
  return (concept?.coding ?? []).some(({ system, code }) =>
    second === undefined ? code === first
      : second === '' ? system === first
        : code === second && (first === '' ? system === undefined : system === first))
})

/** Days of a date of any precision, by counting them on the calendar. */
const daysOf = (text: string): [first: number, last: number] => {
  const [year = 0, month, day] = text.split('-').map(Number)
  const at = (y: number, m: number, d: number): number => Date.UTC(y, m, d) / 86_400_000
  if (month === undefined) return [at(year, 0, 1), at(year + 1, 0, 1) - 1]
  if (day === undefined) return [at(year, month - 1, 1), at(year, month, 1) - 1]
  return [at(year, month - 1, day), at(year, month - 1, day)]
}

const inDays = (date: string, asked: string): boolean => {
  const prefix = /^[a-z]{2}/.exec(asked)?.[0] ?? 'eq'
  const [low, high] = daysOf(date)
  const [from, to] = daysOf(asked.replace(/^[a-z]{2}/, ''))
  const inside = from <= low && high <= to
  const tests: Record<string, boolean> = {
    eq: inside, ne: !inside, gt: high > to, lt: low < from, ge: inside || high > to, le: inside || low < from,
    sa: low > to, eb: high < from,
  }
  return tests[prefix] === true
}

const dates =
  fc.constantFrom('2023', '2024', '2024-01', '2024-02', '2024-02-29', '2024-03-01', '2024-12-31', '2025-01-01')
const codings = fc.array(fc.record(
  { system: fc.constantFrom('urn:a', 'urn:b'), code: fc.constantFrom('1', '2', '3') }, { requiredKeys: ['code'] },
), { maxLength: 2, minLength: 1 })
const observations = fc.array(fc.record({
  status: fc.constantFrom('final', 'amended', 'preliminary'),
  code: codings.map((coding) => ({ coding })),
  method: codings.map((coding) => ({ coding })),
  subject: fc.constantFrom('Patient/1', 'Patient/2', 'Group/1', 'Patient/1/_history/2')
    .map((reference) => ({ reference })),
  effectiveDateTime: dates,
}, { requiredKeys: ['status', 'code'] }), { maxLength: 12 })
const listed = (values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(values, { minLength: 1, maxLength: 3 }).map((each) => each.join(','))
const codes = listed(fc.constantFrom('1', '2', 'urn:a|1', 'urn:b|3', '|2', 'urn:a|', 'urn:c|1'))
const statuses = listed(fc.constantFrom('final', 'amended', 'preliminary'))
const criteria = fc.array(fc.oneof(
  fc.tuple(fc.constantFrom('code', 'code:not', 'method:not'), codes),
  fc.tuple(fc.constantFrom('status', 'status:not'), statuses),
  fc.tuple(fc.constant('method:missing'), fc.constantFrom('true', 'false')),
  fc.tuple(fc.constant('subject'), listed(fc.constantFrom('Patient/1', 'Patient/2', 'Group/1'))),
  fc.tuple(fc.constant('_id'), listed(fc.constantFrom('o0', 'o3', 'o7', 'nobody'))),
  fc.tuple(fc.constant('date'), listed(fc.tuple(
    fc.constantFrom('', 'eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb'), dates,
  ).map(([prefix, date]) => prefix + date))),
), { maxLength: 3 })

test('every combination answers what a naive reading of R4 answers', () => {
  fc.assert(fc.property(observations, criteria, (given, asked) => {
    const resources =
      given.map((one, place) => ({ resourceType: 'Observation', id: `o${place}`, ...one })) as Observation[]
    const query = asked.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
    const naive = resources.filter((one) => asked.every(([name, value]) => NAIVE[name]?.(one, value)))
    expect(found(resources as Resource[], 'Observation', query)).toEqual(naive.map(({ id }) => id ?? '').toSorted())
  }), { numRuns: 2_000 })
})
