import type { Bundle, BundleEntry, Resource } from '@medplum/fhirtypes'
import { isResourceType } from './definitions.ts'
import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'
import { isId } from './primitives.ts'
import { parseReference } from './reference-text.ts'
import { referencesOf } from './reference-walk.ts'

/** A search that the caller runs before planning: which resources of `type` match `query`? */
export interface ConditionalLookup {
  /** `Type?query`, the key under which `planTransaction` expects the answer. */
  key: string
  type: string
  query: string
  /** `reference`: exactly one must match. `create`: none or one. `write`: conditional update, patch or delete. */
  purpose: 'reference' | 'create' | 'write'
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH'

/** One entry's request, read. */
export interface ReadEntry {
  index: number
  method: Method
  url: string
  /** Resource type the URL names; absent for a GET of the whole server. */
  type?: string
  id?: string
  /** Search of a conditional PUT, PATCH, DELETE or create; the raw URL query of a GET. */
  query?: string
  fullUrl?: string
  ifMatch?: string
  ifNoneMatch?: string
  ifModifiedSince?: string
  resource?: Resource
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

/** Reads one entry's request. @throws FhirError `invalid-bundle` */
export function readEntry(entry: BundleEntry, index: number): ReadEntry {
  const at = `Bundle.entry[${index}]`
  // The Bundle may not have been validated: an entry is whatever somebody sent.
  const request = isObject(entry) && isObject(entry.request) ? entry.request : undefined
  if (!request) throw new FhirError('invalid-bundle', 'an entry of a transaction or batch needs a request', at)
  if (typeof request.url !== 'string') {
    throw new FhirError('invalid-bundle', 'a request needs a url', `${at}.request.url`)
  }
  const read: ReadEntry = { index, method: request.method, url: request.url }
  if (entry.fullUrl !== undefined) read.fullUrl = entry.fullUrl
  if (request.ifMatch !== undefined) read.ifMatch = request.ifMatch
  if (request.ifNoneMatch !== undefined) read.ifNoneMatch = request.ifNoneMatch
  if (request.ifModifiedSince !== undefined) read.ifModifiedSince = request.ifModifiedSince
  if (read.method === 'GET' || read.method === 'HEAD') return withoutResource(readTarget(read, at, true), entry, at)
  refuseIdleConditions(read, request.ifNoneExist, at)
  const target = readTarget(read, at, false)
  if (read.method === 'POST') return readPost(target, entry, at)
  if (target.id === undefined && target.query === undefined) {
    throw new FhirError('invalid-bundle', `${read.method} needs Type/id or Type?search`, `${at}.request.url`)
  }
  if (read.method === 'DELETE') return withoutResource(target, entry, at)
  return withResource(target, entry, at)
}

/** A condition that this method does not know would be one that nobody checks. */
function refuseIdleConditions(read: ReadEntry, ifNoneExist: string | undefined, at: string): void {
  const { method } = read
  const idle = (method !== 'POST' && ifNoneExist !== undefined) || (method === 'POST' && read.ifMatch !== undefined)
    || (read.ifNoneMatch !== undefined && (method !== 'PUT' || read.ifNoneMatch !== '*'))
    || read.ifModifiedSince !== undefined
  if (idle) throw new FhirError('invalid-bundle', `a condition of this entry does not fit ${method}`, `${at}.request`)
}

function withoutResource(read: ReadEntry, entry: BundleEntry, at: string): ReadEntry {
  if (entry.resource) throw new FhirError('invalid-bundle', `${read.method} carries no resource`, `${at}.resource`)
  return read
}

/**
 * The search of a conditional create: what would follow the `?` (R4 http.html#ccreate); `Type?…` is taken too. Any
 * other `?` belongs to a value: cutting there would ask another question, and hand out another patient as the one that
 * exists.
 * @throws FhirError `invalid-bundle`
 */
export function createCondition(text: string, type: string, expression: string): string {
  const [whole = '', before = ''] = /^([^=&?]*)\?/.exec(text) ?? []
  if (before !== '' && before !== type) {
    throw new FhirError('invalid-bundle', 'the condition of a create is a search of the type created', expression)
  }
  return text.slice(whole.length)
}

function readPost(read: ReadEntry, entry: BundleEntry, at: string): ReadEntry {
  if (read.id !== undefined || read.query !== undefined) {
    throw new FhirError('invalid-bundle', 'POST names a type only; searches and operations are not supported here',
      `${at}.request.url`)
  }
  const condition = entry.request?.ifNoneExist
  if (condition !== undefined) read.query = createCondition(condition, read.type ?? '', `${at}.request.ifNoneExist`)
  if (condition !== undefined && read.query === '') {
    throw new FhirError('invalid-bundle', 'ifNoneExist needs search parameters', `${at}.request.ifNoneExist`)
  }
  return withResource(read, entry, at)
}

function withResource(read: ReadEntry, entry: BundleEntry, at: string): ReadEntry {
  const resource = entry.resource
  if (!resource) throw new FhirError('invalid-bundle', `${read.method} needs a resource`, `${at}.resource`)
  const isPatch = read.method === 'PATCH'
  if (isPatch && resource.resourceType !== 'Parameters' && resource.resourceType !== 'Binary') {
    throw new FhirError('invalid-bundle', 'PATCH needs Parameters or a Binary with a JSON Patch', `${at}.resource`)
  }
  if (!isPatch && resource.resourceType !== read.type) {
    throw new FhirError('invalid-bundle', 'the resource is of another type than the URL', `${at}.request.url`)
  }
  if (read.method === 'PUT' && read.id !== undefined && resource.id !== read.id) {
    throw new FhirError('invalid-bundle', 'the resource\'s id must equal the id of the URL', `${at}.resource.id`)
  }
  return { ...read, resource }
}

function readTarget(read: ReadEntry, at: string, free: boolean): ReadEntry {
  const mark = read.url.indexOf('?')
  const path = mark < 0 ? read.url : read.url.slice(0, mark)
  const [type = '', id, ...rest] = path.split('/')
  if (mark >= 0) read.query = read.url.slice(mark + 1)
  if (isResourceType(type)) read.type = type
  else if (!free || /^https?:/.test(type) || type.startsWith('..')) {
    throw new FhirError('invalid-bundle', 'the URL must be relative and start with a resource type',
      `${at}.request.url`)
  }
  if (free) return read
  if (rest.length > 0 || (id !== undefined && !isId(id)) || (id !== undefined && mark >= 0) || read.query === '') {
    throw new FhirError('invalid-bundle', 'expected Type, Type/id or Type?search', `${at}.request.url`)
  }
  if (id !== undefined) read.id = id
  return read
}

/** Key of an entry's own condition. */
export function conditionKey(read: ReadEntry): string | undefined {
  if (read.query === undefined || read.method === 'GET' || read.method === 'HEAD') return undefined
  return `${read.type ?? ''}?${read.query}`
}

/** True for a Bundle this room plans. @throws FhirError `invalid-bundle`, `too-large` */
export function checkBundle(bundle: Bundle): void {
  if (bundle.resourceType !== 'Bundle' || (bundle.type !== 'transaction' && bundle.type !== 'batch')) {
    throw new FhirError('invalid-bundle', 'expected a Bundle of type transaction or batch', 'Bundle.type')
  }
  if (bundle.entry !== undefined && !Array.isArray(bundle.entry)) {
    throw new FhirError('invalid-bundle', 'the entries of a Bundle are an array', 'Bundle.entry')
  }
  if ((bundle.entry?.length ?? 0) > LIMITS.bundleEntries) {
    throw new FhirError('too-large', `a Bundle may have ${LIMITS.bundleEntries} entries`, 'Bundle.entry')
  }
}

/**
 * Every search to run before `planTransaction`: conditional references, creates, updates, patches and deletes.
 * Each key once, with the strictest purpose it serves. Unreadable entries of a batch are skipped here and refused
 * there.
 * @throws FhirError `invalid-bundle`, `too-large`
 */
export function transactionLookups(bundle: Bundle): ConditionalLookup[] {
  checkBundle(bundle)
  const lookups = new Map<string, ConditionalLookup>()
  for (const [index, entry] of (bundle.entry ?? []).entries()) {
    try {
      addLookups(readEntry(entry, index), lookups)
    } catch (error) {
      if (bundle.type === 'transaction' || !(error instanceof FhirError)) throw error
    }
  }
  return [...lookups.values()]
}

function addLookups(read: ReadEntry, lookups: Map<string, ConditionalLookup>): void {
  const key = conditionKey(read)
  if (key !== undefined && read.type !== undefined && read.query !== undefined) {
    const purpose = read.method === 'POST' ? 'create' : 'write'
    lookups.set(key, { key, type: read.type, query: read.query, purpose })
  }
  if (!read.resource || read.method === 'PATCH') return
  for (const { reference } of referencesOf(read.resource)) {
    const parsed = parseReference(reference)
    if (parsed.kind !== 'conditional' || lookups.has(reference)) continue
    lookups.set(reference, { key: reference, type: parsed.type, query: parsed.query, purpose: 'reference' })
  }
}
