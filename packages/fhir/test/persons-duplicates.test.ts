/** Probable duplicates: who meets whom, with which score, and who must not. */
import type { Patient } from '@medplum/fhirtypes'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../src/limits.ts'
import {
  blockingKeys, comparePatients, featuresOf, outsideNameOf, type ReasonField,
} from '../src/persons/persons.ts'
import { compareNames, foldName } from '../src/persons/names.ts'
import { person, type Person, QUALIFIED } from './persons-people.ts'

const compare = (left: Patient, right: Patient) => comparePatients(featuresOf(left), featuresOf(right))
const meet = (left: Patient, right: Patient): boolean => {
  const keys = new Set(blockingKeys(left))
  return blockingKeys(right).some((key) => keys.has(key))
}
const finding = (left: Person, right: Person, field: ReasonField) =>
  compare(person(left), person(right)).reasons.find((each) => each.field === field)?.finding

describe('French names', () => {
  test.each([
    ['Lefèvre', 'LEFEVRE', 'equal'], ['Le Gall', 'Legall', 'equal'], ['de La Tour', 'Latour', 'different'],
    ['De La Tour', 'Tour', 'equal'], ['D’Artagnan', 'Artagnan', 'equal'], ['Saint-Jean', 'St Jean', 'equal'],
    ['Œuvrard', 'Oeuvrard', 'equal'], ['Jean-Pierre', 'Jean Pierre', 'equal'], ['Durand', 'Durant', 'similar'],
    ['Martin', 'Marin', 'similar'], ['Léa', 'Léo', 'different'], ['Martin', 'Martin-Dupont', 'partial'],
    ['Dupont', 'Martin-Dupont', 'partial'], ['Petit', 'Grand', 'different'], ['Thoams', 'Thomas', 'similar'],
    ['Le', 'De', 'different'], ['', '', 'different'],
  ])('%s and %s: %s', (left, right, expected) => {
    expect(compareNames(foldName(left), foldName(right))).toBe(expected)
    expect(compareNames(foldName(right), foldName(left))).toBe(expected)
  })
})

test('who has thousands of names or numbers is compared by a few, and by several INS named outside by none', () => {
  const claiming = (first: string): Patient => ({ ...person(QUALIFIED),
    identifier: Array.from({ length: 5000 }, (_, at) =>
      ({ system: 'urn:oid:1.2.250.1.213.1.4.8', value: `${first}${String(at).padStart(12, '0')}00` })) })
  const [one, other] = [claiming('1'), claiming('2')]
  expect(featuresOf(one).identity.ins).toHaveLength(LIMITS.comparedValues)
  expect(blockingKeys(one).length).toBeLessThan(2 * LIMITS.comparedValues)
  expect(compare(one, other).reasons.length).toBeGreaterThan(0)
  const named: Patient = { ...person(), name: Array.from({ length: 1000 }, (_, at) =>
    ({ family: `Nom${at}`, given: [`Prenom${at}`] })) }
  expect(blockingKeys(named).length).toBeLessThan(4 * LIMITS.comparedValues)
  const numbered: Patient = { ...person(), identifier: Array.from({ length: 1000 }, (_, at) =>
    ({ system: 'urn:oid:1.2.3.4', value: `${at}` })) }
  expect(featuresOf(numbered).numbers).toHaveLength(LIMITS.comparedValues)
  const late = Array.from({ length: 200 }, (_, at) => ({ system: 'urn:oid:1.2.3.4', value: `${at}` }))
  expect(outsideNameOf({ ...one, identifier: [...late, ...one.identifier?.slice(0, 2) ?? []] }))
    .toEqual({ kind: 'local', why: 'several-ins' })
})

describe('goes to the work list', () => {
  test.each<[string, Person, Person]>([
    ['the same person twice', {}, {}],
    ['accents and case', { birth: 'Lefèvre' }, { birth: 'LEFEVRE' }],
    ['a slip in the name', { birth: 'Durand' }, { birth: 'Durant' }],
    ['a slip in the given name', { given: ['Jeanne'] }, { given: ['Jeane'] }],
    ['day and month exchanged', { date: '1960-05-03' }, { date: '1960-03-05' }],
    ['birth name here, used name there', { birth: 'Durand', used: 'Martin', place: '75056' },
      { birth: 'Martin', place: '75056' }],
    ['one half of a compound name', { birth: 'Martin-Dupont' }, { birth: 'Martin' }],
    ['names exchanged', { birth: 'Paul', given: ['Martin'] }, { birth: 'Martin', given: ['Paul'] }],
    ['one digit of the date, the same place', { date: '1960-05-30', place: '88154' },
      { date: '1960-05-31', place: '88154' }],
    ['the same INS, whatever else', QUALIFIED,
      { ...QUALIFIED, birth: 'Petit', given: ['Paul'], sex: 'male', date: '1999-01-01' }],
    ['the same local number, whatever else', { number: '7' },
      { number: '7', birth: 'Petit', given: ['Paul'], date: '1999-01-01' }],
  ])('%s', (_, left, right) => {
    expect(meet(person(left), person(right))).toBe(true)
    expect(compare(person(left), person(right))).toMatchObject({ listed: true })
  })
})

describe('does not', () => {
  test.each<[string, Person, Person]>([
    ['twins, who share name, date, place, sex and telephone',
      { given: ['Léa'], place: '75056', phone: '01 02 03 04 05' },
      { given: ['Emma'], place: '75056', phone: '+33 1 02 03 04 05' }],
    ['twins with names that are nearly the same, said to be twins',
      { given: ['Marie'], multiple: true, place: '75056' }, { given: ['Marine'], multiple: true, place: '75056' }],
    ['father and son of one name, born on the same day of the year',
      { birth: 'Martin', given: ['Jean'], sex: 'male', date: '1950-03-12', phone: '0102030405', place: '29019' },
      { birth: 'Martin', given: ['Jean'], sex: 'male', date: '1980-03-12', phone: '0102030405', place: '29019' }],
    ['two of one name and birth date, born in different places',
      { birth: 'Martin', given: ['Jean'], place: '75056' }, { birth: 'Martin', given: ['Jean'], place: '69123' }],
    ['two of one name and birth date, each with an INS',
      { ...QUALIFIED }, { ...QUALIFIED, ins: '279035121518989' }],
    ['wife and husband', { birth: 'Durand', used: 'Martin', given: ['Anne'], phone: '0102030405' },
      { birth: 'Martin', given: ['Luc'], sex: 'male', phone: '0102030405' }],
    ['brother and sister', { given: ['Anne'], date: '1990-02-01', phone: '0102030405' },
      { given: ['Luc'], sex: 'male', date: '1992-02-01', phone: '0102030405' }],
    ['strangers', {}, { birth: 'Petit', given: ['Paul'], sex: 'male', date: '1971-12-01' }],
  ])('%s', (_, left, right) => {
    expect(compare(person(left), person(right))).toMatchObject({ listed: false })
  })
})

test('a wrong key is a slip, not another person', () => {
  expect(finding(QUALIFIED, { ...QUALIFIED, ins: '260058815400234' }, 'ins')).toBeUndefined()
  expect(finding(QUALIFIED, { ...QUALIFIED, ins: '279035121518989' }, 'ins')).toBe('different')
})

test('the score is the sum of its reasons, the same from either side, and tells no values', () => {
  const name = fc.constantFrom('Martin', 'Marin', 'Durand', 'Le Gall', 'de La Tour', 'Martin-Dupont', 'Zoé', 'Jeanne')
  const date = fc.constantFrom('1960-05-03', '1960-03-05', '1960', '1980-05-03', '1961-05-03')
  const who = fc.record({ birth: name, used: name, given: fc.array(name, { minLength: 1, maxLength: 3 }), date,
    sex: fc.constantFrom('male', 'female'), place: fc.constantFrom('75056', '2A004'),
    ins: fc.constantFrom('260058815400233', '279035121518989', '260058815400234'),
    number: fc.constantFrom('1', '2') }, { requiredKeys: ['birth', 'given', 'date', 'sex'] })
  fc.assert(fc.property(who, who, (one, other) => {
    const [left, right] = [person(one), person(other)]
    const result = compare(left, right)
    expect(compare(right, left)).toEqual(result)
    const sum = Math.min(100, result.reasons.reduce((total, { points }) => total + points, 0))
    const sure = result.reasons.some(({ field, finding: what }) =>
      (field === 'ins' || field === 'number') && what === 'same')
    expect(result.score).toBe(Math.max(sure ? 65 : 0, sum))
    expect(JSON.stringify(result)).not.toMatch(/Mart|Dur|1960|260058|75056/)
    if (result.listed) expect(meet(left, right)).toBe(true)
  }), { numRuns: 2_000 })
})

test('whatever a Patient holds, it can be compared', () => {
  const odd = { resourceType: 'Patient', name: [{}, { family: '  ' }, { given: [''] }], telecom: [{}],
    identifier: [{}, { system: 'a' }], extension: [{ url: 'x' }], birthDate: '1960' } as Patient
  expect(blockingKeys(odd)).toEqual([])
  expect(compare(odd, odd)).toMatchObject({ score: 0, listed: false })
  expect(compare({ resourceType: 'Patient' }, person())).toMatchObject({ listed: false })
  const long = person({ birth: 'a'.repeat(1_000_000), given: Array.from({ length: 1_000 }, () => 'x'.repeat(100)) })
  expect(compare(long, long).reasons.length).toBeGreaterThan(0)
})
