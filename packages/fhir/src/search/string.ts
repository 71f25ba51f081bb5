import type { Typed } from '../expression.ts'
import type { Kind } from './kinds.ts'
import { foldText } from './query-text.ts'

type Json = Record<string, unknown>

/** A string as written, and folded. */
export interface Text { raw: string, folded: string }

export type StringHow = 'starts' | 'exact' | 'contains'

/** R4 search.html#string; `text` is folded unless it is compared exactly. */
export function stringMatches(how: StringHow, text: string, value: Text): boolean {
  if (how === 'exact') return value.raw === text
  return how === 'starts' ? value.folded.startsWith(text) : value.folded.includes(text)
}

/** The parts of a name or address that `name` and `address` search (R4 patient.html#search). */
const STRING_PARTS: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['family', 'given', 'prefix', 'suffix', 'text'],
  Address: ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'],
  CodeableConcept: ['text'],
  Annotation: ['text'],
}

export const stringKind: Kind<Text> = {
  read: ({ type, value }) => textsOf(typeof value === 'string' ? [value] : partsOf(value, STRING_PARTS[type] ?? [])),
  key: ({ raw }) => raw,
  same: (left, right) => left.raw === right.raw,
  order: ({ folded }) => folded,
}

/** `:text` of a token: what stands beside the code in words (R4 search.html#modifiers). */
export const tokenTextKind: Kind<Text> = { ...stringKind, read: (typed) => textsOf(wordsOf(typed)) }

function wordsOf({ type, value }: Typed): string[] {
  if (type === 'CodeableConcept') {
    const codings = ((value as Json)['coding'] as Json[] | undefined) ?? []
    return [...partsOf(value, ['text']), ...codings.flatMap((coding) => partsOf(coding, ['display']))]
  }
  if (type === 'Coding') return partsOf(value, ['display'])
  return type === 'Identifier' ? partsOf((value as Json)['type'], ['text']) : []
}

function partsOf(value: unknown, parts: readonly string[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  return parts.flatMap((part) => (value as Json)[part]).filter((text) => typeof text === 'string')
}

function textsOf(texts: readonly string[]): Text[] {
  return texts.map((raw) => {
    const folded = foldText(raw)
    return { raw, folded: folded === raw ? raw : folded } // one string in memory where both are the same
  })
}
