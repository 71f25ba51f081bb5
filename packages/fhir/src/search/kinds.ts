import type { Typed } from '../expression.ts'

/** What R4 calls the type of a search parameter; `special` ones are not evaluated here. */
export type ParameterKind =
  'token' | 'string' | 'reference' | 'date' | 'uri' | 'number' | 'quantity' | 'composite'

/** How one kind of value is read from a resource, found again and ordered. */
export interface Kind<V> {
  /** The comparable values in one extracted element; none if it holds nothing to compare. */
  read(typed: Typed): V[]
  /** Equal values have equal keys; also what a search looks up. Undefined: never looked up, never shared. */
  key(value: V): string | undefined
  same(left: V, right: V): boolean
  /** What `_sort` compares; a range sorts ascending by its start, descending by its end. */
  order(value: V, descending: boolean): string | number
}

/** `eq`… of dates, numbers and quantities (R4 search.html#prefix). */
export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap'

const PREFIX = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[-+.\d])/

/** Splits `ge2024` into its prefix and the rest. */
export function splitPrefix(text: string): [prefix: Prefix, rest: string] {
  const prefix = PREFIX.exec(text)?.[1] as Prefix | undefined
  return prefix === undefined ? ['eq', text] : [prefix, text.slice(2)]
}
