/** Dates (R4 search.html#date): everything is a span of time. */
import type { Node } from './extract.ts'

/** Milliseconds; `end` is the first one after it. */
interface Span {
  readonly start: number
  readonly end: number
}

type Json = Readonly<Record<string, unknown>>

const PATTERN = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/

/** Without a zone: UTC. */
export const spanOf = (text: string): Span | undefined => {
  const parts = PATTERN.exec(text)
  if (parts === null) return undefined
  const [, year = '', month, day, clock, seconds, zone = 'Z'] = parts
  const start = Date.parse(`${year}-${month ?? '01'}-${day ?? '01'}T${clock ?? '00:00'}${seconds ?? ':00'}${zone}`)
  if (Number.isNaN(start)) return undefined
  const next = new Date(start)
  if (month === undefined) next.setUTCFullYear(next.getUTCFullYear() + 1)
  else if (day === undefined) next.setUTCMonth(next.getUTCMonth() + 1)
  else if (clock === undefined) next.setUTCDate(next.getUTCDate() + 1)
  else if (seconds === undefined) next.setUTCMinutes(next.getUTCMinutes() + 1)
  else next.setUTCMilliseconds(next.getUTCMilliseconds() + 10 ** Math.max(0, 7 - Math.max(4, seconds.length)))
  return { start, end: next.getTime() }
}

const spanOfPeriod = ({ start, end }: Json): Span | undefined => {
  const from = typeof start === 'string' ? spanOf(start) : undefined
  const to = typeof end === 'string' ? spanOf(end) : undefined
  if (from === undefined && to === undefined) return undefined
  return { start: from?.start ?? Number.NEGATIVE_INFINITY, end: to?.end ?? Number.POSITIVE_INFINITY }
}

/** Of a Timing the outer limits count. */
const spanOfTiming = ({ event, repeat }: Json): Span | undefined => {
  const events = ((event as string[] | undefined) ?? []).flatMap((each) => spanOf(each) ?? [])
  if (events.length > 0) {
    return { start: Math.min(...events.map(({ start }) => start)), end: Math.max(...events.map(({ end }) => end)) }
  }
  const bounds = (repeat as Json | undefined)?.['boundsPeriod'] as Json | undefined
  return bounds && spanOfPeriod(bounds)
}

export const spansIn = ({ type, data }: Node): Span[] => {
  const span = typeof data === 'string' ? spanOf(data)
    : type === 'Period' ? spanOfPeriod(data as Json)
      : type === 'Timing' ? spanOfTiming(data as Json) : undefined
  return span === undefined ? [] : [span]
}

const meets = (prefix: string, asked: Span, found: Span): boolean => {
  const isWithin = found.start >= asked.start && found.end <= asked.end
  switch (prefix) {
    case 'eq': return isWithin
    case 'ne': return !isWithin
    case 'gt': return found.end > asked.end
    case 'lt': return found.start < asked.start
    case 'ge': return found.end > asked.end || isWithin
    case 'le': return found.start < asked.start || isWithin
    case 'sa': return found.start >= asked.end
    case 'eb': return found.end <= asked.start
    // Approximately: they overlap. R4 leaves the rest to the server.
    case 'ap': return found.end > asked.start && found.start < asked.end
    default: throw new Error(`no prefix: ${prefix}`)
  }
}

export const dateMeets = (value: string, nodes: readonly Node[]): boolean => {
  const prefix = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)/.exec(value)?.[1]
  const asked = spanOf(prefix === undefined ? value : value.slice(2))
  if (asked === undefined) throw new Error('no date')
  return nodes.flatMap(spansIn).some((found) => meets(prefix ?? 'eq', asked, found))
}
