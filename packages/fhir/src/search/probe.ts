import type { Interval } from '../periods.ts'
import type { Criterion, ValueTest } from './criterion.ts'
import { dateMatches } from './date.ts'
import { numberMatches } from './number.ts'
import type { Span } from './number.ts'
import { quantityMatches } from './quantity.ts'
import type { QuantityValue } from './quantity.ts'
import { referenceKeys, referenceMatches, withoutVersion } from './reference.ts'
import type { ReferenceValue } from './reference.ts'
import { stringMatches } from './string.ts'
import type { Text } from './string.ts'
import { foldCode, ofTypeMatches, tokenMatches } from './token.ts'
import type { OfType, Token, TokenTest } from './token.ts'
import { uriMatches } from './uri.ts'
import type { Tuple, Value } from './values.ts'

/** How one criterion is asked of a column's values. */
export interface Probe {
  /** Every value that fits stands under one of these keys; undefined if keys cannot tell. */
  keys: readonly string[] | undefined
  fits: (value: Value) => boolean
}

type Tested = Exclude<ValueTest, { test: 'missing' }>

export function probeOf(criterion: Criterion & Tested): Probe {
  switch (criterion.test) {
    case 'token':
    case 'identifier': return tokenProbe(criterion.tokens, criterion.test === 'token' && criterion.parameter.exact)
    case 'of-type':
      return { keys: criterion.types.map(({ value }) => foldCode(value)),
        fits: (value) => criterion.types.some((test) => ofTypeMatches(test, value as OfType)) }
    case 'text': return unkeyed(criterion.texts, (text, value: Text) => stringMatches('starts', text, value))
    case 'string': {
      const probe = unkeyed(criterion.texts, (text, value: Text) => stringMatches(criterion.how, text, value))
      return criterion.how === 'exact' ? { ...probe, keys: criterion.texts } : probe
    }
    case 'date': return unkeyed(criterion.dates, (test, value: Interval) => dateMatches(test, value))
    case 'number': return unkeyed(criterion.numbers, (test, value: Span) => numberMatches(test, value))
    case 'quantity':
      return unkeyed(criterion.quantities, (test, value: QuantityValue) =>
        quantityMatches(test, value, criterion.units))
    case 'reference':
      return { keys: criterion.references.flatMap(referenceKeys),
        fits: (value) => criterion.references.some((test) => referenceMatches(test, value as ReferenceValue)) }
    case 'uri': {
      const probe = unkeyed(criterion.uris, (asked, value: string) => uriMatches(criterion.how, asked, value))
      return criterion.how === 'exact' ? { ...probe, keys: criterion.uris.map(withoutVersion) } : probe
    }
    case 'composite':
    default: return compositeProbe(criterion.tuples)
  }
}

function unkeyed<T, V extends Value>(tests: readonly T[], matches: (test: T, value: V) => boolean): Probe {
  return { keys: undefined, fits: (value) => tests.some((test) => matches(test, value as V)) }
}

function tokenProbe(tokens: readonly TokenTest[], exact: boolean): Probe {
  const [only] = tokens
  if (tokens.length === 1 && only) {
    return { keys: only.code === undefined ? undefined : [foldCode(only.code)],
      fits: (value) => tokenMatches(only, value as Token, exact) }
  }
  // A value set may be tens of thousands: a value is compared with those of its own code only.
  const byKey = Map.groupBy(tokens, ({ code }) => (code === undefined ? undefined : foldCode(code)))
  const ofAnyCode = byKey.get(undefined) ?? []
  return {
    keys: ofAnyCode.length === 0 ? [...byKey.keys()] as string[] : undefined,
    fits: (value) => {
      const meets = (test: TokenTest): boolean => tokenMatches(test, value as Token, exact)
      return ofAnyCode.some(meets) || byKey.get(foldCode((value as Token).code))?.some(meets) === true
    },
  }
}

/** All parts of one alternative must hold within one element. */
function compositeProbe(tuples: readonly (readonly Criterion[])[]): Probe {
  const probes = tuples.map((parts) => parts.map((part) => probeOf(part as Criterion & Tested)))
  return { keys: undefined, fits: (value) => probes.some((parts) =>
    parts.every((part, at) => (value as Tuple)[at]?.some((each) => part.fits(each)) === true)) }
}
