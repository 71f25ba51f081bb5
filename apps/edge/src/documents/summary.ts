/** `Patient/$summary`: the International Patient Summary of what this session may read. */
import type { Patient } from '@medplum/fhirtypes'
import { type CategoryCode, isCategoryCode, isStrict, type RuleTable } from '@scelle/fhir/categories'
import { IPS_COMPOSITION, type Kept, type Language, languageOf, summarise } from '@scelle/fhir/summary'
import type { FhirAnswer } from '../answers.ts'
import type { Call } from '../call.ts'
import { digitsOf, exactJson } from '../decimals.ts'
import { bytesOf, type Entry, keyOf, passing } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import { header } from '../negotiation.ts'
import type { Search } from '../search.ts'
import type { Directory } from '../store/directory.ts'
import { type ChartReader, currentOf, resourceOf } from './chart-reader.ts'
import { operationParameters } from './parameters.ts'

export interface SummaryOptions {
  readonly charts: ChartReader
  readonly directory: Directory
  readonly search: Pick<Search, 'matches'>
  readonly rules: RuleTable
  readonly organisation: string
  /** Where neither reader nor patient says otherwise. */
  readonly language: Language
  readonly now: () => number
  readonly newId: () => string
  /** The same UUID for the same name: keyed, so that it tells nothing of the name. */
  readonly idFor: (name: string) => string
}

const PARAMETERS = ['profile', 'categories'] as const

export class Summaries {
  readonly #options: SummaryOptions

  constructor(options: SummaryOptions) {
    this.#options = options
  }

  /** `Patient/id/$summary`, with `profile` and this edge's own `categories`: strict ones wanted, comma-separated. */
  async ofPatient(call: Call, id: string): Promise<FhirAnswer> {
    return this.#make(call, id, operationParameters(call, PARAMETERS))
  }

  /** `Patient/$summary?identifier=system|value`: exactly one patient, or none is answered. */
  async byIdentifier(call: Call): Promise<FhirAnswer> {
    const given = operationParameters(call, ['identifier', ...PARAMETERS])
    const identifier = given.get('identifier') ?? ''
    if (identifier === '') throw new EdgeError('bad-value', 'name the patient: identifier=system|value', 'identifier')
    if (identifier.includes(',')) throw new EdgeError('bad-value', 'expected one identifier', 'identifier')
    const found = await this.#options.search.matches(call, 'Patient', `identifier=${encodeURIComponent(identifier)}`)
    if (found.length > 1) {
      throw new EdgeError('multiple-matches', 'several patients have this identifier', 'identifier')
    }
    const [match] = found
    if (match === undefined) throw new EdgeError('not-found')
    return this.#make(call, match.slice(match.indexOf('/') + 1), given)
  }

  /** Of an operation that takes other parameters: no strict category is in it. JSON in UTF-8. */
  async whole(call: Call, id: string): Promise<Uint8Array> {
    return (await this.#made(call, id, new Map())).body
  }

  async #make(call: Call, id: string, given: ReadonlyMap<string, string>): Promise<FhirAnswer> {
    const { body, language } = await this.#made(call, id, given)
    return { status: 200, headers: { 'content-language': language }, body: passing(body) }
  }

  async #made(
    call: Call, id: string, given: ReadonlyMap<string, string>,
  ): Promise<{ readonly body: Uint8Array; readonly language: Language }> {
    checkProfile(given.get('profile'))
    const asked = categoriesIn(given.get('categories'))
    const { charts, directory, rules, organisation, now, newId, idFor } = this.#options
    const organisationRecords = (await charts.own(call))?.records
    // Nothing is waited for from here on: a chart that is closed meanwhile is wiped.
    const opening = await charts.open(call, `Patient/${id}`)
    const entries = currentOf(opening)
    const own = entries.find((entry) => keyOf(entry) === `Patient/${id}`)
    // A grant may cover the allergies and not the name: a document of nobody helps nobody.
    if (own === undefined) throw new EdgeError('forbidden', 'the Patient resource itself is not readable here')
    const patient = resourceOf(own) as Patient
    const beside = (key: string) => {
      const entry = organisationRecords?.latest(key)
      return entry === undefined || entry.deleted ? undefined : resourceOf(entry)
    }
    const language = languageOf(header(call.headers, 'accept-language'), ownLanguage(patient), this.#options.language)
    const bundle = summarise({
      patient, others: directory.patients.merges.sourcesOf(`Patient/${id}`),
      chart: entries.filter(isClinical).map(keptOf), beside, base: call.base, organisation, asked, rules,
      gaps: opening.gaps(), language, now: now(), documentId: newId(), idFor, digits: digitsOf,
    })
    return { body: bytesOf(exactJson(bundle)), language }
  }
}

const NOT_CLINICAL: ReadonlySet<string> = new Set([
  'Patient', 'Bundle', 'Binary', 'Composition', 'DocumentReference', 'AuditEvent', 'Provenance', 'Encounter', 'Claim',
  'ClaimResponse', 'ExplanationOfBenefit',
])

const isClinical = ({ type }: Entry): boolean => !NOT_CLINICAL.has(type)

const keptOf = (entry: Entry): Kept =>
  ({ resource: resourceOf(entry), category: entry.category as CategoryCode })

const ownLanguage = ({ communication = [] }: Patient): string | undefined =>
  (communication.find(({ preferred }) => preferred === true) ?? communication[0])?.language.coding?.[0]?.code

const checkProfile = (profile: string | undefined): void => {
  if (profile === undefined || profile === IPS_COMPOSITION || profile === `${IPS_COMPOSITION}|2.0.0`) return
  throw new EdgeError('not-supported', `the profile served is ${IPS_COMPOSITION}|2.0.0`, 'profile')
}

const categoriesIn = (text: string | undefined): ReadonlySet<CategoryCode> => {
  const codes = text === undefined ? [] : text.split(',').map((code) => code.trim())
  if (!codes.every(isStrictCode)) {
    throw new EdgeError('bad-value', 'expected codes of strict categories, such as notes,mental-health', 'categories')
  }
  return new Set(codes)
}

const isStrictCode = (code: string): code is CategoryCode => isCategoryCode(code) && isStrict(code)
