/**
 * Commits on their way to the index. A row is on the disk before its commits are sent and leaves when the index has
 * answered, so a crash at any point loses nothing that was acknowledged and completes what was half-way.
 */
import { deserialize, serialize } from 'node:v8'
import type { PreparedCommit } from '@scelle/sdk'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Part } from './unit.ts'

/** One submission: its commits as they are sent, and every part of the units behind it, sent or still to follow. */
export interface OutboxRow {
  readonly commits: readonly PreparedCommit[]
  readonly units: readonly { readonly parts: readonly (Part & { readonly sent: boolean })[] }[]
}

export class Outbox {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #random: (length: number) => Uint8Array

  constructor(db: Database, cabinet: Cabinet, random: (length: number) => Uint8Array) {
    this.#db = db
    this.#cabinet = cabinet
    this.#random = random
  }

  /** Part of a transaction of the caller; the row's number. */
  put(row: OutboxRow): number {
    const name = this.#random(16)
    // Authenticated before it is read back, so `deserialize` only ever sees what this process wrote.
    return this.#db.outboxPut(name, this.#cabinet.seal('outbox', name, serialize(row)))
  }

  /** Part of a transaction of the caller. */
  drop(seq: number): void {
    this.#db.outboxDrop(seq)
  }

  rows(): { seq: number; row: OutboxRow }[] {
    return this.#db.outbox().map(({ seq, row, sealed }) => ({
      seq, row: deserialize(this.#cabinet.open('outbox', row, sealed)) as OutboxRow,
    }))
  }
}
