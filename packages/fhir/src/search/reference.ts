import type { Typed } from '../expression.ts'
import { parseReference } from '../reference-text.ts'
import type { Kind } from './kinds.ts'

export interface ReferenceValue {
  /** As written, without a version; a canonical keeps its `|version`. */
  text: string
  type?: string
  id?: string
  version?: string
}

/** A reference as asked: by id, by type and id, or by `text`, an absolute URL that is not this server's. */
export interface ReferenceTest {
  type?: string
  id?: string
  version?: string
  text?: string
  /** The same as absolute URLs of this server, as some write their own references. */
  absolute?: readonly string[]
}

export function referenceMatches(test: ReferenceTest, value: ReferenceValue): boolean {
  if (test.text !== undefined) return test.text === value.text || value.text.startsWith(`${test.text}|`)
  if (test.absolute?.includes(value.text) === true) return true
  if (test.id !== value.id || (test.type !== undefined && test.type !== value.type)) return false
  return test.version === undefined || test.version === value.version
}

/** Where the values that could match a test are found. */
export function referenceKeys({ text, id, absolute }: ReferenceTest): string[] {
  if (text !== undefined) return [withoutVersion(text)]
  return id === undefined ? [] : [id, ...absolute ?? []]
}

export const referenceKind: Kind<ReferenceValue> = {
  read: readReferences,
  key: ({ id, text }) => id ?? withoutVersion(text),
  same: (left, right) => left.text === right.text && left.version === right.version,
  order: ({ text }) => text,
}

/** A canonical without its `|version`. */
export function withoutVersion(text: string): string {
  const bar = text.indexOf('|')
  return bar < 0 ? text : text.slice(0, bar)
}

function readReferences({ type, value }: Typed): ReferenceValue[] {
  if (typeof value === 'string') return [type === 'Reference' ? referenceValue(value) : { text: value }]
  const { reference } = (value ?? {}) as { reference?: unknown }
  return typeof reference === 'string' ? [referenceValue(reference)] : []
}

/** Reads a reference's text for comparison. */
export function referenceValue(text: string): ReferenceValue {
  const parsed = parseReference(text)
  if (parsed.kind !== 'literal' || parsed.base !== undefined) return { text }
  const value: ReferenceValue = { text: `${parsed.type}/${parsed.id}`, type: parsed.type, id: parsed.id }
  if (parsed.version !== undefined) value.version = parsed.version
  return value
}
