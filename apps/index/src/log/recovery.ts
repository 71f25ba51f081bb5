/**
 * Whether this index has all of its log. One restored from a backup would give the numbers of lost leaves to others and
 * sign a second history, so after each start trustees are asked first: two of three, since every receipt was cosigned
 * by two. Nothing is served before they have told; and nothing while one of them has more than is stored here.
 */
import type { Identity } from '@scelle/seal/identity'
import { equalBytes } from '@scelle/seal/verify'
import type { AskOptions } from '@scelle/wire/ask'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { QUORUM } from '@scelle/wire/log'
import type { LogMissing } from '@scelle/wire/messages'
import { faultOf, type Log as Events } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import type { LogStore, StoredCheckpoint } from '../log-store.ts'
import { type FoundLeaf, type LostLeaves, RestoreRefused } from '../lost-leaves.ts'
import { adopt, type CatchUpOptions, fetchEntries, fetchStatements } from './catch-up.ts'
import { LogUnusable, RECOVERY_ADVICE } from './errors.ts'
import type { PublishedLog } from './published.ts'
import type { Restorer } from './restorer.ts'
import type { KnownTrustee } from './trustee.ts'

/** Where an engine keeps lost leaves, and what applies them. */
export interface Restoring {
  readonly lost: LostLeaves
  readonly restorer: Restorer
}

export interface RecoveryOptions {
  readonly identity: Identity
  readonly trustees: readonly KnownTrustee[]
  readonly asking: AskOptions
  readonly store: LogStore
  readonly published: PublishedLog
  readonly events: Events
  /** Absent: a restored index refuses, and that is all. */
  readonly restoring: Restoring | undefined
  /** All is here: publish, or publish again. */
  readonly complete: () => void
  /** Something is missing: publish nothing. Resolves once nothing is being published. */
  readonly pause: () => Promise<void>
  readonly stop: (why: LogUnusable) => void
}

/** `asking`: trustees have not told yet. `catching-up`: something is missing. */
type State = 'asking' | 'catching-up' | 'complete' | 'stopped'

export class Recovery {
  readonly #options: RecoveryOptions
  readonly #needed: number
  readonly #told = new Set<KnownTrustee>()
  readonly #asked = new Set<KnownTrustee>()
  readonly #waiting = new Set<() => void>()
  #state: State = 'asking'
  /** The largest checkpoint that trustees showed, where it is not published here. */
  #goal: StoredCheckpoint | undefined
  #work: Promise<void> = Promise.resolve()
  #cancel: (() => void) | undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#needed = Math.min(QUORUM.release, options.trustees.length)
  }

  get complete(): boolean {
    return this.#state === 'complete'
  }

  /** Asks every trustee until it has told. To be called when the stored log was found sound. */
  async begin(): Promise<void> {
    const { trustees, asking: { timers, signal }, events } = this.#options
    if (await this.#isLosing()) await this.#fallBehind()
    if (trustees.length === 0) return this.#next(() => this.#consider())
    for (const trustee of trustees) void this.#ask(trustee)
    if (signal.aborted) return
    this.#cancel = timers.after(INDEX_LIMITS.standingReported, () => {
      if (this.#state !== 'asking') return
      const advice = RECOVERY_ADVICE.asking
      events({ event: 'log-asking', told: this.#told.size, needed: this.#needed, advice })
    })
  }

  /** Asks anew, before this process goes on with what others published: a database can lose its newest transactions. */
  async again(): Promise<void> {
    if (this.#state !== 'complete') return
    this.#told.clear()
    this.#settle('asking')
    await this.begin()
  }

  /** A trustee says that it has more than is published here: it is asked for the checkpoint that shows it. */
  suspect(trustee: KnownTrustee): void {
    void this.#ask(trustee)
  }

  /** Ends it. Resolves once nothing of it is under way. */
  async end(): Promise<void> {
    this.#cancel?.()
    for (const go of this.#waiting) go()
    await this.#work
  }

  /** Waits a moment for trustees to tell. Throws `log-recovering` where it is not known that nothing is missing. */
  async require(): Promise<void> {
    if (this.#state === 'asking') await this.#wait()
    if (this.#state !== 'complete' && this.#state !== 'stopped') throw new Problem('log-recovering')
  }

  /** What is still missing; of nothing where it is not known yet, or where the engine cannot take anything back. */
  async missing(): Promise<LogMissing> {
    const size = await this.#options.store.size()
    const { count = 0, ranges = [] } = (await this.#options.restoring?.lost.missing(WIRE_LIMITS.missingRanges)) ?? {}
    return { size, count, ranges: [...ranges] }
  }

  /** Keeps what was brought back, durably, and goes on with it. */
  async bring(found: readonly FoundLeaf[]): Promise<void> {
    if (found.length === 0) return
    await this.#options.restoring?.lost.keep(found)
    void this.#next(() => this.#consider())
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel()
        this.#waiting.delete(go)
        resolve()
      }
      const cancel = this.#options.asking.timers.after(INDEX_LIMITS.standingWait, go, true)
      this.#waiting.add(go)
    })
  }

  #settle(state: State): void {
    this.#state = state
    if (state === 'asking') return
    for (const go of this.#waiting) go()
    if (state === 'complete') this.#options.complete()
  }

  async #ask(trustee: KnownTrustee): Promise<void> {
    const { asking: { signal }, identity } = this.#options
    if (this.#asked.has(trustee)) return
    this.#asked.add(trustee)
    for (let pause: number = INDEX_LIMITS.witnessPause; !signal.aborted; pause *= 2) {
      try {
        const seen = await trustee.newest(identity.keys)
        await this.#next(() => this.#hear(trustee, seen))
        break
      } catch {
        // Silent or lying: the witness's own loop tells the operator which.
        await this.#rest(Math.min(pause, INDEX_LIMITS.witnessPauseMax))
      }
    }
    this.#asked.delete(trustee)
  }

  #rest(ms: number): Promise<void> {
    const { timers, signal } = this.#options.asking
    return new Promise((resolve) => {
      const cancel = timers.after(ms, resolve)
      signal.addEventListener('abort', () => {
        cancel()
        resolve()
      }, { once: true })
    })
  }

  /** One thing after the other. Never rejects: what is wrong is told to the operator, or stops the log. */
  #next(work: () => Promise<void>): Promise<void> {
    const { asking: { signal }, events } = this.#options
    const guarded = async (): Promise<void> => {
      if (signal.aborted || this.#state === 'stopped') return
      try {
        await work()
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof LogUnusable) this.#stop(error)
        else events({ event: 'fault', ...faultOf(error) })
      }
    }
    this.#work = this.#work.then(guarded)
    return this.#work
  }

  #stop(why: LogUnusable): void {
    this.#settle('stopped')
    this.#options.stop(why)
  }

  async #hear(trustee: KnownTrustee, seen: StoredCheckpoint | undefined): Promise<void> {
    const { store, published } = this.#options
    const isNew = seen !== undefined && seen.size > (this.#goal?.size ?? published.tree.size)
    const stored = await store.size()
    if (seen !== undefined && seen.size <= stored && !equalBytes(await published.rootAt(seen.size), seen.root)) {
      throw new LogUnusable('another-history')
    }
    this.#told.add(trustee)
    if (isNew && (seen.size > stored || (await this.#isLosing()))) {
      this.#goal = seen
      await this.#fallBehind()
    }
    await this.#consider()
    // What a trustee knows is asked of each that is heard.
    if (this.#state === 'catching-up') void this.#next(() => this.#askStatements(trustee))
  }

  async #isLosing(): Promise<boolean> {
    const range = await this.#options.restoring?.lost.range()
    return range !== undefined && range.from < range.to
  }

  async #fallBehind(): Promise<void> {
    const { store, events, pause, restoring } = this.#options
    this.#settle('catching-up')
    await pause()
    const size = await store.size()
    const range = (await restoring?.lost.range()) ?? { from: size, to: size }
    const needs = Math.max(range.to, this.#goal?.size ?? 0)
    const advice = RECOVERY_ADVICE[restoring === undefined ? 'older' : 'catching-up']
    events({ event: 'log-recovering', has: range.from, needs, missing: needs - range.from, advice })
  }

  #catchUp(): CatchUpOptions | undefined {
    const { identity, asking, store, published, restoring } = this.#options
    return restoring === undefined ? undefined : { identity, asking, store, published, lost: restoring.lost }
  }

  /** Goes as far as it can: entries, checkpoint, what was brought back; and serves where nothing is missing. */
  async #consider(): Promise<void> {
    const { store, restoring, events } = this.#options
    if (this.#state === 'complete') return
    await this.#reach()
    if (this.#goal === undefined && restoring !== undefined) await this.#restore(restoring)
    if (this.#goal !== undefined || (await this.#isLosing())) return
    if (this.#told.size < this.#needed) return this.#settle('asking')
    if (this.#state === 'catching-up') events({ event: 'log-recovered', leaves: await store.size() })
    this.#settle('complete')
  }

  /** Has the entries of the goal, and its checkpoint. */
  async #reach(): Promise<void> {
    const [goal, options] = [this.#goal, this.#catchUp()]
    if (goal === undefined || options === undefined) return
    for (const trustee of this.#told) {
      if ((await options.store.size()) >= goal.size) break
      try {
        await fetchEntries(goal, trustee, options)
      } catch (error) {
        // This trustee's mirror does not yield the tree. Another's may.
        if (error instanceof LogUnusable) throw error
      }
    }
    if ((await options.store.size()) < goal.size) return
    await adopt(goal, options)
    this.#goal = undefined
  }

  async #restore({ restorer }: Restoring): Promise<void> {
    try {
      while (!this.#options.asking.signal.aborted && (await restorer.advance()));
    } catch (error) {
      if (!(error instanceof RestoreRefused)) throw error
      this.#options.events({ event: 'fault', ...faultOf(error) })
    }
  }

  async #askStatements(trustee: KnownTrustee): Promise<void> {
    const options = this.#catchUp()
    if (options === undefined || this.#goal !== undefined) return
    try {
      await fetchStatements(trustee, options)
    } catch {
      // Whatever it gave before is kept; the others are asked too.
    }
    await this.#consider()
  }
}
