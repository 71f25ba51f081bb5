/**
 * The sdk's memory (manifest heads, feed heads, own last commits), sealed, written together with what it belongs to.
 */
import type { ClientState } from '@scelle/sdk'
import type { Cabinet } from './cabinet.ts'
import type { Database } from './database.ts'

export class SealedState implements ClientState {
  readonly #db: Database
  readonly #cabinet: Cabinet
  readonly #unwritten = new Map<string, Uint8Array>()

  constructor(db: Database, cabinet: Cabinet) {
    this.#db = db
    this.#cabinet = cabinet
  }

  get(key: string): Promise<Uint8Array | undefined> {
    const waiting = this.#unwritten.get(key)
    if (waiting !== undefined) return Promise.resolve(waiting)
    const row = this.#cabinet.lookup('state', key)
    const sealed = this.#db.get('state', row)
    return Promise.resolve(sealed === undefined ? undefined : new Uint8Array(this.#cabinet.open('state', row, sealed)))
  }

  /**
   * Held in memory until {@link flush}. Losing it in a crash is safe: a head that is older than the truth makes the
   * next check start earlier, and the outbox brings back the commits that were under way.
   */
  set(key: string, value: Uint8Array): Promise<void> {
    this.#unwritten.set(key, value)
    return Promise.resolve()
  }

  get waiting(): boolean {
    return this.#unwritten.size > 0
  }

  /** Part of a transaction of the caller. */
  flush(): void {
    for (const [key, value] of this.#unwritten) {
      const row = this.#cabinet.lookup('state', key)
      this.#db.put('state', row, this.#cabinet.seal('state', row, value))
    }
    this.#unwritten.clear()
  }
}
