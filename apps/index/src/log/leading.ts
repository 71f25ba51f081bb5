/**
 * Whether this process leads the log. Of several, one publishes and has trustees cosign; the others follow it, serve
 * everything, and sign no checkpoint. One that comes to lead goes on from what is stored.
 */
import { faultOf, type Log as Events } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { INDEX_LIMITS } from '../limits.ts'
import type { LogStore } from '../log-store.ts'
import { LogUnusable } from './errors.ts'

export interface LeadingOptions {
  readonly store: LogStore
  readonly timers: Timers
  readonly events: Events
  /** Reads what is stored: other processes may have led in between. */
  readonly read: () => Promise<void>
  /** It leads, and knows what is stored. */
  readonly begun: () => void
  /** It does not lead any more. Resolves once nothing is being published. */
  readonly passed: () => Promise<void>
  readonly stop: (why: LogUnusable) => void
}

export class Leading {
  readonly #options: LeadingOptions
  readonly #ended = new AbortController()
  #leads = false
  #running: Promise<void> = Promise.resolve()
  #rest: (() => void) | undefined

  constructor(options: LeadingOptions) {
    this.#options = options
  }

  get leads(): boolean {
    return this.#leads
  }

  /** Leads as soon as it can. Resolves when it does. */
  begin(): Promise<void> {
    this.#running = this.#run()
    return this.#running
  }

  /** Another process leads, whatever was believed here: follows until this one can lead again. */
  async pass(): Promise<void> {
    if (!this.#leads) return
    this.#leads = false
    if (this.#options.store.processes !== undefined) this.#options.events({ event: 'log-leader', leads: false })
    await this.#options.passed()
    void this.begin()
  }

  async end(): Promise<void> {
    this.#ended.abort(new Error('the log was closed'))
    this.#leads = false
    this.#rest?.()
    await this.#running
  }

  async #run(): Promise<void> {
    const { store, read, begun, stop, events } = this.#options
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        await store.lead(signal)
        await read()
        break
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof LogUnusable) return stop(error)
        events({ event: 'fault', ...faultOf(error) })
        await this.#pause()
      }
    }
    if (signal.aborted) return
    this.#leads = true
    if (store.processes !== undefined) events({ event: 'log-leader', leads: true })
    begun()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        cancel()
        resolve()
      }
      const cancel = this.#options.timers.after(INDEX_LIMITS.publishPause, go)
      this.#rest = go
    })
  }
}
