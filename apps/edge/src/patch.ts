/** JSON Patch (RFC 6902). */
import { isDeepStrictEqual } from 'node:util'
import { LIMITS } from '@scelle/fhir/validate'
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'

export const PATCH_TYPE = 'application/json-patch+json'

type Json = unknown
type Holder = Json[] | Record<string, Json>

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: readonly string[]
  readonly from: readonly string[]
  readonly value: Json
}

const OPS: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])

const fail = (place: number, diagnostics: string): never => {
  throw new EdgeError('bad-value', `patch operation ${place}: ${diagnostics}`, `patch[${place}]`)
}

/** RFC 6901. */
const pointer = (text: unknown, place: number): string[] => {
  if (text === '') return []
  if (typeof text !== 'string' || !text.startsWith('/') || /~(?![01])/.test(text)) {
    return fail(place, 'not a JSON Pointer')
  }
  return text.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const readOperation = (value: Json, place: number): Operation => {
  const given = value as Record<string, Json> | null
  if (typeof given !== 'object' || given === null || typeof given['op'] !== 'string' || !OPS.has(given['op'])) {
    return fail(place, 'op is one of add, remove, replace, move, copy, test')
  }
  const op = given['op'] as Operation['op']
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(given, 'value')) {
    return fail(place, 'value is missing')
  }
  const path = pointer(given['path'], place)
  const from = op === 'move' || op === 'copy' ? pointer(given['from'], place) : []
  if (op === 'move' && from.length < path.length && from.every((part, at) => part === path[at])) {
    return fail(place, 'a value cannot move into itself')
  }
  return { op, path, from, value: given['value'] }
}

/** Own members only: `__proto__` and its like are names that no resource has, not a way out of it. */
const member = (holder: Json, name: string): Json => {
  if (Array.isArray(holder)) return /^(0|[1-9]\d*)$/.test(name) ? (holder[Number(name)] as Json) : undefined
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined
  return (holder as Record<string, Json>)[name]
}

const valueAt = (root: Json, path: readonly string[], place: number): Json => {
  const found = path.reduce(member, root)
  return found === undefined ? fail(place, 'there is nothing at this path') : found
}

const holderOf = (root: Json, path: readonly string[], place: number): { holder: Holder; name: string } => {
  const holder = valueAt(root, path.slice(0, -1), place)
  const name = path.at(-1)
  if (typeof holder !== 'object' || holder === null || name === undefined) {
    return fail(place, 'nothing can stand at this path')
  }
  if (name === '__proto__') return fail(place, 'no element has this name')
  return { holder: holder as Holder, name }
}

const insert = (root: Json, path: readonly string[], value: Json, place: number): void => {
  const { holder, name } = holderOf(root, path, place)
  if (!Array.isArray(holder)) {
    holder[name] = value
    return
  }
  const at = name === '-' ? holder.length : Number(name)
  if ((name !== '-' && !/^(0|[1-9]\d*)$/.test(name)) || at > holder.length) fail(place, 'not a place of this list')
  holder.splice(at, 0, value)
}

const remove = (root: Json, path: readonly string[], place: number): Json => {
  const value = valueAt(root, path, place)
  const { holder, name } = holderOf(root, path, place)
  if (Array.isArray(holder)) holder.splice(Number(name), 1)
  else delete holder[name]
  return value
}

/** What the `copy` operations of one patch may still copy: characters, and eight for each value. */
interface Room {
  left: number
}

/**
 * A copy, while there is room. Thirty operations that each copy a list into itself would otherwise make a thousand
 * million values out of a request of two kilobytes.
 */
const bounded = (value: Json, place: number, room: Room): Json => {
  const count = (part: Json, depth: number): void => {
    room.left -= typeof part === 'string' ? 8 + part.length : 8
    if (room.left < 0 || depth > LIMITS.depth) {
      throw new EdgeError('too-large', `patch operation ${place}: copies too much`, `patch[${place}]`)
    }
    if (typeof part === 'object' && part !== null) for (const inner of Object.values(part)) count(inner, depth + 1)
  }
  count(value, 0)
  return structuredClone(value)
}

const perform = (root: Json, { op, path, from, value }: Operation, place: number, room: Room): void => {
  if (path.length === 0) fail(place, 'the resource as a whole cannot be patched: use PUT')
  if (op === 'add') insert(root, path, value, place)
  else if (op === 'remove') remove(root, path, place)
  else if (op === 'move') insert(root, path, remove(root, from, place), place)
  else if (op === 'copy') insert(root, path, bounded(valueAt(root, from, place), place, room), place)
  else if (op === 'test') {
    if (!isDeepStrictEqual(valueAt(root, path, place), value)) {
      throw new EdgeError('business-rule', `patch operation ${place}: the test failed`)
    }
  } else {
    const { holder, name } = holderOf(root, path, place)
    valueAt(root, path, place)
    if (Array.isArray(holder)) holder[Number(name)] = value
    else holder[name] = value
  }
}

/**
 * Patches a resource that nobody else holds: where an operation does not fit, what it is then is thrown away.
 * @throws EdgeError `bad-value` for an operation that does not fit, `business-rule` for a `test` that fails
 */
export const applyPatch = (resource: Json, patch: Json): Json => {
  if (!Array.isArray(patch) || patch.length === 0) {
    throw new EdgeError('bad-value', 'a JSON Patch is a list of operations', 'patch')
  }
  if (patch.length > EDGE_LIMITS.patchOperations) throw new EdgeError('too-large', 'too many patch operations')
  const operations = patch.map(readOperation)
  const room: Room = { left: EDGE_LIMITS.patchCopy }
  for (const [place, operation] of operations.entries()) perform(resource, operation, place, room)
  return resource
}
