import type { Typed } from './expression.ts'
import { intervalOf, intervalOfPeriod } from './periods.ts'
import type { Interval } from './periods.ts'
import { foldText } from './query-text.ts'
import type { Parameter } from './search-parameters.ts'
import { parseReference } from './reference-text.ts'

type Json = Record<string, unknown>

export interface Token {
  /** Absent: the value has no system. */
  system?: string
  code: string
  /** `code`, `boolean`, `id`…: a value without room for a system. */
  plain: boolean
}

export interface ReferenceValue {
  /** `Type/id` for a relative reference, else the text as written. */
  text: string
  type?: string
  id?: string
  version?: string
  identifier?: Token
}

/** All values of one parameter in one resource; only the list of the parameter's kind is filled. */
export interface Values {
  tokens: Token[]
  /** Strings as written, and folded. */
  strings: { raw: string, folded: string }[]
  references: ReferenceValue[]
  dates: Interval[]
  uris: string[]
  /** The element is there, even if none of its values can be compared: what `:missing` asks. */
  present: boolean
}

/** Extracts and normalises a parameter's values. */
export function valuesOf(parameter: Parameter, resource: { resourceType: string }): Values {
  const values: Values = { tokens: [], strings: [], references: [], dates: [], uris: [], present: false }
  for (const typed of parameter.extract(resource)) {
    values.present = true
    addValue(parameter.kind, typed, values)
  }
  return values
}

function addValue(kind: Parameter['kind'], typed: Typed, values: Values): void {
  switch (kind) {
    case 'token': return addToken(typed, values.tokens)
    case 'string': return addString(typed, values.strings)
    case 'reference': return addReference(typed, values.references)
    case 'date': return addDate(typed, values.dates)
    case 'uri': if (typeof typed.value === 'string') values.uris.push(typed.value)
  }
}

function addToken({ type, value }: Typed, tokens: Token[]): void {
  if (typeof value === 'string' || typeof value === 'boolean') {
    tokens.push({ code: String(value), plain: true })
  } else if (typeof value === 'object' && value !== null) {
    const json = value as Json
    if (type === 'CodeableConcept') {
      for (const coding of (json['coding'] as Json[] | undefined) ?? []) pushToken(coding['system'], coding['code'],
        tokens)
    } else if (type === 'Coding') pushToken(json['system'], json['code'], tokens)
    else if (type === 'Identifier') pushToken(json['system'], json['value'], tokens)
    // A ContactPoint's system (phone, email) is no code system: R4 compares the value alone.
    else if (type === 'ContactPoint') pushToken(undefined, json['value'], tokens)
  }
}

function pushToken(system: unknown, code: unknown, tokens: Token[]): void {
  if (typeof code !== 'string' && typeof system !== 'string') return
  const token: Token = { code: typeof code === 'string' ? code : '', plain: false }
  if (typeof system === 'string') token.system = system
  tokens.push(token)
}

/** The parts of a name or address that `name` and `address` search (R4 patient.html#search). */
const STRING_PARTS: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['family', 'given', 'prefix', 'suffix', 'text'],
  Address: ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'],
  CodeableConcept: ['text'],
  Annotation: ['text'],
}

function addString({ type, value }: Typed, strings: Values['strings']): void {
  if (typeof value === 'string') strings.push({ raw: value, folded: foldText(value) })
  if (typeof value !== 'object' || value === null) return
  for (const part of STRING_PARTS[type] ?? []) {
    for (const text of [(value as Json)[part]].flat()) {
      if (typeof text === 'string') strings.push({ raw: text, folded: foldText(text) })
    }
  }
}

function addReference({ type, value }: Typed, references: ReferenceValue[]): void {
  if (typeof value === 'string') references.push(type === 'Reference' ? referenceValue(value) : { text: value })
  if (typeof value !== 'object' || value === null) return
  const { reference, identifier } = value as { reference?: unknown, identifier?: Json }
  const found: ReferenceValue = typeof reference === 'string' ? referenceValue(reference) : { text: '' }
  if (identifier) {
    const tokens: Token[] = []
    pushToken(identifier['system'], identifier['value'], tokens)
    if (tokens[0]) found.identifier = tokens[0]
  }
  references.push(found)
}

/** Reads a reference's text for comparison. */
export function referenceValue(text: string): ReferenceValue {
  const parsed = parseReference(text)
  if (parsed.kind !== 'literal' || parsed.base !== undefined) return { text }
  const value: ReferenceValue = { text: `${parsed.type}/${parsed.id}`, type: parsed.type, id: parsed.id }
  if (parsed.version !== undefined) value.version = parsed.version
  return value
}

function addDate({ type, value }: Typed, dates: Interval[]): void {
  const interval = typeof value === 'string' ? intervalOf(value)
    : type === 'Period' ? intervalOfPeriod(value as Json)
      : type === 'Timing' ? intervalOfTiming(value as Json) : undefined
  if (interval) dates.push(interval)
}

/** A Timing counts from its first to its last event, or over its bounds (R4 search.html#date). */
function intervalOfTiming(timing: Json): Interval | undefined {
  const events = ((timing['event'] as string[] | undefined) ?? []).flatMap((event) => intervalOf(event) ?? [])
  if (events.length > 0) {
    return { low: Math.min(...events.map((e) => e.low)), high: Math.max(...events.map((e) => e.high)) }
  }
  const bounds = (timing['repeat'] as Json | undefined)?.['boundsPeriod']
  return bounds ? intervalOfPeriod(bounds) : undefined
}
