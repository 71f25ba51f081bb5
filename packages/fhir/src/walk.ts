import type { Resource } from '@medplum/fhirtypes'
import { isResourceType, shapeOf } from './definitions.ts'
import type { Shape, Slot } from './definitions.ts'
import { checkInvariants } from './invariants.ts'
import { LIMITS } from './limits.ts'
import { narrativeFault } from './narrative.ts'
import type { Finding } from './outcomes.ts'
import { isId, primitiveFault } from './primitives.ts'
import type { Walk } from './walk-state.ts'

type Json = Record<string, unknown>

/** Checks a resource and all it holds against base R4; findings are left in `walk`. */
export function walkResource(value: unknown, walk: Walk): void {
  if (!isObject(value)) return fault(walk, 'expected a JSON object that is a resource')
  const type = value['resourceType']
  if (typeof type !== 'string' || !isResourceType(type)) return fault(walk, 'missing or unknown resourceType')
  if (walk.path.length === 0) walk.path.push(type)
  const shape = shapeOf(type)
  if (!shape) return
  walk.resources.push(value)
  walkObject(value, shape, walk, 'resource')
  if (value['id'] !== undefined && !isId(value['id'])) faultAt(walk, 'id', 'expected an id: 1 to 64 of A-Z a-z 0-9 - .')
  walk.resources.pop()
}

type Role = 'resource' | 'element' | 'companion'

function walkObject(value: unknown, shape: Shape, walk: Walk, role: Role = 'element'): void {
  if (!isObject(value)) return fault(walk, `expected a JSON object (${shape.name})`)
  if (walk.path.length > LIMITS.depth) return fault(walk, `nested deeper than ${LIMITS.depth}`)
  const before = walk.findings.length
  const keys = Object.keys(value)
  // ele-1: an element has a value or children besides its id; a companion's value stands beside it.
  if (keys.length === 0 || (keys.length === 1 && keys[0] === 'id' && role === 'element')) return fault(walk,
    'empty object')
  let choices: Map<string, string> | undefined
  for (const key of keys) {
    if (key === 'resourceType' && role === 'resource') continue
    const companion = key.charCodeAt(0) === 0x5f
    const name = companion ? key.slice(1) : key
    const slot = shape.slots.get(name)
    if (!slot || (companion && slot.kind !== 'primitive')) {
      faultAt(walk, safeName(key), `unknown element of ${shape.name}`, 'structure')
      continue
    }
    if (slot.choice) choices = checkChoice(slot, name, choices ?? new Map<string, string>(), walk)
    walk.path.push(companion ? name : key)
    if (companion) walkCompanion(value[key], value[name], slot, walk)
    else walkMember(value[key], value, key, slot, walk)
    walk.path.pop()
  }
  for (const { element, members } of shape.required) {
    if (members.some((member) => value[member] !== undefined || value[`_${member}`] !== undefined)) continue
    faultAt(walk, element, 'required element is missing', 'required')
  }
  // Invariants presume the right shape: on a wrong one they would only repeat the finding in odder words.
  if (shape.row.constraints && walk.findings.length === before) {
    checkInvariants(shape.row.constraints, value, shape.name, walk)
  }
}

function checkChoice(slot: Slot, name: string, seen: Map<string, string>, walk: Walk): Map<string, string> {
  const other = seen.get(slot.element)
  if (other !== undefined && other !== name) faultAt(walk, name, `${slot.element} may have one type only`, 'structure')
  return seen.set(slot.element, name)
}

function walkMember(value: unknown, parent: Json, key: string, slot: Slot, walk: Walk): void {
  if (!slot.row.array) {
    if (slot.row.max === 0) return fault(walk, 'this element may not appear here')
    if (Array.isArray(value)) return fault(walk, 'expected one value, not an array')
    return walkValue(value, slot, walk)
  }
  if (!Array.isArray(value)) return fault(walk, 'expected an array')
  if (value.length === 0) return fault(walk, 'empty array')
  if (slot.row.max !== undefined && value.length > slot.row.max) fault(walk, `at most ${slot.row.max} values`)
  if (slot.row.min !== undefined && value.length < slot.row.min) fault(walk, `at least ${slot.row.min} values`)
  const companion = slot.kind === 'primitive' ? parent[`_${key}`] : undefined
  for (let index = 0; index < value.length; index++) {
    if (walk.findings.length > LIMITS.issues) return
    walk.path.push(index)
    const replaced = value[index] === null && Array.isArray(companion) && isObject(companion[index])
    if (!replaced) walkValue(value[index], slot, walk)
    walk.path.pop()
  }
}

function walkValue(value: unknown, slot: Slot, walk: Walk): void {
  if (slot.kind === 'primitive') {
    const wrong = primitiveFault(slot.type, value)
    if (wrong) return fault(walk, wrong, 'value')
    if (slot.codes && !slot.codes.has(value as string)) fault(walk, 'code outside the required value set',
      'code-invalid')
    if (slot.type === 'xhtml') {
      const unsafe = narrativeFault(value as string)
      if (unsafe) fault(walk, unsafe, 'invariant')
    }
  } else if (slot.shape) {
    walkObject(value, slot.shape, walk)
    if (slot.type === 'Reference') checkReference(value as Json, slot, walk)
  } else {
    walkInline(value, walk)
  }
  if (slot.row.constraints && slot.kind !== 'resource' && slot.type !== 'xhtml') {
    checkInvariants(slot.row.constraints, value, slot.type, walk)
  }
}

/** A contained resource or a Bundle entry's: a resource of its own, whose `%resource` it is. */
function walkInline(value: unknown, walk: Walk): void {
  if (walk.path.length > LIMITS.depth) return fault(walk, `nested deeper than ${LIMITS.depth}`)
  walkResource(value, walk)
}

/** `_birthDate` and its like: id and extensions of a primitive. */
function walkCompanion(value: unknown, primitive: unknown, slot: Slot, walk: Walk): void {
  const element = shapeOf('Element')
  if (!element) return
  if (!slot.row.array) return walkObject(value, element, walk, 'companion')
  if (!Array.isArray(value)) return fault(walk, 'expected an array')
  if (Array.isArray(primitive) && primitive.length !== value.length) {
    return fault(walk, 'array of extensions and array of values differ in length')
  }
  for (let index = 0; index < value.length; index++) {
    walk.path.push(index)
    const item: unknown = value[index]
    if (item !== null) walkObject(item, element, walk, 'companion')
    else if (!Array.isArray(primitive)) fault(walk, 'null without a value beside it')
    walk.path.pop()
  }
}

const RELATIVE = /^([A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(\/_history\/[A-Za-z0-9\-.]{1,64})?$/
const CONDITIONAL = /^([A-Za-z]+)\?/

/** A relative or conditional reference must name a type that R4 allows at this place. */
function checkReference(value: Json, slot: Slot, walk: Walk): void {
  const reference = value?.['reference']
  if (typeof reference !== 'string') return
  if (NOT_BLANK.test(reference) && /\s/.test(reference) && !CONDITIONAL.test(reference)) {
    return faultAt(walk, 'reference', 'a reference has no spaces', 'value')
  }
  const type = (RELATIVE.exec(reference) ?? CONDITIONAL.exec(reference))?.[1]
  if (type === undefined) return
  if (!isResourceType(type)) return faultAt(walk, 'reference', 'reference to an unknown resource type', 'value')
  if (slot.row.targets && !slot.row.targets.includes(type)) {
    faultAt(walk, 'reference', `reference to ${type}, expected ${slot.row.targets.join(', ')}`, 'value')
  }
}

const NOT_BLANK = /\S/

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An unknown member's name may be anything, patient text included: only names that look like elements are told. */
function safeName(key: string): string {
  return /^_?[A-Za-z][A-Za-z0-9]{0,40}$/.test(key) ? key : '(unprintable)'
}

/** Records an error at the walk's current path. */
export function fault(walk: Walk, diagnostics: string, code: Finding['code'] = 'structure'): void {
  if (walk.findings.length > LIMITS.issues) return
  walk.findings.push({ severity: 'error', code: code ?? 'structure', diagnostics, expression: pathText(walk.path) })
}

function faultAt(walk: Walk, member: string, diagnostics: string, code?: Finding['code']): void {
  walk.path.push(member)
  fault(walk, diagnostics, code)
  walk.path.pop()
}

function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`
  return text
}

/** The current resource as FHIRPath's `%resource`. */
export function currentResource(walk: Walk): Resource {
  return walk.resources.at(-1) as unknown as Resource
}
