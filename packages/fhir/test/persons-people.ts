/** Invented people for the tests of persons. */
import type { Identifier, Patient } from '@medplum/fhirtypes'
import { EXTENSIONS } from '../src/persons/persons.ts'

export interface Person {
  id?: string
  birth?: string
  used?: string
  given?: string[]
  date?: string
  sex?: 'male' | 'female'
  place?: string
  phone?: string
  ins?: string
  oid?: string
  /** Code of the RNIV's code system, or `v2:` and a code of table 0445. */
  status?: string
  number?: string
  multiple?: boolean
}

const FR = 'https://hl7.fr/ig/fhir/core/CodeSystem'

export const person = (who: Person = {}): Patient => {
  const { birth = 'Dark', used, given = ['Jeanne'], date = '1960-05-30', sex = 'female' } = who
  const { place, phone, ins, number } = who
  const identifier: Identifier[] = []
  if (ins !== undefined) identifier.push({ system: `urn:oid:${who.oid ?? '1.2.250.1.213.1.4.8'}`, value: ins })
  if (number !== undefined) identifier.push({ system: 'urn:oid:1.2.3.4', value: number })
  const [system, code] = who.status?.startsWith('v2:') === true
    ? [`${FR}/fr-core-cs-v2-0445`, who.status.slice(3)] : [`${FR}/fr-core-cs-identity-status`, who.status]
  return {
    resourceType: 'Patient',
    ...(who.id === undefined ? {} : { id: who.id }),
    extension: [
      ...(place === undefined ? [] : [{ url: EXTENSIONS.birthPlace,
        valueAddress: { extension: [{ url: EXTENSIONS.inseeCode, valueCoding: { code: place } }] } }]),
      ...(code === undefined ? [] : [{ url: EXTENSIONS.identityReliability,
        extension: [{ url: 'identityStatus', valueCoding: { system, code } }] }]),
    ],
    ...(identifier.length === 0 ? {} : { identifier }),
    name: [{ use: 'official', family: birth, given },
      ...(used === undefined ? [] : [{ use: 'usual' as const, family: used, given }])],
    ...(phone === undefined ? {} : { telecom: [{ system: 'phone', value: phone }] }),
    gender: sex,
    birthDate: date,
    ...(who.multiple === undefined ? {} : { multipleBirthBoolean: who.multiple }),
  }
}

/** The qualified example of the French national reference. */
export const QUALIFIED: Person = { ins: '260058815400233', status: 'QUAL', place: '88154' }
