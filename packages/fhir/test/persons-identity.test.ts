/** The French national identity in a Patient: its key, its status, and who may be named by it outside. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  EXTENSIONS, findingsOfIns, identityOf, insIn, isKeyRight, outsideKeys, outsideNameOf, type OutsideName,
  strictTraitsOf,
} from '../src/persons/persons.ts'
import { person, QUALIFIED } from './persons-people.ts'

const why = (name: OutsideName): string => (name.kind === 'local' ? name.why : 'named')

describe('the key of a matricule', () => {
  test.each([
    ['260058815400233', true], ['279035121518989', true], ['277076322082910', true],
    ['123456789012244', false], ['260058815400234', false], ['26005881540023', false], ['2600588154002330', false],
    // Corsica: 2A counts as 19, 2B as 18.
    [`180012A004123${keyOf('1800119004123')}`, true], [`180012B004123${keyOf('1800118004123')}`, true],
    [`180012A004123${keyOf('1800118004123')}`, false], ['180012C00412300', false],
    ['', false], ['abc', false], ['٢٦٠٠٥٨٨١٥٤٠٠٢٣٣', false],
  ])('%s: %s', (matricule, right) => expect(isKeyRight(matricule)).toBe(right))

  test('one wrong digit, or two neighbours exchanged, is never right', () => {
    const body = fc.stringMatching(/^[12]\d{4}\d{2}\d{6}$/)
    fc.assert(fc.property(body, fc.nat(12), fc.integer({ min: 1, max: 9 }), (digits, at, add) => {
      const right = digits + keyOf(digits)
      expect(isKeyRight(right)).toBe(true)
      const wrong = `${right.slice(0, at)}${(Number(right[at]) + add) % 10}${right.slice(at + 1)}`
      expect(isKeyRight(wrong)).toBe(false)
    }))
  })

  test('a wrong key is an error, and with a test OID a warning only', () => {
    const ins = (oid: string) => insIn({ system: `urn:oid:${oid}`, value: '1 23 45 67 890 122 44' })
    const severity = (oid: string) => findingsOfIns(ins(oid) ?? expect.unreachable()).map((each) => each.severity)
    expect(severity('1.2.250.1.213.1.4.8')).toEqual(['error'])
    expect(severity('1.2.250.1.213.1.4.9')).toEqual(['error'])
    expect(severity('1.2.250.1.213.1.4.10')).toEqual(['warning'])
    expect(insIn({ system: 'urn:oid:1.2.250.1.213.1.4.99', value: '260058815400233' })).toBeUndefined()
    expect(insIn({ system: 'urn:oid:1.2.250.1.213.1.4.8' })).toBeUndefined()
    expect(insIn({ system: '1.2.250.1.213.1.4.8', value: '2 60 05 88 154 002 33' })?.matricule).toBe('260058815400233')
  })
})

describe('the status of an identity', () => {
  const ins = '260058815400233'
  test.each([
    ['PROV', undefined, 'provisional'], ['RECUP', ins, 'retrieved'], ['VALI', undefined, 'validated'],
    ['QUAL', ins, 'qualified'], ['VALI', ins, 'validated'], ['v2:PROV', undefined, 'provisional'],
    ['v2:PROV', ins, 'retrieved'], ['v2:VALI', undefined, 'validated'], ['v2:VALI', ins, 'qualified'],
    ['v2:FICT', ins, 'provisional'], ['QUALIFIED', ins, 'provisional'], [undefined, ins, 'provisional'],
  ])('%s with the INS %s is %s', (status, number, expected) => {
    const claimed = status === undefined ? {} : { status }
    const who = person({ ...claimed, ...(number === undefined ? {} : { ins: number }) })
    expect(identityOf(who).status).toBe(expected)
  })

  test('of two claims the lesser one counts, and a code of another system is none', () => {
    const patient = person(QUALIFIED)
    const lesser = person({ status: 'PROV' }).extension ?? []
    expect(identityOf({ ...patient, extension: [...patient.extension ?? [], ...lesser] }).status).toBe('provisional')
    const other = JSON.parse(JSON.stringify(patient).replace('fr-core-cs-identity-status', 'mine')) as typeof patient
    expect(identityOf(other).status).toBe('provisional')
    const checked = person({ ...QUALIFIED, status: 'v2:VALI' })
    const elsewhere = JSON.parse(JSON.stringify(checked).replace('fr-core-cs-v2-0445', 'mine')) as typeof checked
    expect([identityOf(checked).status, identityOf(elsewhere).status]).toEqual(['qualified', 'provisional'])
  })
})

describe('what a patient is named by outside', () => {
  test('a qualified identity: INS and five strict traits, folded', () => {
    const names = { birth: 'De la Fère-Œuvrard', given: ['Marie-Louise', 'Zoé'] }
    expect(outsideNameOf(person({ ...QUALIFIED, ...names }))).toEqual({
      kind: 'named', oid: '1.2.250.1.213.1.4.8', matricule: '260058815400233',
      traits: { birthName: 'DE LA FERE OEUVRARD', firstGivenName: 'MARIE LOUISE', birthDate: '1960-05-30',
        sex: 'female', birthPlace: '88154' },
    })
  })

  test.each([
    ['no-ins', person({ status: 'QUAL', place: '88154' })],
    ['not-qualified', person({ ...QUALIFIED, status: 'RECUP' })],
    ['not-qualified', person({ ...QUALIFIED, status: 'VALI' })],
    ['not-qualified', person({ ins: '260058815400233', place: '88154' })],
    ['wrong-key', person({ ...QUALIFIED, ins: '260058815400234' })],
    ['traits-incomplete', person({ ins: '260058815400233', status: 'QUAL' })],
    ['traits-incomplete', person({ ...QUALIFIED, date: '1960-05' })],
    ['traits-incomplete', { ...person(QUALIFIED), gender: 'unknown' as const }],
    ['traits-incomplete', { ...person(QUALIFIED), name: [{ family: 'Dark', given: ['Jeanne'] }] }],
    ['inactive', { ...person(QUALIFIED), active: false }],
    ['several-ins', { ...person(QUALIFIED),
      identifier: ['260058815400233', '279035121518989'].map((value) =>
        ({ system: 'urn:oid:1.2.250.1.213.1.4.8', value })) }],
  ])('nothing: %s', (reason, patient) => {
    expect(why(outsideNameOf(patient))).toBe(reason)
    expect(outsideKeys(patient)).toEqual([])
  })

  test('a doubtful or fictitious identity names nobody, though it says qualified', () => {
    const patient = person(QUALIFIED)
    const comment = { url: 'comment', valueCodeableConcept: { coding: [{ code: 'DOUT' }] } }
    const extension = (patient.extension ?? []).map((each) =>
      (each.url === EXTENSIONS.identityReliability ? { ...each, extension: [...each.extension ?? [], comment] } : each))
    expect(why(outsideNameOf({ ...patient, extension }))).toBe('doubtful')
  })

  test('a replaced INS does not count; a test number is named whatever its key', () => {
    const patient = person(QUALIFIED)
    const old = { system: 'urn:oid:1.2.250.1.213.1.4.8', value: '279035121518989', use: 'old' as const }
    expect(why(outsideNameOf({ ...patient, identifier: [old, ...patient.identifier ?? []] }))).toBe('named')
    const invented = person({ ...QUALIFIED, oid: '1.2.250.1.213.1.4.10', ins: '123456789012244' })
    expect(why(outsideNameOf(invented))).toBe('named')
  })

  test('the first given name is that of the birth certificate', () => {
    const named = (given: string[], list: string) => strictTraitsOf({ ...person(QUALIFIED),
      name: [{ use: 'official', family: 'Dark', given,
        extension: [{ url: EXTENSIONS.birthGivenNames, valueString: list }] }] })?.firstGivenName
    expect(named(['Jeanne'], 'Jeanne Marie Cécile')).toBe('JEANNE')
    expect(named(['Marie-Louise'], 'Marie-Louise Zoé')).toBe('MARIE LOUISE')
    expect(named(['Cécile'], 'Jeanne Marie Cécile')).toBe('JEANNE')
  })
})

function keyOf(thirteen: string): string {
  return String(97 - (Number(thirteen) % 97)).padStart(2, '0')
}
