/** Open capsules whose keys a writer still holds. Forgetting one is always safe: the next record opens another. */
import type { OpenCapsule } from '@scelle/seal/envelope'
import { toHex } from '@scelle/seal/verify'
import { SDK_LIMITS } from './limits.ts'
import { Recent } from './lru.ts'
import type { Timers } from './timers.ts'

export class CapsuleShelf {
  readonly #capsules = new Recent<OpenCapsule>(SDK_LIMITS.openCapsules)
  readonly #now: () => number
  readonly #timers: Timers
  readonly #alsoExpire: () => boolean
  #sweeping = false

  /** `alsoExpire` forgets whatever else ends with a day, at the same times, and answers whether any of it is left. */
  constructor(now: () => number, timers: Timers, alsoExpire: () => boolean = () => false) {
    this.#now = now
    this.#timers = timers
    this.#alsoExpire = alsoExpire
  }

  /** Capsules held at present. */
  get size(): number {
    return this.#capsules.size
  }

  #isOver(capsule: OpenCapsule): boolean {
    return !capsule.takes(1, this.#now())
  }

  /** The open capsule of a place, if it takes one more record and is of this epoch. */
  get(place: string, epoch: number): OpenCapsule | undefined {
    const capsule = this.#capsules.get(place)
    if (capsule === undefined) return undefined
    if (capsule.header.epoch === epoch && !this.#isOver(capsule)) return capsule
    this.#capsules.delete(place)
    return undefined
  }

  put(place: string, capsule: OpenCapsule): void {
    if (this.#isOver(capsule)) return
    this.#capsules.set(place, capsule)
    this.#sweepLater()
  }

  /** Forgets capsules by the hex of their ids. */
  drop(ids: ReadonlySet<string>): void {
    this.#capsules.sweep((capsule) => ids.has(toHex(capsule.header.capsule)))
  }

  /** Keys are forgotten when their day is over, not when somebody next happens to write. */
  #sweepLater(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    this.#timers.after(SDK_LIMITS.capsuleSweep, () => {
      this.#sweeping = false
      this.#capsules.sweep((capsule) => this.#isOver(capsule))
      const more = this.#alsoExpire()
      if (more || this.#capsules.size > 0) this.#sweepLater()
    })
  }
}
