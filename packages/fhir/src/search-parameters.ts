import parameters from './r4/search-parameters.json' with { type: 'json' }
import type { SearchTable } from './r4/tables.ts'
import { compileExpression } from './expression.ts'
import type { Extractor } from './expression.ts'
import { plainTokenOf } from './plain-tokens.ts'
import type { PlainToken } from './plain-tokens.ts'

const table = parameters as SearchTable

/** Kinds of parameters evaluated here. Number, quantity, composite and special ones are refused by name. */
export type ParameterKind = 'token' | 'string' | 'reference' | 'date' | 'uri'

export interface Parameter {
  name: string
  kind: ParameterKind
  expression: string
  /** Resource types a reference parameter may name. */
  targets: readonly string[]
  extract: Extractor
  /** Of a token parameter whose elements have no system. */
  plain: PlainToken | undefined
}

const KINDS: ReadonlySet<string> = new Set(['token', 'string', 'reference', 'date', 'uri'])

/** Parameters whose values are whole resources inside a Bundle: only chaining could use them. */
const NOT_EVALUATED: ReadonlySet<string> = new Set(['Bundle|composition', 'Bundle|message'])

const known = new Map<string, Parameter>()

/** A search parameter of R4 for a type; undefined if R4 has none of that name or this room cannot evaluate it. */
export function parameterOf(type: string, name: string): Parameter | undefined {
  const key = `${type}|${name}`
  const cached = known.get(key)
  if (cached) return cached
  const row = own(own(table, type), name) ?? own(own(table, 'DomainResource'), name) ?? own(own(table, 'Resource'),
    name)
  if (!row?.expression || !KINDS.has(row.type) || NOT_EVALUATED.has(key)) return undefined
  const parameter: Parameter = {
    name,
    kind: row.type as ParameterKind,
    expression: row.expression,
    targets: row.target ?? [],
    extract: compileExpression(row.expression),
    plain: row.type === 'token' ? plainTokenOf(row.expression) : undefined,
  }
  known.set(key, parameter)
  return parameter
}

/** `name` comes from a URL, so `constructor` and its like must not find the prototype's members. */
function own<T>(record: Record<string, T> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined
}

/** Names of all parameters this room evaluates for a type, for the CapabilityStatement. */
export function parametersOf(type: string): Parameter[] {
  const names = new Set([...Object.keys(own(table, type) ?? {}), ...Object.keys(own(table, 'Resource') ?? {})])
  return [...names].toSorted().flatMap((name) => parameterOf(type, name) ?? [])
}
