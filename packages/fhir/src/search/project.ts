/** What of a resource `_summary` and `_elements` want (R4 search.html#summary, #elements). */
import type { Coding, Resource } from '@medplum/fhirtypes'
import { shapeOf } from '../definitions.ts'
import type { Shape } from '../definitions.ts'
import summaryJson from '../r4/summary.json' with { type: 'json' }
import type { SummaryTable } from '../r4/tables.ts'
import type { ParsedSearch } from './parsed.ts'

type Json = Record<string, unknown>

const table: ReadonlyMap<string, ReadonlySet<string>> =
  new Map(Object.entries(summaryJson as SummaryTable).map(([type, names]) => [type, new Set(names.split(' '))]))

const SUBSETTED: Coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

/** Kept whatever is asked: who it is, and what would change the meaning of the rest. */
const ALWAYS: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta', 'implicitRules', 'modifierExtension'])

/**
 * The resource as `_summary` and `_elements` want it, tagged SUBSETTED; the same object where they want all of it.
 * Mandatory elements stay, so that it is a valid resource still. `_elements` concerns matches, not what is included.
 */
export function project<T extends Resource>(resource: T, parsed: ParsedSearch): T {
  const shape = shapeOf(resource.resourceType)
  const { summary, elements } = parsed
  const json = resource as unknown as Json
  if (!shape) return resource
  if (summary === 'true') return subsetted(summarised(json, shape)) as unknown as T
  if (summary === 'data') return subsetted(only(json, (element) => element !== 'text')) as unknown as T
  const required = new Set(shape.required.map(({ element }) => element.replace('[x]', '')))
  const keep = (names: readonly string[]): T => subsetted(only(json, (member) => {
    const element = elementOf(shape, member)
    return ALWAYS.has(element) || required.has(element) || names.includes(element)
  })) as unknown as T
  if (summary === 'text') return keep(['text'])
  return elements && resource.resourceType === parsed.type ? keep(elements) : resource
}

/** `valueQuantity` and `_valueQuantity` are of the element `value`. */
function elementOf(shape: Shape, member: string): string {
  const bare = member.replace(/^_/, '')
  return shape.slots.get(bare)?.element.replace('[x]', '') ?? bare
}

function only(json: Json, keeps: (member: string) => boolean): Json {
  return Object.fromEntries(Object.entries(json).filter(([member]) => keeps(member)))
}

function subsetted(json: Json): Json {
  const meta = (json['meta'] ?? {}) as { tag?: Coding[] }
  const { resourceType, id, ...rest } = json
  return { resourceType, id, ...rest, meta: { ...meta, tag: [...meta.tag ?? [], SUBSETTED] } }
}

/** Summary and mandatory elements, at every level. */
function summarised(json: Json, shape: Shape): Json {
  const kept = table.get(shape.name)
  const required = new Set(shape.required.flatMap(({ members }) => members))
  const result: Json = {}
  for (const [member, value] of Object.entries(json)) {
    const bare = member.replace(/^_/, '')
    const slot = shape.slots.get(bare)
    const stays = ALWAYS.has(bare) || required.has(bare) || kept?.has(slot?.element ?? bare) === true
    if (!stays) continue
    // An extension says nothing without its value.
    const inner = member === bare && slot?.type !== 'Extension' ? slot?.shape : undefined
    result[member] = inner ? within(value, inner) : value
  }
  return result
}

function within(value: unknown, shape: Shape): unknown {
  if (Array.isArray(value)) return value.map((each) => within(each, shape))
  return typeof value === 'object' && value !== null ? summarised(value as Json, shape) : value
}
