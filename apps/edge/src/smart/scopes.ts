/**
 * SMART App Launch 2.2 scopes for clinical data: `patient/Observation.rs?category=laboratory`. Total: every text is one
 * scope or none, and a scope is written in one way only.
 */
import { parseSearch } from '@scelle/fhir/search'
import { isResourceType } from '@scelle/fhir/validate'
import { EDGE_LIMITS } from '../limits.ts'
import type { Right } from '../rights.ts'

export const LETTERS = ['c', 'r', 'u', 'd', 's'] as const
/** Create, read (with versions and history), update (with patch), delete, search. */
export type Letter = (typeof LETTERS)[number]

export type Context = 'patient' | 'user' | 'system'

export interface Scope {
  readonly context: Context
  /** A type of R4, or `*` for all. */
  readonly type: string
  readonly letters: ReadonlySet<Letter>
  /** Search parameters that narrow it, as written; of reading and searching alone. */
  readonly query?: string
}

// OAuth's characters (RFC 6749 section 3.3) without what would begin a second query, or a fragment.
const FORM = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]*)\.(c?r?u?d?s?)(?:\?([!$-;=@-[\]-~]+))?$/

/** Undefined for what is no scope of clinical data, or none that this edge can hold anybody to. */
export const parseScope = (text: string): Scope | undefined => {
  if (text.length > EDGE_LIMITS.scopeText) return undefined
  const [, context, type = '', letters = '', query] = FORM.exec(text) ?? []
  if (context === undefined || letters === '' || (type !== '*' && !isResourceType(type))) return undefined
  const scope = { context: context as Context, type, letters: new Set(letters as Iterable<Letter>) }
  if (query === undefined) return scope
  return narrows(scope, query) ? { ...scope, query } : undefined
}

/** What stands in a scope is decided by each resource alone: it neither follows references nor shapes the answer. */
const narrows = ({ type, letters }: Scope, query: string): boolean => {
  if (type === '*' || [...letters].some((letter) => letter !== 'r' && letter !== 's')) return false
  try {
    const { criteria, includes, sort, elements, summary, understood } = parseSearch(type, query)
    return criteria.length === query.split('&').length && includes.length === 0 && sort.length === 0
      && elements === undefined && summary === 'false' && understood === query
      && criteria.every(({ test }) => test !== 'chain' && test !== 'has')
  } catch {
    return false
  }
}

export const scopeText = ({ context, type, letters, query }: Scope): string => {
  const may = LETTERS.filter((letter) => letters.has(letter)).join('')
  return `${context}/${type}.${may}${query === undefined ? '' : `?${query}`}`
}

/** Whether whoever has `wide` has `narrow`. */
export const covers = (wide: Scope, narrow: Scope): boolean =>
  wide.context === narrow.context && (wide.type === '*' || wide.type === narrow.type)
  && [...narrow.letters].every((letter) => wide.letters.has(letter))
  && (wide.query === undefined || wide.query === narrow.query)

/** The rights that an application has by its scopes; sharing and exporting are given by none. */
export const rightsBy = (scopes: readonly Scope[]): ReadonlySet<Right> => {
  const letters = new Set(scopes.flatMap((scope) => [...scope.letters]))
  const rights = new Set<Right>()
  if (letters.has('r')) rights.add('read')
  if (letters.has('s')) rights.add('search')
  for (const letter of ['c', 'u', 'd'] as const) if (letters.has(letter)) rights.add('write')
  return rights
}

/** Scopes that say nothing of clinical data. */
export const OTHER_SCOPES = ['openid', 'fhirUser', 'launch', 'launch/patient', 'online_access'] as const

/** Whether a request is about one patient, whom its launch names or its person chooses. */
export const isOfOnePatient = (scopes: readonly string[]): boolean =>
  scopes.some((scope) => scope === 'launch/patient' || scope.startsWith('patient/'))
