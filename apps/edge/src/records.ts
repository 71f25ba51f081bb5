/** The records of one vault in memory: every version, and an index over what is current. */
import type { Resource } from '@medplum/fhirtypes'
import { ChartIndex, findMatches, type ParsedSearch } from '@scelle/fhir/search'
import { type Entry, keyOf, type Parsed, textOf } from './entry.ts'

interface Version {
  entry: Entry
  /** The state of these records from which on it is there. */
  since: number
}

interface Line {
  readonly author: string
  readonly handle: string
  /** Ascending by version, one each. */
  readonly versions: Version[]
  current: Parsed | undefined
}

/** A result of which only a page may be wanted. */
export interface Result {
  readonly total: number
  readonly page: (offset: number, count: number) => readonly Entry[]
}

export class Records {
  readonly #lines = new Map<string, Line>()
  readonly #keys = new Map<string, string>()
  readonly #index = new ChartIndex((type, id) => this.#parsed(`${type}/${id}`, this.#state))
  #state = 0
  #size = 0

  /**
   * Grows with every change. What was true at a state can be asked for later: pages do not shift while others write.
   */
  get state(): number {
    return this.#state
  }

  /** Bytes of all versions held: what closing this would free, about. */
  get size(): number {
    return this.#size
  }

  /** Current version; undefined where there is none or it is deleted. */
  current(key: string): Parsed | undefined {
    return this.#lines.get(key)?.current
  }

  /** The newest version, deleted or not. */
  latest(key: string): Entry | undefined {
    return this.#lines.get(key)?.versions.at(-1)?.entry
  }

  version(key: string, version: number): Entry | undefined {
    return this.#lines.get(key)?.versions.find(({ entry }) => entry.version === version)?.entry
  }

  /** Every version that was there at a state, newest first. */
  history(key: string, state: number): Entry[] {
    const versions = this.#lines.get(key)?.versions ?? []
    return versions.filter(({ since }) => since <= state).map(({ entry }) => entry).toReversed()
  }

  /** `Type/id` of a handle of this author seen before: a tombstone does not say what it ends. */
  keyOfHandle(author: string, handle: string): string | undefined {
    return this.#keys.get(`${author}/${handle}`)
  }

  /** What was current at a state, in no order. */
  *at(state: number): Generator<Entry> {
    for (const line of this.#lines.values()) {
      const entry = entryAt(line, state)
      if (entry !== undefined && !entry.deleted) yield entry
    }
  }

  /** The matches of a search, in its order, as of a state. */
  search(parsed: ParsedSearch, state: number): Result {
    const searched = state === this.#state ? this.#index : this.#indexAt(parsed.type, state)
    const ids = findMatches({ searched, beside: [] }, parsed)
    return {
      total: ids.length,
      page: (offset, count) => ids.slice(offset, offset + count).map((id) =>
        this.#entryAt(`${parsed.type}/${id}`, state)),
    }
  }

  /**
   * Enters one version. The same again changes nothing; content wins over a tombstone of the same version, which
   * marks a move to another category. False where another author or handle claims the resource's name, or the handle
   * another name. Everybody who reads the feed knows its handles and names: whoever is granted writing must not be able
   * to put words into another's record, or to end it, so a line stays with the author that began it.
   */
  put(entry: Entry, parsed?: Resource): boolean {
    const key = keyOf(entry)
    const { author, handle } = entry
    const line = this.#lines.get(key) ?? { author, handle, versions: [], current: undefined }
    const own = line.author === author && line.handle === handle
    if (!own || (this.keyOfHandle(author, handle) ?? key) !== key) return false
    const at = line.versions.findIndex((version) => version.entry.version >= entry.version)
    const there = at < 0 ? undefined : line.versions[at]
    if (there?.entry.version === entry.version) {
      if (!there.entry.deleted || entry.deleted) return true
      there.entry = entry
      there.since = ++this.#state
    } else line.versions.splice(at < 0 ? line.versions.length : at, 0, { entry, since: ++this.#state })
    this.#size += entry.bytes.length
    this.#lines.set(key, line)
    this.#keys.set(`${author}/${handle}`, key)
    if (line.versions.at(-1)?.entry === entry) this.#follow(line, entry, parsed)
    return true
  }

  #follow(line: Line, entry: Entry, parsed: Resource | undefined): void {
    if (entry.deleted) {
      if (line.current !== undefined) this.#index.remove(entry.type, entry.id)
      line.current = undefined
      return
    }
    const resource = parsed ?? (JSON.parse(textOf(entry)) as Resource)
    line.current = { ...entry, resource }
    this.#index.add(resource)
  }

  /** Somebody wrote since: the older versions are searched instead. Rare, so it costs a scan of one type. */
  #indexAt(type: string, state: number): ChartIndex {
    const index = new ChartIndex((_, id) => this.#parsed(`${type}/${id}`, state))
    for (const entry of this.at(state)) if (entry.type === type) index.add(JSON.parse(textOf(entry)) as Resource)
    return index
  }

  #parsed(key: string, state: number): Resource {
    return JSON.parse(textOf(this.#entryAt(key, state))) as Resource
  }

  #entryAt(key: string, state: number): Entry {
    const line = this.#lines.get(key)
    const entry = line?.current !== undefined && state === this.#state ? line.current : line && entryAt(line, state)
    if (entry === undefined) throw new Error('the index names a resource that is not there')
    return entry
  }
}

const entryAt = (line: Line, state: number): Entry | undefined =>
  line.versions.findLast(({ since }) => since <= state)?.entry
