/** Files to import, one after the other, as requests that each fit into one answer of the edge. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { createGunzip, gunzipSync } from 'node:zlib'
import { basename, join } from 'node:path'
import { CLI_LIMITS } from '../limits.ts'

export interface ImportFile {
  readonly path: string
  readonly bytes: number
}

/** A FHIR resource as far as an import needs to know it; the edge validates the rest. */
export interface AnyResource {
  readonly resourceType: string
  readonly id?: string
  readonly [key: string]: unknown
}

/** One request: a Bundle, how many resources it holds, which share of the work it is, which files end with it. */
export interface ImportRequest {
  readonly bundle: AnyResource
  readonly resources: number
  readonly bytes: number
  readonly completes: readonly string[]
  /** Requests of a rank wait for all of the rank before: what others refer to goes first. */
  readonly rank: number
}

const WANTED = /\.(json|ndjson|jsonl)(\.gz)?$/i

/** All importable files under the paths given, in a stable order. */
export const filesUnder = async (paths: readonly string[]): Promise<ImportFile[]> => {
  const files: ImportFile[] = []
  for (const path of paths) {
    const info = await stat(path)
    if (info.isFile()) files.push({ path, bytes: info.size })
    else if (info.isDirectory()) {
      const names = (await readdir(path)).toSorted()
      files.push(...(await filesUnder(names.filter((name) => !name.startsWith('.')).map((name) => join(path, name)))))
    }
  }
  return files.filter((file) => WANTED.test(file.path))
}

const FIRST = /^(Organization|Practitioner|Location|Medication|Device)/
const SECOND = /^Patient/

/** Files named after what others refer to come first: `Patient.ndjson` before `Observation.ndjson`. */
export const rankOf = (path: string): number => {
  const name = basename(path)
  if (FIRST.test(name)) return 0
  return SECOND.test(name) ? 1 : 2
}

const isResource = (value: unknown): value is AnyResource =>
  typeof value === 'object' && value !== null && typeof (value as AnyResource).resourceType === 'string'

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

const entriesOf = (bundle: AnyResource): BundleEntry[] => (Array.isArray(bundle['entry']) ? bundle['entry'] : [])

/** Creates become updates under the id that the file carries; everything else of a bundle stays as it is. */
const keepIds = (bundle: AnyResource): AnyResource => ({
  ...bundle,
  entry: entriesOf(bundle).map((entry) =>
    entry.request?.method === 'POST' && isResource(entry.resource) && typeof entry.resource.id === 'string'
      ? asUpdate(entry.resource, entry.fullUrl)
      : entry,
  ),
})

const BROKEN = 'not JSON with a resourceType'

async function* linesOf(path: string): AsyncGenerator<string> {
  const raw = createReadStream(path)
  const input = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
  for await (const line of createInterface({ input, crlfDelay: Infinity })) if (line.trim() !== '') yield line
}

async function* valuesOf(path: string): AsyncGenerator {
  if (/\.(ndjson|jsonl)(\.gz)?$/i.test(path)) {
    for await (const line of linesOf(path)) yield parse(line)
    return
  }
  const bytes = await readFile(path)
  const plain = path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: CLI_LIMITS.importFile }) : bytes
  yield parse(new TextDecoder().decode(plain))
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Collects loose resources into batches, across files, until a batch is full or the rank changes. */
class Batcher {
  #resources: AnyResource[] = []
  #bytes = 0
  #completes: string[] = []
  #rank = 0

  take(rank: number): ImportRequest[] {
    const resources = this.#resources
    const request: ImportRequest = {
      bundle: { resourceType: 'Bundle', type: 'batch', entry: resources.map((resource) => asUpdate(resource)) },
      resources: resources.length,
      bytes: this.#bytes,
      completes: this.#completes,
      rank: this.#rank,
    }
    const something = resources.length > 0 || this.#completes.length > 0
    this.#resources = []
    this.#bytes = 0
    this.#completes = []
    this.#rank = rank
    return something ? [request] : []
  }

  add(resources: readonly AnyResource[]): ImportRequest[] {
    const full: ImportRequest[] = []
    for (const resource of resources) {
      this.#resources.push(resource)
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
  return type === 'collection' || type === 'searchset' || type === 'history'
    ? entriesOf(value)
        .map((entry) => entry.resource)
        .filter(isResource)
    : [value]
}

const isInteraction = (value: AnyResource): boolean =>
  value.resourceType === 'Bundle' && (value['type'] === 'transaction' || value['type'] === 'batch')

/**
 * Everything that the files hold, as requests: transactions and batches as they are, the rest in batches. `refuse` is
 * told of what is no FHIR at all. Memory: one batch, or one bundle.
 */
export async function* requestsIn(
  files: readonly ImportFile[],
  refuse: (path: string, reason: string) => void,
): AsyncGenerator<ImportRequest> {
  const batcher = new Batcher()
  let rank = 0
  for (const file of files.toSorted((a, b) => rankOf(a.path) - rankOf(b.path))) {
    if (rankOf(file.path) !== rank) {
      rank = rankOf(file.path)
      yield* batcher.take(rank)
    }
    for await (const value of valuesOf(file.path)) {
      if (!isResource(value)) refuse(file.path, BROKEN)
      else if (isInteraction(value)) {
        yield { bundle: keepIds(value), resources: entriesOf(value).length, bytes: 0, completes: [], rank }
      } else yield* batcher.add(looseResources(value))
    }
    batcher.complete(file.path, file.bytes)
  }
  yield* batcher.take(rank)
}
