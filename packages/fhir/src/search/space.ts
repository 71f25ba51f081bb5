/** What a search may look at, and how references resolve in it. Nothing outside is ever asked. */
import type { ChartIndex } from './chart-index.ts'
import { columnOf } from './columns.ts'
import { canonicalOf } from './parameters.ts'
import type { Parameter } from './parameters.ts'
import { referenceValue, withoutVersion } from './reference.ts'
import type { ReferenceValue } from './reference.ts'
import type { Token } from './token.ts'
import type { TypeTable } from './type-table.ts'

/** What a search may look at. References resolve in `searched` first, then `beside` in order, and nowhere else. */
export interface SearchSpace {
  searched: ChartIndex
  beside: readonly ChartIndex[]
  /** `Type/id` of others whom a reference to this one names as well: who took a patient over. */
  standsFor?: ((key: string) => readonly string[]) | undefined
}

export class Space {
  readonly indexes: readonly ChartIndex[]
  readonly #bases: readonly string[]
  readonly #standsFor: NonNullable<SearchSpace['standsFor']>

  constructor({ searched, beside, standsFor }: SearchSpace, bases: readonly string[]) {
    this.indexes = [searched, ...beside]
    this.#standsFor = standsFor ?? (() => [])
    this.#bases = bases
  }

  /** The first index that has a resource: the others' of that name are out of sight. */
  home(type: string, id: string): ChartIndex | undefined {
    return this.indexes.find((index) => index.has(type, id))
  }

  /** Every table of a type, and what tells whether a resource of it is in sight. */
  * tables(type: string): Generator<[table: TypeTable, inSight: (id: string) => boolean]> {
    for (const [place, index] of this.indexes.entries()) {
      const table = index.table(type)
      if (!table) continue
      const before = this.indexes.slice(0, place).filter((each) => each.table(type) !== undefined)
      yield [table, (id) => !before.some((each) => each.has(type, id))]
    }
  }

  /** `Type/id` of the resources in sight that a reference names: one and who it stands for, or a canonical URL's. */
  resolve(parameter: Parameter, value: ReferenceValue): string[] {
    const { type, id, text } = this.#local(value)
    if (type !== undefined && id !== undefined) {
      const key = `${type}/${id}`
      const others = this.#standsFor(key)
      return (others.length === 0 ? [key] : [key, ...others]).filter((each) => this.#isInSight(each))
    }
    return /^(https?:|urn:)/.test(text) ? parameter.targets.flatMap((target) => this.#canonical(target, text)) : []
  }

  #isInSight(key: string): boolean {
    const slash = key.indexOf('/')
    return this.home(key.slice(0, slash), key.slice(slash + 1)) !== undefined
  }

  #local(value: ReferenceValue): ReferenceValue {
    if (value.id !== undefined) return value
    const base = this.#bases.find((each) => value.text.startsWith(`${each}/`))
    return base === undefined ? value : referenceValue(value.text.slice(base.length + 1))
  }

  #canonical(target: string, text: string): string[] {
    const canonical = canonicalOf(target)
    if (!canonical) return []
    const url = withoutVersion(text)
    const version = url === text ? undefined : text.slice(url.length + 1)
    const found: string[] = []
    for (const [table, inSight] of this.tables(target)) {
      const versions = table.column(columnOf(canonical.version))
      const named = table.column(columnOf(canonical.url)).lookup(url).filter((term) => term.value === url)
      for (const slot of named.flatMap(({ slots }) => slots)) {
        const fits = version === undefined || versions.some(slot, (term) => (term.value as Token).code === version)
        if (fits && inSight(table.id(slot))) found.push(`${target}/${table.id(slot)}`)
      }
    }
    return found
  }
}
