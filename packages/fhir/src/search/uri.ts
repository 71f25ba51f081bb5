import type { Kind } from './kinds.ts'
import { withoutVersion } from './reference.ts'

export type UriHow = 'exact' | 'below' | 'above'

/** R4 search.html#uri: exact and by case; `:below` and `:above` compare from the left. A canonical may carry more. */
export function uriMatches(how: UriHow, asked: string, value: string): boolean {
  if (how === 'below') return value.startsWith(asked)
  return how === 'above' ? asked.startsWith(value) : value === asked || value.startsWith(`${asked}|`)
}

export const uriKind: Kind<string> = {
  read: ({ value }) => (typeof value === 'string' ? [value] : []),
  key: withoutVersion,
  same: (left, right) => left === right,
  order: (value) => value,
}
