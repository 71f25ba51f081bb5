/** History (R4 http.html#history): which versions are asked for, and how each is told. */
import { intervalOf } from '@scelle/fhir/search'
import type { BundlePart } from './answers.ts'
import { type Entry, keyOf } from './entry.ts'
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'
import { countIn, pairsOf, sinceIn } from './paging-query.ts'
import type { Records } from './records.ts'

export interface HistoryAsked {
  readonly count: number
  readonly since: number
  /** Only versions that were current at some time in it. */
  readonly at: { readonly low: number; readonly high: number } | undefined
}

/** @throws EdgeError `not-supported`, `bad-value` */
export const historyAsked = (query: string): HistoryAsked => {
  const pairs = pairsOf(query, ['_count', '_since', '_at'])
  const text = pairs.get('_at')?.replace(/ (?=\d\d:\d\d$)/, '+')
  const at = text === undefined ? undefined : intervalOf(text)
  if (text !== undefined && at === undefined) {
    throw new EdgeError('bad-value', 'expected a date or time, such as 2026-01', '_at')
  }
  return { count: countIn(pairs, EDGE_LIMITS.pageDefault), since: sinceIn(pairs), at }
}

/** The versions of some resources that are asked for, as of a state, newest first, deletions too. */
export const versionsOf = (
  records: Records, keys: Iterable<string>, state: number, { since, at }: HistoryAsked,
): Entry[] => {
  const found: Entry[] = []
  for (const key of keys) {
    let until = Number.POSITIVE_INFINITY
    for (const entry of records.history(key, state)) {
      const isAsked = at === undefined || (entry.updated <= at.high && until > at.low)
      if (isAsked && entry.updated >= since) found.push(entry)
      until = entry.updated
    }
  }
  return found.toSorted((left, right) => right.updated - left.updated || compare(left, right))
}

const compare = (left: Entry, right: Entry): number => {
  const [one, other] = [keyOf(left), keyOf(right)]
  return one === other ? right.version - left.version : one < other ? -1 : 1
}

export const historyPart = (entry: Entry, base: string): BundlePart => {
  const method = entry.deleted ? 'DELETE' : entry.version === 1 ? 'POST' : 'PUT'
  const status = entry.deleted ? '204' : entry.version === 1 ? '201' : '200'
  const url = method === 'POST' ? entry.type : keyOf(entry)
  return {
    head: {
      fullUrl: `${base}/${keyOf(entry)}`,
      request: { method, url },
      response: { status, etag: `W/"${entry.version}"`, lastModified: new Date(entry.updated).toISOString() },
    },
    ...(entry.deleted ? {} : { resource: entry.bytes }),
  }
}
