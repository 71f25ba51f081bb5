/** How many things each principal did in this hour: what anybody with a key may have put on record is bounded. */
import { Cache } from './cache.ts'
import { nameOf } from './names.ts'

const HOUR = 3_600

export class HourlyCounts {
  readonly #counts: Cache<{ readonly hour: number; count: number }>

  /** `principals`: how many are remembered at once. */
  constructor(principals: number) {
    this.#counts = new Cache(principals)
  }

  /** Counts one more at that time, in seconds, and is false where it would be more than `most`. */
  take(principal: Uint8Array, most: number, time: number): boolean {
    const hour = Math.floor(time / HOUR)
    const name = nameOf(principal)
    const before = this.#counts.get(name)
    const counter = before?.hour === hour ? before : { hour, count: 0 }
    if (counter.count >= most) return false
    counter.count++
    this.#counts.set(name, counter)
    return true
  }
}
