/** The open transaction of a group. */
import { nameOf } from '../names.ts'
import type { Refusal, StoredPosition, StoredStatement } from '../store.ts'
import { principalNo } from './rows.ts'
import { numberOf, type Prepare } from './statements.ts'

/** A statement that takes a sequence number in this group; its row is written once its position is signed. */
export interface Sequenced {
  readonly sequence: number
  readonly vault: number
  readonly statement: StoredStatement
  /** Of a commit: when it came. Its position is signed in the answer, with those of its request. */
  readonly time?: number
  /** Of a statement that came with the one of this sequence: its salt follows from that one's. */
  readonly follows?: number
}

export type Applied = Refusal | { readonly position: StoredPosition } | { readonly sequence: number }

/** One group while it is applied: what it has stored so far, and the numbers that come next. */
export class Session {
  readonly sql: Prepare
  /** Statements of the open group, by vault and id. */
  #group = new Map<string, Sequenced>()
  #next = { sequence: 1, capsule: 1, record: 1 }

  constructor(sql: Prepare) {
    this.sql = sql
  }

  /** Starts a group: the transaction is open, and numbers continue from what is stored. */
  begin(): void {
    this.#group = new Map()
    const after = (table: string, column: string): number =>
      (numberOf(this.sql(`SELECT max(${column}) AS no FROM ${table}`).get()) ?? 0) + 1
    this.#next = {
      sequence: Math.max(after('statements', 'sequence'), after('given_up', 'leaf + 1')),
      capsule: after('capsules', 'no'),
      record: after('records', 'no'),
    }
  }

  /** Statements that the open group stores, in order. */
  sequenced(): Sequenced[] {
    return [...this.#group.values()]
  }

  /** The next statement takes this sequence, which nothing has. */
  goOnAt(sequence: number): void {
    this.#next.sequence = sequence
  }

  take(counter: 'capsule' | 'record'): number {
    return this.#next[counter]++
  }

  sequence(vault: number, statement: StoredStatement, of: Pick<Sequenced, 'time' | 'follows'> = {}): number {
    const sequence = this.#next.sequence++
    this.#group.set(this.#key(vault, statement.id), { sequence, vault, statement, ...of })
    return sequence
  }

  #key(vault: number, id: Uint8Array): string {
    return `${vault}/${nameOf(id)}`
  }

  /** What was answered, or will be, to the same statement before. */
  before(vault: number, id: Uint8Array): Applied | undefined {
    const here = this.#group.get(this.#key(vault, id))
    if (here !== undefined) return { sequence: here.sequence }
    const position = storedPosition(this.sql, vault, id)
    return position === undefined ? undefined : { position }
  }

  principal(id: Uint8Array): number {
    const known = principalNo(this.sql, id)
    if (known !== undefined) return known
    return Number(this.sql('INSERT INTO principals (id) VALUES (?)').run(id).lastInsertRowid)
  }
}

export const storedPosition = (sql: Prepare, vault: number, id: Uint8Array): StoredPosition | undefined => {
  const row = sql(`SELECT ${POSITION_COLUMNS} FROM statements WHERE vault = ? AND id = ?`).get(vault, id)
  return row === undefined ? undefined : positionOf(row as unknown as PositionRow)
}

export interface PositionRow {
  sequence: number; time: number; salt: Uint8Array; key_version: number; signature: Uint8Array
}

export const POSITION_COLUMNS = 'sequence, time, salt, key_version, signature'

export const positionOf = ({ sequence, time, salt, key_version, signature }: PositionRow): StoredPosition => ({
  sequence, time, salt, keyVersion: key_version, signature,
})
