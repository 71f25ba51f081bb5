/** Seeded draws from the distributions that workloads are made of. */
import { seededRandom } from '@scelle/testing/random'

const BLOCK = 8_192

export class Draw {
  readonly #random: (length: number) => Uint8Array
  #block: DataView
  #at = BLOCK

  constructor(seed: string) {
    this.#random = seededRandom(seed)
    this.#block = new DataView(new ArrayBuffer(BLOCK))
  }

  bytes(length: number): Uint8Array {
    return this.#random(length)
  }

  /** From 0 up to but without 1. */
  uniform(): number {
    if (this.#at >= BLOCK) {
      const bytes = this.#random(BLOCK)
      this.#block = new DataView(bytes.buffer, bytes.byteOffset, BLOCK)
      this.#at = 0
    }
    const drawn = this.#block.getUint32(this.#at)
    this.#at += 4
    return drawn / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  /** Box and Muller's, one of the two. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }

  /** Mean 1, by Marsaglia and Tsang's method: how much more or less than others somebody sees. Shape at least 1. */
  gamma(shape: number): number {
    const d = shape - 1 / 3
    const c = 1 / Math.sqrt(9 * d)
    for (;;) {
      const x = this.normal()
      const v = (1 + c * x) ** 3
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return (d * v) / shape
    }
  }

  /** Knuth's product for small means, a rounded normal for others. */
  poisson(mean: number): number {
    if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()))
    const limit = Math.exp(-mean)
    let count = 0
    for (let product = this.uniform(); product > limit; product *= this.uniform()) count++
    return count
  }

  /** Negative binomial: `dispersion` is the variance divided by the mean, above 1. */
  count(mean: number, dispersion: number): number {
    if (mean <= 0) return 0
    const shape = Math.max(1, mean / (dispersion - 1))
    return this.poisson(mean * this.gamma(shape))
  }
}
