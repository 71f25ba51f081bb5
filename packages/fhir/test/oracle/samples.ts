/** For each kind of parameter and each FHIR type: a value that a search finds, one that it does not, and the search. */
import type { Definition } from './definitions.ts'
import type { Element } from './structure.ts'

export interface Sample {
  readonly yes: unknown
  readonly no: unknown
  /** Already escaped, not yet percent-encoded. */
  readonly value: string
}

const SYSTEM = 'urn:oid:1.2.3'
const UCUM = 'http://unitsofmeasure.org'

const TEXTS: ReadonlySet<string> = new Set(['string', 'markdown', 'code', 'id', 'uri', 'url', 'canonical', 'oid'])

const quantity = (value: number): unknown => ({ value, unit: 'mg', system: UCUM, code: 'mg' })

const tokenOf = (type: string, element: Element): Sample | undefined => {
  if (type === 'boolean') return { yes: true, no: false, value: 'true' }
  if (TEXTS.has(type)) {
    const yes = (type === 'code' ? element.code() : undefined) ?? 'yes'
    return { yes, no: type === 'code' ? 'different' : 'no', value: yes.replaceAll(/[\\$,|]/g, '\\$&') }
  }
  const coding = (code: string): unknown => ({ system: SYSTEM, code })
  if (type === 'Coding') return { yes: coding('yes'), no: coding('no'), value: `${SYSTEM}|yes` }
  if (type === 'CodeableConcept') {
    const concept = (code: string): unknown => ({ coding: [coding('common'), coding(code)] })
    return { yes: concept('yes'), no: concept('no'), value: `${SYSTEM}|yes` }
  }
  if (type === 'Identifier') {
    return { yes: { system: SYSTEM, value: 'yes' }, no: { system: SYSTEM, value: 'no' }, value: `${SYSTEM}|yes` }
  }
  return type === 'ContactPoint' ? { yes: { value: 'yes' }, no: { value: 'no' }, value: 'yes' } : undefined
}

const stringOf = (type: string): Sample | undefined => {
  const inside: Readonly<Record<string, (text: string) => unknown>> = {
    HumanName: (text) => ({ given: ['Other', text] }),
    Address: (text) => ({ line: ['1 street'], city: text }),
    CodeableConcept: (text) => ({ text }),
    Annotation: (text) => ({ text }),
  }
  const make = TEXTS.has(type) ? (text: string): unknown => text : inside[type]
  return make && { yes: make('Éclair au café'), no: make('Au café, un éclair'), value: 'eclair AU' }
}

const dateOf = (type: string): Sample | undefined => {
  const makes: Readonly<Record<string, (day: string) => unknown>> = {
    date: (day) => day,
    dateTime: (day) => `${day}T23:30:00Z`,
    instant: (day) => `${day}T00:00:00.000Z`,
    Period: (day) => ({ start: `${day}T08:00:00Z`, end: day }),
    Timing: (day) => ({ event: [`${day}T08:00:00Z`, `${day}T09:00:00Z`] }),
  }
  const make = makes[type]
  return make && { yes: make('2024-02-29'), no: make('2024-03-01'), value: '2024-02-29' }
}

const NUMBERS: ReadonlySet<string> = new Set(['integer', 'decimal', 'positiveInt', 'unsignedInt'])
const QUANTITIES: ReadonlySet<string> = new Set(['Quantity', 'Age', 'Duration', 'SimpleQuantity', 'Count', 'Distance'])

const amountOf = (type: string, isQuantity: boolean): Sample | undefined => {
  const value = isQuantity ? `7|${UCUM}|mg` : '7'
  if (NUMBERS.has(type)) return isQuantity ? undefined : { yes: 7, no: 9, value }
  if (type === 'Range') {
    const range = (low: number): unknown => ({ low: quantity(low), high: quantity(low) })
    return { yes: range(7), no: range(9), value }
  }
  if (QUANTITIES.has(type)) return { yes: quantity(7), no: quantity(9), value }
  if (type === 'SampledData') {
    const samples = (data: string): unknown => ({ origin: quantity(5), period: 1, dimensions: 1, data })
    return { yes: samples('2 2 2'), no: samples('1 2 E 3'), value }
  }
  return type === 'Money'
    ? { yes: { value: 7, currency: 'EUR' }, no: { value: 7, currency: 'XOF' }, value: '7|urn:iso:std:iso:4217|EUR' }
    : undefined
}

const URLS: ReadonlySet<string> = new Set(['uri', 'url', 'canonical', 'oid', 'uuid'])

const referenceOf = (type: string, element: Element, definition: Definition, named?: string): Sample | undefined => {
  if (URLS.has(type)) {
    const tail = type === 'canonical' ? '|1.0' : ''
    return { yes: `http://example.org/yes${tail}`, no: `http://example.org/no${tail}`, value: 'http://example.org/yes' }
  }
  if (type !== 'Reference') return undefined
  const possible = element.targets.filter((target) =>
    definition.targets.length === 0 || definition.targets.includes(target))
  const target = named ?? possible[0] ?? definition.targets[0] ?? 'Patient'
  return { yes: { reference: `${target}/yes` }, no: { reference: `${target}/no` }, value: `${target}/yes` }
}

/** Undefined where a value of that type is nothing that this kind of parameter compares. `named`: the type it needs. */
export const sampleOf = (
  definition: Definition, type: string, element: Element, named?: string,
): Sample | undefined => {
  switch (definition.kind) {
    case 'token': return tokenOf(type, element)
    case 'string': return stringOf(type)
    case 'date': return dateOf(type)
    case 'number': return amountOf(type, false)
    case 'quantity': return amountOf(type, true)
    case 'reference': return referenceOf(type, element, definition, named)
    case 'uri': return URLS.has(type) ? { yes: 'urn:yes', no: 'urn:no', value: 'urn:yes' } : undefined
    case 'composite':
    case 'special':
    default: return undefined
  }
}
