import type { Reference, Resource } from '@medplum/fhirtypes'
import { shapeOf } from './definitions.ts'
import type { Shape, Slot } from './definitions.ts'

type Json = Record<string, unknown>

/** Rewrites one reference's text; undefined leaves it as it is. `path` is a FHIRPath for diagnostics. */
export type ReferenceMap = (reference: string, path: string, holder: Reference) => string | undefined

interface Options {
  /** Also rewrite `uri`, `url`, `canonical`, `oid` and `uuid` values, as R4 asks of transactions (http.html#trules). */
  uris?: boolean
}

/**
 * A copy of the resource with every reference passed through `map`: in contained resources and in a Bundle's
 * entries too. `Bundle.entry.fullUrl` and `link` are uris, touched only with `uris`; narratives never. Parts that
 * do not change are shared with the input, which is never modified.
 */
export function mapReferences<T extends Resource>(resource: T, map: ReferenceMap, options: Options = {}): T {
  return mapResource(resource as unknown as Json, map, options.uris ?? false, resource.resourceType) as unknown as T
}

/** Every reference text in the resource, with its FHIRPath and the Reference that holds it. */
export function referencesOf(resource: Resource): { reference: string, path: string, holder: Reference }[] {
  const found: { reference: string, path: string, holder: Reference }[] = []
  mapReferences(resource, (reference, path, holder) => {
    found.push({ reference, path, holder })
    return undefined
  })
  return found
}

function mapResource(value: Json, map: ReferenceMap, uris: boolean, path: string): Json {
  const shape = shapeOf(String(value['resourceType']))
  return shape ? mapObject(value, shape, map, uris, path) : value
}

function mapObject(value: Json, shape: Shape, map: ReferenceMap, uris: boolean, path: string): Json {
  let copy: Json | undefined
  for (const key of Object.keys(value)) {
    const member = value[key]
    if (member === null || member === undefined) continue
    const changed = mapMember(member, key, shape, map, uris, path)
    if (changed !== member) {
      copy ??= { ...value }
      copy[key] = changed
    }
  }
  return mapOwnReference(copy ?? value, shape, map, path)
}

function mapOwnReference(value: Json, shape: Shape, map: ReferenceMap, path: string): Json {
  const reference = value['reference']
  if (shape.name !== 'Reference' || typeof reference !== 'string') return value
  const mapped = map(reference, `${path}.reference`, value)
  return mapped === undefined || mapped === reference ? value : { ...value, reference: mapped }
}

function mapMember(
  member: unknown,
  key: string,
  shape: Shape,
  map: ReferenceMap,
  uris: boolean,
  path: string,
): unknown {
  const companion = key.startsWith('_')
  const slot = shape.slots.get(companion ? key.slice(1) : key)
  if (!slot || (slot.kind === 'primitive' && !companion && !(uris && URI_TYPES.has(slot.type)))) return member
  if (!Array.isArray(member)) return mapValue(member, slot, companion, map, uris, `${path}.${key}`)
  let copy: unknown[] | undefined
  for (let at = 0; at < member.length; at++) {
    const item: unknown = member[at]
    const changed = mapValue(item, slot, companion, map, uris, `${path}.${key}[${at}]`)
    if (changed !== item) {
      copy ??= [...(member as unknown[])]
      copy[at] = changed
    }
  }
  return copy ?? member
}

const URI_TYPES = new Set(['uri', 'url', 'canonical', 'oid', 'uuid'])
const ELEMENT = 'Element'

function mapValue(
  value: unknown,
  slot: Slot,
  companion: boolean,
  map: ReferenceMap,
  uris: boolean,
  path: string,
): unknown {
  if (slot.kind === 'primitive' && !companion) {
    return typeof value === 'string' ? map(value, path, {}) ?? value : value
  }
  if (typeof value !== 'object' || value === null) return value
  if (slot.kind === 'resource') return mapResource(value as Json, map, uris, path)
  const shape = companion ? shapeOf(ELEMENT) : slot.shape
  return shape ? mapObject(value as Json, shape, map, uris, path) : value
}
