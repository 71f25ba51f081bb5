/** Lost leaves in the embedded engine: in the file of the statements, so that one transaction moves them there. */
import type { DatabaseSync } from 'node:sqlite'
import {
  type FoundLeaf, type LeafRange, type LostLeaves, type Restored, RestoreRefused,
} from '../lost-leaves.ts'
import { applyOperation } from './apply.ts'
import type { GroupWriter } from './group.ts'
import type { Session } from './session.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

/** Leaves whose statements are stored. */
const STORED = 'SELECT coalesce(max(sequence), 0) AS no FROM statements'

export class LostTables implements LostLeaves {
  readonly #writer: GroupWriter
  readonly #read: Prepare

  /** `reader`: a connection that reads what is committed. */
  constructor(writer: GroupWriter, reader: DatabaseSync) {
    this.#writer = writer
    this.#read = preparer(reader)
  }

  async range(): Promise<LeafRange> {
    const from = numberOf(this.#read(STORED).get()) as number
    return { from, to: numberOf(this.#read('SELECT max(leaf) + 1 AS no FROM lost_leaves').get()) ?? from }
  }

  append(from: number, entries: readonly Uint8Array[]): Promise<void> {
    return this.#writer.alone((_, sql) => {
      const stored = numberOf(sql(STORED).get()) as number
      const next = numberOf(sql('SELECT max(leaf) + 1 AS no FROM lost_leaves').get()) ?? stored
      if (from !== next) throw new Error('entries of lost leaves do not follow those known')
      const insert = sql('INSERT INTO lost_leaves (leaf, entry) VALUES (?, ?)')
      for (const [place, entry] of entries.entries()) insert.run(from + place, entry)
    })
  }

  async leafOf(entry: Uint8Array): Promise<number | undefined> {
    return numberOf(this.#read('SELECT leaf AS no FROM lost_leaves WHERE entry = ?').get(entry))
  }

  keep(found: readonly FoundLeaf[]): Promise<void> {
    return this.#writer.alone((_, sql) => {
      const update = sql('UPDATE lost_leaves SET content = ? WHERE leaf = ? AND content IS NULL')
      for (const { leaf, content } of found) update.run(content, leaf)
    })
  }

  forget(leaf: number): Promise<void> {
    return this.#writer.alone((_, sql) => {
      sql('UPDATE lost_leaves SET content = NULL WHERE leaf = ?').run(leaf)
    })
  }

  async front(limit: number): Promise<FoundLeaf[]> {
    const gap = numberOf(this.#read('SELECT min(leaf) AS no FROM lost_leaves WHERE content IS NULL').get())
    return this.#read('SELECT leaf, content FROM lost_leaves WHERE leaf < ? ORDER BY leaf LIMIT ?')
      .all(gap ?? Number.MAX_SAFE_INTEGER, limit) as unknown as FoundLeaf[]
  }

  async missing(limit: number): Promise<{ count: number; ranges: LeafRange[] }> {
    const count = numberOf(this.#read('SELECT count(*) AS no FROM lost_leaves WHERE content IS NULL').get()) ?? 0
    // A run of missing leaves: those that differ from their place among the missing by the same number.
    const rows = this.#read(`SELECT min(leaf) AS "from", max(leaf) + 1 AS "to" FROM (
        SELECT leaf, leaf - row_number() OVER (ORDER BY leaf) AS run FROM lost_leaves WHERE content IS NULL)
      GROUP BY run ORDER BY min(leaf) LIMIT ?`).all(limit)
    return { count, ranges: rows as unknown as LeafRange[] }
  }

  restore(restored: readonly Restored[]): Promise<void> {
    return this.#writer.alone((session, sql) => {
      for (const one of restored) this.#apply(session, one)
      const places = new Map(restored.flatMap((one) => one.places).map((place) => [place.sequence, place]))
      for (const sequenced of session.sequenced()) {
        const position = places.get(sequenced.sequence)
        if (position === undefined) throw new RestoreRefused('an operation takes more places than it had')
        this.#writer.insert(sequenced, position)
        places.delete(sequenced.sequence)
      }
      if (places.size > 0) throw new RestoreRefused('an operation takes fewer places than it had')
      sql(`DELETE FROM lost_leaves WHERE leaf < (${STORED.replace(' AS no', '')})`).run()
    })
  }

  #apply(session: Session, { operation, places }: Restored): void {
    const applied = applyOperation(session, operation)
    if ('problem' in applied) throw new RestoreRefused(`${operation.kind}: ${applied.problem}`)
    const sequence = 'sequence' in applied ? applied.sequence : applied.position.sequence
    if (sequence !== places[0]?.sequence) throw new RestoreRefused(`${operation.kind}: it takes another place`)
  }
}
