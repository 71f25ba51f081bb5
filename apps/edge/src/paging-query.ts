/** Parameters of requests whose answers come in pages. */
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'
import { splitPair } from './negotiation.ts'

/** Each parameter once, none that is not allowed. @throws EdgeError `not-supported`, `bad-value` */
export const pairsOf = (query: string, allowed: readonly string[]): Map<string, string> => {
  const pairs = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, value] = splitPair(pair)
    if (!allowed.includes(name)) {
      throw new EdgeError('not-supported', 'a parameter of this request is not supported', 'http.query')
    }
    if (pairs.has(name)) throw new EdgeError('bad-value', 'given twice', name)
    pairs.set(name, value)
  }
  return pairs
}

export const countIn = (pairs: ReadonlyMap<string, string>, fallback: number): number => {
  const text = pairs.get('_count')
  if (text === undefined) return fallback
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new EdgeError('bad-value', 'expected a whole number above 0', '_count')
  return Math.min(Number(text), EDGE_LIMITS.pageMax)
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

export const sinceIn = (pairs: ReadonlyMap<string, string>): number => {
  const text = pairs.get('_since')?.replace(/ (?=\d\d:\d\d$)/, '+')
  if (text === undefined) return 0
  const time = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new EdgeError('bad-value', 'expected an instant, as in 2026-01-31T12:00:00Z', '_since')
  return time
}
