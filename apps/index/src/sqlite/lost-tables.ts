/** Lost leaves in the embedded engine: in the file of the statements, so that one transaction moves them there. */
import type { DatabaseSync } from 'node:sqlite'
import {
  type FoundLeaf, type LeafRange, type LostLeaves, type Restored, RestoreRefused,
} from '../lost-leaves.ts'
import { applyOperation } from './apply.ts'
import type { GroupWriter } from './group.ts'
import type { Session } from './session.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

/** Leaves that are here and not lost: with their statements, or given up. */
const HERE = `SELECT max((SELECT coalesce(max(sequence), 0) FROM statements),
  (SELECT coalesce(max(leaf) + 1, 0) FROM given_up)) AS no`
const FIRST_LOST = 'SELECT min(leaf) AS no FROM lost_leaves'
const AFTER_LOST = 'SELECT max(leaf) + 1 AS no FROM lost_leaves'

export class LostTables implements LostLeaves {
  readonly #writer: GroupWriter
  readonly #read: Prepare

  /** `reader`: a connection that reads what is committed. */
  constructor(writer: GroupWriter, reader: DatabaseSync) {
    this.#writer = writer
    this.#read = preparer(reader)
  }

  async range(): Promise<LeafRange> {
    const here = numberOf(this.#read(HERE).get()) as number
    const from = numberOf(this.#read(FIRST_LOST).get()) ?? here
    return { from, to: Math.max(here, numberOf(this.#read(AFTER_LOST).get()) ?? from) }
  }

  append(from: number, entries: readonly Uint8Array[]): Promise<void> {
    return this.#writer.alone((_, sql) => {
      const next = numberOf(sql(AFTER_LOST).get()) ?? numberOf(sql(HERE).get())
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
      const last = Math.max(...restored.flatMap((one) => one.places).map(({ sequence }) => sequence))
      sql('DELETE FROM lost_leaves WHERE leaf < ?').run(last)
    })
  }

  giveUp(leaves: readonly number[]): Promise<void> {
    return this.#writer.alone((_, sql) => {
      for (const leaf of leaves) {
        sql('INSERT INTO given_up (leaf, entry) SELECT leaf, entry FROM lost_leaves WHERE leaf = ?').run(leaf)
        sql('DELETE FROM lost_leaves WHERE leaf = ?').run(leaf)
      }
    })
  }

  async givenUp(): Promise<number[]> {
    const rows = this.#read('SELECT leaf FROM given_up ORDER BY leaf').all() as unknown as { leaf: number }[]
    return rows.map(({ leaf }) => leaf)
  }

  async losses(): Promise<{ statement: Uint8Array; sequence: number; salt: Uint8Array }[]> {
    return this.#read(`SELECT s.statement, s.sequence, s.salt FROM losses l JOIN statements s ON s.sequence = l.sequence
      ORDER BY s.sequence`).all() as unknown as { statement: Uint8Array; sequence: number; salt: Uint8Array }[]
  }

  #apply(session: Session, { operation, places }: Restored): void {
    session.goOnAt((places[0] as { sequence: number }).sequence)
    const applied = applyOperation(session, operation)
    if ('problem' in applied) throw new RestoreRefused(`${operation.kind}: ${applied.problem}`)
    const sequence = 'sequence' in applied ? applied.sequence : applied.position.sequence
    if (sequence !== places[0]?.sequence) throw new RestoreRefused(`${operation.kind}: it takes another place`)
  }
}
