import { evalFhirPathTyped, toTypedValue } from '@medplum/core'
import { installDefinitions, shapeOf } from './definitions.ts'
import type { Shape, Slot } from './definitions.ts'
import { parseReference } from './reference-text.ts'

type Json = Record<string, unknown>

/** A value with its FHIR type, as an expression yields it. */
export interface Typed {
  type: string
  value: unknown
}

/** Answers the values of a search parameter in one resource. */
export type Extractor = (resource: Json) => Typed[]

interface Node extends Typed {
  shape: Shape | undefined
  isResource: boolean
}

type Step = (nodes: Node[], resource: Json) => Node[]

/**
 * Compiles a SearchParameter expression to a function. The R4 parameters use few forms (paths, unions, `ofType`,
 * `where(resolve() is X)`, `where(a='b')`, `[0]`); anything else is left to the evaluator of `@medplum/core`,
 * which takes some hundred times as long but runs once per resource.
 */
export function compileExpression(expression: string): Extractor {
  const branches = splitUnion(expression).map((branch) => compileBranch(branch))
  if (branches.some((branch) => branch === undefined)) return evaluatorFor(expression)
  const compiled = branches as Step[]
  return (resource) => {
    const root = rootOf(resource)
    return compiled.flatMap((branch) => branch([root], resource))
  }
}

/** Per element of a composite, the values of each of its parts. */
export type CompositeExtractor = (resource: Json) => Typed[][][]

/**
 * Compiles a composite SearchParameter: `base` finds the elements, each part's expression starts at one of them (or,
 * with `%resource.`, at the resource). Undefined if an expression has a form not known here.
 */
export function compileComposite(base: string, parts: readonly string[]): CompositeExtractor | undefined {
  const bases = splitUnion(base).map((branch) => compileBranch(branch))
  const inner = parts.map((part) => splitUnion(part).map(compileRelative))
  if ([...bases, ...inner.flat()].some((step) => step === undefined)) return undefined
  const from = bases as Step[]
  const values = inner as Step[][]
  return (resource) => {
    const root = rootOf(resource)
    return from.flatMap((branch) => branch([root], resource)).map((node) =>
      values.map((branches) => branches.flatMap((branch) => branch([node], resource))))
  }
}

function rootOf(resource: Json): Node {
  const type = String(resource['resourceType'])
  return { type, value: resource, shape: shapeOf(type), isResource: true }
}

function compileRelative(branch: string): Step | undefined {
  if (!branch.startsWith('%resource.')) return compileBranch(branch, true)
  const step = compileBranch(branch.slice('%resource.'.length), true)
  return step && ((_, resource) => step([rootOf(resource)], resource))
}

/** True if the expression needs no evaluator. */
export function isCompiled(expression: string): boolean {
  return splitUnion(expression).every((branch) => compileBranch(branch) !== undefined)
}

/** The evaluator's answer, for expressions that do not compile and for the test that compares both. */
export function evaluatorFor(expression: string): Extractor {
  return (resource) => {
    installDefinitions()
    const root = toTypedValue(resource)
    return evalFhirPathTyped(expression, [root], { '%resource': root }).map(({ type, value }) =>
      ({ type, value: value as unknown }))
  }
}

function splitUnion(expression: string): string[] {
  const branches: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at <= expression.length; at++) {
    const char = expression[at]
    if (char === '(') depth++
    if (char === ')') depth--
    if (char === undefined || (char === '|' && depth === 0)) {
      branches.push(expression.slice(start, at).trim())
      start = at + 1
    }
  }
  return branches
}

const TOKEN =
  /\.?(?:ofType\((\w+)\)|as\((\w+)\)|where\(resolve\(\) is (\w+)\)|where\((\w+)='([^']*)'\)|([A-Za-z]+))(\[0\])?/y

/** @param relative the first name is an element of the nodes given, not their type */
function compileBranch(branch: string, relative = false): Step | undefined {
  const inner = /^\(([^()]*(?:\([^()]*(?:\(\)[^()]*)?\)[^()]*)*)\)(\..*)?$/.exec(branch)
  const text = inner ? `${inner[1] ?? ''}${inner[2] ?? ''}` : branch
  const steps: Step[] = []
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match || (at > 0) !== match[0].startsWith('.')) return undefined
    const [, ofType, as, resolveType, key, literal, name, first] = match
    if (at === 0 && !relative) {
      if (name === undefined || !/^[A-Z]/.test(name)) return undefined
      const root = name
      steps.push((nodes) => nodes.filter((node) => isOfType(node.type, root)))
    } else if (ofType !== undefined || as !== undefined) steps.push(typeStep(ofType ?? as ?? ''))
    else if (resolveType !== undefined) steps.push(resolveStep(resolveType))
    else if (key !== undefined) steps.push((nodes) => nodes.filter((node) => (node.value as Json)[key] === literal))
    else if (name !== undefined) steps.push(memberStep(name))
    if (first !== undefined) steps.push((nodes) => nodes.slice(0, 1))
    at = TOKEN.lastIndex
  }
  return (nodes, resource) => steps.reduce((current, step) =>
    (current.length === 0 ? current : step(current, resource)), nodes)
}

function isOfType(type: string, wanted: string): boolean {
  return type === wanted || wanted === 'Resource' || wanted === 'DomainResource'
}

/** R4 writes `ofType(DateTime)` in one place and means the primitive. */
function typeStep(type: string): Step {
  const wanted = type === 'DateTime' ? 'dateTime' : type
  return (nodes) => nodes.filter((node) => node.type === wanted)
}

function memberStep(name: string): Step {
  return (nodes) => {
    const found: Node[] = []
    for (const node of nodes) {
      for (const [member, slot] of membersOf(node.shape, name)) {
        const value = (node.value as Json)[member]
        if (Array.isArray(value)) for (const item of value as unknown[]) push(found, item, slot)
        else push(found, value, slot)
      }
    }
    return found
  }
}

function push(found: Node[], value: unknown, slot: Slot): void {
  if (value === undefined || value === null) return
  if (slot.kind !== 'resource') {
    found.push({ type: slot.type, value, shape: slot.shape, isResource: false })
    return
  }
  const type = String((value as Json)['resourceType'])
  found.push({ type, value, shape: shapeOf(type), isResource: true })
}

const members = new WeakMap<Shape, Map<string, [string, Slot][]>>()

/** The JSON members of an element: `value` is `valueQuantity`, `valueString`…; empty if the type lacks it. */
function membersOf(shape: Shape | undefined, element: string): [string, Slot][] {
  if (!shape) return []
  let byElement = members.get(shape)
  if (!byElement) {
    byElement = new Map()
    for (const [member, slot] of shape.slots) {
      const name = slot.choice ? slot.element.slice(0, -3) : slot.element
      byElement.set(name, [...(byElement.get(name) ?? []), [member, slot]])
    }
    members.set(shape, byElement)
  }
  return byElement.get(element) ?? []
}

/** `where(resolve() is X)`, answered from the reference's own text: nothing is fetched. */
function resolveStep(type: string): Step {
  return (nodes, resource) => nodes.filter((node) => targetType(node.value as Json, resource) === type)
}

/** The resource type a Reference names, by its text, its contained target or its `type`. */
export function targetType(reference: Json, resource: Json): string | undefined {
  const text = reference['reference']
  const declared = typeof reference['type'] === 'string' ? reference['type'] : undefined
  if (typeof text !== 'string') return declared
  const parsed = parseReference(text)
  if (parsed.kind === 'literal' || parsed.kind === 'conditional') return parsed.type
  if (parsed.kind !== 'contained') return declared
  const inner = (resource['contained'] as Json[] | undefined)?.find((each) => each['id'] === parsed.id)
  return inner ? String(inner['resourceType']) : declared
}
