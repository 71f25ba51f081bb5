/**
 * Units of writes from requests to the index: everything that waits while one submission is under way goes together
 * in the next, one commit per vault, so signatures, disk flushes and round trips are shared by concurrent requests.
 */
import { type Client, type PreparedCommit, type SubmitResult, toHex } from '@scelle/sdk'
import { EdgeError, isUnreachable } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Database } from '../store/database.ts'
import type { Directory } from '../store/directory.ts'
import type { SealedState } from '../store/state.ts'
import type { VaultShelf } from '../vaults.ts'
import { faultOf, refusalOf } from './faults.ts'
import type { Outbox } from './outbox.ts'
import { seal, type SealedBatch } from './sealing.ts'
import { entryOf, type Part, Unit } from './unit.ts'
import type { Entry } from '../entry.ts'

export interface SubmitterOptions {
  readonly client: Pick<Client, 'submit' | 'discard'>
  readonly vaults: VaultShelf
  readonly db: Database
  readonly outbox: Outbox
  readonly directory: Directory
  readonly state: SealedState
  /** Told of every accepted version, before the request that wrote it is answered. */
  readonly accepted: (vault: string, entries: readonly Entry[]) => void
  /** Resolves after so many milliseconds, or at once when `signal` is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

interface Answered {
  readonly commit: PreparedCommit
  readonly answer: SubmitResult | Error
}

export class Submitter {
  readonly #options: SubmitterOptions
  readonly #queue: Unit[] = []
  readonly #stop = new AbortController()
  /** Rows whose units go on in the next submission: dropped in the transaction that writes that one's row. */
  #carried: number[] = []
  #running: Promise<void> | undefined
  /** False while the index does not answer. */
  reachable = true

  constructor(options: SubmitterOptions) {
    this.#options = options
  }

  /**
   * Seals, keeps and submits; returns once the index holds all of it durably. Throws EdgeError `conflict`,
   * `forbidden`, `overloaded`, `index-unavailable` (nothing was written) or `outcome-unknown`.
   */
  async run(parts: readonly Part[]): Promise<void> {
    if (parts.length === 0) return
    if (this.#queue.length >= EDGE_LIMITS.queueUnits || this.#stop.signal.aborted) throw new EdgeError('overloaded')
    const unit = new Unit(parts)
    this.#queue.push(unit)
    this.#start()
    const patience = new AbortController()
    try {
      await Promise.race([unit.done, this.#giveUp(unit, patience.signal)])
    } finally {
      patience.abort()
    }
  }

  /** Submits again what a former process left behind; returns when nothing of it is open any more. */
  async recover(): Promise<void> {
    for (const { seq, row } of this.#options.outbox.rows()) {
      const units = row.units.map(({ parts }) => new Unit(parts))
      const sent = new Set<Part>(row.units.flatMap(({ parts }) => parts.filter((part) => part.sent)))
      await this.#deliver({ commits: row.commits, units, sent }, seq)
      this.#queue.push(...units.filter((unit) => !unit.settled))
      while (this.#queue.length > 0) await this.#cycle()
    }
    if (this.#carried.length > 0) this.#dropCarried()
  }

  /** Lets what is under way end. */
  async close(): Promise<void> {
    await Promise.race([this.#running, this.#options.sleep(EDGE_LIMITS.drainTime, this.#stop.signal)])
    this.#stop.abort()
    await this.#running
  }

  async #giveUp(unit: Unit, signal: AbortSignal): Promise<void> {
    await this.#options.sleep(EDGE_LIMITS.queueTime, signal)
    if (signal.aborted) return
    const waiting = this.#queue.indexOf(unit)
    if (waiting >= 0 && !unit.kept) {
      this.#queue.splice(waiting, 1)
      throw new EdgeError('index-unavailable')
    }
    await this.#options.sleep(EDGE_LIMITS.submitTime - EDGE_LIMITS.queueTime, signal)
    if (!signal.aborted) throw new EdgeError('outcome-unknown')
  }

  #start(): void {
    if (this.#running !== undefined) return
    this.#running = this.#drain().finally(() => {
      this.#running = undefined
      if (this.#queue.length > 0 && !this.#stop.signal.aborted) this.#start()
    })
  }

  async #drain(): Promise<void> {
    await Promise.resolve() // requests of the same turn join the first submission
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) await this.#cycle()
  }

  async #cycle(): Promise<void> {
    const units = this.#take()
    try {
      const batch = await seal(units, this.#options.vaults, this.#options.client)
      for (const unit of batch.later) this.#queue.unshift(unit)
      if (batch.units.length === 0) return
      const seq = this.#keep(batch)
      await this.#deliver(batch, seq)
      this.#queue.unshift(...batch.units.filter((unit) => !unit.settled && !this.#stop.signal.aborted))
    } catch (error) {
      this.#options.log('submission-failed', faultFields(error))
      for (const unit of units) if (!unit.settled && !unit.kept) unit.refused(faultOf(error))
    }
  }

  /** The longest run of waiting units that fits one submission; at least one. */
  #take(): Unit[] {
    const taken: Unit[] = []
    let weight = 0
    let records = 0
    let parts = 0
    while (this.#queue[0] !== undefined) {
      const unit = this.#queue[0]
      weight += unit.weight
      records += unit.records
      parts += unit.parts.length
      const full = weight > EDGE_LIMITS.submitBytes || records > EDGE_LIMITS.unitRecords
        || parts > EDGE_LIMITS.submitCommits
      if (taken.length > 0 && full) break
      taken.push(unit)
      this.#queue.shift()
    }
    return taken
  }

  #keep(batch: SealedBatch): number {
    const units = batch.units.map((unit) => ({
      parts: unit.open.map((part) => ({ ...part, sent: batch.sent.has(part) })),
    }))
    const { db, outbox } = this.#options
    const seq = db.write(true, () => {
      for (const carried of this.#carried) outbox.drop(carried)
      return outbox.put({ commits: batch.commits, units })
    })
    this.#carried = []
    for (const unit of batch.units) unit.kept = true
    return seq
  }

  /** Sends until the index has answered, then enters the answers in one transaction with the end of the outbox row. */
  async #deliver(batch: Omit<SealedBatch, 'later'>, seq: number): Promise<void> {
    const answers = await this.#send(batch.commits)
    if (answers === undefined) return // stopped: the row stays, and the next process goes on with it
    const byVault = new Map(batch.commits.map((commit, place): [string, Answered] =>
      [toHex(commit.vault), { commit, answer: answers[place] as SubmitResult | Error }]))
    const accepted = this.#judge(batch, byVault)
    this.#enter(batch.units, accepted, seq)
    for (const { vault, writes } of accepted) {
      this.#options.accepted(vault, writes.filter(({ shadow }) => shadow !== true).map(entryOf))
    }
    for (const unit of batch.units) for (const part of unit.open) if (accepted.has(part)) unit.accepted(part)
  }

  async #send(commits: readonly PreparedCommit[]): Promise<readonly (SubmitResult | Error)[] | undefined> {
    if (commits.length === 0) return []
    while (!this.#stop.signal.aborted) {
      try {
        const answers = await this.#options.client.submit([...commits])
        this.reachable = true
        return answers
      } catch (error) {
        if (!isUnreachable(error)) return this.#giveBack(commits, error as Error)
        if (this.reachable) this.#options.log('index-unreachable', faultFields(error))
        this.reachable = false
        await this.#options.sleep(EDGE_LIMITS.retryDelay, this.#stop.signal)
      }
    }
    return undefined
  }

  /** Refused as a whole: whatever was wrong with it, these commits are not sent again. */
  #giveBack(commits: readonly PreparedCommit[], error: Error): Error[] {
    this.#options.log('submission-refused', faultFields(error))
    for (const commit of commits) this.#options.client.discard(commit)
    return commits.map(() => error)
  }

  /**
   * Parts the index accepted. Units it refused are told so; the rest of a refused commit is tried again without them.
   */
  #judge(batch: Omit<SealedBatch, 'later'>, answers: ReadonlyMap<string, Answered>): Set<Part> {
    const accepted = new Set<Part>()
    for (const unit of batch.units) {
      for (const part of unit.open) {
        const answered = answers.get(part.vault)
        if (!batch.sent.has(part) || answered === undefined) continue
        const { answer, commit } = answered
        if (answer instanceof Error) unit.refused(faultOf(answer))
        else if (answer.accepted) accepted.add(part)
        else this.#refuse(unit, part, refusalOf(answer, commit, part))
      }
    }
    return accepted
  }

  #refuse(unit: Unit, part: Part, fault: EdgeError | undefined): void {
    if (fault !== undefined) {
      unit.refused(fault)
      return
    }
    // Somebody else's conflict, a closed capsule or an old epoch: sealed anew in the next submission.
    this.#options.vaults.stale(part.vault)
    unit.attempts++
    if (unit.attempts >= EDGE_LIMITS.sealAttempts) unit.refused(new EdgeError('index-unavailable'))
  }

  #enter(units: readonly Unit[], accepted: ReadonlySet<Part>, seq: number): void {
    const { db, directory, outbox, state } = this.#options
    const remaining = units.filter((unit) => !unit.settled && unit.open.some((part) => !accepted.has(part)))
    db.write(false, () => {
      outbox.drop(seq)
      if (remaining.length > 0) {
        const rest = remaining.map((unit) => ({
          parts: unit.open.filter((part) => !accepted.has(part)).map((part) => ({ ...part, sent: false })),
        }))
        this.#carried.push(outbox.put({ commits: [], units: rest }))
      }
      for (const part of accepted) {
        for (const write of part.writes) if (!write.shadow) directory.moved(write.locator, entryOf(write), write.merge)
      }
      state.flush()
    })
  }

  #dropCarried(): void {
    const { db, outbox } = this.#options
    db.write(true, () => {
      for (const carried of this.#carried) outbox.drop(carried)
    })
    this.#carried = []
  }
}
