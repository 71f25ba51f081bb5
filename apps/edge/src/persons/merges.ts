/** Which patients were merged into which, and what both were before. */
import type { Identifier } from '@medplum/fhirtypes'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { SealedRows } from './sealed-rows.ts'

export interface Merge {
  /** `Patient/id` of the one that is no longer used. */
  readonly source: string
  /** `Patient/id` of the one that remains. */
  readonly target: string
  /** JSON text of both before the merge. */
  readonly sourceBefore: string
  readonly targetBefore: string
  /** JSON text of the target as the merge left it: was it changed since? */
  readonly targetAfter: string
  /** Identifiers that the target took over. */
  readonly added: readonly Identifier[]
}

export class Merges {
  readonly #rows: SealedRows<Merge>
  /** In memory, because every write and every search asks. */
  readonly #bySource = new Map<string, string>()
  readonly #byTarget = new Map<string, Set<string>>()
  /** Told of a target whose records are now those of others too, or no longer. */
  changed: (target: string) => void = () => undefined

  constructor(db: Database, cabinet: Cabinet) {
    this.#rows = new SealedRows(db, cabinet, 'merge')
    for (const { source, target } of this.#rows.all()) this.#remember(source, target)
  }

  /** The merge by which a patient is no longer used. */
  of(source: string): Merge | undefined {
    return this.#bySource.has(source) ? this.#rows.get(source) : undefined
  }

  /** `Patient/id` of whom a patient was merged into. */
  targetOf(source: string): string | undefined {
    return this.#bySource.get(source)
  }

  /** Whoever took a patient over, and whoever took them over in turn; never the patient, whatever the table says. */
  targetsOf(source: string): string[] {
    const found = new Set([source])
    for (const each of found) {
      const target = this.#bySource.get(each)
      if (target !== undefined) found.add(target)
    }
    found.delete(source)
    return [...found]
  }

  /** Everybody merged into a patient, directly or through others; never the patient, whatever the table says. */
  sourcesOf(target: string): string[] {
    const found = new Set([target])
    // What is added is visited too.
    for (const into of found) for (const source of this.#byTarget.get(into) ?? []) found.add(source)
    found.delete(target)
    return [...found]
  }

  /** Part of a transaction of the caller, like {@link end}. */
  begin(merge: Merge): void {
    this.#rows.put(merge.source, merge)
    this.#remember(merge.source, merge.target)
    this.changed(merge.target)
  }

  end(source: string): void {
    const target = this.#bySource.get(source)
    this.#rows.drop(source)
    this.#bySource.delete(source)
    if (target === undefined) return
    const sources = this.#byTarget.get(target)
    sources?.delete(source)
    if (sources?.size === 0) this.#byTarget.delete(target)
    this.changed(target)
  }

  #remember(source: string, target: string): void {
    this.#bySource.set(source, target)
    this.#byTarget.set(target, (this.#byTarget.get(target) ?? new Set()).add(source))
  }
}
