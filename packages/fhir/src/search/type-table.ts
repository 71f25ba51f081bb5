import type { Resource } from '@medplum/fhirtypes'
import { Column } from './column.ts'
import type { ColumnSpec } from './columns.ts'

/** The resources of one type in a chart: their ids, and the columns that searches asked for. */
export class TypeTable {
  readonly #ids: (string | undefined)[] = []
  readonly #slots = new Map<string, number>()
  readonly #free: number[] = []
  readonly #columns = new Map<string, Column>()
  /** Slots by id; kept up to date once made. */
  #ordered: number[] | undefined

  get size(): number {
    return this.#slots.size
  }

  has(id: string): boolean {
    return this.#slots.has(id)
  }

  slot(id: string): number | undefined {
    return this.#slots.get(id)
  }

  id(slot: number): string {
    return this.#ids[slot] ?? ''
  }

  /** @param read called only if there are columns to fill */
  put(id: string, read: () => Resource): void {
    const resource = this.#columns.size > 0 ? read() : undefined
    const known = this.#slots.get(id)
    const slot = known ?? this.#free.pop() ?? this.#ids.length
    if (known === undefined) {
      this.#ids[slot] = id
      this.#slots.set(id, slot)
      if (this.#ordered) this.#ordered.splice(this.#place(this.#ordered, id), 0, slot)
    }
    if (!resource) return
    for (const column of this.#columns.values()) {
      if (known !== undefined) column.drop(slot)
      column.put(slot, resource)
    }
  }

  drop(id: string): boolean {
    const slot = this.#slots.get(id)
    if (slot === undefined) return false
    for (const column of this.#columns.values()) column.drop(slot)
    if (this.#ordered) this.#ordered.splice(this.#place(this.#ordered, id), 1)
    this.#slots.delete(id)
    this.#ids[slot] = undefined
    this.#free.push(slot)
    return true
  }

  /** All slots, by id. */
  ordered(): readonly number[] {
    this.#ordered ??= [...this.#slots.values()].toSorted((left, right) => this.compare(left, right))
    return this.#ordered
  }

  /** Order of two slots by id. */
  compare(left: number, right: number): number {
    const first = this.id(left)
    const second = this.id(right)
    return first < second ? -1 : Number(first > second)
  }

  /** Builds the columns that are not there yet: each resource is read once for all of them. */
  prepare(specs: Iterable<ColumnSpec>, read: (id: string) => Resource): void {
    const built: [name: string, column: Column][] = []
    for (const spec of specs) if (!this.#columns.has(spec.name)) built.push([spec.name, new Column(spec)])
    if (built.length === 0) return
    for (const [id, slot] of this.#slots) {
      const resource = read(id)
      for (const [, column] of built) column.put(slot, resource)
    }
    for (const [name, column] of built) this.#columns.set(name, column)
  }

  /** A column that was prepared. */
  column(spec: ColumnSpec): Column {
    const column = this.#columns.get(spec.name)
    if (!column) throw new Error(`the column ${spec.name} was not prepared`)
    return column
  }

  /** The first place whose id is not before this one. */
  #place(ordered: readonly number[], id: string): number {
    let low = 0
    let high = ordered.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.id(ordered[middle] ?? 0) < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
