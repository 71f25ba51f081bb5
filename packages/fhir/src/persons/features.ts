/** What of a Patient is compared, and under which keys it is looked for among many. */
import type { HumanName, Patient } from '@medplum/fhirtypes'
import { LIMITS } from '../limits.ts'
import { EXTENSIONS } from './codes.ts'
import { identityOf, insIn } from './ins.ts'
import type { Identity, Ins } from './ins.ts'
import { foldName } from './names.ts'
import type { FoldedName } from './names.ts'
import { birthNameOf, birthPlaceOf, outsideKey, outsideNameOf } from './traits.ts'

/** `system` and `value` of an identifier that is no INS and not marked as old. */
export interface LocalNumber { system: string, value: string }

export interface Features {
  birthNames: readonly FoldedName[]
  usedNames: readonly FoldedName[]
  /** Of each name its first given name, and all of them as one. */
  given: readonly FoldedName[]
  birthDate: string | undefined
  sex: 'male' | 'female' | undefined
  birthPlace: string | undefined
  phones: readonly string[]
  numbers: readonly LocalNumber[]
  identity: Identity
  /** Twin, triplet… */
  multiple: boolean
}

export function featuresOf(patient: Patient): Features {
  const birth = birthNameOf(patient)
  const names = (patient.name ?? []).slice(0, LIMITS.comparedValues)
  const identity = identityOf(patient)
  return {
    birthNames: folded([birth?.family]),
    usedNames: folded(names.filter((name) => name !== birth).map(({ family }) => family)),
    given: folded(names.flatMap(givenOf)),
    birthDate: patient.birthDate,
    sex: patient.gender === 'male' || patient.gender === 'female' ? patient.gender : undefined,
    birthPlace: birthPlaceOf(patient),
    phones: phonesOf(patient),
    numbers: numbersOf(patient),
    identity: { ...identity, ins: identity.ins.slice(0, LIMITS.comparedValues) },
    multiple: patient.multipleBirthBoolean === true || patient.multipleBirthInteger !== undefined,
  }
}

function givenOf(name: HumanName): (string | undefined)[] {
  const given = name.given ?? []
  return [given[0], given.length > 1 && given.length < 4 ? given.join(' ') : undefined]
}

function folded(texts: readonly (string | undefined)[]): FoldedName[] {
  const found = new Map<string, FoldedName>()
  for (const text of texts) {
    const name = foldName(text ?? '')
    if (name.joined !== '') found.set(name.joined, name)
  }
  return [...found.values()]
}

/** The last nine digits: `+33 6 12 34 56 78` and `06.12.34.56.78` are one number. */
function phonesOf(patient: Patient): string[] {
  const digits = (patient.telecom ?? []).slice(0, LIMITS.comparedValues)
    .filter(({ system, use }) => system === 'phone' && use !== 'old')
    .map(({ value }) => (value ?? '').replaceAll(/\D/g, '')).filter((text) => text.length >= 9)
  return [...new Set(digits.map((text) => text.slice(-9)))]
}

/** Identifiers that name one patient each: with a system, no INS, in use. */
export function numbersOf(patient: Patient): LocalNumber[] {
  return (patient.identifier ?? []).slice(0, LIMITS.comparedValues).flatMap((identifier) => {
    const { system, value, use } = identifier
    const counts = system !== undefined && value !== undefined && use !== 'old' && insIn(identifier) === undefined
    return counts ? [{ system, value }] : []
  })
}

/** Stands for all identifiers of who has more than are looked at: such a patient may be meant by any. */
export const MANY_NUMBERS = 'm:'

/** Every identifier with a system and a value, the INS and former ones too: what a patient is looked up by. */
export function identifierKeys(patient: Patient): string[] {
  const identifiers = patient.identifier ?? []
  const keys = identifiers.slice(0, LIMITS.comparedValues).flatMap(({ system, value }) =>
    (system !== undefined && value !== undefined ? [identifierKey(system, value)] : []))
  return identifiers.length > LIMITS.comparedValues ? [...keys, MANY_NUMBERS] : keys
}

/** One for all ways of writing an INS, and for a value in either case: coarser than any comparison, never finer. */
export function identifierKey(system: string, value: string): string {
  const ins = insIn({ system, value })
  return ins === undefined ? `n:${system}|${value.toLowerCase()}` : insKey(ins)
}

function insKey({ oid, matricule }: Ins): string {
  return `i:${oid}|${matricule}`
}

/** Two patients can only be compared if they share a key: the first letter says what it is made of. */
export function blockingKeys(patient: Patient): string[] {
  const { birthDate, birthNames, usedNames, given, identity, numbers } = featuresOf(patient)
  const families = [...birthNames, ...usedNames]
  const keys = new Set<string>([
    ...numbers.map(({ system, value }) => identifierKey(system, value)),
    ...identity.ins.map(insKey),
  ])
  const day = crossedDate(birthDate)
  if (day !== undefined) {
    for (const { core } of families) keys.add(`d:${day}:${core.slice(0, 1)}`)
    for (const { core } of given.slice(0, 2)) keys.add(`d:${day}:${core.slice(0, 1)}`)
  }
  // In either order, so that exchanged names meet.
  const first = given[0]?.core
  if (first !== undefined) {
    for (const { core } of families) keys.add(`f:${[core, first].toSorted().join(':')}`)
  }
  return [...keys]
}

/** A date whose day and month may have been exchanged has one key either way. */
function crossedDate(date: string | undefined): string | undefined {
  const [, year, month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date ?? '') ?? []
  if (year === undefined) return undefined
  return Number(day) <= 12 && day < month ? `${year}-${day}-${month}` : `${year}-${month}-${day}`
}

/**
 * The one key under which a patient meets those of other organisations: INS and all strict traits of a qualified
 * identity. None for anybody else, so that an unqualified INS never does the matching.
 */
export function outsideKeys(patient: Patient): string[] {
  const name = outsideNameOf(patient)
  return name.kind === 'named' ? [`q:${outsideKey(name)}`] : []
}

/** The mother's maiden name, where it is known (PDQm). */
export function mothersMaidenNameOf(patient: Patient): string | undefined {
  return patient.extension?.find(({ url }) => url === EXTENSIONS.mothersMaidenName)?.valueString
}
