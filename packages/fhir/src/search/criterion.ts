import type { DateTest } from './date.ts'
import type { NumberTest } from './number.ts'
import type { Units } from './options.ts'
import type { Parameter } from './parameters.ts'
import type { QuantityTest } from './quantity.ts'
import type { ReferenceTest } from './reference.ts'
import type { StringHow } from './string.ts'
import type { OfTypeTest, TokenTest } from './token.ts'
import type { UriHow } from './uri.ts'

/** One search parameter of a query: its values are alternatives. */
export type Criterion = { parameter: Parameter } & (ValueTest | RelationTest)

/** What is decided by the parameter's own values. */
export type ValueTest =
  | { test: 'missing', missing: boolean }
  | { test: 'token', negated: boolean, tokens: readonly TokenTest[] }
  /** `:text` of a token. */
  | { test: 'text', texts: readonly string[] }
  | { test: 'of-type', types: readonly OfTypeTest[] }
  /** `:identifier` of a reference. */
  | { test: 'identifier', tokens: readonly TokenTest[] }
  | { test: 'string', how: StringHow, texts: readonly string[] }
  | { test: 'date', dates: readonly DateTest[] }
  | { test: 'number', numbers: readonly NumberTest[] }
  | { test: 'quantity', quantities: readonly QuantityTest[], units: Units | undefined }
  | { test: 'reference', references: readonly ReferenceTest[] }
  | { test: 'uri', how: UriHow, uris: readonly string[] }
  /** Alternatives; in each one criterion for every part. */
  | { test: 'composite', tuples: readonly (readonly Criterion[])[] }

/** What is decided by other resources. */
export type RelationTest =
  /** `parameter[:type].…`: some resource that the parameter refers to, of one of these types, meets its criterion. */
  | { test: 'chain', branches: readonly Branch[] }
  /** `_has:source:parameter:…`: by that parameter of `source`, some resource that meets the criterion refers here. */
  | { test: 'has', source: string, criterion: Criterion }

export interface Branch {
  type: string
  criterion: Criterion
}
