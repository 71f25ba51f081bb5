/** One at a time, in the order of arrival: what is decided must still be true when it is stored. */
import { Problem } from '@scelle/wire/errors'
import { TRUSTEE_LIMITS } from '../limits.ts'

export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  readonly #most: number

  constructor(most: number = TRUSTEE_LIMITS.witnessTurns) {
    this.#most = most
  }

  /** Throws `overloaded` where too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#most) throw new Problem('overloaded')
    this.#waiting++
    const mine = this.#last.then(work, work)
    this.#last = mine.catch(() => undefined)
    try {
      return await mine
    } finally {
      this.#waiting--
    }
  }
}
