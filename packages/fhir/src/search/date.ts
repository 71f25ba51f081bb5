import type { Typed } from '../expression.ts'
import { intervalOf, intervalOfPeriod } from '../periods.ts'
import type { Interval } from '../periods.ts'
import { splitPrefix } from './kinds.ts'
import type { Kind, Prefix } from './kinds.ts'

type Json = Record<string, unknown>

export interface DateTest { prefix: Prefix, interval: Interval }

/**
 * Reads `[prefix]date`; undefined if it is none. `ap` reaches a tenth of the time between the date and `now` further on
 * both sides (R4 search.html#prefix); where no time is told, not at all.
 */
export function parseDate(text: string, now: number | undefined): DateTest | undefined {
  const [prefix, rest] = splitPrefix(text)
  // A "+" of a time zone that the client left unencoded arrives as a space.
  const interval = intervalOf(rest.replace(/ (?=\d\d:\d\d$)/, '+'))
  if (!interval || prefix !== 'ap' || now === undefined) return interval && { prefix, interval }
  const { low, high } = interval
  const tenth = Math.ceil(Math.abs(now - (low + high) / 2) / 10)
  return { prefix, interval: { low: low - tenth, high: high + tenth } }
}

const isWithin = (asked: Interval, { low, high }: Interval): boolean => asked.low <= low && high <= asked.high

/** R4 search.html#prefix. */
const TESTS: Readonly<Record<Prefix, (asked: Interval, value: Interval) => boolean>> = {
  eq: isWithin,
  ne: (asked, value) => !isWithin(asked, value),
  gt: (asked, { high }) => high > asked.high,
  lt: (asked, { low }) => low < asked.low,
  ge: (asked, value) => value.high > asked.high || isWithin(asked, value),
  le: (asked, value) => value.low < asked.low || isWithin(asked, value),
  sa: (asked, { low }) => low > asked.high,
  eb: (asked, { high }) => high < asked.low,
  ap: (asked, { low, high }) => low <= asked.high && asked.low <= high,
}

/** The value is the resource's interval, the test the query's. */
export function dateMatches({ prefix, interval }: DateTest, value: Interval): boolean {
  return TESTS[prefix](interval, value)
}

export const dateKind: Kind<Interval> = {
  read: (typed) => {
    const interval = intervalIn(typed)
    return interval ? [interval] : []
  },
  key: ({ low, high }) => `${low}/${high}`,
  same: (left, right) => left.low === right.low && left.high === right.high,
  order: ({ low, high }, descending) => (descending ? high : low),
}

function intervalIn({ type, value }: Typed): Interval | undefined {
  if (typeof value === 'string') return intervalOf(value)
  if (type === 'Period') return intervalOfPeriod(value as Json)
  return type === 'Timing' ? intervalOfTiming(value as Json) : undefined
}

/** Only a Timing's outer limits matter: its events and its bounds (R4 search.html#date). */
function intervalOfTiming(timing: Json): Interval | undefined {
  const events = ((timing['event'] as string[] | undefined) ?? []).flatMap((event) => intervalOf(event) ?? [])
  const period = (timing['repeat'] as Json | undefined)?.['boundsPeriod']
  const bounds = period ? intervalOfPeriod(period) : undefined
  const all = bounds ? [...events, bounds] : events
  if (all.length === 0) return undefined
  return { low: Math.min(...all.map(({ low }) => low)), high: Math.max(...all.map(({ high }) => high)) }
}
