/** Values of a resource with their types and places, as profiles speak of them. */
import { shapeOf } from '../definitions.ts'
import type { Shape, Slot } from '../definitions.ts'

export type Json = Record<string, unknown>

export interface Item {
  /** Undefined: a primitive of which only the companion (`_birthDate`) is there. */
  readonly value: unknown
  /** Id and extensions of a primitive. */
  readonly companion: Json | undefined
  /** A data type, a resource type, or a backbone's path such as `Patient.contact`. */
  readonly type: string
  readonly kind: Slot['kind']
  /** FHIRPath from the outermost resource. */
  readonly path: string
}

export function resourceItem(resource: Json, path: string): Item {
  return { value: resource, companion: undefined, type: String(resource['resourceType']), kind: 'resource', path }
}

/** The values of an element. `value[x]` is a choice whatever its type, `valueQuantity` one of its types alone. */
export function itemsAt(parent: Item, element: string): Item[] {
  const holder = parent.kind === 'primitive' ? parent.companion : parent.value
  const shape = shapeOf(parent.kind === 'primitive' ? 'Element' : parent.type)
  if (!isJson(holder) || shape === undefined) return []
  return slotsOf(shape, element).flatMap(([member, slot]) => itemsOf(holder, member, slot, parent.path))
}

/** Where an element stands, FHIRPath naming a choice without its type. */
export function placeOf(parent: Item, element: string): Item {
  const slot = shapeOf(parent.type)?.slots.get(element)
  const name = slot?.choice ? slot.element : element
  return { ...parent, path: `${parent.path}.${name.replace('[x]', '')}` }
}

/** True where a type has such an element: what a profile says of another one is not understood. */
export function hasElement(parent: Item, element: string): boolean {
  const shape = shapeOf(parent.kind === 'primitive' ? 'Element' : parent.type)
  return shape === undefined || parent.kind === 'primitive' || slotsOf(shape, element).length > 0
}

function slotsOf(shape: Shape, element: string): [string, Slot][] {
  const alone = shape.slots.get(element)
  if (alone !== undefined) return [[element, alone]]
  const name = element.endsWith('[x]') ? element : `${element}[x]`
  return [...shape.slots].filter(([, slot]) => slot.element === name)
}

function itemsOf(holder: Json, member: string, slot: Slot, path: string): Item[] {
  const value = own(holder, member)
  const beside = slot.kind === 'primitive' ? own(holder, `_${member}`) : undefined
  if (value === undefined && beside === undefined) return []
  // FHIRPath names a choice without its type.
  const name = `${path}.${slot.choice ? slot.element.slice(0, -3) : member}`
  const make = (one: unknown, companion: unknown, at: string): Item => ({
    value: one ?? undefined,
    companion: isJson(companion) ? companion : undefined,
    type: slot.kind === 'resource' && isJson(one) ? String(one['resourceType']) : slot.type,
    kind: slot.kind,
    path: at,
  })
  if (!Array.isArray(value) && !Array.isArray(beside)) return [make(value, beside, name)]
  const values = Array.isArray(value) ? value as unknown[] : []
  const companions = Array.isArray(beside) ? beside as unknown[] : []
  return Array.from({ length: Math.max(values.length, companions.length) }, (_, at) =>
    make(values[at], companions[at], `${name}[${at}]`))
}

function own(holder: Json, member: string): unknown {
  return Object.hasOwn(holder, member) ? holder[member] : undefined
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Every resource inside a value, outermost first: contained ones, and those of a Bundle or of Parameters. */
export function resourcesIn(resource: Json): Item[] {
  const found: Item[] = []
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) value.forEach((item, at) => visit(item, `${path}[${at}]`))
    else if (isJson(value)) {
      if (typeof value['resourceType'] === 'string') found.push(resourceItem(value, path))
      for (const [member, inner] of Object.entries(value)) {
        if (typeof inner === 'object' && inner !== null) visit(inner, `${path}.${member}`)
      }
    }
  }
  visit(resource, String(resource['resourceType']))
  return found
}

/** Every extension of one resource, without those of the resources inside it. */
export function extensionsIn(resource: Item): Item[] {
  const found: Item[] = []
  const visit = (value: unknown, path: string, isRoot: boolean): void => {
    if (Array.isArray(value)) value.forEach((item, at) => visit(item, `${path}[${at}]`, false))
    else if (isJson(value) && (isRoot || typeof value['resourceType'] !== 'string')) {
      for (const [member, inner] of Object.entries(value)) {
        if (typeof inner !== 'object' || inner === null) continue
        const at = `${path}.${member.replace(/^_/, '')}`
        if ((member === 'extension' || member === 'modifierExtension') && Array.isArray(inner)) {
          inner.forEach((value_: unknown, place) => found.push({
            value: value_, companion: undefined, type: 'Extension', kind: 'complex', path: `${at}[${place}]`,
          }))
        }
        visit(inner, at, false)
      }
    }
  }
  visit(resource.value, resource.path, true)
  return found
}
