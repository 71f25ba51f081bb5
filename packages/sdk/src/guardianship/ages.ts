/** When somebody comes of an age: the moment at which that day begins where the person lives. */
import { SdkError } from '../errors.ts'

export interface Birth {
  /** `YYYY-MM-DD`. */
  readonly date: string
  /** An IANA time zone: the law's day begins by the clocks there. */
  readonly zone: string
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

const dayOf = ({ date }: Birth): { year: number; month: number; day: number } => {
  const [, year, month, day] = (/^(\d{4})-(\d{2})-(\d{2})$/.exec(date) ?? []).map(Number)
  const exists = year !== undefined && month !== undefined && day !== undefined &&
    new Date(Date.UTC(year, month - 1, day)).toISOString().startsWith(date)
  if (!exists) throw new SdkError('bad-input', 'a date of birth is a day of the calendar: YYYY-MM-DD')
  return { year, month, day }
}

const clockIn = (zone: string): Intl.DateTimeFormat => {
  try {
    return new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
      minute: '2-digit', second: '2-digit',
    })
  } catch (cause) {
    throw new SdkError('bad-input', 'a time zone is one of the IANA database: Europe/Paris', { cause })
  }
}

/** What clocks show there, as if it were UTC. */
const shown = (clock: Intl.DateTimeFormat, time: number): number => {
  const parts = new Map(clock.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
}

/**
 * Milliseconds since 1970: the first moment of the day on which that many years are completed. Whoever was born on 29
 * February completes them on the 28th where there is none (French procedure reckons so, art. 641 CPC; the earlier day
 * is the one that ends somebody else's right sooner). Where clocks skip midnight, the day begins at what follows.
 * Throws `bad-input`.
 */
export const comesOf = (birth: Birth, years: number): number => {
  const { year, month, day } = dayOf(birth)
  const last = new Date(Date.UTC(year + years, month, 0)).getUTCDate()
  const midnight = Date.UTC(year + years, month - 1, Math.min(day, last))
  const clock = clockIn(birth.zone)
  const begins = [midnight - DAY, midnight + DAY]
    .map((near) => midnight - (shown(clock, near) - near))
    .filter((time) => shown(clock, time) >= midnight)
  return Math.min(...begins)
}
