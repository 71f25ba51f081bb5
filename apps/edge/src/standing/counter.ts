/** Where this organisation stands with the trustees' meters, as each said with its last release. */
import { type Standing, toHex } from '@scelle/sdk'

type Counted = NonNullable<Standing['counted']>
type Counter = Parameters<Counted>[1]

export class Counters {
  readonly #last = new Map<string, Counter>()

  readonly counted: Counted = (trustee, counter) => {
    this.#last.set(toHex(trustee), counter)
  }

  /**
   * A header's value: distinct patients in a day and without explanation, each with its bound, by the trustee that
   * counted most. Undefined before the first release. One trustee's numbers are its word alone: they decide nothing
   * here.
   */
  get header(): string | undefined {
    const [most] = [...this.#last.values()].toSorted((a, b) => b.day - a.day || b.unexplained - a.unexplained)
    return most && `day=${most.day}/${most.dayBound}, unexplained=${most.unexplained}/${most.unexplainedBound}`
  }
}
