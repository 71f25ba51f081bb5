/** The log's part of the embedded engine. One process holds the directory, so it leads, and nobody else publishes. */
import type { DatabaseSync } from 'node:sqlite'
import { logEntry } from '@scelle/seal/verify'
import {
  type CosignedKind, type LogStore, PublishError, type StoredCheckpoint, type StoredLeaf, type StoredTile,
} from '../log-store.ts'
import type { LogFlush } from './log-flush.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

interface LeafRow {
  sequence: number; id: Uint8Array; salt: Uint8Array; subject: Uint8Array | null; statement: Uint8Array | null
  access: Uint8Array | null
}

const leafOf = ({ id, salt, subject, statement, access }: LeafRow): StoredLeaf => {
  const entry = logEntry({ salt, statement: id, subject: subject ?? undefined })
  if (statement === null) return { entry }
  return access === null ? { entry, control: { statement, salt } } : { entry, denial: { statement, salt, access } }
}

export interface LogTablesOptions {
  /** The log's own file. */
  readonly log: DatabaseSync
  /** A connection that reads the index's statements. */
  readonly statements: DatabaseSync
  /** Resolves once what readers see is on the disk. */
  readonly durable: () => Promise<void>
  /** Where SQLite does not flush the log's file by itself: two flushes a checkpoint would be half of the thread. */
  readonly flush?: LogFlush | undefined
  readonly faultPoint: (point: 'publish-begun' | 'publish-written') => void
}

export class LogTables implements LogStore {
  readonly #options: LogTablesOptions
  readonly #log: Prepare
  readonly #statements: Prepare
  readonly #listeners = new Set<() => void>()
  #flushed: Promise<void> = Promise.resolve()
  /** A flush that has not begun: it is of everything written until it does. */
  #waiting: Promise<void> | undefined

  constructor(options: LogTablesOptions) {
    this.#options = options
    this.#log = preparer(options.log)
    this.#statements = preparer(options.statements)
  }

  /** To be called when a group is durable. */
  readonly wake = (): void => {
    for (const call of this.#listeners) call()
  }

  grown(call: () => void): () => void {
    this.#listeners.add(call)
    return () => this.#listeners.delete(call)
  }

  async size(): Promise<number> {
    const size = numberOf(this.#statements(`SELECT max((SELECT coalesce(max(sequence), 0) FROM statements),
      (SELECT coalesce(max(leaf) + 1, 0) FROM given_up), (SELECT coalesce(max(leaf) + 1, 0) FROM lost_leaves)) AS no`)
      .get()) as number
    await this.#options.durable()
    return size
  }

  async leaves(from: number, to: number): Promise<StoredLeaf[]> {
    const rows = this.#statements(
      `SELECT s.sequence, s.id, s.salt, s.subject, d.access,
         CASE WHEN s.subject IS NULL AND d.access IS NULL THEN NULL ELSE s.statement END AS statement
       FROM statements s LEFT JOIN denials d ON d.sequence = s.sequence
       WHERE s.sequence > ? AND s.sequence <= ? ORDER BY s.sequence`,
    ).all(from, to) as unknown as LeafRow[]
    return rows.length === to - from ? rows.map(leafOf) : this.#withoutStatements(rows, from, to)
  }

  /** Leaves of a restored index, some of which have no statement. */
  #withoutStatements(rows: readonly LeafRow[], from: number, to: number): StoredLeaf[] {
    const bare = this.#statements(`SELECT leaf, entry FROM lost_leaves WHERE leaf >= ?1 AND leaf < ?2
      UNION ALL SELECT leaf, entry FROM given_up WHERE leaf >= ?1 AND leaf < ?2`)
      .all(from, to) as unknown as { leaf: number; entry: Uint8Array }[]
    const all = [
      ...rows.map((row) => ({ at: row.sequence - 1, leaf: leafOf(row) })),
      ...bare.map(({ leaf, entry }) => ({ at: leaf, leaf: { entry } })),
    ]
    return all.toSorted((a, b) => a.at - b.at).map(({ leaf }) => leaf)
  }

  async lead(): Promise<void> {}

  async checkpoint(): Promise<StoredCheckpoint | undefined> {
    return this.#log('SELECT size, root, note FROM checkpoint').get() as StoredCheckpoint | undefined
  }

  async publish(next: StoredCheckpoint, tiles: readonly StoredTile[], after: number): Promise<void> {
    const { log: database, faultPoint } = this.#options
    const sql = this.#log
    database.exec('BEGIN IMMEDIATE')
    try {
      faultPoint('publish-begun')
      const stored = numberOf(sql('SELECT size AS no FROM checkpoint').get()) ?? 0
      if (stored !== after) throw new PublishError('conflict', `the stored checkpoint has size ${stored}, not ${after}`)
      const insert = sql('INSERT OR REPLACE INTO tiles (level, no, bytes) VALUES (?, ?, ?)')
      for (const { level, index, bytes } of tiles) insert.run(level, index, bytes)
      sql('INSERT OR REPLACE INTO checkpoint (one, size, root, note) VALUES (1, ?, ?, ?)')
        .run(next.size, next.root, next.note)
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
    try {
      database.exec('COMMIT')
      faultPoint('publish-written')
      await this.#flush()
    } catch (cause) {
      throw new PublishError('uncertain', 'whether a checkpoint was stored is uncertain', { cause })
    }
  }

  async tile(level: number, index: number): Promise<Uint8Array | undefined> {
    const row = this.#log('SELECT bytes FROM tiles WHERE level = ? AND no = ?').get(level, index)
    return (row as { bytes: Uint8Array } | undefined)?.bytes
  }

  async keepCosigned(kind: CosignedKind, size: number, note: Uint8Array): Promise<void> {
    this.#log(`INSERT INTO cosigned (kind, size, note) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
      SET size = excluded.size, note = excluded.note WHERE excluded.size >= size`).run(kind, size, note)
    await this.#flush()
  }

  /** Resolves when nothing is being flushed. */
  async settled(): Promise<void> {
    await this.#flushed.catch(() => undefined)
  }

  /** One at a time. After one that failed all fail: what another one says of the same pages is not to be believed. */
  #flush(): Promise<void> {
    const { flush } = this.#options
    if (flush === undefined) return Promise.resolve()
    this.#waiting ??= this.#flushed = this.#flushed.then(() => {
      this.#waiting = undefined
      return flush.run()
    })
    return this.#waiting
  }

  async cosigned(kind: CosignedKind): Promise<{ readonly size: number; readonly note: Uint8Array } | undefined> {
    return this.#log('SELECT size, note FROM cosigned WHERE kind = ?').get(kind) as
      | { size: number; note: Uint8Array }
      | undefined
  }
}
