/** A log's storage in memory and a clock in the test's hand: for the sequencer and the trustees' loops alone. */
import { logEntry } from '@scelle/seal/verify'
import type { Timers } from '@scelle/wire/timers'
import {
  type CosignedKind, type LogStore, PublishError, type StoredCheckpoint, type StoredLeaf, type StoredTile,
} from '../src/log-store.ts'

/** Lets everything that is ready run, key work on other threads included. */
export const turns = async (count = 40): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve))
}

/** Waits, turn by turn, for what comes by itself; fails where it does not. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (let left = 5_000; !holds(); left--) {
    if (left === 0) throw new Error(`never: ${what}`)
    await turns(1)
  }
}

export class ManualClock {
  now: number
  readonly #due = new Set<{ readonly at: number; readonly run: () => void }>()

  constructor(now: number) {
    this.now = now
  }

  readonly timers: Timers = {
    after: (ms, run) => {
      if (ms <= 0) {
        const soon = setImmediate(run)
        return () => clearImmediate(soon)
      }
      const due = { at: this.now + ms, run }
      this.#due.add(due)
      return () => this.#due.delete(due)
    },
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#due.delete(next)
      this.now = Math.max(this.now, next.at)
      next.run()
      await turns()
    }
    this.now = end
    await turns()
  }
}

export class MemoryLog implements LogStore {
  readonly stored: StoredLeaf[] = []
  readonly tiles = new Map<string, Uint8Array>()
  /** Every checkpoint that was stored, oldest first, and when. */
  readonly published: (StoredCheckpoint & { readonly at: number; readonly tiles: readonly StoredTile[] })[] = []
  readonly kept = new Map<CosignedKind, { size: number; note: Uint8Array }>()
  /** Called instead of storing. */
  fault: ((store: () => void) => void) | undefined
  readonly #listeners = new Set<() => void>()
  readonly #followers = new Set<() => void>()
  readonly #clock: { readonly now: number }

  constructor(clock: { readonly now: number }) {
    this.#clock = clock
  }

  /** New durable leaves. */
  add(count: number, random: (length: number) => Uint8Array): void {
    for (let i = 0; i < count; i++) {
      this.stored.push({ entry: logEntry({ salt: random(16), statement: random(32) }) })
    }
    for (const call of this.#listeners) call()
  }

  async size(): Promise<number> {
    return this.stored.length
  }

  async leaves(from: number, to: number): Promise<StoredLeaf[]> {
    return this.stored.slice(from, to)
  }

  grown(call: () => void): () => void {
    this.#listeners.add(call)
    return () => this.#listeners.delete(call)
  }

  lead(): Promise<void> {
    return Promise.resolve()
  }

  /** The same storage as another process has it, which never leads. */
  followed(): LogStore {
    return {
      size: () => this.size(),
      leaves: (from, to) => this.leaves(from, to),
      grown: (call) => this.grown(call),
      checkpoint: () => this.checkpoint(),
      tile: (level, index) => this.tile(level, index),
      keepCosigned: (kind, size, note) => this.keepCosigned(kind, size, note),
      cosigned: (kind) => this.cosigned(kind),
      lead: (signal: AbortSignal) => new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('closed')), { once: true })
      }),
      publish: () => Promise.reject(new PublishError('fenced', 'another process leads')),
      processes: {
        stored: async () => ({
          checkpoint: await this.checkpoint(), quorum: await this.cosigned('quorum'),
          final: await this.cosigned('final'), behind: false,
        }),
        changed: (call) => {
          this.#followers.add(call)
          return () => this.#followers.delete(call)
        },
        want: () => undefined,
        wanted: () => undefined,
        tried: async () => false,
        resign: async () => undefined,
      },
    }
  }

  async checkpoint(): Promise<StoredCheckpoint | undefined> {
    return this.published.at(-1)
  }

  async publish(next: StoredCheckpoint, tiles: readonly StoredTile[], after: number): Promise<void> {
    const size = this.published.at(-1)?.size ?? 0
    if (size !== after) throw new PublishError('conflict', 'another is stored')
    const store = (): void => {
      this.published.push({ ...next, at: this.#clock.now, tiles })
      for (const { level, index, bytes } of tiles) this.tiles.set(`${level}/${index}`, bytes)
    }
    if (this.fault === undefined) store()
    else this.fault(store)
  }

  async tile(level: number, index: number): Promise<Uint8Array | undefined> {
    return this.tiles.get(`${level}/${index}`)
  }

  async keepCosigned(kind: CosignedKind, size: number, note: Uint8Array): Promise<void> {
    this.kept.set(kind, { size, note })
    for (const call of this.#followers) call()
  }

  async cosigned(kind: CosignedKind): Promise<{ size: number; note: Uint8Array } | undefined> {
    return this.kept.get(kind)
  }
}
