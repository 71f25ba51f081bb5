import type {
  Age, CodeableConcept, HumanName, Observation, ObservationReferenceRange, Period, Quantity, Range, Timing,
} from '@medplum/fhirtypes'
import type { Language } from './words.ts'

/** How a number was written: 5.0 was measured to a tenth. Undefined: as JavaScript writes it. */
export type Digits = (holder: object, member: string) => string | undefined

/** What a cell is written with. */
export interface Pen {
  readonly language: Language
  readonly digits: Digits
}

/** A concept as a person reads it: its own words, else a code's name, else the code. */
export function concept(value: CodeableConcept | undefined): string {
  if (value === undefined) return ''
  const named = value.coding?.find(({ display }) => display !== undefined)?.display
  return value.text ?? named ?? value.coding?.find(({ code }) => code !== undefined)?.code ?? ''
}

export function concepts(values: readonly CodeableConcept[] | undefined): string[] {
  return (values ?? []).map(concept)
}

/** The first code of a concept that has one. */
export function codeOf(value: CodeableConcept | undefined): string | undefined {
  return value?.coding?.find(({ code }) => code !== undefined)?.code
}

/** A date with the precision it has, the way its readers write dates. A time keeps the zone it was told in. */
export function date(value: string | undefined, { language }: Pen): string {
  const [, year = '', month, day, time] = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d:\d\d))?/.exec(value ?? '') ?? []
  const parts = [year, month, day].filter((part) => part !== undefined)
  const written = language === 'fr' ? parts.toReversed().join('/') : parts.join('-')
  return time === undefined || time === '00:00' ? written : `${written} ${time}`
}

export function period(value: Period | undefined, pen: Pen): string {
  if (value === undefined) return ''
  return `${date(value.start, pen) || '…'} – ${date(value.end, pen) || '…'}`
}

function number(holder: object, member: string, value: number, { language, digits }: Pen): string {
  const written = digits(holder, member) ?? String(value)
  return language === 'fr' ? written.replace('.', ',') : written
}

export function quantity(value: Quantity | Age | undefined, pen: Pen): string {
  if (value?.value === undefined) return ''
  const amount = number(value, 'value', value.value, pen)
  return [value.comparator, amount, value.unit ?? value.code].filter((part) => part !== undefined).join(' ')
}

function range(value: Range | undefined, pen: Pen): string {
  if (value === undefined) return ''
  return `${quantity(value.low, pen) || '…'} – ${quantity(value.high, pen) || '…'}`
}

export function referenceRange(value: ObservationReferenceRange, pen: Pen): string {
  return value.text ?? range({ ...(value.low ? { low: value.low } : {}), ...(value.high ? { high: value.high } : {}) },
    pen)
}

type Valued = Pick<Observation, 'valueQuantity' | 'valueCodeableConcept' | 'valueString' | 'valueBoolean'
  | 'valueInteger' | 'valueRange' | 'valueRatio' | 'valueTime' | 'valueDateTime' | 'valuePeriod' | 'dataAbsentReason'>

/** The result of an observation or of one of its components. */
export function result(value: Valued, pen: Pen): string {
  if (value.valueQuantity) return quantity(value.valueQuantity, pen)
  if (value.valueCodeableConcept) return concept(value.valueCodeableConcept)
  if (value.valueString !== undefined) return value.valueString
  if (value.valueInteger !== undefined) return String(value.valueInteger)
  if (value.valueBoolean !== undefined) return yesNo(value.valueBoolean, pen)
  if (value.valueRange) return range(value.valueRange, pen)
  if (value.valueRatio) {
    return `${quantity(value.valueRatio.numerator, pen)} / ${quantity(value.valueRatio.denominator, pen)}`
  }
  if (value.valueDateTime !== undefined) return date(value.valueDateTime, pen)
  if (value.valuePeriod) return period(value.valuePeriod, pen)
  return value.valueTime ?? concept(value.dataAbsentReason)
}

function yesNo(value: boolean, { language }: Pen): string {
  if (language === 'fr') return value ? 'oui' : 'non'
  return value ? 'yes' : 'no'
}

export function name(value: HumanName | undefined): string {
  if (value === undefined) return ''
  return value.text ?? [...(value.prefix ?? []), ...(value.given ?? []), value.family ?? '', ...(value.suffix ?? [])]
    .filter((part) => part !== '').join(' ')
}

/** When something was, from whichever of R4's choices it was told in. */
export function moment(resource: object, stem: string, pen: Pen): string {
  const member = <T>(kind: string): T | undefined => (resource as Record<string, T | undefined>)[`${stem}${kind}`]
  const told = member<string>('DateTime')
  if (told !== undefined) return date(told, pen)
  const span = member<Period>('Period')
  if (span !== undefined) return period(span, pen)
  const age = member<Age>('Age')
  if (age !== undefined) return quantity(age, pen)
  const between = member<Range>('Range')
  if (between !== undefined) return range(between, pen)
  const instants = member<Timing>('Timing')?.event?.[0] ?? member<string>('Instant')
  return instants === undefined ? (member<string>('String') ?? '') : date(instants, pen)
}

/** The same moment as text that sorts; empty where it was not told as a date. */
export function sortKey(resource: object, ...stems: readonly string[]): string {
  const members = resource as Record<string, unknown>
  for (const stem of stems) {
    const told = members[stem] ?? members[`${stem}DateTime`] ?? members[`${stem}Instant`]
    if (typeof told === 'string') return told
    const span = members[`${stem}Period`] as Period | undefined
    const start = span?.end ?? span?.start
    if (start !== undefined) return start
  }
  return ''
}
