/** Files to import, as requests that each fit into one answer of the edge. */
import { createHash } from 'node:crypto'
import { CLI_LIMITS } from '../limits.ts'
import { type ImportFile, rankOf, valuesOf } from './files.ts'

/** A FHIR resource as far as an import needs to know it; the edge validates the rest. */
export interface AnyResource {
  readonly resourceType: string
  readonly id?: string
  readonly [key: string]: unknown
}

/** One request: a Bundle, how many resources it holds, which share of the work it is, which files it is made of. */
export interface ImportRequest {
  readonly bundle: AnyResource
  readonly resources: number
  readonly bytes: number
  /** Files of which it holds something. */
  readonly from: readonly string[]
  /** Files that end with it. */
  readonly completes: readonly string[]
  /** Requests of a rank wait for all of the rank before: what others refer to goes first. */
  readonly rank: number
}

const isResource = (value: unknown): value is AnyResource =>
  typeof value === 'object' && value !== null && typeof (value as AnyResource).resourceType === 'string'

/** A resource without an id gets one from its content, so that it is not written twice either. */
const identified = (resource: AnyResource): AnyResource => {
  if (typeof resource.id === 'string') return resource
  const id = createHash('sha256').update(JSON.stringify(resource)).digest('hex').slice(0, 32)
  return { ...resource, id }
}

/** A file's own ids are kept, so that a second import of it writes nothing twice. */
const asUpdate = (resource: AnyResource, fullUrl?: string) => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
})

interface BundleEntry {
  readonly fullUrl?: string
  readonly resource?: AnyResource
  readonly request?: { readonly method: string; readonly url: string }
}

const isEntry = (entry: unknown): entry is BundleEntry => typeof entry === 'object' && entry !== null

const entriesOf = (bundle: AnyResource): unknown[] => (Array.isArray(bundle['entry']) ? bundle['entry'] : [])

const kept = (entry: unknown): unknown =>
  isEntry(entry) &&
  entry.request?.method === 'POST' &&
  isResource(entry.resource) &&
  typeof entry.resource.id === 'string'
    ? asUpdate(entry.resource, entry.fullUrl)
    : entry

/** Creates become updates under the id that the file carries; everything else of a bundle stays as it is. */
const keepIds = (bundle: AnyResource): AnyResource => ({ ...bundle, entry: entriesOf(bundle).map(kept) })

/** Collects loose resources into batches, across files, until a batch is full or the rank changes. */
class Batcher {
  #resources: AnyResource[] = []
  #bytes = 0
  #from = new Set<string>()
  #completes: string[] = []
  #rank = 0

  take(rank: number): ImportRequest[] {
    const resources = this.#resources
    const request: ImportRequest = {
      bundle: { resourceType: 'Bundle', type: 'batch', entry: resources.map((resource) => asUpdate(resource)) },
      resources: resources.length,
      bytes: this.#bytes,
      from: [...this.#from],
      completes: this.#completes,
      rank: this.#rank,
    }
    const something = resources.length > 0 || this.#completes.length > 0
    this.#resources = []
    this.#bytes = 0
    this.#from = new Set()
    this.#completes = []
    this.#rank = rank
    return something ? [request] : []
  }

  add(resources: readonly AnyResource[], path: string): ImportRequest[] {
    const full: ImportRequest[] = []
    for (const resource of resources) {
      this.#resources.push(resource)
      this.#from.add(path)
      if (this.#resources.length >= CLI_LIMITS.importBatch) full.push(...this.take(this.#rank))
    }
    return full
  }

  complete(path: string, bytes: number): void {
    this.#completes.push(path)
    this.#bytes += bytes
  }
}

const looseResources = (value: AnyResource): AnyResource[] => {
  const type = value.resourceType === 'Bundle' ? value['type'] : undefined
  const loose =
    type === 'collection' || type === 'searchset' || type === 'history'
      ? entriesOf(value).map((entry) => (isEntry(entry) ? entry.resource : undefined)).filter(isResource)
      : [value]
  return loose.map(identified)
}

const isInteraction = (value: AnyResource): boolean =>
  value.resourceType === 'Bundle' && (value['type'] === 'transaction' || value['type'] === 'batch')

type Refuse = (path: string, reason: string) => void

async function* requestsOf(file: ImportFile, batcher: Batcher, refuse: Refuse): AsyncGenerator<ImportRequest> {
  const rank = rankOf(file.path)
  for await (const read of valuesOf(file.path)) {
    if ('reason' in read) refuse(file.path, read.reason)
    else if (!isResource(read.value)) refuse(file.path, 'no resourceType')
    else if (isInteraction(read.value)) {
      const resources = entriesOf(read.value).length
      yield { bundle: keepIds(read.value), resources, bytes: 0, from: [file.path], completes: [], rank }
    } else yield* batcher.add(looseResources(read.value), file.path)
  }
}

/**
 * Everything that the files hold, as requests: transactions and batches as they are, the rest in batches. `refuse` is
 * told of what cannot be read; the other files go on. Memory: one batch, or one bundle.
 */
export async function* requestsIn(files: readonly ImportFile[], refuse: Refuse): AsyncGenerator<ImportRequest> {
  const batcher = new Batcher()
  let rank = 0
  for (const file of files.toSorted((a, b) => rankOf(a.path) - rankOf(b.path))) {
    if (rankOf(file.path) !== rank) {
      rank = rankOf(file.path)
      yield* batcher.take(rank)
    }
    try {
      yield* requestsOf(file, batcher, refuse)
    } catch {
      refuse(file.path, 'cannot be read: truncated, too large, or gone')
    }
    batcher.complete(file.path, file.bytes)
  }
  yield* batcher.take(rank)
}
