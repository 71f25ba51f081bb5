/** Numbers and quantities (R4 search.html#number, #quantity). */
import { add, compare, type Decimal, decimalOf, halfUlp, magnitude, negative, times } from './decimals.ts'
import type { Node } from './extract.ts'

/** From `low` to `high`, both included; undefined: no end on that side. */
interface Span {
  readonly low: Decimal | undefined
  readonly high: Decimal | undefined
}

interface Amount extends Span {
  readonly system: string | undefined
  readonly code: string | undefined
  readonly unit: string | undefined
}

type Json = Readonly<Record<string, unknown>>

const UCUM = 'http://unitsofmeasure.org'

const decimalIn = (value: unknown): Decimal | undefined =>
  (typeof value === 'number' ? decimalOf(String(value)) : undefined)

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const spanOfQuantity = ({ value, comparator }: Json): Span | undefined => {
  const number = decimalIn(value)
  if (number === undefined) return undefined
  const low = comparator === '<' || comparator === '<=' ? undefined : number
  return { low, high: comparator === '>' || comparator === '>=' ? undefined : number }
}

/** Sampled data is anything between its least and its greatest sample. */
const samplesIn = ({ origin, data }: Json): Amount[] => {
  const { value, system, code, unit } = (origin ?? {}) as Json
  const zero = decimalIn(value)
  const samples = String(data).split(' ').flatMap((each) => decimalOf(each) ?? []).toSorted(compare)
  const [least] = samples
  const greatest = samples.at(-1)
  if (zero === undefined || least === undefined || greatest === undefined) return []
  const named = { system: text(system), code: text(code), unit: text(unit) }
  return [{ low: add(zero, least), high: add(zero, greatest), ...named }]
}

/** The amounts in one value. */
export const amountsIn = ({ type, data }: Node): Amount[] => {
  if (typeof data === 'number') {
    const number = decimalIn(data)
    return [{ low: number, high: number, system: undefined, code: undefined, unit: undefined }]
  }
  const json = (data ?? {}) as Json
  if (type === 'Money') {
    const number = decimalIn(json['value'])
    const currency = text(json['currency'])
    return number === undefined ? []
      : [{ low: number, high: number, system: 'urn:iso:std:iso:4217', code: currency, unit: currency }]
  }
  if (type === 'Range') {
    const low = json['low'] as Json | undefined
    const high = json['high'] as Json | undefined
    const named = low ?? high
    return named === undefined ? [] : [{
      low: decimalIn(low?.['value']), high: decimalIn(high?.['value']),
      system: text(named['system']), code: text(named['code']), unit: text(named['unit']),
    }]
  }
  if (type === 'SampledData') return samplesIn(json)
  const span = spanOfQuantity(json)
  return span === undefined ? []
    : [{ ...span, system: text(json['system']), code: text(json['code']), unit: text(json['unit']) }]
}

const below = (left: Decimal | undefined, right: Decimal): boolean => left === undefined || compare(left, right) < 0
const above = (left: Decimal | undefined, right: Decimal): boolean => left === undefined || compare(left, right) > 0

/** R4 search.html#prefix. Of the comparing prefixes the number is meant exactly, of the others with its precision. */
const meetsNumber = (prefix: string, asked: Decimal, { low, high }: Span, factor: Decimal): boolean => {
  const exact = times(asked, factor)
  const tenth = times(magnitude(asked), { digits: 1n, scale: -1 })
  const half = halfUlp(asked)
  const from = times(add(asked, negative(half)), factor)
  const to = times(add(asked, half), factor)
  const isWithin = low !== undefined && high !== undefined && compare(low, from) >= 0
    && (compare(high, to) < 0 || (asked.digits === 0n && compare(high, to) < 0))
  if (prefix === 'eq') return isWithin
  if (prefix === 'ne') return !isWithin
  if (prefix === 'gt') return above(high, exact)
  if (prefix === 'lt') return below(low, exact)
  if (prefix === 'ge') return !(high !== undefined && compare(high, exact) < 0)
  if (prefix === 'le') return !(low !== undefined && compare(low, exact) > 0)
  if (prefix === 'sa') return low !== undefined && compare(low, exact) > 0
  if (prefix === 'eb') return high !== undefined && compare(high, exact) < 0
  // A tenth is what R4 recommends; what rounds to the number is near it in any case.
  const margin = compare(tenth, half) > 0 ? tenth : half
  const nearLow = times(add(asked, negative(margin)), factor)
  const nearHigh = times(add(asked, margin), factor)
  return !(high !== undefined && compare(high, nearLow) < 0) && !(low !== undefined && compare(low, nearHigh) > 0)
}

const split = (value: string): [prefix: string, rest: string] => {
  const prefix = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)/.exec(value)?.[1]
  return prefix === undefined ? ['eq', value] : [prefix, value.slice(2)]
}

const ONE: Decimal = { digits: 1n, scale: 0 }

export const numberMeets = (value: string, nodes: readonly Node[]): boolean => {
  const [prefix, rest] = split(value)
  const asked = decimalOf(rest)
  if (asked === undefined) throw new Error('no number')
  return nodes.flatMap(amountsIn).some((amount) => meetsNumber(prefix, asked, amount, ONE))
}

/** UCUM units that the tests use, in one base unit for each kind of amount. */
const UNITS: Readonly<Record<string, readonly [kind: string, factor: string]>> = {
  'g/L': ['density', '1'], 'mg/L': ['density', '1e-3'], 'g/dL': ['density', '10'], 'mg/dL': ['density', '1e-2'],
  'ng/mL': ['density', '1e-6'], 'ug/L': ['density', '1e-6'], 'mg/mL': ['density', '1'],
  'kg': ['mass', '1e3'], 'g': ['mass', '1'], 'mg': ['mass', '1e-3'], 'pg': ['mass', '1e-12'],
  'cm': ['length', '1e-2'], 'mm': ['length', '1e-3'], 'm': ['length', '1'],
  'mmol/L': ['concentration', '1'], 'mol/L': ['concentration', '1e3'], 'umol/L': ['concentration', '1e-3'],
  '%': ['share', '1e-2'], 'mg/g': ['share', '1e-3'], '{score}': ['share', '1'], '{T-score}': ['share', '1'],
  '{count}': ['share', '1'], '1': ['share', '1'],
  '10*3/uL': ['number', '1e3'], '10*6/uL': ['number', '1e6'], '10*9/L': ['number', '1e3'],
  'mL/min': ['flow', '1'], 'L/min': ['flow', '1e3'], 'mL/min/{1.73_m2}': ['flow', '1'],
  'L': ['volume', '1'], 'mL': ['volume', '1e-3'], 'fL': ['volume', '1e-15'], 'dL': ['volume', '1e-1'],
}

/** By how much an amount in one unit is multiplied to be in the other's terms; undefined: they do not compare. */
const factorsOf = (asked: string, found: string): readonly [Decimal, Decimal] | undefined => {
  if (asked === found) return [ONE, ONE]
  const [askedKind, askedFactor = ''] = UNITS[asked] ?? []
  const [foundKind, foundFactor = ''] = UNITS[found] ?? []
  if (askedKind === undefined || askedKind !== foundKind) return undefined
  return [decimalOf(askedFactor) ?? ONE, decimalOf(foundFactor) ?? ONE]
}

const scaled = (value: Decimal | undefined, factor: Decimal): Decimal | undefined => value && times(value, factor)

/** `[prefix]number`, `number|system|code` or `number||code`; the parts are unescaped already. */
export const quantityMeets = (parts: readonly string[], nodes: readonly Node[]): boolean => {
  const [prefix, rest] = split(parts[0] ?? '')
  const asked = decimalOf(rest)
  if (asked === undefined) throw new Error('no number')
  const [, system = '', code = ''] = parts
  return nodes.flatMap(amountsIn).some((amount) => {
    if (code === '') return (system === '' || amount.system === system) && meetsNumber(prefix, asked, amount, ONE)
    if (system === '') {
      return (amount.code === code || amount.unit === code) && meetsNumber(prefix, asked, amount, ONE)
    }
    if (amount.system !== system || amount.code === undefined) return false
    if (amount.code === code) return meetsNumber(prefix, asked, amount, ONE)
    const factors = system === UCUM ? factorsOf(code, amount.code) : undefined
    if (factors === undefined) return false
    const span = { low: scaled(amount.low, factors[1]), high: scaled(amount.high, factors[1]) }
    return meetsNumber(prefix, asked, span, factors[0])
  })
}

/** Another unit for the same kind of amount, and by how much a number is multiplied to be in it. */
export const otherUnits = (code: string): [unit: string, factor: number][] => {
  const [kind, factor = '1'] = UNITS[code] ?? []
  return Object.entries(UNITS).filter(([unit, [of]]) => of === kind && unit !== code)
    .map(([unit, [, other]]) => [unit, Number(factor) / Number(other)])
}
