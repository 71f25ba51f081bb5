/**
 * Patients for a person to choose one of, for an application that works with one. A row shown is a release: it is
 * counted by the same counter as a row of any list, before it is shown, and who may have no list has none here.
 */
import type { Bundle, HumanName, Patient } from '@medplum/fhirtypes'
import type { Call } from '../call.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { wishesOf } from '../negotiation.ts'
import type { Search } from '../search.ts'
import type { Exposure } from '../staff/exposure.ts'
import type { FactShelf } from '../staff/facts.ts'
import type { Directory } from '../store/directory.ts'

export interface PatientRow {
  /** `Patient/id`. */
  readonly reference: string
  readonly name: string
  readonly birthDate: string | undefined
  readonly gender: Patient['gender']
}

export interface PatientList {
  readonly rows: readonly PatientRow[]
  /** There are more than are shown. */
  readonly isMore: boolean
}

export interface PatientChoiceOptions {
  readonly search: Pick<Search, 'search'>
  readonly facts: Pick<FactShelf, 'expected'>
  readonly directory: Pick<Directory, 'vault' | 'person'>
  readonly exposure: Pick<Exposure, 'listed'>
}

export class PatientChoice {
  readonly #options: PatientChoiceOptions

  constructor(options: PatientChoiceOptions) {
    this.#options = options
  }

  /**
   * Whom an appointment, an admission or a referral names to this person (hex id): nobody is listed who was not asked
   * for, since that would spend what the person may list, on each sign-in. Throws `exposure-spent`, `forbidden`.
   */
  expected(session: string, person: string): PatientList {
    const { facts, directory, exposure } = this.#options
    const vaults = new Set(facts.expected().filter(({ reader }) => reader === person).map(({ vault }) => vault))
    const entries = [...vaults].flatMap((vault) => {
      const row = directory.vault(vault)
      return row?.patient === undefined || row.decoy === true ? [] : directory.person(row.patient) ?? []
    })
    const shown = entries.slice(0, EDGE_LIMITS.choiceRows)
      .map(({ bytes }) => rowOf(JSON.parse(Buffer.from(bytes).toString()) as Patient))
    exposure.listed(session, shown.map(({ reference }) => reference))
    return { rows: shown.toSorted((one, other) => one.name.localeCompare(other.name)),
      isMore: entries.length > shown.length }
  }

  /** All words begin a part of the name. Throws as {@link expected}; `exposure-spent` also for too many in vain. */
  async named(session: string, name: string, base: string): Promise<PatientList> {
    const words = name.trim().split(/\s+/).slice(0, 8)
    const query = [...words.map((word) => `name=${encodeURIComponent(escapedValue(word))}`), '_sort=family,given',
      `_count=${EDGE_LIMITS.choiceRows}`].join('&')
    const { body } = await this.#options.search.search(callIn(session, base, query), 'Patient', query)
    const { entry = [], total = 0 } = JSON.parse(Buffer.from(body ?? '').toString()) as Bundle
    const patients = entry.flatMap(({ resource }) => (resource?.resourceType === 'Patient' ? [resource] : []))
    return { rows: patients.map(rowOf), isMore: total > entry.length }
  }
}

/** Commas would be alternatives (R4 search.html#escaping). */
const escapedValue = (word: string): string => word.replace(/[\\,|$]/g, (character) => `\\${character}`)

/** The person asks at this edge itself: what the application's scopes are does not matter to who is listed. */
const callIn = (session: string, base: string, query: string): Call => ({
  method: 'GET', path: 'Patient', params: {}, wishes: wishesOf({}, query), headers: {}, body: new Uint8Array(), base,
  principal: '', session, rights: new Set(['search']),
})

const rowOf = ({ id = '', name = [], birthDate, gender }: Patient): PatientRow => ({
  reference: `Patient/${id}`, name: shownName(name), birthDate, gender,
})

const shownName = (names: readonly HumanName[]): string => {
  const best = names.find(({ use }) => use === 'official') ?? names.find(({ use }) => use !== 'old') ?? names[0]
  const parts = [best?.family ?? '', ...best?.given ?? []].filter((part) => part !== '').join(' ')
  return parts === '' ? best?.text ?? '—' : parts
}
