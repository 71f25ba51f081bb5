import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { dateMatches } from '../src/search/date.ts'
import type { Prefix } from '../src/search/kinds.ts'
import { compareMoments, intervalOf, intervalOfPeriod } from '../src/periods.ts'

const pad = (n: number, width = 2): string => String(n).padStart(width, '0')

test('an instant of any zone is the millisecond that Date reads', () => {
  const instant = fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'),
    noInvalidDate: true })
  fc.assert(fc.property(instant, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
    const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
    if (!/^\d{4}-/.test(local)) return
    const zone = `${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`
    const text = `${local}${offset < 0 ? '-' : '+'}${zone}`
    expect(intervalOf(text)).toEqual({ low: date.getTime(), high: date.getTime() })
  }))
})

test('coarse dates cover exactly what follows them', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 9998 }), fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 31 }), (y, m, d) => {
    const start = (text: string): number => Date.parse(`${text}T00:00:00.000Z`)
    expect(intervalOf(pad(y, 4))).toEqual({ low: start(`${pad(y, 4)}-01-01`),
      high: start(`${pad(y + 1, 4)}-01-01`) - 1 })
    const next = m === 12 ? `${pad(y + 1, 4)}-01` : `${pad(y, 4)}-${pad(m + 1)}`
    expect(intervalOf(`${pad(y, 4)}-${pad(m)}`)).toEqual({ low: start(`${pad(y, 4)}-${pad(m)}-01`),
      high: start(`${next}-01`) - 1 })
    const text = `${pad(y, 4)}-${pad(m)}-${pad(d)}`
    const isDay = d <= new Date(start(`${next}-01`) - 1).getUTCDate()
    expect(intervalOf(text)).toEqual(isDay ? { low: start(text), high: start(text) + 86_399_999 } : undefined)
  }))
})

test('what is no date is none', () => {
  for (const text of ['', '20', '2020-', '2020-13', '2020-00', '2020-02-30', '2020-01-01T', '2020-01-01T25:00Z',
    '2020-01-01T10:61Z',
    '2020-01-01T10:00+15:00', '2020-01-01T10:00+14:30', '2020-1-1', ' 2020', '2020Z', '２０２０', 'NaN', '+2020']) {
    expect(intervalOf(text), text).toBeUndefined()
  }
})

test('open periods reach to infinity', () => {
  expect(intervalOfPeriod({ start: '2020' })).toEqual({ low: Date.UTC(2020), high: Infinity })
  expect(intervalOfPeriod({ end: '2020' })).toEqual({ low: -Infinity, high: Date.UTC(2021) - 1 })
  expect(intervalOfPeriod({})).toBeUndefined()
  expect(compareMoments('2020', '2020-05')).toBe(0)
  expect(compareMoments('2019-12-31', '2020')).toBe(-1)
})

/** R4's words on prefixes, over the set of points an interval holds: small integers stand for milliseconds. */
const BRUTE: Record<Prefix, (query: number[], value: number[]) => boolean> = {
  eq: (query, value) => value.every((point) => query.includes(point)),
  ne: (query, value) => !value.every((point) => query.includes(point)),
  gt: (query, value) => value.some((point) => query.every((q) => point > q)),
  lt: (query, value) => value.some((point) => query.every((q) => point < q)),
  ge: (query, value) => value.some((point) => query.every((q) => point > q)) ||
    value.every((point) => query.includes(point)),
  le: (query, value) => value.some((point) => query.every((q) => point < q)) ||
    value.every((point) => query.includes(point)),
  sa: (query, value) => value.every((point) => query.every((q) => point > q)),
  eb: (query, value) => value.every((point) => query.every((q) => point < q)),
  ap: (query, value) => value.some((point) => query.includes(point)),
}

test('prefixes mean what R4 says of intervals', () => {
  const interval = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 4 })).map(([low, length]) =>
    ({ low, high: low + length }))
  const points = ({ low, high }: { low: number, high: number }): number[] =>
    Array.from({ length: high - low + 1 }, (_, at) => low + at)
  const prefixes = fc.constantFrom<Prefix>('eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap')
  fc.assert(fc.property(prefixes, interval, interval, (prefix, query, value) => {
    expect(dateMatches({ prefix, interval: query }, value)).toBe(BRUTE[prefix](points(query), points(value)))
  }), { numRuns: 2000 })
})
