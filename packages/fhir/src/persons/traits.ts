/** The strict traits of a person, and the one decision on what a patient may be called outside this organisation. */
import type { HumanName, Patient } from '@medplum/fhirtypes'
import { EXTENSIONS } from './codes.ts'
import { findingsOfIns, identityOf } from './ins.ts'
import { foldName } from './names.ts'

/** RNIV's five, folded: upper case, no accents, single spaces. */
export interface StrictTraits {
  birthName: string
  firstGivenName: string
  /** YYYY-MM-DD */
  birthDate: string
  sex: 'male' | 'female'
  /** INSEE code of the commune, or of the country for who was born abroad. */
  birthPlace: string
}

export type OutsideName =
  | { kind: 'named', oid: string, matricule: string, traits: StrictTraits }
  | { kind: 'local', why: LocalReason }

/** Why a patient stays local. */
export type LocalReason =
  | 'inactive'
  | 'no-ins'
  | 'several-ins'
  | 'not-qualified'
  | 'doubtful'
  | 'wrong-key'
  | 'traits-incomplete'

/**
 * What a patient may be named by towards other organisations: INS and strict traits of a qualified identity, or
 * nothing. Everything that looks for a vault beyond this organisation asks here, and only here; the answer is that of
 * the present version, so a downgrade counts from the version that says so.
 */
export function outsideNameOf(patient: Patient): OutsideName {
  const { status, doubtful, ins } = identityOf(patient)
  const local = (why: LocalReason): OutsideName => ({ kind: 'local', why })
  if (patient.active === false) return local('inactive')
  const [only] = ins
  if (only === undefined) return local('no-ins')
  if (ins.length > 1) return local('several-ins')
  if (status !== 'qualified') return local('not-qualified')
  if (doubtful) return local('doubtful')
  if (findingsOfIns(only).some(({ severity }) => severity === 'error')) return local('wrong-key')
  const traits = strictTraitsOf(patient)
  return traits === undefined ? local('traits-incomplete') : { kind: 'named', ...nameOf(only), traits }
}

function nameOf({ oid, matricule }: { oid: string, matricule: string }): { oid: string, matricule: string } {
  return { oid, matricule }
}

/** Undefined unless all five are there. */
export function strictTraitsOf(patient: Patient): StrictTraits | undefined {
  const official = birthNameOf(patient)
  const birthName = strict(official?.family)
  const firstGivenName = strict(official && firstGivenNameOf(official))
  const { birthDate, gender } = patient
  const birthPlace = birthPlaceOf(patient)
  const sex = gender === 'male' || gender === 'female' ? gender : undefined
  const whole = birthDate !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(birthDate)
  if (birthName === '' || firstGivenName === '' || !whole || sex === undefined || birthPlace === undefined) {
    return undefined
  }
  return { birthName, firstGivenName, birthDate, sex, birthPlace }
}

/** The name of the birth certificate: `official` in FR Core, `maiden` in plain R4. */
export function birthNameOf(patient: Patient): HumanName | undefined {
  const names = patient.name ?? []
  return names.find(({ use }) => use === 'official') ?? names.find(({ use }) => use === 'maiden')
}

/**
 * `given[0]` where the list of the birth certificate begins with it, which tells Marie-Louise from Marie; or else that
 * list's first word.
 */
function firstGivenNameOf(name: HumanName): string | undefined {
  const [given] = name.given ?? []
  const list = name.extension?.find(({ url }) => url === EXTENSIONS.birthGivenNames)?.valueString
  if (list === undefined) return given
  const first = list.trim().split(/[\s,]+/)[0]
  if (given === undefined) return first
  return ` ${strict(list)} `.startsWith(` ${strict(given)} `) ? given : first
}

const INSEE = /^(?:\d{5}|2[AB]\d{3})$/

export function birthPlaceOf(patient: Patient): string | undefined {
  const place = patient.extension?.find(({ url }) => url === EXTENSIONS.birthPlace)?.valueAddress
  const code = place?.extension?.find(({ url }) => url === EXTENSIONS.inseeCode)?.valueCoding?.code?.toUpperCase()
  return code !== undefined && INSEE.test(code) ? code : undefined
}

/** True if both are named outside by the same INS and the same five traits. */
export function isSamePersonOutside(left: OutsideName, right: OutsideName): boolean {
  return left.kind === 'named' && right.kind === 'named' && outsideKey(left) === outsideKey(right)
}

/** One text of an outside name: INS and all traits. */
export function outsideKey({ oid, matricule, traits }: Extract<OutsideName, { kind: 'named' }>): string {
  const { birthName, firstGivenName, birthDate, sex, birthPlace } = traits
  return [oid, matricule, birthName, firstGivenName, birthDate, sex, birthPlace].join('|')
}

function strict(text: string | undefined): string {
  return text === undefined ? '' : foldName(text).tokens.join(' ').toUpperCase()
}
