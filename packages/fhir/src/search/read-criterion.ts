import { isResourceType, resourceTypes } from '../definitions.ts'
import { LIMITS } from '../limits.ts'
import { FhirError } from '../outcomes.ts'
import { badValue, printable, unsupportedParameter } from './context.ts'
import type { ParseContext } from './context.ts'
import type { Branch, Criterion, ValueTest } from './criterion.ts'
import type { ParameterKind } from './kinds.ts'
import type { Coded } from './options.ts'
import { mayName, parameterOf } from './parameters.ts'
import type { Parameter } from './parameters.ts'
import { splitAt } from './query-text.ts'
import { checkPlain, plain, readFolded, readOfType, readReference, readToken, readValues } from './read-values.ts'

/**
 * Reads one parameter of a query: a name with modifier, a chain, or a `_has`.
 * @throws FhirError naming the parameter, never its value
 */
export function readCriterion(type: string, name: string, value: string, context: ParseContext): Criterion {
  if (name.startsWith('_has:')) return readHas(type, name, value, context)
  const dot = name.indexOf('.')
  if (dot >= 0) return readChain(type, name, dot, value, context)
  const colon = name.indexOf(':')
  const parameter = parameterOf(type, colon < 0 ? name : name.slice(0, colon))
  if (!parameter) throw unsupportedParameter(type, name)
  return { parameter, ...readTest(parameter, colon < 0 ? undefined : name.slice(colon + 1), value, context) }
}

function deeper(name: string, context: ParseContext): ParseContext {
  if (context.depth >= LIMITS.chainDepth) {
    throw new FhirError('too-many-values', `a chain is deeper than ${LIMITS.chainDepth}`, printable(name))
  }
  return { ...context, depth: context.depth + 1 }
}

function spend(name: string, { budget }: ParseContext): void {
  if (--budget.left >= 0) return
  const diagnostics = `chains branch into more than ${LIMITS.chainBranches} types: name one, as in subject:Patient.name`
  throw new FhirError('too-many-values', diagnostics, printable(name))
}

/**
 * `subject:Patient.name=x`, or `subject.name=x` for every type that `subject` may name and that has a `name`. A type
 * for which the rest cannot be read is left out; if it can be read for none, the chain is refused.
 */
function readChain(type: string, name: string, dot: number, value: string, context: ParseContext): Criterion {
  const [head = '', wanted, ...more] = name.slice(0, dot).split(':')
  const parameter = parameterOf(type, head)
  if (parameter?.kind !== 'reference' || more.length > 0) throw unsupportedParameter(type, name)
  if (wanted !== undefined && !isResourceType(wanted)) throw unsupportedModifier(parameter)
  if (wanted !== undefined && !mayName(parameter, wanted)) {
    throw badValue(name, `references ${parameter.targets.join(', ')} only`)
  }
  const inner = deeper(name, context)
  const types = wanted === undefined ? (parameter.targets.length > 0 ? parameter.targets : resourceTypes()) : [wanted]
  const branches: Branch[] = []
  let fault: FhirError | undefined
  for (const each of types) {
    spend(name, context)
    try {
      branches.push({ type: each, criterion: readCriterion(each, name.slice(dot + 1), value, inner) })
    } catch (error) {
      if (!(error instanceof FhirError) || error.code === 'too-many-values') throw error
      if (fault === undefined || fault.code === 'unsupported-parameter') fault = error
    }
  }
  if (branches.length > 0) return { parameter, test: 'chain', branches }
  throw fault === undefined || fault.code === 'unsupported-parameter' ? unsupportedParameter(type, name) : fault
}

/** `_has:Observation:patient:code=x`: some Observation whose `patient` is this resource has that code. */
function readHas(type: string, name: string, value: string, context: ParseContext): Criterion {
  const [, source = '', reference = '', ...rest] = name.split(':')
  if (!isResourceType(source) || rest.length === 0) throw unsupportedParameter(type, name)
  const parameter = parameterOf(source, reference)
  if (parameter?.kind !== 'reference') throw unsupportedParameter(type, name)
  if (!mayName(parameter, type)) throw badValue(name, `references ${parameter.targets.join(', ')} only`)
  spend(name, context)
  const criterion = readCriterion(source, rest.join(':'), value, deeper(name, context))
  return { parameter, test: 'has', source, criterion }
}

/** Modifiers besides `:missing`; those of value sets only where some are loaded. */
const MODIFIERS: Readonly<Record<ParameterKind, readonly string[]>> = {
  token: ['not', 'text', 'of-type', 'in', 'not-in', 'below', 'above'],
  string: ['exact', 'contains'],
  uri: ['below', 'above'],
  reference: ['identifier', '[type]'],
  date: [],
  number: [],
  quantity: [],
  composite: [],
}

function modifiersOf({ kind, plain: known, identifiers }: Parameter, context: ParseContext | undefined): string[] {
  const supported = MODIFIERS[kind].filter((modifier) => {
    if (modifier === 'text') return !known
    if (modifier === 'of-type') return identifiers
    if (kind !== 'token' || modifier === 'not') return true
    const sets = context?.valueSets
    return !known && (modifier === 'below' || modifier === 'above' ? sets?.[modifier] : sets) !== undefined
  })
  return [...supported, 'missing']
}

function unsupportedModifier(parameter: Parameter, context?: ParseContext): FhirError {
  const supported = modifiersOf(parameter, context).map((each) => `:${each}`).join(', ')
  const { kind, name } = parameter
  const diagnostics = `unsupported modifier of the ${kind} parameter ${name}; supported: ${supported}`
  return new FhirError('unsupported-modifier', diagnostics, name)
}

function readTest(
  parameter: Parameter, modifier: string | undefined, value: string, context: ParseContext,
): ValueTest {
  const name = modifier === undefined ? parameter.name : `${parameter.name}:${modifier}`
  if (modifier === 'missing') {
    if (value !== 'true' && value !== 'false') throw badValue(name, 'expected true or false')
    return { test: 'missing', missing: value === 'true' }
  }
  const typed = parameter.kind === 'reference' && modifier !== undefined && isResourceType(modifier)
  if (modifier !== undefined && !typed && !modifiersOf(parameter, context).includes(modifier)) {
    throw unsupportedModifier(parameter, context)
  }
  const parts = splitAt(value, ',')
  if (parts.length > LIMITS.searchValues) {
    throw new FhirError('too-many-values', `${name} has more than ${LIMITS.searchValues} values`, name)
  }
  if (parts.includes('')) throw badValue(name, 'a value is empty')
  return modifier === undefined
    ? readValues(parameter, parts, name, context)
    : readModified(parameter, modifier, parts, name, context)
}

function readModified(
  parameter: Parameter, modifier: string, parts: readonly string[], name: string, context: ParseContext,
): ValueTest {
  switch (modifier) {
    case 'not':
      return { test: 'token', negated: true, tokens: parts.map((part) =>
        checkPlain(readToken(part, name), parameter, name)) }
    case 'text': return { test: 'text', texts: parts.map((part) => readFolded(part, name)) }
    case 'of-type': return { test: 'of-type', types: parts.map((part) => readOfType(part, name)) }
    case 'identifier': return { test: 'identifier', tokens: parts.map((part) => readToken(part, name)) }
    case 'exact': return { test: 'string', how: 'exact', texts: parts.map((part) => plain(part, name)) }
    case 'contains': return { test: 'string', how: 'contains', texts: parts.map((part) => readFolded(part, name)) }
    case 'in':
    case 'not-in':
      return { test: 'token', negated: modifier === 'not-in', tokens: parts.flatMap((part) =>
        loaded(context.valueSets?.expand(plain(part, name)), name, context)) }
    case 'below':
    case 'above':
      return parameter.kind === 'uri'
        ? { test: 'uri', how: modifier, uris: parts.map((part) => readUrl(part, name)) }
        : { test: 'token', negated: false, tokens: parts.flatMap((part) => related(modifier, part, name, context)) }
    default:
      if (!mayName(parameter, modifier)) throw badValue(name, `references ${parameter.targets.join(', ')} only`)
      return { test: 'reference', references: parts.map((part) =>
        readReference(part, modifier, parameter, name, context)) }
  }
}

/** R4 search.html#uri: from the left only makes sense for URLs. */
function readUrl(part: string, name: string): string {
  const url = plain(part, name)
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) throw badValue(name, 'expected a URL, not a URN')
  return url
}

/** A short query may name a large value set often, and a chain repeats it for every type. */
function loaded(codes: readonly Coded[] | undefined, name: string, { budget }: ParseContext): readonly Coded[] {
  if (!codes) throw badValue(name, 'this terminology is not loaded here')
  budget.codes -= codes.length
  if (budget.codes >= 0) return codes
  const diagnostics = `the value sets of a query stand for more than ${LIMITS.searchCodes} codes together`
  throw new FhirError('too-many-values', diagnostics, name)
}

function related(how: 'below' | 'above', part: string, name: string, context: ParseContext): readonly Coded[] {
  const { system, code } = readToken(part, name)
  if (typeof system !== 'string' || code === undefined) throw badValue(name, 'expected system|code')
  return loaded(context.valueSets?.[how]?.(system, code), name, context)
}
