import { daysInMonth } from './primitives.ts'

/**
 * An interval of time that a FHIR date of any precision covers, in milliseconds since 1970 UTC, both ends
 * included: `2020` is all of 2020. A value without a zone is read as UTC (R4 search.html#date leaves the zone to
 * the server; a fixed one keeps this room free of its machine's settings).
 */
export interface Interval {
  low: number
  high: number
}

const PATTERN =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/

const MINUTE = 60_000
const DAY = 86_400_000

/** The interval of a date, dateTime or instant; undefined if the text is none or names a day that does not exist. */
export function intervalOf(text: string): Interval | undefined {
  const parts = PATTERN.exec(text)
  if (!parts) return undefined
  const year = Number(parts[1])
  if (parts[2] === undefined) return { low: dayStart(year, 1, 1), high: dayStart(year + 1, 1, 1) - 1 }
  const month = Number(parts[2])
  if (month < 1 || month > 12) return undefined
  if (parts[3] === undefined) {
    const low = dayStart(year, month, 1)
    return { low, high: low + daysInMonth(year, month) * DAY - 1 }
  }
  const day = Number(parts[3])
  if (day < 1 || day > daysInMonth(year, month)) return undefined
  const low = dayStart(year, month, day)
  if (parts[4] === undefined) return { low, high: low + DAY - 1 }
  return clock(low, parts)
}

function clock(midnight: number, parts: RegExpExecArray): Interval | undefined {
  const hour = Number(parts[4])
  const minute = Number(parts[5])
  const second = parts[6] === undefined ? 0 : Number(parts[6])
  const offset = zoneOffset(parts[8])
  if (hour > 23 || minute > 59 || second > 60 || offset === undefined) return undefined
  const low = midnight + hour * 3_600_000 + minute * MINUTE + second * 1000 - offset
  if (parts[6] === undefined) return { low, high: low + MINUTE - 1 }
  const fraction = parts[7]
  if (fraction === undefined) return { low, high: low + 999 }
  // Milliseconds are the finest grain kept; finer digits are cut, coarser ones widen the interval.
  const start = low + Number(fraction.padEnd(3, '0').slice(0, 3))
  return { low: start, high: start + (fraction.length === 1 ? 99 : fraction.length === 2 ? 9 : 0) }
}

function zoneOffset(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4, 6))
  if (hours > 14 || minutes > 59 || (hours === 14 && minutes > 0)) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE
}

/** `Date.UTC` reads years 0..99 as 1900..1999; FHIR allows year 0001. */
function dayStart(year: number, month: number, day: number): number {
  if (year >= 100) return Date.UTC(year, month - 1, day)
  return Date.UTC(year + 400, month - 1, day) - 146_097 * DAY // 400 Gregorian years
}

/** The interval of a Period: open ends reach to infinity. Undefined if an end is no date or both are absent. */
export function intervalOfPeriod(period: { start?: unknown, end?: unknown }): Interval | undefined {
  const start = typeof period.start === 'string' ? intervalOf(period.start) : undefined
  const end = typeof period.end === 'string' ? intervalOf(period.end) : undefined
  if (!start && !end) return undefined
  return { low: start?.low ?? Number.NEGATIVE_INFINITY, high: end?.high ?? Number.POSITIVE_INFINITY }
}

/** Order of two FHIR dates: -1, 0 or 1; 0 too where their intervals overlap, so that the order is not known. */
export function compareMoments(left: string, right: string): number {
  const first = intervalOf(left)
  const second = intervalOf(right)
  if (!first || !second) return 0
  if (first.high < second.low) return -1
  return first.low > second.high ? 1 : 0
}
