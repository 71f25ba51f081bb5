/**
 * Group commit. Operations that arrive while a transaction is being written wait and share the next one, so many
 * durable writes cost one fsync. Nobody is answered before that fsync.
 */
import type { DatabaseSync } from 'node:sqlite'
import { followingSalt } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { INDEX_LIMITS } from '../limits.ts'
import type { Operation, Outcome, PositionSigner, StoredPosition } from '../store.ts'
import { applyOperation } from './apply.ts'
import type { LogFlush } from './log-flush.ts'
import { type Applied, type Sequenced, Session } from './session.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

/** Runs a function soon, after what is already arriving: `setImmediate` where nothing else is injected. */
export type Tick = (run: () => void) => void

type GroupPoint =
  | 'group-begun' | 'group-applied' | 'group-signed' | 'group-written' | 'group-durable'
  | 'publish-begun' | 'publish-written'

/** Called at named points of a write, so that a test can end the process exactly there. */
export type FaultPoint = (point: GroupPoint) => void

interface Waiting {
  readonly operations: readonly Operation[]
  readonly resolve: (outcomes: Outcome[]) => void
  readonly reject: (error: unknown) => void
}

interface GroupOptions {
  readonly sign: PositionSigner
  /** Draws the 16 bytes of a leaf's salt. */
  readonly salt: () => Uint8Array
  /** Called when a group is durable. */
  readonly grown: () => void
  readonly tick: Tick
  readonly faultPoint: FaultPoint
  /** Where SQLite does not flush by itself. */
  readonly log?: LogFlush
}

const SQLITE_FULL = 13

const UNSIGNED = new Uint8Array(0)

export class GroupWriter {
  readonly #database: DatabaseSync
  readonly #sql: Prepare
  readonly #session: Session
  readonly #options: GroupOptions
  #waiting: Waiting[] = []
  #queued = 0
  #scheduled = false
  #broken = false
  #idle: (() => void)[] = []

  constructor(database: DatabaseSync, options: GroupOptions) {
    this.#database = database
    this.#sql = preparer(database)
    this.#session = new Session(this.#sql)
    this.#options = options
  }

  /** False once a commit to disk ended uncertain: what is stored is then known only after a restart. */
  get sound(): boolean {
    return !this.#broken
  }

  async write(operations: readonly Operation[]): Promise<Outcome[]> {
    if (this.#broken) throw new Problem('internal', 'a durable write ended uncertain; the index must be restarted')
    if (this.#queued + operations.length > INDEX_LIMITS.queuedOperations) throw new Problem('overloaded')
    this.#queued += operations.length
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      this.#schedule()
    })
  }

  /**
   * Runs what is no operation in a durable transaction of its own, between two groups. `work` writes nothing else, and
   * waits for nothing.
   */
  async alone(work: (session: Session, sql: Prepare) => void): Promise<void> {
    while (this.#scheduled) await this.drained()
    if (this.#broken) throw new Problem('internal', 'a durable write ended uncertain; the index must be restarted')
    this.#scheduled = true
    try {
      this.#database.exec('BEGIN IMMEDIATE')
      this.#session.begin()
      work(this.#session, this.#sql)
      this.#database.exec('COMMIT')
      await this.#flush()
    } catch (error) {
      this.#rollBack(error)
      throw error
    } finally {
      this.#ended()
    }
  }

  /** Stores the row of a statement that took a sequence number in the open transaction. */
  insert({ sequence, vault, statement }: Sequenced, position: StoredPosition): void {
    const { time, keyVersion, signature, salt } = position
    this.#sql(`INSERT INTO statements
      (sequence, vault, id, time, key_version, signature, statement, salt, subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(
        sequence, vault, statement.id, time, keyVersion, signature, statement.bytes, salt, statement.subject ?? null,
      )
  }

  /** Resolves once all that readers see by now is on the disk. */
  async durable(): Promise<void> {
    try {
      await this.#options.log?.last
    } catch (cause) {
      throw new Problem('internal', 'a durable write ended uncertain; the index must be restarted', { cause })
    }
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    if (!this.#scheduled) return
    await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#options.tick(() => void this.#run())
  }

  async #run(): Promise<void> {
    const group = this.#takeGroup()
    try {
      const outcomes = await this.#commit(group)
      for (const [place, { resolve }] of group.entries()) resolve(outcomes[place] as Outcome[])
    } catch (error) {
      this.#rollBack(error)
      for (const { reject } of group) reject(error)
    }
    this.#ended()
  }

  #ended(): void {
    this.#scheduled = false
    if (this.#waiting.length > 0) this.#schedule()
    else for (const idle of this.#idle.splice(0)) idle()
  }

  #takeGroup(): Waiting[] {
    let size = 0
    let count = 0
    for (const { operations } of this.#waiting) {
      if (count > 0 && size + operations.length > INDEX_LIMITS.groupOperations) break
      size += operations.length
      count++
    }
    this.#queued -= size
    return this.#waiting.splice(0, count)
  }

  async #commit(group: readonly Waiting[]): Promise<Outcome[][]> {
    const { faultPoint } = this.#options
    this.#database.exec('BEGIN IMMEDIATE')
    this.#session.begin()
    this.#requireWhole()
    faultPoint('group-begun')
    const apply = (operation: Operation): Applied => applyOperation(this.#session, operation)
    const applied = group.map(({ operations }) => operations.map(apply))
    faultPoint('group-applied')
    const positions = await this.#storeStatements()
    faultPoint('group-signed')
    this.#database.exec('COMMIT')
    faultPoint('group-written')
    await this.#flush()
    faultPoint('group-durable')
    this.#options.grown()
    return applied.map((outcomes) => outcomes.map((outcome) => outcomeOf(outcome, positions)))
  }

  /** Numbers of leaves that are lost are not given to others. */
  #requireWhole(): void {
    if (numberOf(this.#sql('SELECT 1 AS no FROM lost_leaves LIMIT 1').get()) !== undefined) {
      throw new Problem('log-recovering')
    }
  }

  async #flush(): Promise<void> {
    try {
      await this.#options.log?.run()
    } catch (error) {
      this.#broken = true
      throw error
    }
  }

  async #storeStatements(): Promise<Map<number, StoredPosition>> {
    const { sign, salt: drawn } = this.#options
    const positions = new Map<number, StoredPosition>()
    for (const sequenced of this.#session.sequenced()) {
      const { sequence, statement, time, follows } = sequenced
      const before = follows === undefined ? undefined : positions.get(follows)
      const salt = before === undefined ? drawn() : followingSalt(before.salt)
      const position = time === undefined
        ? await sign(statement.id, sequence, salt)
        : { sequence, time, salt, keyVersion: 0, signature: UNSIGNED }
      positions.set(sequence, position)
      this.insert(sequenced, position)
    }
    return positions
  }

  /** After a full disk the transaction is gone and all is well. After any other failure of the disk nothing is sure. */
  #rollBack(error: unknown): void {
    this.#sql.numbers.clear()
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch {
      this.#broken = true
    }
    const code = (error as { errcode?: number }).errcode
    if (code !== undefined && (code & 0xff) !== SQLITE_FULL) this.#broken = true
  }
}

const outcomeOf = (applied: Applied, positions: ReadonlyMap<number, StoredPosition>): Outcome =>
  'sequence' in applied ? { position: positions.get(applied.sequence) as StoredPosition } : applied
