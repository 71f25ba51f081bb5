/** The values of a parameter as a query writes them, by kind. */
import { isIdText } from '../primitives.ts'
import type { ParseContext } from './context.ts'
import { badValue } from './context.ts'
import type { Criterion, ValueTest } from './criterion.ts'
import { parseDate } from './date.ts'
import { parseNumber } from './number.ts'
import type { ParameterKind } from './kinds.ts'
import type { Parameter } from './parameters.ts'
import { mayName } from './parameters.ts'
import { withBase } from './quantity.ts'
import type { QuantityTest } from './quantity.ts'
import { foldText, splitAt, unescape } from './query-text.ts'
import { referenceValue } from './reference.ts'
import type { ReferenceTest } from './reference.ts'
import type { OfTypeTest, TokenTest } from './token.ts'

export function plain(part: string, name: string): string {
  const text = unescape(part)
  if (text === undefined) throw badValue(name, 'a backslash may stand before , | $ and \\ only')
  return text
}

function pieces(part: string, name: string): string[] {
  return splitAt(part, '|').map((piece) => plain(piece, name))
}

/** `code`, `system|code`, `|code` (no system) or `system|` (any code). */
export function readToken(part: string, name: string): TokenTest {
  const [first = '', second, ...more] = pieces(part, name)
  if (more.length > 0) throw badValue(name, 'expected code, system|code, |code or system|')
  if (second === undefined) return { code: first }
  if (first === '' && second === '') throw badValue(name, 'neither system nor code')
  if (second === '') return { system: first }
  return { system: first === '' ? null : first, code: second }
}

/** A token that no value of the parameter could ever match is not understood, and must not read as "none". */
export function checkPlain(token: TokenTest, { plain: known }: Parameter, name: string): TokenTest {
  if (!known) return token
  if (token.system !== undefined) throw badValue(name, 'its values have no system: send the code alone, without |')
  if (known.codes && !known.codes.has(token.code ?? '')) throw badValue(name, 'no code of this element')
  return token
}

export function readOfType(part: string, name: string): OfTypeTest {
  const [system = '', code = '', value = '', ...more] = pieces(part, name)
  const whole = system !== '' && code !== '' && value !== '' && more.length === 0
  if (!whole) throw badValue(name, 'expected system|code|value')
  return { system, code, value }
}

export function readFolded(part: string, name: string): string {
  const folded = foldText(plain(part, name))
  if (folded === '') throw badValue(name, 'a value is blank')
  return folded
}

const DATES = 'expected [eq|ne|gt|lt|ge|le|sa|eb|ap] and YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss][zone]'
const QUANTITIES = 'expected [prefix]number, [prefix]number|system|code or [prefix]number||code'

function readQuantity(part: string, name: string, { units }: ParseContext): QuantityTest {
  const [first = '', system = '', code, ...more] = pieces(part, name)
  const number = parseNumber(first)
  const lone = code === undefined && system === '' && splitAt(part, '|').length === 1
  if (!number || more.length > 0 || (!lone && (code === undefined || code === ''))) throw badValue(name, QUANTITIES)
  if (code === undefined) return number
  return withBase({ ...number, code, ...(system === '' ? {} : { system }) }, units)
}

/** `id`, `Type/id[/_history/v]`, or an absolute URL; one under `bases` is this server's own. */
export function readReference(
  part: string,
  modifier: string | undefined,
  parameter: Parameter,
  name: string,
  { bases }: ParseContext,
): ReferenceTest {
  const text = plain(part, name)
  if (isIdText(text)) return own(modifier === undefined ? { id: text } : { type: modifier, id: text }, parameter, bases)
  if (modifier !== undefined) throw badValue(name, 'with a type as modifier, expected an id')
  const base = bases.find((each) => text.startsWith(`${each}/`))
  const { type, id, version } = referenceValue(base === undefined ? text : text.slice(base.length + 1))
  if (type !== undefined && id !== undefined) {
    if (!mayName(parameter, type)) throw badValue(name, `references ${parameter.targets.join(', ')} only`)
    return own({ type, id, ...(version === undefined ? {} : { version }) }, parameter, bases)
  }
  if (!/^(https?:\/\/|urn:)\S+$/.test(text)) throw badValue(name, 'expected an id, Type/id or an absolute URL')
  return { text }
}

/** Where few types can be meant, the absolute forms of the same reference are looked for too. */
function own(test: ReferenceTest, { targets }: Parameter, bases: readonly string[]): ReferenceTest {
  const { type, id = '' } = test
  const types = type === undefined ? targets : [type]
  if (bases.length === 0 || types.length > 4 || test.version !== undefined) return test
  return { ...test, absolute: bases.flatMap((base) => types.map((each) => `${base}/${each}/${id}`)) }
}

type Reader = (parts: readonly string[], name: string, parameter: Parameter, context: ParseContext) => ValueTest

const READERS: Readonly<Record<ParameterKind, Reader>> = {
  token: (parts, name, parameter) => ({ test: 'token', negated: false, tokens: parts.map((part) =>
    checkPlain(readToken(part, name), parameter, name)) }),
  string: (parts, name) => ({ test: 'string', how: 'starts', texts: parts.map((part) => readFolded(part, name)) }),
  date: (parts, name, _, { now }) => ({ test: 'date', dates: parts.map((part) =>
    must(parseDate(plain(part, name), now), name, DATES)) }),
  number: (parts, name) => ({ test: 'number', numbers: parts.map((part) =>
    must(parseNumber(plain(part, name)), name, 'expected [prefix]number')) }),
  quantity: (parts, name, _, context) => ({ test: 'quantity', units: context.units,
    quantities: parts.map((part) => readQuantity(part, name, context)) }),
  reference: (parts, name, parameter, context) => ({ test: 'reference', references: parts.map((part) =>
    readReference(part, undefined, parameter, name, context)) }),
  uri: (parts, name) => ({ test: 'uri', how: 'exact', uris: parts.map((part) => plain(part, name)) }),
  composite: (parts, name, parameter, context) => ({ test: 'composite', tuples: parts.map((part) =>
    readTuple(parameter, part, name, context)) }),
}

/** A parameter's values without modifier, by its kind. */
export function readValues(
  parameter: Parameter, parts: readonly string[], name: string, context: ParseContext,
): ValueTest {
  return READERS[parameter.kind](parts, name, parameter, context)
}

function must<T>(value: T | undefined, name: string, expected: string): T {
  if (value === undefined) throw badValue(name, expected)
  return value
}

/** `a$b`: one value for every part. */
function readTuple(parameter: Parameter, part: string, name: string, context: ParseContext): Criterion[] {
  const values = splitAt(part, '$')
  const { components } = parameter
  if (values.length !== components.length || values.includes('')) {
    throw badValue(name, `expected ${components.length} values with $ between`)
  }
  return components.map((component, at) =>
    ({ parameter: component, ...readValues(component, [values[at] ?? ''], name, context) }))
}
