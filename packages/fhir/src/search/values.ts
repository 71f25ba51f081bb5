import type { Typed } from '../expression.ts'
import type { Interval } from '../periods.ts'
import { dateKind } from './date.ts'
import type { Kind, ParameterKind } from './kinds.ts'
import { numberKind } from './number.ts'
import type { Span } from './number.ts'
import { quantityKind } from './quantity.ts'
import type { QuantityValue } from './quantity.ts'
import { referenceKind } from './reference.ts'
import type { ReferenceValue } from './reference.ts'
import { stringKind } from './string.ts'
import type { Text } from './string.ts'
import { tokenKind } from './token.ts'
import type { OfType, Token } from './token.ts'
import { uriKind } from './uri.ts'

/** One element of a composite: the values of each of its parts. */
export type Tuple = readonly (readonly Value[])[]

/** A comparable value; which it is follows from the column it stands in. */
export type Value = Token | OfType | Text | Interval | Span | QuantityValue | ReferenceValue | string | Tuple

/** Composites are never looked up: what matches must match within one element. */
export const compositeKind: Kind<Value> = {
  read: () => [],
  key: () => undefined,
  same: () => false,
  order: () => '',
}

const KINDS: Readonly<Record<ParameterKind, Kind<Value>>> = {
  token: tokenKind,
  string: stringKind,
  reference: referenceKind,
  date: dateKind,
  uri: uriKind,
  number: numberKind,
  quantity: quantityKind,
  composite: compositeKind,
}

export const kindOf = (kind: ParameterKind): Kind<Value> => KINDS[kind]

/** The comparable values of an extracted element. */
export const valuesIn = (kind: ParameterKind, typed: Typed): Value[] => KINDS[kind].read(typed)
