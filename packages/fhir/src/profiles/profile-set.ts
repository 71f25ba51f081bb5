/** The profiles, extensions and value sets of the loaded packages. */
import type { CodeList } from './code-lists.ts'
import { compile } from './compile.ts'
import type { Compiled, Profile } from './compile.ts'

/** What loading came to, for the operator. */
export interface LoadReport {
  readonly profiles: number
  /** Value sets that a profile binds and that are loaded. */
  readonly valueSets: number
  /** Definitions that are set aside, each with the reason: they validate nothing. */
  readonly setAside: readonly string[]
}

export class ProfileSet {
  readonly #compiled: Compiled

  /**
   * Reads the definitions among the resources of packages. Everything is compiled here, so that nothing fails while a
   * request waits. @throws FhirError `invalid-profile` where there are too many
   */
  constructor(resources: Iterable<unknown>) {
    this.#compiled = compile(resources)
  }

  get isEmpty(): boolean {
    return this.#compiled.profiles.size === 0
  }

  get report(): LoadReport {
    const { profiles, codes, setAside } = this.#compiled
    return {
      profiles: new Set(profiles.values()).size,
      valueSets: [...codes.values()].filter((list) => list !== undefined).length,
      setAside,
    }
  }

  /** Profiles of a resource type that can be declared, without versions. */
  urlsFor(type: string): string[] {
    const fitting = [...this.#compiled.profiles.values()].filter((profile) => profile.type === type)
    return [...new Set(fitting.map(({ url }) => url))].toSorted()
  }

  /** By canonical, `url` or `url|version`. */
  get(canonical: string): Profile | undefined {
    return this.#compiled.profiles.get(canonical)
  }

  /** The codes of a value set that a loaded profile binds; undefined: not loaded. */
  codes(canonical: string): CodeList | undefined {
    return this.#compiled.codes.get(canonical)
  }
}
