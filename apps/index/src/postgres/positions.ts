/**
 * The index's word about a statement, once its leaf has a number: signed by whichever process answers first, stored
 * before it is told, so that the same statement gets the same octets again from every process.
 */
import type { Pool } from 'pg'
import type { PositionSigner, StoredPosition } from '../store.ts'
import { byteArrays, integers } from './arrays.ts'
import { prepared } from './prepared.ts'
import type { Watch } from './watch.ts'

/** A stored statement, as far as its position goes. */
export interface Unplaced {
  readonly seq: number
  readonly id: Uint8Array
  readonly salt: Uint8Array
  /** Of a commit, which is signed for in the answer. */
  readonly time: number | null
}

export interface PositionRow extends Unplaced {
  readonly sequence: number | null
  readonly signed: number | null
  readonly key_version: number | null
  readonly signature: Uint8Array | null
}

/** Columns of PositionRow where `t` is statements, `l` leaves, `n` positions: see POSITION_TABLES. */
export const POSITION_COLUMNS =
  't.seq, t.id, t.salt, t.time, l.sequence, n.time AS signed, n.key_version, n.signature'
export const POSITION_TABLES = `LEFT JOIN leaves l ON l.vault = t.vault AND l.seq = t.seq
  LEFT JOIN positions n ON n.vault = t.vault AND n.seq = t.seq`

const KEEP = prepared(`INSERT INTO positions (vault, seq, time, key_version, signature)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) ON CONFLICT DO NOTHING
  RETURNING seq`)
const KEPT = prepared<{ seq: number; time: number; key_version: number; signature: Uint8Array }>(
  'SELECT seq, time, key_version, signature FROM positions WHERE vault = $1 AND seq = ANY ($2::bigint[])',
)
const ROWS = prepared<PositionRow>(`SELECT ${POSITION_COLUMNS} FROM statements t ${POSITION_TABLES}
  WHERE t.vault = $1 AND t.seq = ANY ($2::bigint[])`)

const UNSIGNED = new Uint8Array(0)

const ofCommit = (sequence: number, time: number, salt: Uint8Array): StoredPosition => ({
  sequence, time, salt, keyVersion: 0, signature: UNSIGNED,
})

export interface PositionsOptions {
  readonly pool: Pool
  readonly watch: Watch
  readonly sign: PositionSigner
  readonly faultPoint: (point: 'position-signed' | 'position-written') => void
}

export class Positions {
  readonly #options: PositionsOptions

  constructor(options: PositionsOptions) {
    this.#options = options
  }

  /** Positions of stored statements of a vault, by `seq`; waits for leaves that have no number yet. */
  async of(vault: Uint8Array, seqs: readonly number[]): Promise<Map<number, StoredPosition>> {
    return this.complete(vault, await ROWS(this.#options.pool, vault, integers(seqs)))
  }

  /** The same from rows read before. */
  async complete(vault: Uint8Array, rows: readonly PositionRow[]): Promise<Map<number, StoredPosition>> {
    const found = new Map<number, StoredPosition>()
    const open: Unplaced[] = []
    for (const row of rows) {
      const { seq, sequence, salt, time, signed, key_version: keyVersion, signature } = row
      if (sequence !== null && time !== null) found.set(seq, ofCommit(sequence, time, salt))
      else if (sequence === null || signed === null || keyVersion === null || signature === null) open.push(row)
      else found.set(seq, { sequence, time: signed, salt, keyVersion, signature })
    }
    const made = open.length === 0 ? new Map<number, StoredPosition>() : await this.make(vault, open)
    return new Map([...found, ...made])
  }

  /** Positions of statements that have none yet. Their leaves may have no number yet either. */
  async make(vault: Uint8Array, statements: readonly Unplaced[]): Promise<Map<number, StoredPosition>> {
    const { watch, sign } = this.#options
    const waits = statements.map(({ seq }) => watch.sequence(vault, seq))
    watch.look()
    return this.sign(vault, statements, await Promise.all(waits), sign)
  }

  async sign(
    vault: Uint8Array, statements: readonly Unplaced[], sequences: readonly number[], sign = this.#options.sign,
  ): Promise<Map<number, StoredPosition>> {
    const made = new Map<number, StoredPosition>()
    const signed = new Map<number, StoredPosition>()
    for (const [place, { seq, id, salt, time }] of statements.entries()) {
      const sequence = sequences[place] as number
      if (time !== null) made.set(seq, ofCommit(sequence, time, salt))
      else signed.set(seq, await sign(id, sequence, salt))
    }
    if (signed.size === 0) return made
    return new Map([...made, ...await this.#keep(vault, signed)])
  }

  /** Where another process was first, its word is the one that holds. */
  async #keep(vault: Uint8Array, signed: Map<number, StoredPosition>): Promise<Map<number, StoredPosition>> {
    const { pool, faultPoint } = this.#options
    faultPoint('position-signed')
    const seqs = [...signed.keys()].toSorted((a, b) => a - b)
    const all = seqs.map((seq) => signed.get(seq) as StoredPosition)
    const kept = await KEEP(
      pool, vault, integers(seqs), integers(all.map(({ time }) => time)),
      integers(all.map(({ keyVersion }) => keyVersion)), byteArrays(all.map(({ signature }) => signature)),
    )
    faultPoint('position-written')
    if (kept.length === seqs.length) return signed
    const rows = await KEPT(pool, vault, integers(seqs))
    return new Map(rows.map(({ seq, time, key_version: keyVersion, signature }) => {
      const { sequence, salt } = signed.get(seq) as StoredPosition
      return [seq, { sequence, salt, time, keyVersion, signature }]
    }))
  }
}
