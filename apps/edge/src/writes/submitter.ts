/**
 * Units of writes from requests to the index. What comes within a moment, or waits while submissions are under way,
 * goes together, one commit per vault, so signatures, disk flushes and round trips are shared by concurrent requests.
 * Two submissions are under way at most, of different vaults: each commit names the one before it in its vault.
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
import { entryOf, isBeside, type Part, Unit } from './unit.ts'
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
  /** Told that there is something to be confirmed. */
  readonly acknowledged?: () => void
  /** Runs something after so many milliseconds of real time; for 0, once what is arriving has arrived. */
  readonly soon?: (milliseconds: number, run: () => void) => () => void
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
  readonly #soon: (milliseconds: number, run: () => void) => () => void
  readonly #running = new Set<Promise<void>>()
  /** Vaults that submissions under way write to. */
  readonly #busy = new Set<string>()
  /** Rows of the outbox whose units are settled: dropped with the next change. */
  #over: number[] = []
  /** How many units were under way or waiting when a submission ended last: about how many clients there are. */
  #load = 0
  #underWay = 0
  #gathering: (() => void) | undefined
  /** False while the index does not answer. */
  reachable = true

  constructor(options: SubmitterOptions) {
    this.#options = options
    this.#soon = options.soon ?? afterRealTime
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
    this.#gather()
    const patience = new AbortController()
    try {
      await Promise.race([unit.done, this.#giveUp(unit, patience.signal)])
    } finally {
      patience.abort(ANSWERED) // without a reason, an error with its stack is made for each write
    }
  }

  /** Submits again what a former process left behind; returns when nothing of it is open any more. */
  async recover(): Promise<void> {
    for (const { seq, row } of this.#options.outbox.rows()) {
      const units = row.units.map(({ parts }) => new Unit(parts))
      const sent = new Set<Part>(row.units.flatMap(({ parts }) => parts.filter((part) => part.sent)))
      await this.#deliver({ commits: row.commits, units, sent }, seq)
      this.#queue.push(...units.filter((unit) => !unit.settled))
      while (this.#queue.length > 0) await this.#cycle(this.#take())
    }
    this.#dropOver()
  }

  /** Lets what is under way end. */
  async close(): Promise<void> {
    await Promise.race([this.#ended(), this.#options.sleep(EDGE_LIMITS.drainTime, this.#stop.signal)])
    this.#stop.abort()
    await Promise.all(this.#running)
    this.#dropOver()
  }

  async #ended(): Promise<void> {
    while (this.#running.size > 0 || this.#queue.length > 0) {
      this.#launch()
      await Promise.race(this.#running)
    }
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

  /**
   * Waits for those who wrote lately: a submission of eight costs little more than one of one. A single client
   * waits for nobody, nor do many records; where one submission is under way, its end is the time to stop waiting.
   */
  #gather(): void {
    if (this.#stop.signal.aborted || this.#running.size >= EDGE_LIMITS.submissionsAtOnce) return
    const records = this.#queue.reduce((sum, unit) => sum + unit.records, 0)
    const isEnough = records >= EDGE_LIMITS.gatherRecords
      || this.#queue.length >= Math.ceil(this.#load * EDGE_LIMITS.gatherShare)
    if (!isEnough && (this.#gathering !== undefined || this.#running.size > 0)) return
    this.#gathering?.()
    this.#gathering = this.#soon(isEnough ? 0 : EDGE_LIMITS.gatherTime, () => this.#launch())
  }

  #launch(): void {
    this.#gathering?.()
    this.#gathering = undefined
    if (this.#stop.signal.aborted || this.#running.size >= EDGE_LIMITS.submissionsAtOnce) return
    const units = this.#take()
    if (units.length === 0) return
    const cycle = this.#cycle(units).finally(() => {
      this.#running.delete(cycle)
      if (this.#queue.length > 0) this.#gather()
    })
    this.#running.add(cycle)
    if (this.#queue.length > 0) this.#gather()
  }

  async #cycle(units: readonly Unit[]): Promise<void> {
    const vaults = new Set(units.flatMap((unit) => unit.parts.map(({ vault }) => vault)))
    for (const vault of vaults) this.#busy.add(vault)
    this.#underWay += units.length
    try {
      const batch = await seal(units, this.#options.vaults, this.#options.client)
      this.#again(batch.later)
      if (batch.units.length === 0) return
      const seq = await this.#keep(batch)
      await this.#deliver(batch, seq)
      this.#again(batch.units.filter((unit) => !unit.settled))
    } catch (error) {
      this.#options.log('submission-failed', faultFields(error))
      // What was left for a later submission waits in the queue: refused now, it would be written all the same.
      const refused = units.filter((unit) => !unit.settled && !unit.kept && !this.#queue.includes(unit))
      for (const unit of refused) unit.refused(faultOf(error))
    } finally {
      this.#load = this.#underWay + this.#queue.length
      this.#underWay -= units.length
      for (const vault of vaults) this.#busy.delete(vault)
      for (const unit of units) if (unit.settled) this.#forget(unit)
    }
  }

  #again(units: readonly Unit[]): void {
    if (!this.#stop.signal.aborted) this.#queue.unshift(...units)
  }

  #forget(unit: Unit): void {
    if (unit.carried !== undefined) this.#over.push(unit.carried)
    unit.carried = undefined
  }

  /** Of the waiting units, in their order, those that fit one submission and whose vaults are free; at least one. */
  #take(): Unit[] {
    const taken: Unit[] = []
    const passed: Unit[] = []
    const blocked = new Set(this.#busy)
    let weight = 0
    let records = 0
    let parts = 0
    for (const unit of this.#queue) {
      weight += unit.weight
      records += unit.records
      parts += unit.parts.length
      const full = weight > EDGE_LIMITS.submitBytes || records > EDGE_LIMITS.unitRecords
        || parts > EDGE_LIMITS.submitCommits
      // One that must wait holds back what comes after it for the same vaults: nobody is overtaken for ever.
      if (unit.touches(blocked) || (taken.length > 0 && full)) {
        passed.push(unit)
        for (const part of unit.parts) blocked.add(part.vault)
      } else taken.push(unit)
    }
    this.#queue.splice(0, this.#queue.length, ...passed)
    return taken
  }

  /** On the disk, and only then sent: whatever happens from here on, it is completed. */
  async #keep(batch: SealedBatch): Promise<number> {
    const units = batch.units.map((unit) => ({
      parts: unit.open.map((part) => ({ ...part, sent: batch.sent.has(part) })),
    }))
    const { db, outbox } = this.#options
    let seq: number | undefined
    try {
      await db.writeAside(() => {
        for (const { carried } of batch.units) if (carried !== undefined) outbox.drop(carried)
        seq = outbox.put({ commits: batch.commits, units })
      })
    } catch (cause) {
      for (const commit of batch.commits) this.#options.client.discard(commit)
      if (seq === undefined) throw cause
      // The row may be on the disk, and is then delivered after the restart.
      if (!db.sound) throw new EdgeError('outcome-unknown', undefined, undefined, { cause })
      this.#over.push(seq)
      throw cause
    }
    for (const unit of batch.units) {
      unit.kept = true
      unit.carried = undefined
    }
    return seq as number
  }

  /** Sends until the index has answered, then enters the answers in one transaction with the end of the outbox row. */
  async #deliver(batch: Omit<SealedBatch, 'later'>, seq: number): Promise<void> {
    const answers = await this.#send(batch.commits)
    if (answers === undefined) return // stopped: the row stays, and the next process goes on with it
    const byVault = new Map(batch.commits.map((commit, place): [string, Answered] =>
      [toHex(commit.vault), { commit, answer: answers[place] as SubmitResult | Error }]))
    const accepted = this.#judge(batch, byVault)
    this.#enter(batch.units, accepted, seq, wordsOf(answers))
    for (const { vault, writes } of accepted) {
      this.#options.accepted(vault, writes.filter((write) => !isBeside(write)).map(entryOf))
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

  #enter(units: readonly Unit[], accepted: ReadonlySet<Part>, seq: number, words: readonly Uint8Array[]): void {
    const { db, directory, outbox, state } = this.#options
    const remaining = units.filter((unit) => !unit.settled && unit.open.some((part) => !accepted.has(part)))
    db.write(false, () => {
      this.#dropRows(words.length > 0 ? [] : [seq])
      if (words.length > 0) outbox.acknowledge(seq, words)
      for (const unit of remaining) {
        const parts = unit.open.filter((part) => !accepted.has(part)).map((part) => ({ ...part, sent: false }))
        unit.carried = outbox.put({ commits: [], units: [{ parts }] })
      }
      for (const part of accepted) {
        for (const write of part.writes) {
          if (!isBeside(write)) directory.moved(write.locator, entryOf(write), write.merge)
        }
      }
      state.flush()
    })
    if (words.length > 0) this.#options.acknowledged?.()
  }

  #dropRows(rows: readonly number[]): void {
    for (const row of [...rows, ...this.#over]) this.#options.outbox.drop(row)
    this.#over = []
  }

  #dropOver(): void {
    const { db } = this.#options
    if (this.#over.length > 0 && db.sound) db.write(true, () => this.#dropRows([]))
  }
}

const ANSWERED = 'answered'

/** The index's words about what it accepted, each once. */
const wordsOf = (answers: readonly (SubmitResult | Error)[]): Uint8Array[] =>
  [...new Set(answers.flatMap((one) => (one instanceof Error || !one.accepted ? [] : [one.word])))]

const afterRealTime = (milliseconds: number, run: () => void): (() => void) => {
  if (milliseconds === 0) {
    const turn = setImmediate(run)
    return () => clearImmediate(turn)
  }
  const timer = setTimeout(run, milliseconds)
  return () => clearTimeout(timer)
}
