/** What was already received: the memory that makes a recorded request useless to whoever recorded it. */
import { Problem } from './errors.ts'
import { WIRE_LIMITS } from './limits.ts'

/**
 * Nonces of the requests received within the signature window, by the second they were created in.
 *
 * It never forgets a nonce whose signature it would still accept. When the clock jumps ahead and back again, what was
 * forgotten meanwhile stays refused (`#forgotten`), and so does everything signed before the process started, whose
 * nonces it never knew. `created` counts whole seconds, so a request of the very second of the start is let through.
 */
export class NonceMemory {
  readonly #seconds = new Map<number, Set<string>>()
  readonly #limit: number
  #size = 0
  /** Seconds; nothing created at or before this is accepted. */
  #forgotten: number
  #pruned = 0

  /** `startedAt` in milliseconds since 1970: when this memory began to exist. `limit` counts nonces. */
  constructor(startedAt: number, limit: number = WIRE_LIMITS.noncesRemembered) {
    this.#forgotten = Math.floor(startedAt / 1000) - 1
    this.#limit = limit
  }

  /** Nonces held at present. */
  get size(): number {
    return this.#size
  }

  /** Throws `signature-expired` unless `created` (seconds) lies in the window around `now` (milliseconds). */
  requireFresh(created: number, now: number): void {
    const stale = Math.abs(Math.floor(now / 1000) - created) > WIRE_LIMITS.signatureWindow
    if (stale || created <= this.#forgotten) throw new Problem('signature-expired')
  }

  /**
   * Remembers a nonce whose signature was verified. Throws `signature-replayed` if it was seen before, `overloaded`
   * when the memory is full: forgetting instead would let somebody flush it and replay.
   */
  admit(principal: string, nonce: string, created: number, now: number): void {
    this.#prune(Math.floor(now / 1000) - WIRE_LIMITS.signatureWindow)
    this.requireFresh(created, now)
    // 64 bits of the principal's id keep one principal from using up another one's nonces; the nonce has the other 128.
    const entry = nonce + principal.slice(0, 16)
    const seen = this.#seconds.get(created) ?? new Set()
    if (seen.has(entry)) throw new Problem('signature-replayed')
    if (this.#size >= this.#limit) throw new Problem('overloaded')
    seen.add(entry)
    this.#seconds.set(created, seen)
    this.#size++
  }

  #prune(before: number): void {
    if (before === this.#pruned) return
    this.#pruned = before
    for (const [created, seen] of this.#seconds) {
      if (created >= before) continue
      this.#seconds.delete(created)
      this.#size -= seen.size
      this.#forgotten = Math.max(this.#forgotten, created)
    }
  }
}
