/** Looks now and then whether the index was restored from a backup, and gives it back what this edge kept for that. */
import type { Client } from '@scelle/sdk'
import { faultFields, type Log } from '../log.ts'
import type { Kept } from './kept.ts'

export interface ReturnerOptions {
  readonly client: Pick<Client, 'returnLost'>
  readonly kept: Pick<Kept, 'all'>
  readonly log: Log
}

export class Returner {
  readonly #options: ReturnerOptions
  #running: Promise<void> | undefined

  constructor(options: ReturnerOptions) {
    this.#options = options
  }

  /** Never fails: an index that is down is asked at the next time. */
  look(): Promise<void> {
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #look(): Promise<void> {
    const { client, kept, log } = this.#options
    try {
      const { returned, missing } = await client.returnLost(kept.all())
      if (returned > 0) log('index-restored', { returned, missing })
    } catch (error) {
      log('index-not-asked', faultFields(error))
    }
  }

  /** Resolves when nothing of it is under way. */
  async close(): Promise<void> {
    await this.#running
  }
}
