/** Charts in memory, as the edge keeps them: an index over current versions, and their JSON as it is served. */
import type { Resource } from '@medplum/fhirtypes'
import { ChartIndex, findMatches, type ParsedSearch } from '@scelle/fhir/search'
import type { Database, Version } from './database.ts'

const decoder = new TextDecoder()

export class Chart {
  readonly #versions = new Map<string, Version>()
  readonly #index = new ChartIndex((type, id) => parse(this.#versions.get(`${type}/${id}`) as Version))

  /** @param resource where it is at hand; else it is parsed when a search needs it */
  put(version: Version, resource?: Resource): void {
    this.#versions.set(`${version.type}/${version.id}`, version)
    if (resource === undefined) this.#index.enter(version.type, version.id)
    else this.#index.add(resource)
  }

  get(key: string): Version | undefined {
    return this.#versions.get(key)
  }

  /** Everything current, the Patient first, then by name. */
  all(): Version[] {
    return [...this.#versions.values()].toSorted(
      (left, right) =>
        Number(right.type === 'Patient') - Number(left.type === 'Patient') || compare(nameOf(left), nameOf(right)),
    )
  }

  search(parsed: ParsedSearch): { readonly total: number; readonly page: Version[] } {
    const ids = findMatches({ searched: this.#index, beside: [] }, parsed)
    return {
      total: ids.length,
      page: ids.slice(0, parsed.count).map((id) => this.#versions.get(`${parsed.type}/${id}`) as Version),
    }
  }
}

const parse = (version: Version): Resource => JSON.parse(decoder.decode(version.bytes)) as Resource

const nameOf = ({ type, id }: Version): string => `${type}/${id}`

const compare = (left: string, right: string): number => (left < right ? -1 : Number(left > right))

export class Charts {
  readonly #database: Database
  readonly #limit: number
  /** By owner, least recently used first. */
  readonly #open = new Map<string, Chart>()

  constructor(database: Database, limit: number) {
    this.#database = database
    this.#limit = limit
  }

  use(owner: string): Chart {
    const known = this.#open.get(owner)
    if (known !== undefined) {
      this.#open.delete(owner)
      this.#open.set(owner, known)
      return known
    }
    const chart = new Chart()
    for (const version of this.#database.ofOwner(owner))
      chart.put(version)
    this.#open.set(owner, chart)
    const [oldest] = this.#open.keys()
    if (this.#open.size > this.#limit && oldest !== undefined) this.#open.delete(oldest)
    return chart
  }

  /** The chart if it is open: a write needs to be entered there only. */
  peek(owner: string): Chart | undefined {
    return this.#open.get(owner)
  }
}
