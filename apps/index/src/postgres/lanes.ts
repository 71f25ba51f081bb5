/**
 * Operations of one vault in order, those of different vaults at once. Operations that arrive while a vault's
 * transaction is being written share the vault's next one.
 */
import type { Pool, PoolClient } from 'pg'
import { Problem } from '@scelle/wire/errors'
import { INDEX_LIMITS } from '../limits.ts'
import { nameOf } from '../names.ts'
import type { Operation, Outcome, Refusal, StoredPosition } from '../store.ts'
import { applyOperation } from './apply.ts'
import { isLost, isPassing } from './connect.ts'
import { type Applied, Draft, type NewStatement } from './draft.ts'
import { loadElsewhere, loadVault, vaultOf } from './load.ts'
import type { Positions, Unplaced } from './positions.ts'
import type { Watch } from './watch.ts'
import { writeDraft, writeEncapsulations } from './write.ts'

export type LanePoint = 'apply-loaded' | 'apply-written'

export interface LanesOptions {
  readonly pool: Pool
  readonly watch: Watch
  readonly positions: Positions
  /** Draws the 16 bytes of a leaf's salt. */
  readonly salt: () => Uint8Array
  readonly faultPoint: (point: LanePoint) => void
}

interface Waiting {
  readonly operation: Operation
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

interface Lane {
  readonly vault: Uint8Array
  waiting: Waiting[]
}

/** What a transaction stored, and the leaves whose numbers were asked for before it could have any. */
interface Written {
  readonly applied: readonly Applied[]
  readonly statements: readonly NewStatement[]
  readonly sequences: readonly Promise<number>[]
}

const unknownVault = ({ kind }: Operation): Refusal => ({ problem: kind === 'commit' ? 'not-permitted' : 'not-found' })

const unreachable = (cause: unknown): Problem =>
  new Problem('overloaded', 'The database cannot be reached. What was sent may be stored: ask again.', { cause })

const unplaced = ({ seq, statement, salt, time }: NewStatement): Unplaced => ({
  seq, salt, id: statement.id, time: time ?? null,
})

export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #answers = new Set<Promise<void>>()
  #queued = 0
  #idle: (() => void)[] = []

  constructor(options: LanesOptions) {
    this.#options = options
  }

  async apply(operations: readonly Operation[]): Promise<Outcome[]> {
    if (this.#queued + operations.length > INDEX_LIMITS.queuedOperations) throw new Problem('overloaded')
    this.#queued += operations.length
    return Promise.all(operations.map((operation) => new Promise<Outcome>((resolve, reject) => {
      const vault = vaultOf(operation)
      const name = nameOf(vault)
      const lane = this.#lanes.get(name)
      if (lane !== undefined) lane.waiting.push({ operation, resolve, reject })
      else {
        const made = { vault, waiting: [{ operation, resolve, reject }] }
        this.#lanes.set(name, made)
        // After what the same call, and others of this turn, bring for the vault.
        queueMicrotask(() => void this.#run(name, made))
      }
    })))
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => void this.#idle.push(resolve))
    await Promise.all(this.#answers)
  }

  async #run(name: string, lane: Lane): Promise<void> {
    while (lane.waiting.length > 0) {
      const group = lane.waiting.splice(0, INDEX_LIMITS.groupOperations)
      try {
        const written = await this.#write(lane.vault, group.map(({ operation }) => operation))
        const answer = this.#answer(lane.vault, group, written)
        this.#answers.add(answer)
        void answer.then(() => this.#answers.delete(answer))
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
      this.#queued -= group.length
    }
    this.#lanes.delete(name)
    if (this.#lanes.size === 0) for (const idle of this.#idle.splice(0)) idle()
  }

  /** The next transaction of the vault does not wait for the numbers of this one's leaves. */
  async #answer(vault: Uint8Array, group: readonly Waiting[], written: Written): Promise<void> {
    try {
      const places = await this.#positions(vault, written)
      for (const [place, { resolve }] of group.entries()) {
        const applied = written.applied[place] as Applied
        resolve('seq' in applied ? { position: places.get(applied.seq) as StoredPosition } : applied)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  async #positions(vault: Uint8Array, written: Written): Promise<Map<number, StoredPosition>> {
    const { positions } = this.#options
    const fresh = new Set(written.statements.map(({ seq }) => seq))
    const before = written.applied.flatMap((applied) =>
      ('seq' in applied && !fresh.has(applied.seq) ? [applied.seq] : []))
    const made = written.statements.length === 0
      ? new Map<number, StoredPosition>()
      : await positions.sign(vault, written.statements.map(unplaced), await Promise.all(written.sequences))
    return before.length === 0 ? made : new Map([...made, ...await positions.of(vault, before)])
  }

  /** Runs it again where that is safe: a statement that was stored after all is found by its id. */
  async #write(vault: Uint8Array, operations: readonly Operation[]): Promise<Written> {
    for (let conflicts = 0, losses = 0; ;) {
      try {
        return await this.#transact(vault, operations)
      } catch (error) {
        if (isPassing(error) && ++conflicts < INDEX_LIMITS.conflictRetries) continue
        if (!isLost(error)) throw error
        if (++losses >= INDEX_LIMITS.lossRetries) throw unreachable(error)
        await new Promise((resolve) => void setTimeout(resolve, INDEX_LIMITS.reconnectPause * losses))
      }
    }
  }

  async #transact(vault: Uint8Array, operations: readonly Operation[]): Promise<Written> {
    const client = await this.#options.pool.connect()
    try {
      await writeEncapsulations(client, operations)
      const written = await this.#inTransaction(client, vault, operations)
      client.release()
      return written
    } catch (error) {
      if (isLost(error)) client.release(true)
      else await client.query('ROLLBACK').then(() => client.release(), () => client.release(true))
      throw error
    }
  }

  async #inTransaction(client: PoolClient, vault: Uint8Array, operations: readonly Operation[]): Promise<Written> {
    const { salt, watch, faultPoint } = this.#options
    const loaded = await loadVault(client, vault, operations)
    if (loaded === undefined) {
      await client.query('ROLLBACK')
      return { applied: operations.map(unknownVault), statements: [], sequences: [] }
    }
    const elsewhere = await loadElsewhere(client, vault, operations)
    faultPoint('apply-loaded')
    const draft = new Draft(loaded, salt)
    const applied = operations.map((operation) => applyOperation(draft, operation, elsewhere))
    const { statements } = draft
    if (statements.length === 0) {
      await client.query('ROLLBACK')
      return { applied, statements, sequences: [] }
    }
    const sequences = statements.map(({ seq }) => watch.sequence(vault, seq))
    await writeDraft(client, draft)
    faultPoint('apply-written')
    watch.stored()
    return { applied, statements, sequences }
  }
}
