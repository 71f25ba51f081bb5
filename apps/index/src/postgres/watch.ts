/**
 * Who waits for a leaf's number. The leader tells those of its own process at once and others by NOTIFY; because a
 * notification can be lost with its connection, everybody also looks from time to time.
 */
import type { Client, Pool } from 'pg'
import { Problem } from '@scelle/wire/errors'
import { INDEX_LIMITS } from '../limits.ts'
import { byteArrays, integers } from './arrays.ts'
import type { Notices } from './notices.ts'
import { prepared } from './prepared.ts'
import { Signal } from './signal.ts'

const PLACED = prepared<{ vault: Uint8Array; seq: number; sequence: number }>(
  `SELECT l.vault, l.seq, l.sequence FROM unnest($1::bytea[], $2::bigint[]) AS w (vault, seq)
   JOIN leaves l ON l.vault = w.vault AND l.seq = w.seq`,
)
const SIZE = prepared<{ size: number }>('SELECT size FROM log_head')

/** A leaf that got its number. */
export interface Placed {
  readonly vault: Uint8Array
  readonly seq: number
  readonly sequence: number
}

interface Waiting {
  readonly vault: Uint8Array
  readonly seq: number
  readonly promise: Promise<number>
  readonly resolve: (sequence: number) => void
  readonly reject: (error: unknown) => void
  readonly until: number
}

const keyOf = (vault: Uint8Array, seq: number): string => `${Buffer.from(vault).toString('latin1')}${seq}`

export class Watch {
  readonly #notices: Notices
  readonly #pool: Pool
  readonly #waiting = new Map<string, Waiting>()
  readonly #listeners = new Set<() => void>()
  readonly #followers = new Set<() => void>()
  readonly #look = new Signal()
  readonly #ended: Promise<void>
  #closed = false
  #size = 0
  /** Called when leaves may wait for their numbers. */
  pending: () => void = () => undefined
  /** Whether this process numbers leaves itself. */
  leads: () => boolean = () => false

  constructor(notices: Notices, pool: Pool) {
    this.#notices = notices
    this.#pool = pool
    notices.on('pending', () => this.pending())
    notices.on('leaves', () => this.#look.raise())
    notices.on('published', () => this.#published())
    notices.connected = () => this.#look.raise()
    this.#ended = this.#watch()
  }

  grown(call: () => void): () => void {
    this.#listeners.add(call)
    return () => this.#listeners.delete(call)
  }

  /** Calls back when a checkpoint or cosignatures were stored, and from time to time in case that was not told. */
  published(call: () => void): () => void {
    this.#followers.add(call)
    return () => this.#followers.delete(call)
  }

  /** The number of a leaf, once it has one: to be called before the leaf can get it, or followed by `look`. */
  sequence(vault: Uint8Array, seq: number): Promise<number> {
    const key = keyOf(vault, seq)
    const known = this.#waiting.get(key)
    if (known !== undefined) return known.promise
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    promise.catch(() => undefined) // whoever asked may have failed before
    const until = performance.now() + INDEX_LIMITS.sequenceWait * 1000
    this.#waiting.set(key, { vault, seq, promise, resolve, reject, until })
    return promise
  }

  look(): void {
    this.#look.raise()
  }

  /** Leaves were stored: whoever leads is to number them. */
  stored(): void {
    if (this.leads()) this.pending()
    else this.#notices.tell('pending')
  }

  /** Leaves were numbered by this process. */
  placed(rows: readonly Placed[]): void {
    for (const { vault, seq, sequence } of rows) this.#settle(vault, seq, sequence)
    this.#size = Math.max(this.#size, rows.at(-1)?.sequence ?? 0)
    for (const call of this.#listeners) call()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#look.raise()
    await this.#ended
    for (const { reject } of this.#waiting.values()) reject(new Problem('overloaded'))
  }

  #settle(vault: Uint8Array, seq: number, sequence: number): void {
    const key = keyOf(vault, seq)
    this.#waiting.get(key)?.resolve(sequence)
    this.#waiting.delete(key)
  }

  #published(): void {
    for (const call of this.#followers) call()
  }

  async #watch(): Promise<void> {
    for (let told = 0; !this.#closed;) {
      await this.#look.wait(INDEX_LIMITS.lookInterval)
      if (performance.now() - told >= INDEX_LIMITS.lookInterval) {
        told = performance.now()
        this.#published()
      }
      if (this.#closed || (this.#waiting.size === 0 && this.#listeners.size === 0)) continue
      try {
        await this.#lookNow()
      } catch {
        await new Promise((resolve) => void setTimeout(resolve, INDEX_LIMITS.reconnectPause))
      }
      this.#giveUp()
    }
  }

  async #lookNow(): Promise<void> {
    const asked = [...this.#waiting.values()].slice(0, INDEX_LIMITS.sequenceBatch)
    if (asked.length > 0) {
      const rows = await PLACED(
        this.#pool, byteArrays(asked.map(({ vault }) => vault)), integers(asked.map(({ seq }) => seq)),
      )
      for (const { vault, seq, sequence } of rows) this.#settle(vault, seq, sequence)
    }
    const [head] = await SIZE(this.#pool)
    if ((head?.size ?? 0) <= this.#size) return
    this.#size = head?.size ?? 0
    for (const call of this.#listeners) call()
  }

  #giveUp(): void {
    const now = performance.now()
    for (const [key, { until, reject }] of this.#waiting) {
      if (now < until) continue
      this.#waiting.delete(key)
      reject(new Problem('overloaded', 'the log takes no leaves now; what was sent is stored, ask again'))
    }
  }

  /** Tells other processes that leaves were numbered. */
  tell(client: Client): void {
    this.#notices.tell('leaves', undefined, client)
  }
}
