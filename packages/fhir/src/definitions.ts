import { getAllDataTypes } from '@medplum/core'
import type { InternalSchemaElement, InternalTypeSchema } from '@medplum/core'
import structureJson from './r4/structure.json' with { type: 'json' }
import type { ElementRow, StructureTable, TypeRow } from './r4/tables.ts'

/** R4 structure definitions, condensed. */
export const structure = structureJson as unknown as StructureTable

/** One JSON member of a type: `valueQuantity` is a slot of the element `value[x]`. */
export interface Slot {
  /** Element name as in the definitions, `value[x]` for a choice. */
  element: string
  row: ElementRow
  type: string
  /** The complex type; absent for primitives and for inline resources. */
  shape: Shape | undefined
  kind: 'primitive' | 'complex' | 'resource'
  codes: ReadonlySet<string> | undefined
  choice: boolean
}

/** A type, ready to walk: JSON member name → slot. A Map, so `__proto__` is a member like any unknown one. */
export interface Shape {
  name: string
  row: TypeRow
  slots: ReadonlyMap<string, Slot>
  /** Elements with min ≥ 1, each as the member names that satisfy it. */
  required: readonly { element: string, members: readonly string[] }[]
}

const shapes = new Map<string, Shape>()
const sets = structure.valueSets.map((codes) => (codes ? new Set(codes) : undefined))
const types = new Map(Object.entries(structure.types))

/** True for a concrete R4 resource type. */
export function isResourceType(name: string): boolean {
  const row = types.get(name)
  return row?.kind === 'resource' && !row.abstract
}

/** Names of all concrete R4 resource types. */
export function resourceTypes(): string[] {
  return [...types.keys()].filter(isResourceType)
}

/** The shape of a resource, data type or backbone; undefined for primitives and unknown names. */
export function shapeOf(name: string): Shape | undefined {
  const known = shapes.get(name)
  if (known) return known
  const row = types.get(name)
  if (!row) return undefined
  const slots = new Map<string, Slot>()
  const required: { element: string, members: string[] }[] = []
  const shape: Shape = { name, row, slots, required }
  shapes.set(name, shape) // before its members: types refer to themselves
  for (const [element, elementRow] of Object.entries(row.elements)) {
    const members = addSlots(slots, element, elementRow)
    if (elementRow.min) required.push({ element, members })
  }
  return shape
}

function addSlots(slots: Map<string, Slot>, element: string, row: ElementRow): string[] {
  const choice = element.endsWith('[x]')
  return row.types.map((type) => {
    const member = choice ? element.slice(0, -3) + capital(type) : element
    const isResource = type === 'Resource' || isResourceType(type)
    slots.set(member, {
      element,
      row,
      type,
      choice,
      kind: isResource ? 'resource' : types.has(type) ? 'complex' : 'primitive',
      shape: isResource ? undefined : shapeOf(type),
      codes: type === 'code' && row.codes !== undefined ? sets[row.codes] : undefined,
    })
    return member
  })
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

let installed = false

/**
 * Makes the R4 types known to `@medplum/core`, whose FHIRPath evaluator and validator read them from a map of
 * their own. Types already there are left alone. Idempotent; about 10 ms the first time.
 */
export function installDefinitions(): void {
  if (installed) return
  installed = true
  const map = getAllDataTypes()
  for (const [name, row] of types) {
    const key = row.kind === 'backbone' ? name.split('.').map(capital).join('') : name
    map[key] = inflate(key, name, row)
  }
}

function inflate(key: string, path: string, row: TypeRow): InternalTypeSchema {
  const elements: Record<string, InternalSchemaElement> = {}
  for (const [name, element] of Object.entries(row.elements)) {
    elements[name] = inflateElement(`${path}.${name}`, element)
  }
  const schema: InternalTypeSchema = { name: key, type: key, path, elements, innerTypes: [] }
  if (row.kind !== 'backbone') {
    schema.kind = row.kind === 'resource' ? 'resource' : 'complex-type'
    schema.url = `http://hl7.org/fhir/StructureDefinition/${key}`
  }
  schema.constraints = inflateConstraints(row.constraints)
  return schema
}

function inflateElement(path: string, row: ElementRow): InternalSchemaElement {
  return {
    path,
    description: '',
    min: row.min ?? 0,
    max: row.max ?? (row.array ? Number.POSITIVE_INFINITY : 1),
    isArray: row.array ?? false,
    constraints: inflateConstraints(row.constraints),
    type: row.types.map((type) => ({
      code: type.includes('.') ? type.split('.').map(capital).join('') : type,
      ...(row.targets && type === 'Reference' ? { targetProfile: row.targets.map(profileUrl) } : {}),
    })),
  }
}

const profileUrl = (type: string): string => `http://hl7.org/fhir/StructureDefinition/${type}`

function inflateConstraints(places: readonly number[] | undefined): NonNullable<InternalTypeSchema['constraints']> {
  return (places ?? []).map((place) => {
    const [key, expression, description] = structure.constraints[place] ?? ['', '', '']
    return { key, severity: 'error' as const, expression, description }
  })
}
