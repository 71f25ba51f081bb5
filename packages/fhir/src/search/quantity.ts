import type { Typed } from '../expression.ts'
import type { Kind } from './kinds.ts'
import { numberMatches, spanOfRange } from './number.ts'
import type { NumberTest, Span } from './number.ts'
import type { CanonicalUnit, Units } from './options.ts'

type Json = Record<string, unknown>

/** A quantity as R4 compares it: all values it may have, and its unit. */
export interface QuantityValue extends Span {
  system?: string
  code?: string
  unit?: string
}

/** A quantity as asked. Without `code` any unit matches; without `system` code or printed unit must be it. */
export interface QuantityTest extends NumberTest {
  system?: string
  code?: string
  /** The same in the base units of what its unit measures. */
  base?: NumberTest & { dimension: string }
}

export const UCUM = 'http://unitsofmeasure.org'

/** Adds what compares with other units, where the unit is one of UCUM. */
export function withBase(test: QuantityTest, units: Units | undefined): QuantityTest {
  const unit = test.system === UCUM && test.code !== undefined ? units?.canonical(test.code) : undefined
  if (!unit) return test
  const { prefix } = test
  const [low, value, high] = [test.low, test.value, test.high].map((each) => baseOf(each, unit))
  return low === undefined || value === undefined || high === undefined
    ? test
    : { ...test, base: { prefix, low, value, high, dimension: unit.dimension } }
}

/** Twelve digits: what is equal on paper must not differ by the rounding of a factor. */
function baseOf(value: number, unit: CanonicalUnit): number {
  return Number.isFinite(value) ? Number(unit.toBase(value).toPrecision(12)) : value
}

export function quantityMatches(test: QuantityTest, value: QuantityValue, units: Units | undefined): boolean {
  if (test.code === undefined) return numberMatches(test, value)
  if (test.system === undefined) {
    return (value.code === test.code || value.unit === test.code) && numberMatches(test, value)
  }
  if (test.system !== value.system || value.code === undefined) return false
  if (test.code === value.code) return numberMatches(test, value)
  const unit = test.base && units?.canonical(value.code)
  if (!unit || unit.dimension !== test.base?.dimension) return false
  return numberMatches(test.base, { low: baseOf(value.low, unit), high: baseOf(value.high, unit) })
}

export const quantityKind: Kind<QuantityValue> = {
  read: readQuantities,
  key: ({ low, high }) => `${low}/${high}`,
  same: (left, right) => left.low === right.low && left.high === right.high && left.system === right.system &&
    left.code === right.code && left.unit === right.unit,
  order: ({ low, high }, descending) => (descending ? high : low),
}

const QUANTITIES: ReadonlySet<string> =
  new Set(['Quantity', 'Age', 'Duration', 'Distance', 'Count', 'SimpleQuantity', 'MoneyQuantity'])

function readQuantities({ type, value }: Typed): QuantityValue[] {
  if (typeof value !== 'object' || value === null) return []
  const json = value as Json
  if (QUANTITIES.has(type)) return spanOfQuantity(json).map((span) => ({ ...span, ...unitOf(json) }))
  if (type === 'Range') {
    const unit = unitOf((json['low'] ?? json['high'] ?? {}) as Json)
    return spanOfRange(json).map((span) => ({ ...span, ...unit }))
  }
  if (type === 'Money') return spanOfQuantity(json).map((span) => ({ ...span, ...currencyOf(json['currency']) }))
  if (type !== 'SampledData') return []
  return spanOfSamples(json).map((span) => ({ ...span, ...unitOf(json['origin'] as Json) }))
}

function unitOf({ system, code, unit }: Json): Partial<QuantityValue> {
  return {
    ...(typeof system === 'string' ? { system } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof unit === 'string' ? { unit } : {}),
  }
}

function currencyOf(currency: unknown): Partial<QuantityValue> {
  return typeof currency === 'string' ? { system: 'urn:iso:std:iso:4217', code: currency, unit: currency } : {}
}

/** `<5` may be anything under 5. */
function spanOfQuantity({ value, comparator }: Json): Span[] {
  if (typeof value !== 'number') return []
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  switch (comparator) {
    case '<': return [{ low, high: neighbour(value, -1) }]
    case '<=': return [{ low, high: value }]
    case '>': return [{ low: neighbour(value, 1), high }]
    case '>=': return [{ low: value, high }]
    default: return [{ low: value, high: value }]
  }
}

/** The next double below or above: what "less than" leaves at most. */
function neighbour(value: number, step: 1 | -1): number {
  if (value === 0) return step * Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(value > 0 ? step : -step))
  return view.getFloat64(0)
}

/** R4: a search on sampled data goes by the bounds of its samples. `E` is an error, `L` and `U` are the limits. */
function spanOfSamples({ origin, factor, data, lowerLimit, upperLimit }: Json): Span[] {
  const zero = (origin as Json | undefined)?.['value']
  if (typeof zero !== 'number' || typeof data !== 'string') return []
  const scale = typeof factor === 'number' ? factor : 1
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const sample of data.split(' ')) {
    const at = sample === 'L' ? lowerLimit : sample === 'U' ? upperLimit : sample === '' ? undefined : Number(sample)
    if (typeof at !== 'number' || Number.isNaN(at)) continue
    low = Math.min(low, zero + at * scale)
    high = Math.max(high, zero + at * scale)
  }
  return low <= high ? [{ low, high }] : []
}
