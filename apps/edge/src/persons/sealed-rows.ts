/** Rows of the patient index: JSON, filled up with spaces before it is sealed, so that a row's length says little. */
import type { Cabinet } from '../store/cabinet.ts'
import type { Database, Table } from '../store/database.ts'

/** A row is as long as the next multiple of this, in bytes. */
const STEP = 256

export class SealedRows<T> {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #table: Table

  constructor(db: Database, cabinet: Cabinet, table: Table) {
    this.#db = db
    this.#cabinet = cabinet
    this.#table = table
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
    const row = this.#cabinet.lookup(this.#table, key)
    const text = Buffer.from(JSON.stringify(value))
    const padded = Buffer.alloc(Math.ceil(text.length / STEP) * STEP, ' ')
    text.copy(padded)
    this.#db.put(this.#table, row, this.#cabinet.seal(this.#table, row, padded))
  }

  drop(key: string): void {
    this.#db.drop(this.#table, this.#cabinet.lookup(this.#table, key))
  }

  *all(): Generator<T> {
    for (const { row, sealed } of this.#db.all(this.#table)) yield this.#open(row, sealed)
  }

  #at(row: Uint8Array): T | undefined {
    const sealed = this.#db.get(this.#table, row)
    return sealed === undefined ? undefined : this.#open(row, sealed)
  }

  #open(row: Uint8Array, sealed: Uint8Array): T {
    return JSON.parse(this.#cabinet.open(this.#table, row, sealed).toString()) as T
  }
}
