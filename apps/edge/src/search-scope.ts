/**
 * Which records a search is about. What would need closed charts is refused whole: half an answer reads as a full
 * one.
 */
import type { Criterion, ParsedSearch } from '@scelle/fhir/search'
import { subjectElements } from '@scelle/fhir/references'
import { EdgeError } from './errors.ts'

export type Scope =
  /** The directory's list of patients; `chart`: one of them, whose records refer back to the patient. */
  | { readonly kind: 'persons'; readonly chart?: string }
  /** The chart of the one patient who meets a criterion. */
  | { readonly kind: 'named'; readonly criterion: Criterion }
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

/** True for what may be in a patient's chart: all of it is known only where all charts are open. */
export const isOfPatients = (type: string): boolean => type === 'Patient' || OF_PATIENTS.has(type)

/**
 * Parameters that name the patient whose record a resource is: R4's names for the elements that `patientOf` goes by.
 */
const OWNER_PARAMETERS: ReadonlySet<string> = new Set([
  'patient', 'subject', 'beneficiary', 'candidate', 'individual', 'member',
])

/** Where `patient` may also name somebody who only took part. */
const NOT_BY_OWNER: ReadonlySet<string> = new Set(['AuditEvent', 'Provenance', 'Appointment', 'AppointmentResponse'])

/** In a patient's chart because of what they speak of, mostly without naming a patient themselves. */
const BY_WHAT_THEY_TELL_OF: ReadonlySet<string> = new Set(['AuditEvent', 'Provenance', 'Task'])

/** @throws EdgeError `too-costly` */
export const scopeOf = (parsed: ParsedSearch): Scope => {
  if (parsed.type === 'Patient') return personsScope(parsed)
  if (!OF_PATIENTS.has(parsed.type)) {
    requireListed(parsed)
    return { kind: 'organisation' }
  }
  const references = new Set(parsed.criteria.flatMap((criterion) => ownersIn(criterion, parsed.type)))
  const [reference] = references
  if (references.size === 1 && reference !== undefined) return { kind: 'patient', reference }
  if (references.size > 1) throw new EdgeError('too-costly', 'a search may name one patient; ask once for each')
  if (!BY_WHAT_THEY_TELL_OF.has(parsed.type) && parsed.criteria.some(isWithoutPatient)) return { kind: 'organisation' }
  const ids = idsIn(parsed)
  if (ids !== undefined) return { kind: 'ids', ids }
  const criterion = parsed.criteria.map((each) => namingIn(each, parsed.type)).find((each) => each !== undefined)
  if (criterion !== undefined) {
    requireListed({ criteria: [criterion], includes: [] })
    return { kind: 'named', criterion }
  }
  throw new EdgeError(
    'too-costly',
    `a search of ${parsed.type} across patients would need charts that are closed: name one, as in patient=Patient/1`,
  )
}

const idsIn = ({ criteria }: ParsedSearch): string[] | undefined => {
  const ids = criteria.find((criterion) => criterion.parameter.name === '_id' && criterion.test === 'token')
  return ids?.test === 'token' && !ids.negated ? ids.tokens.flatMap(({ code }) => code ?? []) : undefined
}

/** The list of patients knows all patients, but of what refers to them only what is open. */
const personsScope = (parsed: ParsedSearch): Scope => {
  const [id, ...more] = idsIn(parsed) ?? []
  const backward = [
    ...parsed.criteria.flatMap((criterion) =>
      (criterion.test === 'has' ? [[criterion.source, criterion] as const] : [])),
    ...parsed.includes.filter(({ reverse, iterate }) => reverse && !iterate)
      .flatMap(({ source, parameters }) => parameters.map((parameter) => [source, { parameter }] as const)),
  ].filter(([source]) => isClosed(source))
  const isOwned = backward.every(([source, { parameter: { name } }]) =>
    OWNER_PARAMETERS.has(name) && !NOT_BY_OWNER.has(source))
  if (backward.length > 0 && id !== undefined && more.length === 0 && isOwned) {
    requireListed({ criteria: parsed.criteria.filter(({ test }) => test !== 'has'), includes: [] })
    return { kind: 'persons', chart: `Patient/${id}` }
  }
  requireListed(parsed)
  return { kind: 'persons' }
}

/** Types of which this edge may have records that are closed now. All patients are listed. */
const isClosed = (type: string): boolean => OF_PATIENTS.has(type) && type !== 'Patient'

/** Refuses what would have to look into charts, whichever they are. Throws `too-costly`. */
const requireListed = ({ criteria, includes }: Pick<ParsedSearch, 'criteria' | 'includes'>): void => {
  const types = [
    ...criteria.flatMap(typesIn),
    ...includes.filter(({ reverse }) => reverse).map(({ source }) => source),
  ]
  const closed = types.find(isClosed)
  if (closed === undefined) return
  throw new EdgeError('too-costly',
    `this would need every ${closed} of every patient, and their charts are closed: search within one patient`)
}

/** Types of the other resources that a criterion rests on. */
const typesIn = (criterion: Criterion): string[] => {
  if (criterion.test === 'has') return [criterion.source, ...typesIn(criterion.criterion)]
  if (criterion.test !== 'chain') return []
  return criterion.branches.flatMap((branch) => [branch.type, ...typesIn(branch.criterion)])
}

/** What `patient.identifier=…` or `subject:Patient.name=…` says of the patient whose record it is. */
const namingIn = (criterion: Criterion, type: string): Criterion | undefined => {
  const { parameter: { name } } = criterion
  if (criterion.test !== 'chain' || !OWNER_PARAMETERS.has(name) || NOT_BY_OWNER.has(type)) return undefined
  const [branch, ...more] = criterion.branches
  return branch?.type === 'Patient' && more.length === 0 ? branch.criterion : undefined
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
