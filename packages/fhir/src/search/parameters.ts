import { resourceTypes } from '../definitions.ts'
import parameters from '../r4/search-parameters.json' with { type: 'json' }
import type { SearchParameterRow, SearchTable } from '../r4/tables.ts'
import { compileComposite, compileExpression } from '../expression.ts'
import type { CompositeExtractor, Extractor } from '../expression.ts'
import type { ParameterKind } from './kinds.ts'
import { hasIdentifiers, plainTokenOf } from './plain-tokens.ts'
import type { PlainToken } from './plain-tokens.ts'
import { ADDED } from './added.ts'

const table = parameters as SearchTable

export interface Parameter {
  name: string
  kind: ParameterKind
  expression: string
  /** Resource types a reference parameter may name; empty: any. */
  targets: readonly string[]
  extract: Extractor
  /** Of a token parameter whose elements have no system. */
  plain: PlainToken | undefined
  /** Codes compare by case: ids, URIs, and codes that R4 itself lists. */
  exact: boolean
  /** Some element is an Identifier: `:of-type` has a meaning. */
  identifiers: boolean
  /** Parts of a composite, in the order of their values. */
  components: readonly Parameter[]
  composite: CompositeExtractor | undefined
}

const KINDS: ReadonlySet<string> =
  new Set(['token', 'string', 'reference', 'date', 'uri', 'number', 'quantity', 'composite'])

/** Parameters whose values are whole resources inside a Bundle, which are no resources of a chart. */
const NOT_EVALUATED: ReadonlySet<string> = new Set(['Bundle|composition', 'Bundle|message'])

const known = new Map<string, Parameter>()

/** A search parameter of R4 for a type; undefined if R4 has none of that name or this room cannot evaluate it. */
export function parameterOf(type: string, name: string): Parameter | undefined {
  const key = `${type}|${name}`
  const cached = known.get(key)
  if (cached) return cached
  const row = own(own(table, type), name) ?? own(own(table, 'DomainResource'), name)
    ?? own(own(table, 'Resource'), name) ?? own(own(ADDED, type), name)
  if (!row?.expression || !KINDS.has(row.type) || NOT_EVALUATED.has(key)) return undefined
  const parameter = row.type === 'composite' ? compositeOf(name, row) : simpleOf(name, row, row.expression)
  if (parameter) known.set(key, parameter)
  return parameter
}

/** @param place the expression from the resource on: what the elements are is read off it */
function simpleOf(name: string, { type, expression = '', target }: SearchParameterRow, place: string): Parameter {
  const plain = type === 'token' ? plainTokenOf(place) : undefined
  return {
    name,
    kind: type as ParameterKind,
    expression,
    targets: target ?? [],
    extract: compileExpression(expression),
    plain,
    exact: plain?.exact === true,
    identifiers: type === 'token' && hasIdentifiers(place),
    components: [],
    composite: undefined,
  }
}

function compositeOf(name: string, row: SearchParameterRow): Parameter | undefined {
  const { expression = '', components = [] } = row
  const composite = compileComposite(expression, components.map((part) => part.expression ?? ''))
  if (!composite) return undefined
  const parts = components.map((part, at) =>
    ({ ...simpleOf(`${name}$${at + 1}`, part, placeOf(expression, part.expression ?? '')), extract: nowhere }))
  return { ...simpleOf(name, row, expression), components: parts, composite }
}

/** A part's values come with its composite's element only. */
const nowhere: Extractor = () => []

/** `Observation | Observation.component` and `code` as paths from the resource. */
function placeOf(base: string, part: string): string {
  const [type = ''] = base.split('.')
  return base.split(' | ').flatMap((each) => part.split(' | ').map((inner) =>
    (inner.startsWith('%resource.') ? inner.replace('%resource', type) : `${each}.${inner}`))).join(' | ')
}

/** `name` comes from a URL, so `constructor` and its like must not find the prototype's members. */
function own<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}

/** All parameters this room evaluates for a type, for the CapabilityStatement. */
export function parametersOf(type: string): Parameter[] {
  const names = new Set([own(table, type), own(table, 'Resource'), own(ADDED, type)].flatMap((rows) =>
    Object.keys(rows ?? {})))
  return [...names].toSorted().flatMap((name) => parameterOf(type, name) ?? [])
}

/** True if a reference parameter may name this type. */
export function mayName({ targets }: Parameter, type: string): boolean {
  return targets.length === 0 || targets.includes(type)
}

/** The reference parameters of a type: what `_include=Type:name` follows. */
export function referencesOf(type: string): Parameter[] {
  return parametersOf(type).filter(({ kind }) => kind === 'reference')
}

/** What `_include` may say for a type, for the CapabilityStatement. */
export function includesOf(type: string): string[] {
  return referencesOf(type).map(({ name }) => `${type}:${name}`)
}

/** What `_revinclude` may say for a type, for the CapabilityStatement. */
export function revIncludesOf(type: string): string[] {
  return resourceTypes().toSorted().flatMap((source) =>
    referencesOf(source).filter((parameter) => mayName(parameter, type)).map(({ name }) => `${source}:${name}`))
}

/** A type that others name by its `url`, with or without `|version`. */
export function canonicalOf(type: string): { url: Parameter, version: Parameter } | undefined {
  const url = parameterOf(type, 'url')
  const version = parameterOf(type, 'version')
  return url?.kind === 'uri' && version?.kind === 'token' ? { url, version } : undefined
}
