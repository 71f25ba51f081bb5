import { isResourceType } from './definitions.ts'
import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'
import { intervalOf } from './periods.ts'
import type { Interval } from './periods.ts'
import { isIdText } from './primitives.ts'
import { foldText, splitAt, unescape } from './query-text.ts'
import type { Parameter } from './search-parameters.ts'
import { referenceValue } from './search-values.ts'
import type { ReferenceValue, Token, Values } from './search-values.ts'

export type DatePrefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb'

/** A token as asked: without `system` any system matches; `null` asks for none. Without `code` any code. */
export interface TokenTest { system?: string | null, code?: string }
export interface DateTest { prefix: DatePrefix, interval: Interval }
export interface ReferenceTest { type?: string, id?: string, version?: string, text?: string }

/** One search parameter of a query: its values are alternatives. */
export type Criterion = { parameter: Parameter } & (
  | { test: 'missing', missing: boolean }
  | { test: 'token', negated: boolean, tokens: readonly TokenTest[] }
  | { test: 'identifier', tokens: readonly TokenTest[] }
  | { test: 'string', how: 'starts' | 'exact' | 'contains', texts: readonly string[] }
  | { test: 'date', dates: readonly DateTest[] }
  | { test: 'reference', references: readonly ReferenceTest[] }
  | { test: 'uri', uris: readonly string[] }
)

/** Reads one parameter's modifier and values. @throws FhirError naming the parameter, never its value */
export function parseCriterion(
  parameter: Parameter,
  modifier: string | undefined,
  value: string,
  bases: readonly string[],
): Criterion {
  const name = modifier === undefined ? parameter.name : `${parameter.name}:${modifier}`
  if (modifier === 'missing') {
    if (value !== 'true' && value !== 'false') throw bad(name, 'expected true or false')
    return { parameter, test: 'missing', missing: value === 'true' }
  }
  const parts = splitAt(value, ',')
  if (parts.length > LIMITS.searchValues) {
    throw new FhirError('too-many-values', `${name} has more than ${LIMITS.searchValues} values`, name)
  }
  if (parts.some((part) => part === '')) throw bad(name, 'a value is empty')
  if (parameter.kind === 'reference') return referenceCriterion(parameter, modifier, parts, name, bases)
  allow(parameter, modifier, MODIFIERS[parameter.kind])
  if (parameter.kind === 'token') {
    const tokens = parts.map((part) => checkPlain(tokenTest(part, name), parameter, name))
    return { parameter, test: 'token', negated: modifier === 'not', tokens }
  }
  if (parameter.kind === 'string') return { parameter, ...stringCriterion(modifier, parts, name) }
  if (parameter.kind === 'date') return { parameter, test: 'date', dates: parts.map((part) => dateTest(part, name)) }
  return { parameter, test: 'uri', uris: parts.map((part) => plain(part, name)) }
}

const MODIFIERS = { token: ['not'], string: ['exact', 'contains'], date: [], uri: [] } as const

function allow(parameter: Parameter, modifier: string | undefined, allowed: readonly string[]): void {
  if (modifier === undefined || allowed.includes(modifier)) return
  throw unsupportedModifier(parameter, allowed)
}

function unsupportedModifier(parameter: Parameter, allowed: readonly string[]): FhirError {
  const supported = [...allowed, 'missing'].map((each) => `:${each}`).join(', ')
  const what = `the ${parameter.kind} parameter ${parameter.name}`
  const diagnostics = `unsupported modifier of ${what}; supported: ${supported}`
  return new FhirError('unsupported-modifier', diagnostics, parameter.name)
}

function bad(name: string, expected: string): FhirError {
  return new FhirError('invalid-value', `search parameter ${name}: ${expected}`, name)
}

function plain(part: string, name: string): string {
  const text = unescape(part)
  if (text === undefined) throw bad(name, 'a backslash may stand before , | $ and \\ only')
  return text
}

/** `code`, `system|code`, `|code` (no system) or `system|` (any code). */
function tokenTest(part: string, name: string): TokenTest {
  const pieces = splitAt(part, '|').map((piece) => plain(piece, name))
  const [first = '', second] = pieces
  if (pieces.length > 2) throw bad(name, 'expected code, system|code, |code or system|')
  if (second === undefined) return { code: first }
  if (first === '' && second === '') throw bad(name, 'neither system nor code')
  if (second === '') return { system: first }
  return { system: first === '' ? null : first, code: second }
}

/** A token that no value of the parameter could ever match is not understood, and must not read as "none". */
function checkPlain(token: TokenTest, { plain: known }: Parameter, name: string): TokenTest {
  if (!known) return token
  if (token.system !== undefined) throw bad(name, 'its values have no system: send the code alone, without |')
  if (known.codes && !known.codes.has(token.code ?? '')) throw bad(name, 'no code of this element')
  return token
}

type StringCriterion = { test: 'string', how: 'starts' | 'exact' | 'contains', texts: string[] }

function stringCriterion(modifier: string | undefined, parts: readonly string[], name: string): StringCriterion {
  const texts = parts.map((part) => plain(part, name))
  if (modifier === 'exact') return { test: 'string', how: 'exact', texts }
  const folded = texts.map(foldText)
  if (folded.includes('')) throw bad(name, 'a value is blank')
  return { test: 'string', how: modifier === 'contains' ? 'contains' : 'starts', texts: folded }
}

const PREFIX = /^(eq|ne|gt|lt|ge|le|sa|eb)(?=\d)/

function dateTest(part: string, name: string): DateTest {
  const text = plain(part, name)
  const prefix = PREFIX.exec(text)?.[1] as DatePrefix | undefined
  // A "+" of a time zone that the client left unencoded arrives as a space.
  const interval = intervalOf(text.slice(prefix === undefined ? 0 : 2).replace(/ (?=\d\d:\d\d$)/, '+'))
  if (!interval) {
    throw bad(name, 'expected [eq|ne|gt|lt|ge|le|sa|eb] and YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss][zone]')
  }
  return { prefix: prefix ?? 'eq', interval }
}

function referenceCriterion(
  parameter: Parameter,
  modifier: string | undefined,
  parts: readonly string[],
  name: string,
  bases: readonly string[],
): Criterion {
  if (modifier === 'identifier') {
    return { parameter, test: 'identifier', tokens: parts.map((part) => tokenTest(part, name)) }
  }
  if (modifier !== undefined && !isResourceType(modifier)) throw unsupportedModifier(parameter,
    ['identifier', '[type]'])
  if (modifier !== undefined && parameter.targets.length > 0 && !parameter.targets.includes(modifier)) {
    throw bad(name, `references ${parameter.targets.join(', ')} only`)
  }
  return { parameter, test: 'reference', references: parts.map((part) =>
    referenceTest(plain(part, name), modifier, parameter, name, bases)) }
}

/** `id`, `Type/id[/_history/v]`, or an absolute URL; one under `bases` is this server's own. */
function referenceTest(
  text: string,
  modifier: string | undefined,
  parameter: Parameter,
  name: string,
  bases: readonly string[],
): ReferenceTest {
  if (isIdText(text)) return modifier === undefined ? { id: text } : { type: modifier, id: text }
  if (modifier !== undefined) throw bad(name, 'with a type as modifier, expected an id')
  const base = bases.find((each) => text.startsWith(`${each}/`))
  const local = base === undefined ? text : text.slice(base.length + 1)
  const value = referenceValue(local)
  if (value.type !== undefined && value.id !== undefined) {
    if (parameter.targets.length > 0 && !parameter.targets.includes(value.type)) {
      throw bad(name, `references ${parameter.targets.join(', ')} only`)
    }
    return { type: value.type, id: value.id, ...(value.version === undefined ? {} : { version: value.version }) }
  }
  if (!/^(https?:\/\/|urn:)\S+$/.test(text)) throw bad(name, 'expected an id, Type/id or an absolute URL')
  return { text }
}

/** True if a resource with these values meets the criterion. */
export function meets(criterion: Criterion, values: Values): boolean {
  const { test } = criterion
  if (test === 'missing') return values.present !== criterion.missing
  if (test === 'token') return criterion.negated !== values.tokens.some((token) => anyToken(criterion.tokens, token))
  if (test === 'reference') {
    return values.references.some((value) => criterion.references.some((asked) => referenceMatches(asked, value)))
  }
  if (test === 'date') return values.dates.some((value) => criterion.dates.some((asked) => dateMatches(asked, value)))
  if (test === 'string') {
    return values.strings.some((value) => criterion.texts.some((text) => stringMatches(criterion.how, text, value)))
  }
  if (test === 'uri') return values.uris.some((value) => criterion.uris.includes(value))
  return values.references.some(({ identifier }) => identifier !== undefined && anyToken(criterion.tokens, identifier))
}

function anyToken(tests: readonly TokenTest[], token: Token): boolean {
  return tests.some((test) => tokenMatches(test, token))
}

/** R4 search.html#token. Codes are compared as written: whether a system ignores case is unknown here. */
export function tokenMatches(test: TokenTest, token: Token): boolean {
  if (test.code !== undefined && test.code !== token.code) return false
  if (test.system === undefined) return true
  return test.system === null ? token.system === undefined : test.system === token.system
}

function stringMatches(how: 'starts' | 'exact' | 'contains', text: string,
  value: { raw: string, folded: string }): boolean {
  if (how === 'exact') return value.raw === text
  return how === 'starts' ? value.folded.startsWith(text) : value.folded.includes(text)
}

/** R4 search.html#prefix: the value is the resource's interval, the test the query's. */
export function dateMatches({ prefix, interval }: DateTest, value: Interval): boolean {
  const within = interval.low <= value.low && value.high <= interval.high
  if (prefix === 'eq') return within
  if (prefix === 'ne') return !within
  if (prefix === 'gt') return value.high > interval.high
  if (prefix === 'lt') return value.low < interval.low
  if (prefix === 'ge') return within || value.high > interval.high
  if (prefix === 'le') return within || value.low < interval.low
  return prefix === 'sa' ? value.low > interval.high : value.high < interval.low
}

export function referenceMatches(test: ReferenceTest, value: ReferenceValue): boolean {
  if (test.text !== undefined) return test.text === value.text || value.text.startsWith(`${test.text}|`)
  if (test.id !== value.id || (test.type !== undefined && test.type !== value.type)) return false
  return test.version === undefined || test.version === value.version
}
