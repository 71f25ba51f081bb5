/** The log's part of the embedded engine. One process holds the directory, so it leads, and nobody else publishes. */
import type { DatabaseSync } from 'node:sqlite'
import { logEntry } from '@scelle/seal/verify'
import {
  type CosignedKind, type LogStore, PublishError, type StoredCheckpoint, type StoredLeaf, type StoredTile,
} from '../log-store.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

interface LeafRow {
  id: Uint8Array; salt: Uint8Array; subject: Uint8Array | null; statement: Uint8Array | null; access: Uint8Array | null
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
  readonly faultPoint: (point: 'publish-begun' | 'publish-written') => void
}

export class LogTables implements LogStore {
  readonly #options: LogTablesOptions
  readonly #log: Prepare
  readonly #statements: Prepare
  readonly #listeners = new Set<() => void>()

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
    const stored = numberOf(this.#statements('SELECT max(sequence) AS no FROM statements').get()) ?? 0
    const size = numberOf(this.#statements('SELECT max(leaf) + 1 AS no FROM lost_leaves').get()) ?? stored
    await this.#options.durable()
    return size
  }

  async leaves(from: number, to: number): Promise<StoredLeaf[]> {
    const rows = this.#statements(
      `SELECT s.id, s.salt, s.subject, d.access,
         CASE WHEN s.subject IS NULL AND d.access IS NULL THEN NULL ELSE s.statement END AS statement
       FROM statements s LEFT JOIN denials d ON d.sequence = s.sequence
       WHERE s.sequence > ? AND s.sequence <= ? ORDER BY s.sequence`,
    ).all(from, to) as unknown as LeafRow[]
    return rows.length === to - from ? rows.map(leafOf) : [...rows.map(leafOf), ...this.#lost(from, to)]
  }

  #lost(from: number, to: number): StoredLeaf[] {
    return this.#statements('SELECT entry FROM lost_leaves WHERE leaf >= ? AND leaf < ? ORDER BY leaf')
      .all(from, to) as unknown as StoredLeaf[]
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
  }

  async cosigned(kind: CosignedKind): Promise<{ readonly size: number; readonly note: Uint8Array } | undefined> {
    return this.#log('SELECT size, note FROM cosigned WHERE kind = ?').get(kind) as
      | { size: number; note: Uint8Array }
      | undefined
  }
}
