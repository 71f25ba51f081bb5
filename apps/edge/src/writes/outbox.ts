/**
 * Commits on their way to the index. A row is on the disk before its commits are sent and leaves when the index has
 * answered, so a crash at any point loses nothing that was acknowledged and completes what was half-way. The sealed
 * commits stay longer: see `kept.ts`.
 */
import { deserialize, serialize } from 'node:v8'
import type { PreparedCommit } from '@scelle/sdk'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Kept } from './kept.ts'
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
  readonly #kept: Kept

  constructor(db: Database, cabinet: Cabinet, random: (length: number) => Uint8Array, kept: Kept) {
    this.#db = db
    this.#cabinet = cabinet
    this.#random = random
    this.#kept = kept
  }

  /** Part of a transaction of the caller; the row's number. The commits stand apart: they outlast the plain text. */
  put({ commits, units }: OutboxRow): number {
    const name = this.#random(16)
    // Authenticated before it is read back, so `deserialize` only ever sees what this process wrote.
    const seq = this.#db.outboxPut(name, this.#cabinet.seal('outbox', name, serialize(units)))
    if (commits.length > 0) this.#kept.put(seq, name, commits)
    return seq
  }

  /** Part of a transaction of the caller: nothing of it was accepted, or nothing was sent. */
  drop(seq: number): void {
    this.#db.outboxDrop(seq)
    this.#kept.drop(seq)
  }

  /** Part of a transaction of the caller: the units are settled, and the commits are kept until the log holds them. */
  acknowledge(seq: number, words: readonly Uint8Array[]): void {
    this.#db.outboxDrop(seq)
    this.#kept.acknowledge(seq, words)
  }

  rows(): { seq: number; row: OutboxRow }[] {
    return this.#db.outbox().map(({ seq, row, sealed }) => ({
      seq,
      row: {
        units: deserialize(this.#cabinet.open('outbox', row, sealed)) as OutboxRow['units'],
        commits: this.#kept.commits(seq),
      },
    }))
  }
}
