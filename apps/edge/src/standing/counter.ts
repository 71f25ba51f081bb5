/** Where this organisation stands with the trustees' meters, as each said with its last release. */
import { type Standing, toHex } from '@scelle/sdk'

type Counted = NonNullable<Standing['counted']>
type Counter = Parameters<Counted>[1]

/** Share of a bound from which it is told that it comes near. */
const NEAR = 0.7

export class Counters {
  readonly #last = new Map<string, Counter>()

  readonly counted: Counted = (trustee, counter) => {
    this.#last.set(toHex(trustee), counter)
  }

  /**
   * A header's value: distinct patients in a day and without explanation, each with its bound, by the trustee that
   * counted most. Undefined before the first release. One trustee's numbers are its word alone: they decide nothing
   * here. `near`: at seven tenths of one of them, so that whoever reads can say so before it is in the way.
   */
  get header(): string | undefined {
    const [most] = [...this.#last.values()].toSorted((a, b) => b.day - a.day || b.unexplained - a.unexplained)
    if (most === undefined) return undefined
    const bounds = [[most.day, most.dayBound], [most.unexplained, most.unexplainedBound], [most.month, most.monthBound]]
    const isNear = bounds.some(([count = 0, bound = 0]) => bound > 0 && count >= NEAR * bound)
    return `day=${most.day}/${most.dayBound}, unexplained=${most.unexplained}/${most.unexplainedBound}`
      + (isNear ? ', near' : '')
  }
}
