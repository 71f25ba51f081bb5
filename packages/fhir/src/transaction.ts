import type { Bundle, Resource } from '@medplum/fhirtypes'
import { FhirError } from './outcomes.ts'
import { parseReference } from './reference-text.ts'
import { mapReferences } from './reference-walk.ts'
import { checkBundle, conditionKey, readEntry } from './transaction-entries.ts'
import type { Method, ReadEntry } from './transaction-entries.ts'
import { findingsOf, validateResource } from './validate.ts'

export interface PlanOptions {
  /** Draws the id of a resource to be created. Its randomness is the caller's; ids must be new. */
  assignId: (type: string, entryIndex: number) => string
  /** Answers to `transactionLookups`: key → the matching resources as `Type/id`. */
  lookups?: ReadonlyMap<string, readonly string[]>
}

/** One entry, ready to carry out. `index` is its place in the request, where its answer belongs. */
export type PlannedEntry =
  | { kind: 'create', index: number, type: string, id: string, resource: Resource }
  /** A conditional create that found its resource: nothing to write. */
  | { kind: 'exists', index: number, type: string, id: string }
  /**
   * PUT: update, or create with the client's id if it does not exist. `ifAbsent`: only the latter, because the entry
   * says so (`ifNoneMatch: *`) or because its condition matched another resource or none.
   */
  | { kind: 'update', index: number, type: string, id: string, resource: Resource, ifMatch?: string, ifAbsent?: true }
  /** PATCH: `patch` is Parameters (FHIRPath Patch) or a Binary holding a JSON Patch. */
  | { kind: 'patch', index: number, type: string, id: string, patch: Resource, ifMatch?: string }
  /** DELETE; without `id` the condition matched nothing. */
  | { kind: 'delete', index: number, type: string, id?: string, ifMatch?: string }
  | { kind: 'get', index: number, method: 'GET' | 'HEAD', url: string, ifNoneMatch?: string, ifModifiedSince?: string }
  /** Batch only: this entry is refused, the others stand. */
  | { kind: 'refused', index: number, error: FhirError }

export interface TransactionPlan {
  type: 'transaction' | 'batch'
  /** In the order to carry out: DELETE, POST, PUT and PATCH, GET and HEAD (R4 http.html#trules). */
  entries: readonly PlannedEntry[]
}

const ORDER: Readonly<Record<Method, number>> = { DELETE: 0, POST: 1, PUT: 2, PATCH: 2, GET: 3, HEAD: 3 }

/**
 * Reads, validates and orders a transaction or batch, gives ids to what it creates and rewrites the references
 * between its entries. Pure: nothing is written, and a transaction comes back whole or not at all. A batch refuses
 * entry by entry (`refused`); its entries may not refer to each other.
 * @throws FhirError `invalid-bundle`, `invalid-resource`, `unresolved-reference`, `multiple-matches`, `too-large`
 */
export function planTransaction(bundle: Bundle, options: PlanOptions): TransactionPlan {
  checkBundle(bundle)
  return bundle.type === 'batch' ? planBatch(bundle, options) : planAtomic(bundle, options)
}

function planAtomic(bundle: Bundle, options: PlanOptions): TransactionPlan {
  validateResource(bundle)
  const reads = (bundle.entry ?? []).map(readEntry)
  const targets = reads.map((read) => settleTarget(read, options))
  const links = linksOf(reads, targets)
  refuseOverlap(reads, targets)
  const planned = reads.map((read, at) => planEntry(read, targets[at] as Target, links, options))
  return { type: 'transaction', entries: inOrder(planned, reads) }
}

function planBatch(bundle: Bundle, options: PlanOptions): TransactionPlan {
  const entries = bundle.entry ?? []
  const bare = entries.map(({ resource: _resource, ...rest }) => rest)
  validateResource(bare.length > 0 ? { ...bundle, entry: bare } : bundle)
  const methods: { method: Method }[] = []
  const planned = entries.map((entry, index): PlannedEntry => {
    methods.push({ method: (entry.request?.method ?? 'GET') })
    try {
      refuseInvalid(entry.resource, index)
      const read = readEntry(entry, index)
      return planEntry(read, settleTarget(read, options), new Map(), options)
    } catch (error) {
      if (error instanceof FhirError) return { kind: 'refused', index, error }
      throw error
    }
  })
  return { type: 'batch', entries: inOrder(planned, methods) }
}

function inOrder(planned: PlannedEntry[], reads: readonly { method: Method }[]): PlannedEntry[] {
  const rank = (entry: PlannedEntry): number => ORDER[reads[entry.index]?.method ?? 'GET']
  return planned.toSorted((left, right) => rank(left) - rank(right) || left.index - right.index)
}

function refuseInvalid(resource: Resource | undefined, index: number): void {
  if (!resource) return
  const findings = findingsOf(resource)
  if (findings.length === 0) return
  const prefix = `Bundle.entry[${index}].resource`
  throw FhirError.of('invalid-resource', findings.map((finding) => ({
    ...finding,
    expression: finding.expression?.replace(/^[A-Za-z]+/, prefix) ?? prefix,
  })))
}

/** Where an entry's effect lands. `fresh`: the id was drawn for it. */
interface Target { type: string, id?: string, fresh: boolean, exists: boolean, ifAbsent?: true }

function settleTarget(read: ReadEntry, options: PlanOptions): Target {
  const type = read.type ?? ''
  const key = conditionKey(read)
  if (key === undefined) {
    if (read.method !== 'POST') return { type, fresh: false, exists: false, ...(read.id ? { id: read.id } : {}) }
    return { type, id: options.assignId(type, read.index), fresh: true, exists: false }
  }
  const found = matchOf(key, options, `Bundle.entry[${read.index}].request`)
  if (found !== undefined) return { type, id: found, fresh: false, exists: true }
  if (read.method === 'DELETE') return { type, fresh: false, exists: false }
  if (read.method === 'PATCH') {
    throw new FhirError('unresolved-reference', 'the conditional PATCH matches no resource',
      `Bundle.entry[${read.index}].request.url`)
  }
  const own = read.method === 'PUT' ? read.resource?.id : undefined
  // The condition did not match the resource of that id, if there is one: it must not be overwritten.
  if (own !== undefined) return { type, id: own, fresh: false, exists: false, ifAbsent: true }
  return { type, id: options.assignId(type, read.index), fresh: true, exists: false }
}

/** The id a condition matched; undefined if none. */
function matchOf(key: string, options: PlanOptions, expression: string): string | undefined {
  const matches = options.lookups?.get(key)
  if (!matches) throw new FhirError('unresolved-reference', 'the condition was not looked up', expression)
  if (matches.length > 1) {
    throw new FhirError('multiple-matches', 'the condition matches more than one resource', expression)
  }
  const [match] = matches
  return match?.slice(match.indexOf('/') + 1)
}

/** fullUrl → `Type/id`. */
function linksOf(reads: readonly ReadEntry[], targets: readonly Target[]): Map<string, string> {
  const links = new Map<string, string>()
  for (const [at, read] of reads.entries()) {
    const target = targets[at]
    if (read.fullUrl === undefined || !target) continue
    if (links.has(read.fullUrl)) {
      throw new FhirError('invalid-bundle', 'two entries have the same fullUrl', `Bundle.entry[${read.index}].fullUrl`)
    }
    links.set(read.fullUrl, target.id === undefined ? '' : `${target.type}/${target.id}`)
  }
  return links
}

/** R4: identities of DELETE, PUT, PATCH and conditional POST must not overlap, else the order would decide. */
function refuseOverlap(reads: readonly ReadEntry[], targets: readonly Target[]): void {
  const taken = new Set<string>()
  for (const [at, read] of reads.entries()) {
    const target = targets[at]
    if (target?.id === undefined || read.method === 'GET' || read.method === 'HEAD') continue
    const identity = `${target.type}/${target.id}`
    if (taken.has(identity)) {
      throw new FhirError('invalid-bundle', 'two entries write the same resource',
        `Bundle.entry[${read.index}].request`)
    }
    taken.add(identity)
  }
}

function planEntry(
  read: ReadEntry,
  target: Target,
  links: ReadonlyMap<string, string>,
  options: PlanOptions,
): PlannedEntry {
  const { index } = read
  const { type } = target
  const condition = read.ifMatch === undefined ? {} : { ifMatch: read.ifMatch }
  if (read.method === 'GET' || read.method === 'HEAD') return planGet(read, read.method)
  if (read.method === 'DELETE') return { kind: 'delete', index, type, ...(target.id ? { id: target.id } : {}),
    ...condition }
  const id = target.id ?? ''
  if (read.method === 'POST' && target.exists) return { kind: 'exists', index, type, id }
  const given = read.resource as Resource
  if (read.method === 'PATCH') return { kind: 'patch', index, type, id, patch: given, ...condition }
  if (read.method === 'PUT' && given.id !== undefined && given.id !== id) {
    throw new FhirError('invalid-bundle', 'the resource\'s id is not that of the match',
      `Bundle.entry[${index}].resource.id`)
  }
  const resource = rewrite({ ...given, id }, read, links, options)
  if (read.method === 'POST') return { kind: 'create', index, type, id, resource }
  const absent = target.ifAbsent === true || read.ifNoneMatch !== undefined ? { ifAbsent: true as const } : {}
  return { kind: 'update', index, type, id, resource, ...condition, ...absent }
}

function planGet(read: ReadEntry, method: 'GET' | 'HEAD'): PlannedEntry {
  return {
    kind: 'get',
    index: read.index,
    method,
    url: read.url,
    ...(read.ifNoneMatch === undefined ? {} : { ifNoneMatch: read.ifNoneMatch }),
    ...(read.ifModifiedSince === undefined ? {} : { ifModifiedSince: read.ifModifiedSince }),
  }
}

/** References to entries become `Type/id`; an unresolvable one refuses the whole, so that nothing dangles. */
function rewrite(
  resource: Resource,
  read: ReadEntry,
  links: ReadonlyMap<string, string>,
  options: PlanOptions,
): Resource {
  // Its entries are not this transaction's, and its signature would be of something else.
  if (resource.resourceType === 'Bundle' && resource.type === 'document') return resource
  const base = /^(https?:\/\/.+)\/[A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(read.fullUrl ?? '')?.[1]
  const prefix = `Bundle.entry[${read.index}].resource`
  const rewritten = mapReferences(resource, (text, path) => {
    const where = prefix + path.slice(resource.resourceType.length)
    const direct = links.get(text)
    if (direct === '') throw dangling(where)
    if (direct !== undefined) return direct
    if (!path.endsWith('.reference')) return undefined
    const parsed = parseReference(text)
    if (parsed.kind === 'urn') throw dangling(where)
    if (parsed.kind === 'conditional') {
      const id = matchOf(text, options, where)
      if (id === undefined) throw dangling(where)
      return `${parsed.type}/${id}`
    }
    return parsed.kind === 'literal' && !parsed.base &&
      base ? links.get(`${base}/${parsed.type}/${parsed.id}`) : undefined
  }, { uris: true })
  if (rewritten !== resource) refuseInvalid(rewritten, read.index) // a urn may have hidden a target of a wrong type
  return rewritten
}

function dangling(expression: string): FhirError {
  return new FhirError('unresolved-reference', 'the reference names nothing in this Bundle or on this server',
    expression)
}
