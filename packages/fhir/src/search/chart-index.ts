import type { Resource } from '@medplum/fhirtypes'
import { FhirError } from '../outcomes.ts'
import type { ColumnSpec } from './columns.ts'
import { TypeTable } from './type-table.ts'

/**
 * The resources of one chart, searchable in memory. Parameters are indexed at their first search; resources are not
 * kept, memory being what limits how many charts are open. Nothing outlives the index: no value of a chart is held
 * anywhere else.
 */
export class ChartIndex {
  readonly #tables = new Map<string, TypeTable>()
  readonly #read: (type: string, id: string) => Resource

  /** @param read parses a resource that was added; called when a parameter is first searched */
  constructor(read: (type: string, id: string) => Resource) {
    this.#read = read
  }

  /** Number of resources. */
  get size(): number {
    let size = 0
    for (const table of this.#tables.values()) size += table.size
    return size
  }

  /** Adds a resource, or replaces the one of the same type and id. @throws FhirError `invalid-resource` without id */
  add(resource: Resource): void {
    const { resourceType: type, id } = resource
    if (id === undefined) throw new FhirError('invalid-resource', 'a resource in a chart needs an id', `${type}.id`)
    this.#table(type).put(id, () => resource)
  }

  /** As `add`, of a resource nobody has parsed yet: read at once only if a search of its type was there before. */
  enter(type: string, id: string): void {
    this.#table(type).put(id, () => this.#read(type, id))
  }

  /** Removes a resource. Answers whether it was there. */
  remove(type: string, id: string): boolean {
    return this.#tables.get(type)?.drop(id) === true
  }

  has(type: string, id: string): boolean {
    return this.#tables.get(type)?.has(id) === true
  }

  /** Types of which there is or was a resource. */
  types(): string[] {
    return [...this.#tables.keys()]
  }

  /** Ids of one type, in order. */
  ids(type: string): string[] {
    const table = this.#tables.get(type)
    return table ? table.ordered().map((slot) => table.id(slot)) : []
  }

  /** For this folder's own evaluation. */
  table(type: string): TypeTable | undefined {
    return this.#tables.get(type)
  }

  #table(type: string): TypeTable {
    const known = this.#tables.get(type)
    if (known) return known
    const table = new TypeTable()
    this.#tables.set(type, table)
    return table
  }

  /** Makes columns ready for `table(type).column(…)`. */
  prepare(type: string, specs: Iterable<ColumnSpec>): void {
    this.#tables.get(type)?.prepare(specs, (id) => this.#read(type, id))
  }
}
