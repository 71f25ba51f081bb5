/**
 * What other processes of this index published. Each answers the same clients, so what one of them has told must not be
 * unknown to the next: before anything newest is told, the database is asked.
 */
import { Problem } from '@scelle/wire/errors'
import { faultOf, type Log as Events } from '@scelle/wire/server'
import { INDEX_LIMITS } from '../limits.ts'
import type { LogProcesses, StoredLog } from '../log-store.ts'
import { LogUnusable, STILL_ADVICE } from './errors.ts'
import type { PublishedLog } from './published.ts'
import type { Rounds } from './rounds.ts'

export interface FollowerOptions {
  readonly processes: LogProcesses
  readonly published: PublishedLog
  readonly rounds: Rounds
  readonly now: () => number
  readonly events: Events
  /** Whether this process believes that it leads. */
  readonly leads: () => boolean
  /** Resolves once what this process is storing is stored, and known here. */
  readonly settled: () => Promise<void>
  /** This process does not lead any more, whatever it believed. Resolves once it publishes nothing. */
  readonly passed: () => Promise<void>
  readonly stop: (why: LogUnusable) => void
}

export class Follower {
  readonly #options: FollowerOptions
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #unlisten: (() => void) | undefined
  /** Since when leaves wait without another checkpoint. */
  #waiting: { readonly size: number; readonly since: number } | undefined
  #still = false
  #ended = false

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  /** Leaves wait, and nobody publishes them. */
  get still(): boolean {
    return this.#still
  }

  begin(): void {
    const { processes, events } = this.#options
    if (this.#ended) return
    this.#unlisten = processes.changed(() => {
      if (this.#next !== undefined) return
      // Where the database cannot be reached, `Store.ready` says so.
      this.look().catch((error: unknown) => {
        if (!(error instanceof Problem)) events({ event: 'fault', ...faultOf(error) })
      })
    })
  }

  async end(): Promise<void> {
    this.#ended = true
    this.#unlisten?.()
    await (this.#next ?? this.#running)?.catch(() => undefined)
  }

  /**
   * Reads what is stored now, after this call, and goes on to it. Stops the log where that cannot be. Throws
   * `overloaded` where the database does not answer.
   */
  look(): Promise<void> {
    this.#next ??= (this.#running ?? Promise.resolve()).catch(() => undefined).then(() => {
      this.#next = undefined
      this.#running = this.#look()
      return this.#running
    })
    return this.#next
  }

  async #look(): Promise<void> {
    const { processes, published, rounds, stop } = this.#options
    const known = published.tree.size
    const stored = await processes.stored().catch((cause: unknown) => {
      throw new Problem('overloaded', 'The database cannot be reached.', { cause })
    })
    try {
      await this.#follow(stored, known)
    } catch (error) {
      if (!(error instanceof LogUnusable)) throw error
      return stop(error)
    }
    for (const kind of ['quorum', 'final'] as const) {
      const cosigned = stored[kind]
      if (cosigned !== undefined) rounds.stored(kind, cosigned)
    }
    this.#judge(stored)
  }

  async #follow({ checkpoint }: StoredLog, known: number): Promise<void> {
    const { published, rounds, leads, settled, passed } = this.#options
    const size = checkpoint?.size ?? 0
    if (leads()) {
      if (size < known) throw new LogUnusable('taken-back')
      if (size > published.tree.size) await settled()
      if (size <= published.tree.size) return
      await passed()
    }
    await published.follow(checkpoint)
    if (published.checkpoint !== undefined) rounds.published(published.checkpoint)
  }

  #judge({ checkpoint, behind }: StoredLog): void {
    const { now, events } = this.#options
    const size = checkpoint?.size ?? 0
    if (!behind) this.#waiting = undefined
    else if (this.#waiting?.size !== size) this.#waiting = { size, since: now() }
    const still = this.#waiting !== undefined && now() - this.#waiting.since >= INDEX_LIMITS.publishSilence
    if (still && !this.#still) events({ event: 'log-still', advice: STILL_ADVICE })
    this.#still = still
  }
}
