/** The log's part of the PostgreSQL engine: any process reads, the leader publishes under its term. */
import type { Pool } from 'pg'
import { logEntry } from '@scelle/seal/verify'
import {
  type CosignedKind, type CosignedNote, type LogProcesses, type LogStore, PublishError, type StoredCheckpoint,
  type StoredLeaf, type StoredLog, type StoredTile,
} from '../log-store.ts'
import { byteArrays, integers } from './arrays.ts'
import { isLost } from './connect.ts'
import type { Notices } from './notices.ts'
import type { Database } from './database.ts'
import type { Leader, Led } from './leader.ts'
import { prepared } from './prepared.ts'
import type { Watch } from './watch.ts'

/** Checkpoint and tiles in one statement, so in one transaction; nothing where the term or the size before differ. */
const PUBLISH = prepared<{ size: number }>(`WITH head AS (
    UPDATE log_head SET checkpoint = $3, root = $4, note = $5
    WHERE term = $1 AND checkpoint = $2 AND size >= $3 RETURNING checkpoint),
  kept AS (
    INSERT INTO tiles (level, no, bytes)
    SELECT t.* FROM head, unnest($6::bigint[], $7::bigint[], $8::bytea[]) AS t (level, no, bytes)
    ON CONFLICT (level, no) DO UPDATE SET bytes = excluded.bytes)
  SELECT checkpoint AS size FROM head`)
const HEAD = prepared<{ term: number; checkpoint: number }>('SELECT term, checkpoint FROM log_head')

/** One statement, so that no note in it is of a larger checkpoint than the one beside it. */
const STORED = prepared<StoredRow>(`SELECT h.checkpoint, h.root, h.note, q.size AS quorum, q.note AS quorum_note,
    f.size AS final, f.note AS final_note,
    h.size > h.checkpoint OR EXISTS (SELECT FROM pending) AS behind
  FROM log_head h LEFT JOIN cosigned q ON q.kind = 'quorum' LEFT JOIN cosigned f ON f.kind = 'final'`)

interface StoredRow {
  readonly checkpoint: number
  readonly root: Uint8Array | null
  readonly note: Uint8Array | null
  readonly quorum: number | null
  readonly quorum_note: Uint8Array | null
  readonly final: number | null
  readonly final_note: Uint8Array | null
  readonly behind: boolean
}

const noteOf = (size: number | null, note: Uint8Array | null): CosignedNote | undefined =>
  size === null || note === null ? undefined : { size, note }

const checkpointOf = ({ checkpoint, root, note }: Omit<StoredRow, 'behind'>): StoredCheckpoint | undefined =>
  root === null || note === null ? undefined : { size: checkpoint, root, note }

const FENCED = 'another process leads the log'

interface LeafRow {
  id: Uint8Array; salt: Uint8Array; subject: Uint8Array | null; statement: Uint8Array | null; refused: Uint8Array | null
}

const leafOf = ({ id, salt, subject, statement, refused }: LeafRow): StoredLeaf => {
  const entry = logEntry({ salt, statement: id, subject: subject ?? undefined })
  if (statement === null) return { entry }
  return refused === null
    ? { entry, control: { statement, salt } }
    : { entry, denial: { statement, salt, access: refused } }
}

export interface PostgresLogOptions {
  readonly database: Database
  readonly pool: Pool
  readonly leader: Leader
  readonly watch: Watch
  readonly notices: Notices
  readonly faultPoint: (point: 'publish-begun' | 'publish-written') => void
}

export class PostgresLog implements LogStore {
  readonly processes: LogProcesses
  readonly #options: PostgresLogOptions

  constructor(options: PostgresLogOptions) {
    this.#options = options
    const { watch, notices, leader } = options
    this.processes = {
      stored: () => this.#stored(),
      changed: (call) => watch.published(call),
      want: (leaf) => notices.tell('wanted', leaf),
      wanted: (call) => notices.on('wanted', call),
      tried: () => leader.tried,
      resign: () => leader.close(),
    }
  }

  async #stored(): Promise<StoredLog> {
    const [row] = await STORED(this.#options.pool)
    if (row === undefined) throw new Error('the log has no head')
    const { quorum, final, behind } = row
    return {
      checkpoint: checkpointOf(row), quorum: noteOf(quorum, row.quorum_note), final: noteOf(final, row.final_note),
      behind,
    }
  }

  async size(): Promise<number> {
    const { size } = await this.#options.database.selectFrom('log_head').select('size').executeTakeFirstOrThrow()
    return size
  }

  async leaves(from: number, to: number): Promise<StoredLeaf[]> {
    const rows = await this.#options.database.selectFrom('leaves as l')
      .leftJoin('accesses as a', (join) =>
        join.onRef('a.vault', '=', 'l.vault').onRef('a.seq', '=', 'l.seq').on('a.refused', 'is not', null))
      .leftJoin('statements as t', (join) =>
        join.onRef('t.vault', '=', 'l.vault').onRef('t.seq', '=', 'l.seq')
          .on((eb) => eb.or([eb('l.subject', 'is not', null), eb('a.seq', 'is not', null)])))
      .select(['l.id', 'l.salt', 'l.subject', 't.statement', 'a.refused'])
      .where('l.sequence', '>', from).where('l.sequence', '<=', to).orderBy('l.sequence').execute()
    return rows.map(leafOf)
  }

  grown(call: () => void): () => void {
    return this.#options.watch.grown(call)
  }

  lead(signal: AbortSignal): Promise<void> {
    return this.#options.leader.lead(signal)
  }

  async checkpoint(): Promise<StoredCheckpoint | undefined> {
    const { checkpoint, root, note } = await this.#options.database.selectFrom('log_head')
      .select(['checkpoint', 'root', 'note']).executeTakeFirstOrThrow()
    return root === null || note === null ? undefined : { size: checkpoint, root, note }
  }

  async publish(next: StoredCheckpoint, tiles: readonly StoredTile[], after: number): Promise<void> {
    const { leader, notices, faultPoint } = this.#options
    const led = leader.led
    if (led === undefined) throw new PublishError('fenced', FENCED)
    faultPoint('publish-begun')
    if (!(await this.#store(led, next, tiles, after))) await this.#explain(led, after)
    faultPoint('publish-written')
    notices.tell('published')
  }

  async #store(
    { client, term }: Led, next: StoredCheckpoint, tiles: readonly StoredTile[], after: number,
  ): Promise<boolean> {
    try {
      const rows = await PUBLISH(
        client, term, after, next.size, next.root, next.note, integers(tiles.map(({ level }) => level)),
        integers(tiles.map(({ index }) => index)), byteArrays(tiles.map(({ bytes }) => bytes)),
      )
      return rows.length > 0
    } catch (cause) {
      // With the connection goes the answer: the server may have stored it, or may be about to.
      if (isLost(cause)) throw new PublishError('uncertain', 'whether a checkpoint was stored is uncertain', { cause })
      throw cause
    }
  }

  async #explain({ client, term }: Led, after: number): Promise<never> {
    const [head] = await HEAD(client).catch((cause: unknown) => {
      throw new PublishError('fenced', FENCED, { cause })
    })
    if (head?.term !== term) throw new PublishError('fenced', FENCED)
    throw new PublishError(
      'conflict', head.checkpoint === after
        ? 'the checkpoint covers leaves that have no number yet'
        : `the stored checkpoint has size ${head.checkpoint}, not ${after}`,
    )
  }

  async tile(level: number, index: number): Promise<Uint8Array | undefined> {
    const row = await this.#options.database.selectFrom('tiles').select('bytes')
      .where('level', '=', level).where('no', '=', index).executeTakeFirst()
    return row?.bytes
  }

  async keepCosigned(kind: CosignedKind, size: number, note: Uint8Array): Promise<void> {
    await this.#options.database.insertInto('cosigned').values({ kind, size, note })
      .onConflict((conflict) => conflict.column('kind')
        .doUpdateSet((eb) => ({ size: eb.ref('excluded.size'), note: eb.ref('excluded.note') }))
        .whereRef('excluded.size', '>=', 'cosigned.size'))
      .execute()
    this.#options.notices.tell('published')
  }

  async cosigned(kind: CosignedKind): Promise<CosignedNote | undefined> {
    return this.#options.database.selectFrom('cosigned').select(['size', 'note']).where('kind', '=', kind)
      .executeTakeFirst()
  }
}
