/**
 * The records of one vault in memory: every version as it is served, and an index over what is current. Nothing is kept
 * parsed: memory is what limits open charts.
 */
import type { Resource } from '@medplum/fhirtypes'
import { ChartIndex } from '@scelle/fhir/search'
import { type Entry, keyOf, textOf } from './entry.ts'
import { Slabs } from './slabs.ts'

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
}

/** What a version costs beside its content: entry, line, maps. 950 B were measured with the index of one search. */
const VERSION_WEIGHT = 700
/** An allowance for the index once many parameters were searched, for each byte of content: not measured. */
const INDEX_WEIGHT = 1
/** Maps and index of a chart without records. */
const BASE_WEIGHT = 4_096

/** Indexes of past moments that are kept, for pages that are read while others write. */
const PAST_KEPT = 2

/** Results that are kept for their further pages: what was found is not looked for again because somebody wrote. */
const FOUND_KEPT = 16

let moment = 0

/**
 * Grows with every change of any records of this process: one moment says what was true in all of them, so that what
 * several charts answer together is of one state.
 */
export const presentMoment = (): number => moment

export class Records {
  #lines = new Map<string, Line>()
  /** `Type/id` by author, then by handle. */
  #keys = new Map<string, Map<string, string>>()
  /** One copy of what every record repeats. */
  #shared = new Map<string, string>()
  readonly #slabs = new Slabs()
  #index = new ChartIndex((type, id) => this.#parsed(`${type}/${id}`, this.#state))
  /** By moment and type; the oldest first. */
  readonly #past = new Map<string, ChartIndex>()
  /** Ids, by a name of the search; the oldest first. */
  readonly #found = new Map<string, readonly string[]>()
  /** Before it, nothing is known of these records. */
  readonly began = ++moment
  #state = moment
  #versions = 0
  #content = 0

  /** The moment of the last change. What was true at one can be asked for later: pages do not shift under writes. */
  get state(): number {
    return this.#state
  }

  /** About how many bytes of memory all this takes: what closing it gives back. */
  get weight(): number {
    return BASE_WEIGHT + this.#slabs.bytes + this.#versions * VERSION_WEIGHT + this.#content * INDEX_WEIGHT
  }

  /** Room for contents of so many bytes that are about to come. */
  reserve(bytes: number): void {
    this.#slabs.reserve(bytes)
  }

  /** Overwrites every content and forgets the rest: entries given out before read as zeros. */
  wipe(): void {
    this.#slabs.wipe()
    this.#lines = new Map()
    this.#keys = new Map()
    this.#shared = new Map()
    this.#index = new ChartIndex((type, id) => this.#parsed(`${type}/${id}`, this.#state))
    this.#versions = 0
    this.#content = 0
    this.#past.clear()
    this.#found.clear()
    this.#changed()
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

  /** `Type/id` of every resource of a type that is or was here, in no order. */
  *keysOf(type: string): Generator<string> {
    for (const key of this.#lines.keys()) if (key.startsWith(`${type}/`)) yield key
  }

  /** `Type/id` of a handle of this author seen before: a tombstone does not say what it ends. */
  keyOfHandle(author: string, handle: string): string | undefined {
    return this.#keys.get(author)?.get(handle)
  }

  /** What was current at a state, in no order. */
  *at(state: number): Generator<Entry> {
    for (const line of this.#lines.values()) {
      const entry = entryAt(line, state)
      if (entry !== undefined && !entry.deleted) yield entry
    }
  }

  /** What was current at a moment, searchable. With a type, of this type alone. */
  indexAt(state: number, type?: string): ChartIndex {
    if (state >= this.#state) return this.#index
    const name = `${state} ${type ?? ''}`
    const known = this.#past.get(name) ?? this.#past.get(`${state} `)
    return known ?? this.#remember(name, state, type)
  }

  /** Somebody wrote since: the older versions are searched instead. Rare, so it costs a scan. */
  #remember(name: string, state: number, type: string | undefined): ChartIndex {
    const index = new ChartIndex((of, id) => this.#parsed(`${of}/${id}`, state))
    for (const entry of this.at(state)) {
      if (type === undefined || entry.type === type) index.enter(entry.type, entry.id)
    }
    const [oldest] = this.#past.keys()
    if (oldest !== undefined && this.#past.size >= PAST_KEPT) this.#past.delete(oldest)
    this.#past.set(name, index)
    return index
  }

  /** What {@link remember} was told, unless too much else was since. */
  found(search: string): readonly string[] | undefined {
    return this.#found.get(search)
  }

  remember(search: string, ids: readonly string[]): void {
    this.#found.delete(search)
    const [oldest] = this.#found.keys()
    if (oldest !== undefined && this.#found.size >= FOUND_KEPT) this.#found.delete(oldest)
    this.#found.set(search, ids)
  }

  /** The version of a resource that was current at a moment. */
  entryAt(key: string, state: number): Entry | undefined {
    const line = this.#lines.get(key)
    const entry = line && entryAt(line, state)
    return entry?.deleted === true ? undefined : entry
  }

  /**
   * Enters one version. The same again changes nothing; content wins over a tombstone of the same version, which
   * marks a move to another category. False where another author or handle claims the resource's name, or the handle
   * another name. Everybody who reads the feed knows its handles and names: whoever is granted writing must not be able
   * to put words into another's record, or to end it, so a line stays with the author that began it.
   */
  put(given: Entry, parsed?: Resource): boolean {
    const key = keyOf(given)
    const { author, handle } = given
    const line = this.#lines.get(key) ?? { author: this.#same(author), handle, versions: [] }
    const own = line.author === author && line.handle === handle
    if (!own || (this.keyOfHandle(author, handle) ?? key) !== key) return false
    // From the end: what is new comes last, and some lines have many thousands.
    const at = line.versions.findLastIndex((version) => version.entry.version < given.version) + 1
    const there = line.versions[at]
    if (there?.entry.version === given.version) {
      if (!there.entry.deleted || given.deleted) return true
      there.entry = this.#kept(given)
      there.since = this.#changed()
    } else {
      const version = { entry: this.#kept(given), since: this.#changed() }
      line.versions.splice(at, 0, version)
    }
    this.#lines.set(key, line)
    this.#enterHandle(line.author, handle, key)
    const { entry } = line.versions.at(-1) as Version
    if (entry.version === given.version) this.#follow(entry, parsed)
    return true
  }

  /** A chart's own copy: whoever gave it may overwrite theirs, and closing the chart overwrites this one. */
  #kept(entry: Entry): Entry {
    const { type, category, author } = entry
    this.#versions++
    this.#content += entry.bytes.length
    return {
      ...entry, type: this.#same(type), category: this.#same(category), author: this.#same(author),
      bytes: this.#slabs.keep(entry.bytes),
    }
  }

  #same(text: string): string {
    const known = this.#shared.get(text)
    if (known === undefined) this.#shared.set(text, text)
    return known ?? text
  }

  #enterHandle(author: string, handle: string, key: string): void {
    const own = this.#keys.get(author)
    if (own === undefined) this.#keys.set(author, new Map([[handle, key]]))
    else own.set(handle, key)
  }

  #follow(entry: Entry, parsed: Resource | undefined): void {
    if (entry.deleted) this.#index.remove(entry.type, entry.id)
    else if (parsed !== undefined) this.#index.add(parsed)
    else this.#index.enter(entry.type, entry.id)
  }

  #changed(): number {
    this.#state = ++moment
    return moment
  }

  #parsed(key: string, state: number): Resource {
    const entry = this.entryAt(key, state)
    if (entry === undefined) throw new Error('the index names a resource that is not there')
    return JSON.parse(textOf(entry)) as Resource
  }
}

const entryAt = (line: Line, state: number): Entry | undefined =>
  line.versions.findLast(({ since }) => since <= state)?.entry
