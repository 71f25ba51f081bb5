/**
 * Holds the index to its word: what it acknowledged must stand in its log, under a checkpoint that all trustees
 * cosigned. Nobody waits for this; while there is nothing to confirm, nothing runs.
 */
import { type LogClient, SdkError, type Timers } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import type { Kept, Waiting } from './kept.ts'

export interface ConfirmerOptions {
  readonly kept: Kept
  readonly client: Pick<LogClient, 'confirm'>
  readonly timers: Timers
  readonly now: () => number
  readonly log: Log
  /** Takes what shows strangers that the index lied. */
  readonly evidence: (code: string, file: Uint8Array) => void
}

/** What concerns one word alone, so that the others can be looked at without it. */
const isBroken = (error: unknown): error is SdkError =>
  error instanceof SdkError && (error.code === 'leaf-dropped' || error.code === 'leaf-late')

export class Confirmer {
  readonly #options: ConfirmerOptions
  #cancel: (() => void) | undefined
  #running: Promise<void> | undefined
  #pause: number = EDGE_LIMITS.confirmEvery
  #again = false
  #ended = false
  #told = Number.NEGATIVE_INFINITY

  constructor(options: ConfirmerOptions) {
    this.#options = options
  }

  /** There may be something to confirm: after a start, and after each submission. */
  wake(): void {
    if (this.#running === undefined) this.#arm()
    else this.#again = true
  }

  /** Gives up what is kept past its time. */
  sweep(): void {
    this.#options.kept.prune()
  }

  /** Ends it; resolves when nothing of it is under way. */
  async close(): Promise<void> {
    this.stop()
    await this.#running
  }

  stop(): void {
    this.#ended = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #arm(): void {
    if (this.#ended || this.#cancel !== undefined) return
    this.#cancel = this.#options.timers.after(this.#pause, () => {
      this.#cancel = undefined
      this.#running = this.#run().finally(() => {
        this.#running = undefined
        if (this.#again) this.#arm()
        this.#again = false
      })
    }, false)
  }

  async #run(): Promise<void> {
    const { kept, log } = this.#options
    try {
      const waiting = kept.waiting()
      if (waiting.length === 0) return
      const confirmed = await this.#confirmed(waiting)
      if (this.#ended) return
      kept.confirm(confirmed)
      kept.prune()
      this.#tellOverdue(waiting.filter(({ seq }) => !confirmed.has(seq)))
      const isAll = confirmed.size === waiting.length
      const isStill = confirmed.size === 0
      this.#pause = isStill ? Math.min(this.#pause * 2, EDGE_LIMITS.confirmRarely) : EDGE_LIMITS.confirmEvery
      if (!isAll || waiting.length === EDGE_LIMITS.confirmRows) this.#arm()
    } catch (error) {
      log('not-confirmed', faultFields(error))
      this.#evidenceOf(error)
      this.#pause = Math.min(this.#pause * 2, EDGE_LIMITS.confirmRarely)
      this.#arm()
    }
  }

  /** All in one go, or, where one of them is a broken promise, each by itself. */
  async #confirmed(waiting: readonly Waiting[]): Promise<Set<number>> {
    const { client } = this.#options
    const words = waiting.flatMap((one) => one.words)
    try {
      const states = await client.confirm(words)
      let at = 0
      return new Set(waiting.flatMap(({ seq, words: own }) =>
        states.slice(at, (at += own.length)).every(Boolean) ? [seq] : []))
    } catch (error) {
      if (!isBroken(error)) throw error
    }
    const held = new Set<number>()
    for (const { seq, words: own } of waiting) {
      try {
        if ((await client.confirm(own)).every(Boolean)) held.add(seq)
      } catch (error) {
        if (!isBroken(error)) throw error
        this.#options.log('log-alarm', { code: error.code })
        this.#evidenceOf(error)
      }
    }
    return held
  }

  #evidenceOf(error: unknown): void {
    if (error instanceof SdkError && error.evidence !== undefined) this.#options.evidence(error.code, error.evidence)
  }

  #tellOverdue(open: readonly Waiting[]): void {
    const now = this.#options.now()
    const oldest = open[0]
    if (oldest === undefined || now - oldest.time < EDGE_LIMITS.confirmOverdue) return
    if (now - this.#told < EDGE_LIMITS.confirmOverdue) return
    this.#told = now
    const minutes = Math.floor((now - oldest.time) / 60_000)
    this.#options.log('confirmation-overdue', { submissions: open.length, minutes })
  }
}
