import { FhirError } from '../outcomes.ts'
import type { Units, ValueSets } from './options.ts'

/** What the parsing of one query shares. */
export interface ParseContext {
  bases: readonly string[]
  units: Units | undefined
  now: number | undefined
  valueSets: ValueSets | undefined
  /** Chains this one is inside of. */
  depth: number
  /** How many more criteria chains may branch into, and codes value sets may stand for, over the whole query. */
  budget: { left: number, codes: number }
}

/** A parameter's name from a URL, as far as it may be repeated: a value put in its place must not reach a log. */
export function printable(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_.:-]{0,80}$/.test(name) ? name : '(unprintable)'
}

export function unsupportedParameter(type: string, name: string): FhirError {
  const told = printable(name)
  return new FhirError('unsupported-parameter', `${told} is not a search parameter supported for ${type}`, told)
}

export function badValue(name: string, expected: string): FhirError {
  return new FhirError('invalid-value', `search parameter ${printable(name)}: ${expected}`, printable(name))
}
