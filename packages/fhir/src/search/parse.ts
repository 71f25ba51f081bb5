import { isResourceType, shapeOf } from '../definitions.ts'
import { LIMITS } from '../limits.ts'
import { FhirError } from '../outcomes.ts'
import { badValue } from './context.ts'
import type { ParseContext } from './context.ts'
import type { Criterion } from './criterion.ts'
import { mayName, parameterOf, referencesOf } from './parameters.ts'
import type { ParseOptions } from './options.ts'
import type { Ignored, Include, ParsedSearch, SortKey } from './parsed.ts'
import { parseQuery } from './query-text.ts'
import type { Pair } from './query-text.ts'
import { readCriterion } from './read-criterion.ts'

/** A search while it is read. */
interface Draft {
  readonly type: string
  readonly criteria: Criterion[]
  readonly includes: Include[]
  readonly controls: Map<string, string>
  sort: readonly SortKey[]
  elements: readonly string[] | undefined
}

/**
 * Understands a search or refuses it: an unknown type, parameter, modifier, prefix or value is an error that names
 * it, because an ignored condition would answer with the wrong patients or with none, which reads as "no allergy".
 * With `lenient` the client has asked for the first of these: parameters and modifiers not supported are skipped, named
 * in `ignored` and left out of `understood`; a value that cannot be read stays an error.
 * @param query the raw URL query, with or without `?`
 * @throws FhirError `unknown-type`, `unsupported-parameter`, `unsupported-modifier`, `invalid-value`, `too-many-values`
 */
export function parseSearch(resourceType: string, query: string, options: ParseOptions = {}): ParsedSearch {
  if (!isResourceType(resourceType)) {
    throw new FhirError('unknown-type', 'not a resource type of FHIR R4', 'http.path')
  }
  const pairs = parseQuery(query).filter(({ name }) => !options.handled?.includes(name))
  if (pairs.length > LIMITS.searchParameters) {
    throw new FhirError('too-many-values', `more than ${LIMITS.searchParameters} search parameters`)
  }
  const { bases = [], units, now, valueSets, lenient = false } = options
  const budget = { left: LIMITS.chainBranches, codes: LIMITS.searchCodes }
  const context: ParseContext = { bases, units, now, valueSets, depth: 0, budget }
  const draft: Draft = {
    type: resourceType, criteria: [], includes: [], controls: new Map(), sort: [], elements: undefined,
  }
  const ignored: Ignored[] = []
  const kept = pairs.filter((pair) => {
    const fault = readPair(draft, pair, context, lenient)
    if (fault) ignored.push(fault)
    return !fault
  })
  const { type, criteria, includes, sort, elements, controls } = draft
  const understood = kept.map(({ raw }) => raw).join('&')
  const parsed = { type, criteria, includes, sort, elements, ignored, bases, understood, ...readControls(controls) }
  if (parsed.summary === 'text' && includes.length > 0) throw badValue('_summary', 'text admits no _include')
  if (parsed.summary !== 'false' && elements) throw badValue('_elements', 'either _summary or _elements')
  return parsed
}

/** What is to be ignored, if leniency may ignore it. */
function readPair(draft: Draft, pair: Pair, context: ParseContext, lenient: boolean): Ignored | undefined {
  try {
    enter(draft, pair, context)
    return undefined
  } catch (error) {
    const may = error instanceof FhirError && lenient
      && (error.code === 'unsupported-parameter' || error.code === 'unsupported-modifier')
    if (!may) throw error
    return { name: error.findings[0]?.expression ?? 'http.query', diagnostics: error.message }
  }
}

const CONTROLS: ReadonlySet<string> =
  new Set(['_sort', '_count', '_total', '_summary', '_elements', '_format', '_pretty'])
const INCLUDE = /^_(rev)?include(?::(.*))?$/s

function enter(draft: Draft, { name, value }: Pair, context: ParseContext): void {
  const { type, criteria, controls } = draft
  const include = INCLUDE.exec(name)
  if (include) return enterInclude(draft, include[1] === 'rev', include[2], value)
  if (!CONTROLS.has(name)) {
    criteria.push(readCriterion(type, name, value, context))
    return
  }
  if (controls.has(name)) throw badValue(name, 'given twice')
  if (name === '_sort') draft.sort = readSort(type, value)
  if (name === '_elements') draft.elements = readElements(type, value)
  controls.set(name, value)
}

function readSort(type: string, value: string): SortKey[] {
  const keys = value.split(',')
  if (keys.includes('')) throw badValue('_sort', 'a key is empty')
  if (keys.length > LIMITS.sortKeys) throw badValue('_sort', `at most ${LIMITS.sortKeys} keys`)
  return keys.map((key) => {
    const descending = key.startsWith('-')
    const parameter = parameterOf(type, descending ? key.slice(1) : key)
    if (!parameter || parameter.kind === 'composite') {
      throw new FhirError('unsupported-parameter', `_sort names no search parameter that orders ${type}`, '_sort')
    }
    return { parameter, descending }
  })
}

function readElements(type: string, value: string): string[] {
  const names = value.split(',')
  if (names.length > LIMITS.elements) throw badValue('_elements', `at most ${LIMITS.elements} elements`)
  const slots = [...shapeOf(type)?.slots.values() ?? []]
  const known = new Set(slots.map(({ element }) => element.replace('[x]', '')))
  if (names.some((name) => name !== 'resourceType' && !known.has(name))) {
    throw badValue('_elements', `expected top-level elements of ${type}, with commas between`)
  }
  return names
}

/** `Source:parameter[:Target]`, `Source:*`, or `*` for the searched type. */
function enterInclude(draft: Draft, reverse: boolean, modifier: string | undefined, value: string): void {
  const name = reverse ? '_revinclude' : '_include'
  if (modifier !== undefined && modifier !== 'iterate') {
    throw new FhirError('unsupported-modifier', `unsupported modifier of ${name}; supported: :iterate`, name)
  }
  if (draft.includes.length >= LIMITS.includes) {
    throw new FhirError('too-many-values', `more than ${LIMITS.includes} includes`, name)
  }
  const iterate = modifier === 'iterate'
  const [source = '', wanted, target, ...more] = (value === '*' && !reverse ? `${draft.type}:*` : value).split(':')
  if (!isResourceType(source) || wanted === undefined || more.length > 0) {
    throw badValue(name, reverse ? 'expected Type:parameter[:Target]' : 'expected Type:parameter[:Target] or *')
  }
  if (target !== undefined && !isResourceType(target)) throw badValue(name, 'the last part is no resource type')
  const parameters = followed(source, wanted, target, name)
  draft.includes.push({ reverse, iterate, source, parameters: reachable(draft, name, iterate, source, parameters),
    target })
}

function followed(source: string, wanted: string, target: string | undefined, name: string): Include['parameters'] {
  if (wanted === '*') return referencesOf(source)
  const parameter = parameterOf(source, wanted)
  if (parameter?.kind !== 'reference') {
    throw new FhirError('unsupported-parameter', `${name} names no reference parameter of ${source}`, name)
  }
  if (target !== undefined && !mayName(parameter, target)) {
    throw badValue(name, `references ${parameter.targets.join(', ')} only`)
  }
  return [parameter]
}

/** An include that could never add anything is a mistake, and reads as "nothing there". */
function reachable(
  draft: Draft, name: string, iterate: boolean, source: string, parameters: Include['parameters'],
): Include['parameters'] {
  if (iterate) return parameters
  if (name === '_include' && source !== draft.type) {
    throw badValue(name, `starts at ${draft.type}; what was included itself is reached by _include:iterate`)
  }
  if (name === '_include') return parameters
  const reaching = parameters.filter((parameter) => mayName(parameter, draft.type))
  if (reaching.length === 0) throw badValue(name, `does not refer to ${draft.type}`)
  return reaching
}

const JSON_FORMATS: ReadonlySet<string> = new Set(['json', 'application/json', 'application/fhir+json', 'text/json'])
const TOTALS = ['none', 'estimate', 'accurate'] as const
const SUMMARIES = ['false', 'true', 'text', 'data', 'count'] as const

type Controls = Pick<ParsedSearch, 'count' | 'totalOnly' | 'withTotal' | 'total' | 'summary'>

function readControls(controls: ReadonlyMap<string, string>): Controls {
  const count = controls.get('_count')
  if (count !== undefined && !/^\d{1,9}$/.test(count)) throw badValue('_count', 'expected a whole number')
  const total = oneOf(TOTALS, controls, '_total', 'accurate')
  const summary = oneOf(SUMMARIES, controls, '_summary', 'false')
  const format = controls.get('_format') ?? 'json'
  if (!JSON_FORMATS.has(format.replace(' ', '+'))) throw badValue('_format', 'only JSON is served')
  oneOf(['true', 'false'], controls, '_pretty', 'false')
  const size = count === undefined ? LIMITS.pageDefault : Math.min(Number(count), LIMITS.pageMax)
  return { count: size, totalOnly: summary === 'count' || size === 0, withTotal: total !== 'none', total, summary }
}

function oneOf<T extends string>(
  allowed: readonly T[], controls: ReadonlyMap<string, string>, name: string, fallback: T,
): T {
  const value = controls.get(name) ?? fallback
  const found = allowed.find((each) => each === value)
  if (found === undefined) throw badValue(name, `expected ${allowed.join(', ')}`)
  return found
}
