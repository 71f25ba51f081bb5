/**
 * What the edge should hold, kept beside it: every version with the count of writes from which on it is there, so that
 * a search can be held against any state that it may have seen.
 */
import type { Resource } from '@medplum/fhirtypes'
import type { Sight } from '../../../packages/fhir/test/oracle/oracle.ts'

/** `Patient/1`, or the organisation's own records. */
export type Place = string

export const ORGANISATION: Place = 'organisation'
/** The list of all patients. */
export const PERSONS: Place = 'persons'

interface Version {
  readonly since: number
  /** Undefined: deleted. */
  readonly resource: Resource | undefined
}

interface Line {
  readonly place: Place
  readonly versions: Version[]
}

export class Model {
  #state = 0
  readonly #lines = new Map<string, Line>()
  /** Keys by place and type, and by type alone. */
  readonly #byType = new Map<string, Set<string>>()
  /** Charts that the session has open. */
  readonly open = new Set<Place>()

  get state(): number {
    return this.#state
  }

  put(key: string, place: Place, resource: Resource | undefined): void {
    const line = this.#lines.get(key) ?? { place, versions: [] }
    line.versions.push({ since: ++this.#state, resource })
    this.#lines.set(key, line)
    const [type = ''] = key.split('/')
    for (const name of [type, `${place} ${type}`]) {
      const keys = this.#byType.get(name) ?? new Set()
      this.#byType.set(name, keys.add(key))
    }
  }

  at(key: string, state: number): Resource | undefined {
    return this.#lines.get(key)?.versions.findLast(({ since }) => since <= state)?.resource
  }

  placeOf(key: string): Place {
    return this.#lines.get(key)?.place ?? ORGANISATION
  }

  /** Current resources of a type in a place. */
  in(place: Place, type: string, state = this.#state): Resource[] {
    const keys = this.#byType.get(place === PERSONS ? type : `${place} ${type}`) ?? []
    return [...keys].flatMap((key) => this.at(key, state) ?? [])
  }

  typesIn(place: Place): string[] {
    return [...this.#byType.keys()].flatMap((name) =>
      (name.startsWith(`${place} `) ? [name.slice(place.length + 1)] : []))
  }

  /** What a search of a place may look at: that, the organisation's own records, all patients, and open charts. */
  sight(place: Place, state: number): Sight {
    const isSeen = (key: string): boolean => {
      const of = this.placeOf(key)
      return of === ORGANISATION || key.startsWith('Patient/') || this.open.has(of)
    }
    return {
      searched: (type) => this.in(place, type, state),
      every: (type) => [...this.#byType.get(type) ?? []].filter(isSeen).flatMap((key) => this.at(key, state) ?? []),
      find: (key) => (isSeen(key) ? this.at(key, state) : undefined),
    }
  }
}
