/**
 * A profile as a tree: what its elements demand beside base R4. A derived profile is its base's tree with its own
 * differential laid over it, so no snapshot is needed, and one that is there is used only where the base is not.
 */
import { LIMITS } from '../limits.ts'
import { FhirError } from '../outcomes.ts'

type Json = Record<string, unknown>

export interface TypeRule {
  readonly code: string
  /** Profiles of which a value of this type meets one. */
  readonly profiles: readonly string[]
  /** Profiles of which a reference's target meets one. */
  readonly targets: readonly string[]
}

export interface Constraint {
  readonly key: string
  readonly isError: boolean
  readonly expression: string
  readonly human: string
}

export interface Discriminator {
  readonly type: string
  readonly path: string
}

export interface Slicing {
  readonly discriminators: readonly Discriminator[]
  readonly rules: string
  readonly ordered: boolean
}

/** One element of a profile, or one slice of it. What is absent is not constrained. */
export interface ElementNode {
  min?: number
  max?: number
  types?: readonly TypeRule[]
  fixed?: { readonly value: unknown }
  pattern?: { readonly value: unknown }
  binding?: { readonly strength: string, readonly valueSet: string }
  maxLength?: number
  /** `minValue[x]`, `maxValue[x]`, where they are numbers. */
  least?: number
  most?: number
  constraints: Constraint[]
  slicing?: Slicing
  readonly slices: Map<string, ElementNode>
  readonly children: Map<string, ElementNode>
}

export function emptyNode(): ElementNode {
  return { constraints: [], slices: new Map(), children: new Map() }
}

/** A copy that can be changed without the original. */
export function copyOf(node: ElementNode): ElementNode {
  const copied = (map: Map<string, ElementNode>): Map<string, ElementNode> =>
    new Map([...map].map(([name, inner]) => [name, copyOf(inner)]))
  return { ...node, constraints: [...node.constraints], slices: copied(node.slices), children: copied(node.children) }
}

/** Lays the elements of a differential or a snapshot over a tree, in place. `known`: keys of base R4's invariants. */
export function overlay(tree: ElementNode, elements: unknown, known: ReadonlySet<string>): void {
  if (!Array.isArray(elements)) throw bad('a list of elements is expected')
  if (elements.length > LIMITS.profileElements) throw bad(`more than ${LIMITS.profileElements} elements`)
  for (const element of elements as unknown[]) {
    if (!isObject(element)) throw bad('an element is not an object')
    constrain(nodeAt(tree, element), element, known)
  }
}

/** The node an element speaks of: its id names every slice on the way (R4 elementdefinition.html#id). */
function nodeAt(tree: ElementNode, element: Json): ElementNode {
  const { id, path, sliceName } = element
  const name = typeof id === 'string' ? id : sliceName === undefined ? path : undefined
  if (typeof name !== 'string' || name.length > LIMITS.elementId) throw bad('an element has no id')
  let node = tree
  for (const segment of name.split('.').slice(1)) {
    const mark = segment.indexOf(':')
    node = childAt(node.children, mark < 0 ? segment : segment.slice(0, mark))
    if (mark >= 0) node = sliceAt(node, segment.slice(mark + 1))
  }
  return node
}

/** `a/b` is a slice of the slice `a`, told apart as the slices of `a`'s element are. */
function sliceAt(node: ElementNode, name: string): ElementNode {
  const mark = name.lastIndexOf('/')
  const outer = mark < 0 ? undefined : node.slices.get(name.slice(0, mark))
  if (outer === undefined) return childAt(node.slices, name)
  if (outer.slicing === undefined && node.slicing !== undefined) outer.slicing = { ...node.slicing, rules: 'open' }
  return childAt(outer.slices, name)
}

function childAt(map: Map<string, ElementNode>, name: string): ElementNode {
  const known = map.get(name)
  if (known !== undefined) return known
  const made = emptyNode()
  map.set(name, made)
  return made
}

function constrain(node: ElementNode, element: Json, known: ReadonlySet<string>): void {
  const { min, max, maxLength } = element
  if (typeof min === 'number') node.min = min
  if (typeof max === 'string') node.max = max === '*' ? Number.POSITIVE_INFINITY : Number(max)
  if (typeof maxLength === 'number') node.maxLength = maxLength
  const types = listOf(element['type']).map(typeRule)
  if (types.length > 0) node.types = types
  for (const [member, value] of Object.entries(element)) {
    if (/^fixed[A-Z]/.test(member)) node.fixed = { value }
    else if (/^pattern[A-Z]/.test(member)) node.pattern = { value }
    else if (/^minValue[A-Z]/.test(member) && typeof value === 'number') node.least = value
    else if (/^maxValue[A-Z]/.test(member) && typeof value === 'number') node.most = value
  }
  const slicing = slicingOf(element['slicing'])
  if (slicing !== undefined) node.slicing = slicing
  const binding = bindingOf(element['binding'])
  if (binding !== undefined) node.binding = binding
  for (const constraint of listOf(element['constraint'])) addConstraint(node, constraint, known)
}

function addConstraint(node: ElementNode, constraint: Json, known: ReadonlySet<string>): void {
  const { key, severity, expression, human } = constraint
  if (typeof key !== 'string' || typeof expression !== 'string' || known.has(key)) return
  if (node.constraints.some((each) => each.key === key)) return
  const text = typeof human === 'string' ? human : ''
  node.constraints.push({ key, isError: severity !== 'warning', expression, human: text })
}

const PRIMITIVE = 'http://hl7.org/fhirpath/System.'

function typeRule(type: Json): TypeRule {
  const code = typeof type['code'] === 'string' ? type['code'] : ''
  return {
    // `id` and `url` are said to be FHIRPath's strings in snapshots; base R4 knows their formats.
    code: code.startsWith(PRIMITIVE) ? '' : code,
    profiles: textsOf(type['profile']),
    targets: textsOf(type['targetProfile']),
  }
}

function slicingOf(value: unknown): Slicing | undefined {
  if (!isObject(value)) return undefined
  const discriminators = listOf(value['discriminator']).map(({ type, path }) =>
    ({ type: String(type), path: String(path) }))
  const rules = typeof value['rules'] === 'string' ? value['rules'] : 'open'
  return { discriminators, rules, ordered: value['ordered'] === true }
}

function bindingOf(value: unknown): ElementNode['binding'] {
  if (!isObject(value) || typeof value['valueSet'] !== 'string') return undefined
  return { strength: String(value['strength']), valueSet: value['valueSet'] }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of a list; nothing where it is none. */
export function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

/** A definition that cannot be used; the message is the operator's, who configured the package. */
export function bad(what: string): FhirError {
  return new FhirError('invalid-profile', what)
}
