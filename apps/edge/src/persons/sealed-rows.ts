/** Rows of the patient index: JSON, filled up with spaces before it is sealed, so that a row's length says little. */
import type { Cabinet } from '../store/cabinet.ts'
import type { Database, Table } from '../store/database.ts'

export class SealedRows<T> {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #table: Table
  readonly #step: number

  /** `step`: a row is as long as the next multiple of this, in bytes. */
  constructor(db: Database, cabinet: Cabinet, table: Table, step = 256) {
    this.#db = db
    this.#cabinet = cabinet
    this.#table = table
    this.#step = step
  }

  /** The name under which a key stands on the disk, hexadecimal: it tells nothing, so it may be shown. */
  nameOf(key: string): string {
    return this.#cabinet.lookup(this.#table, key).toString('hex')
  }

  get(key: string): T | undefined {
    return this.#at(this.#cabinet.lookup(this.#table, key))
  }

  /** By {@link nameOf}. */
  named(name: string): T | undefined {
    return this.#at(Buffer.from(name, 'hex'))
  }

  /** Part of a transaction of the caller, like {@link drop}. */
  put(key: string, value: T): void {
    this.#putAt(this.#cabinet.lookup(this.#table, key), value)
  }

  /** Part of a transaction of the caller: `change` makes the value anew; undefined drops it, the same leaves it. */
  update(key: string, change: (value: T | undefined) => T | undefined): void {
    const row = this.#cabinet.lookup(this.#table, key)
    const before = this.#at(row)
    const after = change(before)
    if (after === before) return
    if (after === undefined) this.#db.drop(this.#table, row)
    else this.#putAt(row, after)
  }

  drop(key: string): void {
    this.#db.drop(this.#table, this.#cabinet.lookup(this.#table, key))
  }

  *all(): Generator<T> {
    for (const { row, sealed } of this.#db.all(this.#table)) yield this.#open(row, sealed)
  }

  #putAt(row: Uint8Array, value: T): void {
    const text = Buffer.from(JSON.stringify(value))
    const padded = Buffer.alloc(Math.ceil(text.length / this.#step) * this.#step, ' ')
    text.copy(padded)
    this.#db.put(this.#table, row, this.#cabinet.seal(this.#table, row, padded))
  }

  #at(row: Uint8Array): T | undefined {
    const sealed = this.#db.get(this.#table, row)
    return sealed === undefined ? undefined : this.#open(row, sealed)
  }

  #open(row: Uint8Array, sealed: Uint8Array): T {
    return JSON.parse(this.#cabinet.open(this.#table, row, sealed).toString()) as T
  }
}
