/**
 * Whether this index has all of its log. One restored from a backup would give the numbers of lost leaves to others and
 * sign a second history, so after each start trustees are asked first: two of three, since every receipt was cosigned
 * by two. Nothing is served before they have told; and nothing while one of them has more than is stored here.
 */
import { equalBytes, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { QUORUM } from '@scelle/wire/log'
import { faultOf, type Log as Events } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { INDEX_LIMITS } from '../limits.ts'
import type { LogStore, StoredCheckpoint } from '../log-store.ts'
import { LogUnusable, RECOVERY_ADVICE } from './errors.ts'
import type { PublishedLog } from './published.ts'
import type { KnownTrustee } from './trustee.ts'

export interface RecoveryOptions {
  readonly index: PrincipalKeys
  readonly trustees: readonly KnownTrustee[]
  readonly store: LogStore
  readonly published: PublishedLog
  readonly timers: Timers
  readonly events: Events
  /** Ends what is under way. */
  readonly signal: AbortSignal
  /** All is here: publish, or publish again. */
  readonly complete: () => void
  /** Something is missing: publish nothing. Resolves once nothing is being published. */
  readonly pause: () => Promise<void>
  readonly stop: (why: LogUnusable) => void
}

/** `asking`: trustees have not told yet. `catching-up`: one of them has more. */
type State = 'asking' | 'catching-up' | 'complete' | 'stopped'

export class Recovery {
  readonly #options: RecoveryOptions
  readonly #needed: number
  readonly #told = new Set<KnownTrustee>()
  readonly #asked = new Set<KnownTrustee>()
  readonly #waiting = new Set<() => void>()
  #state: State = 'asking'
  #goal: StoredCheckpoint | undefined
  #turn: Promise<void> = Promise.resolve()
  #cancel: (() => void) | undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#needed = Math.min(QUORUM.release, options.trustees.length)
  }

  get complete(): boolean {
    return this.#state === 'complete'
  }

  /** Asks every trustee until it has told. To be called when the stored log was found sound. */
  begin(): void {
    const { trustees, timers, events, signal } = this.#options
    if (trustees.length === 0) return this.#settle('complete')
    for (const trustee of trustees) void this.#ask(trustee)
    if (signal.aborted) return
    this.#cancel = timers.after(INDEX_LIMITS.standingReported, () => {
      if (this.#state !== 'asking') return
      const advice = RECOVERY_ADVICE.asking
      events({ event: 'log-asking', told: this.#told.size, needed: this.#needed, advice })
    })
  }

  /** A trustee says that it has more than is published here: it is asked for the checkpoint that shows it. */
  suspect(trustee: KnownTrustee): void {
    void this.#ask(trustee)
  }

  end(): void {
    this.#cancel?.()
    for (const go of this.#waiting) go()
  }

  /** Waits a moment for trustees to tell. Throws `log-recovering` where it is not known that nothing is missing. */
  async require(): Promise<void> {
    if (this.#state === 'asking') await this.#wait()
    if (this.#state !== 'complete' && this.#state !== 'stopped') throw new Problem('log-recovering')
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel()
        this.#waiting.delete(go)
        resolve()
      }
      const cancel = this.#options.timers.after(INDEX_LIMITS.standingWait, go, true)
      this.#waiting.add(go)
    })
  }

  #settle(state: State): void {
    this.#state = state
    for (const go of this.#waiting) go()
    if (state === 'complete') this.#options.complete()
  }

  async #ask(trustee: KnownTrustee): Promise<void> {
    const { signal, index, events } = this.#options
    if (this.#asked.has(trustee)) return
    this.#asked.add(trustee)
    for (let pause: number = INDEX_LIMITS.witnessPause; !signal.aborted; pause *= 2) {
      try {
        const seen = await trustee.newest(index)
        this.#turn = this.#turn.then(() => this.#hear(trustee, seen))
        await this.#turn.catch((error: unknown) => {
          this.#turn = Promise.resolve()
          if (!signal.aborted) events({ event: 'fault', ...faultOf(error) })
        })
        break
      } catch {
        // Silent or lying: the witness's own loop tells the operator which.
        await this.#rest(Math.min(pause, INDEX_LIMITS.witnessPauseMax))
      }
    }
    this.#asked.delete(trustee)
  }

  #rest(ms: number): Promise<void> {
    const { timers, signal } = this.#options
    return new Promise((resolve) => {
      const cancel = timers.after(ms, resolve)
      signal.addEventListener('abort', () => {
        cancel()
        resolve()
      }, { once: true })
    })
  }

  async #hear(trustee: KnownTrustee, seen: StoredCheckpoint | undefined): Promise<void> {
    const { store, published, signal } = this.#options
    if (signal.aborted || this.#state === 'stopped') return
    if (seen !== undefined && seen.size > (await store.size())) await this.#fallBehind(seen)
    else if (seen !== undefined && !equalBytes(await published.rootAt(seen.size), seen.root)) return this.#stop()
    this.#told.add(trustee)
    if (this.#state === 'asking' && this.#told.size >= this.#needed) this.#settle('complete')
  }

  #stop(): void {
    this.#settle('stopped')
    this.#options.stop(new LogUnusable('another-history'))
  }

  async #fallBehind(seen: StoredCheckpoint): Promise<void> {
    const { store, events, pause } = this.#options
    this.#settle('catching-up')
    await pause()
    if (this.#goal !== undefined && this.#goal.size >= seen.size) return
    this.#goal = seen
    const has = await store.size()
    const missing = seen.size - has
    events({ event: 'log-recovering', has, needs: seen.size, missing, advice: RECOVERY_ADVICE['catching-up'] })
  }
}
