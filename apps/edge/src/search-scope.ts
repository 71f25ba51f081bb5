/**
 * Which records a search is about. What would need closed charts is refused whole: half an answer reads as a full
 * one.
 */
import type { Criterion, ParsedSearch } from '@scelle/fhir/search'
import { subjectElements } from '@scelle/fhir/references'
import { EdgeError } from './errors.ts'

export type Scope =
  /** The directory's list of patients. */
  | { readonly kind: 'persons' }
  /** The organisation's own vault: nothing a patient's chart could add. */
  | { readonly kind: 'organisation' }
  /** One patient's chart, by the reference its records use. */
  | { readonly kind: 'patient'; readonly reference: string }
  /** Resources by their ids, wherever they are. */
  | { readonly kind: 'ids'; readonly ids: readonly string[] }

/** Types that may belong to a patient. All others are in the organisation's own vault. */
const OF_PATIENTS: ReadonlySet<string> = new Set([
  ...subjectElements().filter(([, element]) => element !== '').map(([type]) => type),
  'Bundle', 'Group', 'Provenance', 'AuditEvent',
])

/**
 * Parameters that name the patient whose record a resource is: R4's names for the elements that `patientOf` goes by.
 */
const OWNER_PARAMETERS: ReadonlySet<string> = new Set([
  'patient', 'subject', 'beneficiary', 'candidate', 'individual', 'member',
])

/** Where `patient` may also name somebody who only took part. */
const NOT_BY_OWNER: ReadonlySet<string> = new Set(['AuditEvent', 'Provenance', 'Appointment', 'AppointmentResponse'])

/** @throws EdgeError `too-costly` */
export const scopeOf = (parsed: ParsedSearch): Scope => {
  if (parsed.type === 'Patient') return { kind: 'persons' }
  if (!OF_PATIENTS.has(parsed.type)) return { kind: 'organisation' }
  const references = new Set(parsed.criteria.flatMap((criterion) => ownersIn(criterion, parsed.type)))
  const [reference] = references
  if (references.size === 1 && reference !== undefined) return { kind: 'patient', reference }
  if (references.size > 1) throw new EdgeError('too-costly', 'a search may name one patient; ask once for each')
  if (parsed.criteria.some(isWithoutPatient)) return { kind: 'organisation' }
  const ids = parsed.criteria.find((criterion) => criterion.parameter.name === '_id' && criterion.test === 'token')
  if (ids?.test === 'token' && !ids.negated) return { kind: 'ids', ids: ids.tokens.flatMap(({ code }) => code ?? []) }
  throw new EdgeError(
    'too-costly',
    `a search of ${parsed.type} across patients would need charts that are closed: name one, as in patient=Patient/1`,
  )
}

const ownersIn = (criterion: Criterion, type: string): string[] => {
  if (
    criterion.test !== 'reference' || !OWNER_PARAMETERS.has(criterion.parameter.name)
    || NOT_BY_OWNER.has(type)
  ) {
    return []
  }
  // Alternatives: if one of them is no patient, the search reaches beyond the patients named.
  const named = criterion.references.map((reference) => {
    if (reference.text !== undefined) return /\/Patient\/[^/]+$/.test(reference.text) ? reference.text : undefined
    if (reference.type !== undefined && reference.type !== 'Patient') return undefined
    const plain = reference.type === 'Patient' || !criterion.parameter.targets.some((target) => target !== 'Patient')
    return plain || reference.id === undefined || criterion.parameter.name === 'patient'
      ? `Patient/${reference.id ?? ''}`
      : undefined
  })
  return named.every((each) => each !== undefined) ? named : []
}

const isWithoutPatient = (criterion: Criterion): boolean =>
  criterion.test === 'missing' && criterion.missing
    && (criterion.parameter.name === 'patient' || criterion.parameter.name === 'subject')
