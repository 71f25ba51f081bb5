/**
 * Sealed commits that the index acknowledged. They are kept until a final checkpoint of its log holds their leaves, so
 * that no promise of it is lost with a restart, and for some time after, so that an index that comes back from a backup
 * can be given what it lost. Nothing in clear is kept with them.
 */
import { deserialize, serialize } from 'node:v8'
import { type PreparedCommit, type Word, wordOf } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database, NumberedRow, NumberedTable } from '../store/database.ts'

/** What the index said about one submission. */
interface Acknowledged {
  /** Signed `positions`: one a request. They name the commits that were accepted. */
  readonly words: readonly Uint8Array[]
  /** Milliseconds since 1970, when the index answered. */
  readonly time: number
  /** Bytes of the sealed commits. */
  readonly bytes: number
}

/** One that waits for the log. */
export interface Waiting {
  readonly seq: number
  readonly words: readonly Word[]
  readonly time: number
}

/** What an index would be given back. */
export interface KeptSubmission {
  readonly commits: readonly PreparedCommit[]
  readonly words: readonly Uint8Array[]
}

export class Kept {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #now: () => number
  readonly #names = new Map<number, { readonly row: Uint8Array; readonly bytes: number }>()
  /** Bytes of all sealed commits, about: counted anew at each start. */
  #bytes: number

  constructor(db: Database, cabinet: Cabinet, now: () => number) {
    this.#db = db
    this.#cabinet = cabinet
    this.#now = now
    this.#bytes = db.numberedBytes('submission')
  }

  /** Part of a transaction of the caller. */
  put(seq: number, row: Uint8Array, commits: readonly PreparedCommit[]): void {
    const sealed = this.#cabinet.seal('submission', row, serialize(commits))
    this.#db.numberedPut('submission', { seq, row, sealed })
    this.#names.set(seq, { row, bytes: sealed.length })
    this.#bytes += sealed.length
  }

  /** Part of a transaction of the caller. */
  drop(seq: number): void {
    this.#db.numberedDrop('submission', seq)
    this.#bytes -= this.#names.get(seq)?.bytes ?? 0
    this.#names.delete(seq)
  }

  /** Part of a transaction of the caller. */
  acknowledge(seq: number, words: readonly Uint8Array[]): void {
    const { row, bytes } = this.#names.get(seq) ?? this.#nameOf(seq)
    this.#names.delete(seq)
    this.#put('acknowledged', seq, row, { words, time: this.#now(), bytes })
  }

  commits(seq: number): readonly PreparedCommit[] {
    const [found] = this.#db.numbered('submission', seq - 1, 1)
    if (found?.seq !== seq) return []
    return deserialize(this.#cabinet.open('submission', found.row, found.sealed)) as PreparedCommit[]
  }

  /** The oldest that wait behind `after`, at most `count`. */
  waiting(after = 0, count: number = EDGE_LIMITS.confirmRows): Waiting[] {
    return this.#db.numbered('acknowledged', after, count).map((found) => {
      const { words, time } = this.#open('acknowledged', found)
      return { seq: found.seq, words: words.map((signed) => wordOf({ signed })), time }
    })
  }

  /** The log holds these for good: they stay for an index that loses them all the same. */
  confirm(seqs: ReadonlySet<number>): void {
    if (seqs.size === 0) return
    const rows = this.#db.numbered('acknowledged', Math.min(...seqs) - 1, EDGE_LIMITS.confirmRows)
    this.#db.write(false, () => {
      for (const found of rows) {
        if (!seqs.has(found.seq)) continue
        this.#db.numberedDrop('acknowledged', found.seq)
        this.#put('confirmed', found.seq, found.row, this.#open('acknowledged', found))
      }
    })
  }

  /** Gives up the oldest final ones that are past their time or over the bound. What is not final is never given up. */
  prune(bound: number = EDGE_LIMITS.keptBytes): void {
    const now = this.#now()
    for (;;) {
      const rows = this.#db.numbered('confirmed', 0, EDGE_LIMITS.confirmRows)
      const over = rows.map((found) => ({ seq: found.seq, ...this.#open('confirmed', found) }))
      let left = this.#bytes
      const end = over.findIndex(({ time, bytes }) => {
        const stays = time > now - EDGE_LIMITS.keptForRestore && left <= bound
        left -= stays ? 0 : bytes
        return stays
      })
      const gone = end < 0 ? over : over.slice(0, end)
      if (gone.length === 0) return
      this.#db.write(false, () => {
        for (const { seq } of gone) {
          this.#db.numberedDrop('confirmed', seq)
          this.#db.numberedDrop('submission', seq)
        }
      })
      this.#bytes = left
      if (end >= 0) return
    }
  }

  /** Everything that is kept, oldest first, final or not. */
  *all(): Generator<KeptSubmission> {
    for (const table of ['confirmed', 'acknowledged'] as const) {
      for (let after = 0; ;) {
        const rows = this.#db.numbered(table, after, 64)
        for (const found of rows) {
          const { words } = this.#open(table, found)
          yield { words, commits: this.commits(found.seq) }
          after = found.seq
        }
        if (rows.length === 0) break
      }
    }
  }

  #nameOf(seq: number): { row: Uint8Array; bytes: number } {
    const [found] = this.#db.numbered('submission', seq - 1, 1)
    if (found?.seq !== seq) throw new Error('a submission that was sent is not kept')
    return { row: found.row, bytes: found.sealed.length }
  }

  #put(table: NumberedTable, seq: number, row: Uint8Array, said: Acknowledged): void {
    this.#db.numberedPut(table, { seq, row, sealed: this.#cabinet.seal(table, row, serialize(said)) })
  }

  #open(table: NumberedTable, { row, sealed }: NumberedRow): Acknowledged {
    return deserialize(this.#cabinet.open(table, row, sealed)) as Acknowledged
  }
}
