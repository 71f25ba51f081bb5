/**
 * The patients in this organisation's care, searchable without opening a chart. Loaded at the first search, in slices:
 * a hospital has a hundred thousand, and others go on reading meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { findMatches, type ParsedSearch, parseSearch } from '@scelle/fhir/search'
import { type Entry, keyOf } from './entry.ts'
import type { Opening } from './charts.ts'
import { EDGE_LIMITS } from './limits.ts'
import { Records } from './records.ts'
import type { Directory } from './store/directory.ts'

/** What people are asked for by: indexed as they are loaded, not all at once by the first search. */
const USUAL = parseSearch('Patient', 'name=a&family=a&given=a&birthdate=2000&identifier=a&gender=male')

export class Persons {
  readonly #directory: Directory
  readonly #random: (length: number) => Uint8Array
  #loaded: Opening | undefined
  /** Versions entered since it was last read. */
  #entered = 0
  #loading: { readonly opening: Opening; readonly done: Promise<Opening> } | undefined

  constructor(directory: Directory, random: (length: number) => Uint8Array) {
    this.#directory = directory
    this.#random = random
  }

  /** The whole list. */
  async use(): Promise<Opening> {
    while (this.#loaded === undefined) {
      const loading = this.#loading ?? this.#load()
      this.#loading = loading
      await loading.done.catch((error: unknown) => {
        // Whoever asks next tries again.
        if (this.#loading === loading) this.#loading = undefined
        throw error
      })
      // Otherwise somebody left the list while it was read.
      if (this.#loading === loading) {
        this.#loading = undefined
        this.#loaded = loading.opening
      }
    }
    return this.#loaded
  }

  /** The whole list if it is loaded. */
  peek(): Opening | undefined {
    return this.#loaded
  }

  /**
   * For one search of patients that looks at nothing else: while the list is not loaded, those alone who can have an
   * identifier that the search demands, if one page will show them all.
   */
  async useFor(parsed: ParsedSearch): Promise<Opening> {
    const few = this.#loaded === undefined ? this.#demanded(parsed) : undefined
    if (few === undefined || (few.length > parsed.count && !parsed.totalOnly)) return this.use()
    return this.#opening(few.flatMap((key) => this.#directory.person(key) ?? []))
  }

  accepted(entries: readonly Entry[]): void {
    const opening = this.#loaded ?? this.#loading?.opening
    const patients = opening === undefined ? [] : entries.filter((entry) =>
      entry.type === 'Patient' && !this.#directory.isDecoy(keyOf(entry)))
    for (const entry of patients) opening?.records.put(entry)
    this.#entered += patients.length
    if (this.#loaded !== undefined && this.#entered > EDGE_LIMITS.personVersions) this.forget()
  }

  /** Somebody left the list, or it holds too much of what was: it is read again at the next search. */
  forget(): void {
    this.#entered = 0
    this.#loaded = undefined
    this.#loading = undefined
  }

  /** What is accepted meanwhile is entered as it comes; an older version of it, read later, changes nothing. */
  #load(): { opening: Opening; done: Promise<Opening> } {
    const opening = this.#opening([])
    const { records } = opening
    const load = async (): Promise<Opening> => {
      let after: Uint8Array | undefined
      do {
        const slice = this.#directory.personsAfter(after, EDGE_LIMITS.personSlice)
        for (const { entry } of slice) records.put(entry)
        if (after === undefined) findMatches({ searched: records.indexAt(records.state), beside: [] }, USUAL)
        after = slice.at(-1)?.row
        await nextTurn()
      } while (after !== undefined)
      return opening
    }
    return { opening, done: load() }
  }

  #opening(entries: Iterable<Entry>): Opening {
    const records = new Records()
    for (const entry of entries) records.put(entry)
    return { name: Buffer.from(this.#random(9)).toString('base64url'), records, gaps: () => 0 }
  }

  #demanded({ criteria }: ParsedSearch): string[] | undefined {
    for (const criterion of criteria) {
      if (criterion.test !== 'token' || criterion.negated || criterion.parameter.name !== 'identifier') continue
      const found = criterion.tokens.map(({ system, code }) => (typeof system === 'string' && code !== undefined
        ? this.#directory.patients.mayHave(system, code) : undefined))
      const all = found.filter((each) => each !== undefined)
      if (all.length === found.length) return [...new Set(all.flat())]
    }
    return undefined
  }
}
