/** The patients in this organisation's care, searchable without opening a chart. Loaded at the first search. */
import type { ParsedSearch } from '@scelle/fhir/search'
import type { Entry } from './entry.ts'
import type { Opening } from './charts.ts'
import { Records } from './records.ts'
import type { Directory } from './store/directory.ts'

export class Persons {
  readonly #directory: Directory
  readonly #random: (length: number) => Uint8Array
  #loaded: Opening | undefined

  constructor(directory: Directory, random: (length: number) => Uint8Array) {
    this.#directory = directory
    this.#random = random
  }

  use(): Opening {
    this.#loaded ??= this.#opening(this.#directory.persons())
    return this.#loaded
  }

  /**
   * For one search of patients that looks at nothing else: while the list is not loaded, those alone who can have an
   * identifier that the search demands, if one page will show them all.
   */
  useFor(parsed: ParsedSearch): Opening {
    const few = this.#loaded === undefined ? this.#demanded(parsed) : undefined
    if (few === undefined || (few.length > parsed.count && !parsed.totalOnly)) return this.use()
    return this.#opening(few.flatMap((key) => this.#directory.person(key) ?? []))
  }

  accepted(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.type === 'Patient') this.#loaded?.records.put(entry)
  }

  /** Somebody left the list: it is read again at the next search. */
  forget(): void {
    this.#loaded = undefined
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
