/** Requests to the passkey page that were not answered yet. Each is answered once, soon, and where it was asked. */
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'

interface Waiting<T> {
  readonly about: T
  readonly session: string | undefined
  readonly until: number
}

export class PageRequests<T> {
  readonly #now: () => number
  /** By state; the oldest first. */
  readonly #waiting = new Map<string, Waiting<T>>()

  constructor(now: () => number) {
    this.#now = now
  }

  add(state: string, about: T, session: string | undefined): void {
    const now = this.#now()
    for (const [old, { until }] of this.#waiting) if (until <= now) this.#waiting.delete(old)
    // Whoever asks and never answers pushes out requests, the oldest first, and nobody's session.
    for (const old of this.#waiting.keys()) {
      if (this.#waiting.size < EDGE_LIMITS.pageRequests) break
      this.#waiting.delete(old)
    }
    this.#waiting.set(state, { about, session, until: now + EDGE_LIMITS.pageTime })
  }

  /**
   * Throws `forbidden`. A state that is asked for is used up, whoever asks: an answer that was seen on its way is good
   * once, and somebody who sends their own answer to another person's browser is nobody there.
   */
  take(state: string, session: string | undefined): T {
    const found = this.#waiting.get(state)
    this.#waiting.delete(state)
    if (found === undefined || found.until <= this.#now() || found.session !== session) {
      throw new EdgeError('forbidden', 'this answers no request of this session that is open: begin again')
    }
    return found.about
  }
}
