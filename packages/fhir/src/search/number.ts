import { splitPrefix } from './kinds.ts'
import type { Kind, Prefix } from './kinds.ts'

type Json = Record<string, unknown>

/** From `low` to `high`, both included; one number has both equal. */
export interface Span { low: number, high: number }

/** A number as asked: itself, and the values that round to it as written, `low` included, `high` not. */
export interface NumberTest extends Span { prefix: Prefix, value: number }

/** Longer numbers say nothing more: a double has 17 digits. */
const NUMBER = /^([-+]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([-+]?\d{1,3}))?$/

/**
 * Reads `[prefix]number`; undefined if it is none. `100` stands for 99.5 to 100.5, `100.00` for 99.995 to 100.005. With
 * an exponent, R4's worked examples (`1e2` is 95 to 105, `5.40e-3` is 0.0054 ± 0.00005) are the mantissa ± 0.05; more
 * than two decimals say that more is meant.
 */
export function parseNumber(text: string): NumberTest | undefined {
  const [prefix, rest] = splitPrefix(text)
  const parts = NUMBER.exec(rest)
  if (!parts) return undefined
  const [, sign = '', whole = '', fraction = '', power] = parts
  // In hundredths of the last digit, as integers: the bounds are then the doubles nearest to the exact decimals.
  const digits = BigInt(whole + fraction) * (sign === '-' ? -100n : 100n)
  const half = power === undefined || fraction.length > 2 ? 50n : 5n * 10n ** BigInt(fraction.length)
  const at = (hundredths: bigint): number => Number(`${hundredths}e${Number(power ?? 0) - fraction.length - 2}`)
  const value = at(digits)
  return Number.isFinite(value) ? { prefix, value, low: at(digits - half), high: at(digits + half) } : undefined
}

/** A number written finer than a double can tell still equals itself. */
const isWithin = ({ low, high, value }: NumberTest, range: Span): boolean =>
  (range.low >= low || range.low === value) && (range.high < high || range.high === value)

/**
 * R4 search.html#number and #prefix: `eq` and `ne` go by what rounds to the number; of the comparing prefixes "the
 * implicit precision of the number is ignored", `sa` and `eb` among them; `ap` is within a tenth of it.
 */
const TESTS: Readonly<Record<Prefix, (test: NumberTest, value: Span) => boolean>> = {
  eq: isWithin,
  ne: (test, value) => !isWithin(test, value),
  gt: ({ value }, { high }) => high > value,
  lt: ({ value }, { low }) => low < value,
  ge: ({ value }, { high }) => high >= value,
  le: ({ value }, { low }) => low <= value,
  sa: ({ value }, { low }) => low > value,
  eb: ({ value }, { high }) => high < value,
  ap: (test, { low, high }) => {
    const margin = Math.max(Math.abs(test.value) / 10, (test.high - test.low) / 2)
    return high >= test.value - margin && low <= test.value + margin
  },
}

export function numberMatches(test: NumberTest, value: Span): boolean {
  return TESTS[test.prefix](test, value)
}

export const numberKind: Kind<Span> = {
  read: ({ type, value }) => {
    if (typeof value === 'number') return [{ low: value, high: value }]
    return type === 'Range' ? spanOfRange(value as Json) : []
  },
  key: ({ low, high }) => `${low}/${high}`,
  same: (left, right) => left.low === right.low && left.high === right.high,
  order: ({ low, high }, descending) => (descending ? high : low),
}

/** A Range's limits; one that is open reaches to infinity. */
export function spanOfRange(range: Json): Span[] {
  const [low, high] = ['low', 'high'].map((end) => (range[end] as Json | undefined)?.['value'])
  if (typeof low !== 'number' && typeof high !== 'number') return []
  return [{
    low: typeof low === 'number' ? low : Number.NEGATIVE_INFINITY,
    high: typeof high === 'number' ? high : Number.POSITIVE_INFINITY,
  }]
}
