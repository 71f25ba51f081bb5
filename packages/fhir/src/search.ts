/**
 * R4 search over resources in memory: strict parsing, exact evaluation, stable pages.
 * @module
 */
import type { Resource } from '@medplum/fhirtypes'
import { isResourceType } from './definitions.ts'
import { parseCriterion } from './criteria.ts'
import type { Criterion } from './criteria.ts'
import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'
import type { ParsedSearch, SortKey } from './parsed-search.ts'
import { parseQuery } from './query-text.ts'
import { ChartIndex } from './chart-index.ts'
import type { Page, PageKey } from './chart-index.ts'
import { parameterOf } from './search-parameters.ts'

export { ChartIndex } from './chart-index.ts'
export type { Page, PageKey } from './chart-index.ts'
export { parametersOf } from './search-parameters.ts'
export type { Parameter, ParameterKind } from './search-parameters.ts'
export type { Criterion } from './criteria.ts'
export type { Ignored, Include, ParsedSearch, SortKey } from './parsed-search.ts'

export interface ParseOptions {
  /** Base URLs (no trailing slash) that are this server: absolute references under them mean its own resources. */
  bases?: readonly string[]
  /** Parameters the caller handles itself (a paging cursor, an access token…): skipped here. */
  handled?: readonly string[]
  /** `Prefer: handling=lenient`: parameters that are not supported are skipped and named in `ignored`. */
  lenient?: boolean
  /** Makes quantities of different units comparable. */
  units?: Units
  /** Answers `:in`, `:not-in`, `:below` and `:above` of tokens; without it they are refused. */
  valueSets?: ValueSets
}

/** Units of measure (UCUM), behind an interface because the tables are large: the caller loads them when it likes. */
export interface Units {
  /** What a code measures, and how a value of it becomes one of the base units; undefined if it is no UCUM code. */
  canonical: (code: string) => CanonicalUnit | undefined
}

export interface CanonicalUnit {
  /** Equal for all units that can be compared. */
  dimension: string
  toBase: (value: number) => number
}

/** Terminology at hand; each answer is undefined where it is not loaded. */
export interface ValueSets {
  /** All codes of a value set, by its canonical URL. */
  expand: (url: string) => readonly Coded[] | undefined
  /** The code and everything under it. */
  below?: (system: string, code: string) => readonly Coded[] | undefined
  /** The code and everything above it. */
  above?: (system: string, code: string) => readonly Coded[] | undefined
}

export interface Coded {
  system?: string
  code: string
}

/**
 * Understands a search or refuses it: an unknown type, parameter, modifier, prefix or value is an error that names
 * it, because an ignored condition would answer with the wrong patients or with none, which reads as "no allergy".
 * @param query the raw URL query, with or without `?`
 * @throws FhirError `unknown-type`, `unsupported-parameter`, `unsupported-modifier`, `invalid-value`, `too-many-values`
 */
export function parseSearch(resourceType: string, query: string, options: ParseOptions = {}): ParsedSearch {
  if (!isResourceType(resourceType)) {
    throw new FhirError('unknown-type', 'not a resource type of FHIR R4', 'http.path')
  }
  const pairs = parseQuery(query).filter(([name]) => !options.handled?.includes(name))
  if (pairs.length > LIMITS.searchParameters) {
    throw new FhirError('too-many-values', `more than ${LIMITS.searchParameters} search parameters`)
  }
  const controls = new Map<string, string>()
  const criteria: Criterion[] = []
  for (const [name, value] of pairs) {
    if (!CONTROLS.has(name)) criteria.push(criterionOf(resourceType, name, value, options.bases ?? []))
    else if (controls.has(name)) throw invalid(name, 'given twice')
    else controls.set(name, value)
  }
  const understood = query.replace(/^\?/, '')
  const unasked = { includes: [], elements: undefined, ignored: [], understood }
  return { type: resourceType, criteria, ...readControls(resourceType, controls), ...unasked }
}

const CONTROLS: ReadonlySet<string> = new Set(['_sort', '_count', '_total', '_summary', '_format', '_pretty'])
const JSON_FORMATS: ReadonlySet<string> = new Set(['json', 'application/json', 'application/fhir+json', 'text/json'])

function invalid(name: string, expected: string): FhirError {
  return new FhirError('invalid-value', `search parameter ${name}: ${expected}`, name)
}

function criterionOf(type: string, name: string, value: string, bases: readonly string[]): Criterion {
  const colon = name.indexOf(':')
  const bare = colon < 0 ? name : name.slice(0, colon)
  const parameter = name.includes('.') ? undefined : parameterOf(type, bare)
  if (!parameter) {
    const told = /^[A-Za-z_][A-Za-z0-9_.:-]{0,80}$/.test(name) ? name : '(unprintable)'
    throw new FhirError('unsupported-parameter', `${told} is not a search parameter supported for ${type}`, told)
  }
  return parseCriterion(parameter, colon < 0 ? undefined : name.slice(colon + 1), value, bases)
}

function readControls(
  type: string,
  controls: ReadonlyMap<string, string>,
): Omit<ParsedSearch, 'type' | 'criteria' | 'includes' | 'elements' | 'ignored' | 'understood'> {
  const sort = (controls.get('_sort') ?? '').split(',').filter((key) => key !== '').map((key) => sortKey(type, key))
  if (controls.get('_sort') === '') throw invalid('_sort', 'empty')
  if (sort.length > LIMITS.sortKeys) throw invalid('_sort', `at most ${LIMITS.sortKeys} keys`)
  const count = controls.get('_count')
  if (count !== undefined && !/^\d{1,9}$/.test(count)) throw invalid('_count', 'expected a whole number')
  const total = controls.get('_total') ?? 'accurate'
  if (total !== 'none' && total !== 'estimate' && total !== 'accurate') {
    throw invalid('_total', 'expected none, estimate or accurate')
  }
  const summary = controls.get('_summary') ?? 'false'
  if (summary !== 'false' && summary !== 'count') throw invalid('_summary', 'expected count or false')
  const format = controls.get('_format') ?? 'json'
  if (!JSON_FORMATS.has(format.replace(' ', '+'))) throw invalid('_format', 'only JSON is served')
  const pretty = controls.get('_pretty') ?? 'false'
  if (pretty !== 'true' && pretty !== 'false') throw invalid('_pretty', 'expected true or false')
  const size = count === undefined ? LIMITS.pageDefault : Math.min(Number(count), LIMITS.pageMax)
  const totalOnly = summary === 'count' || size === 0
  return { sort, count: size, totalOnly, withTotal: total !== 'none', total, summary }
}

function sortKey(type: string, key: string): SortKey {
  const descending = key.startsWith('-')
  const name = descending ? key.slice(1) : key
  const parameter = parameterOf(type, name)
  if (!parameter) throw new FhirError('unsupported-parameter',
    `_sort names no search parameter supported for ${type}`, '_sort')
  return { parameter, descending }
}

/** What a search may look at: references resolve in `searched` first, then `beside` in order, and nowhere else. */
export interface SearchSpace {
  searched: ChartIndex
  beside: readonly ChartIndex[]
}

/** Ids of all matches in `space.searched`, in the search's order; exact. `parsed.count` is the caller's to apply. */
export function findMatches(space: SearchSpace, parsed: ParsedSearch): string[] {
  const { resources } = space.searched.search({ ...parsed, count: Number.MAX_SAFE_INTEGER, totalOnly: false })
  return resources.map(({ id }) => id ?? '')
}

/** `Type/id` of what a page's `_include` and `_revinclude` add, none twice and no match of the page. */
export function findIncluded(_space: SearchSpace, _parsed: ParsedSearch, _pageIds: readonly string[]): string[] {
  return []
}

/** The resource as `_summary` and `_elements` want it; the same object where they want all of it. */
export function project<T extends Resource>(resource: T, _parsed: ParsedSearch): T {
  return resource
}

/**
 * Searches a list once; for repeated searches over the same resources keep a `ChartIndex`.
 * @param after `next` of the page before
 */
export function searchResources(resources: Iterable<Resource>, parsed: ParsedSearch, after?: PageKey): Page {
  const index = new ChartIndex(unread)
  for (const resource of resources) if (resource.resourceType === parsed.type) index.add(resource)
  return index.search(parsed, after)
}

const unread = (): never => {
  throw new Error('the whole list was added')
}
