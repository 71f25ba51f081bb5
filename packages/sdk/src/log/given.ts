/**
 * What this client gave to the index, whole and with the index's word that it holds it: the newest of it, so that an
 * index that was restored from a backup can be given it again. Nothing in clear is kept.
 */
import { SDK_LIMITS } from '../limits.ts'
import type { GivenItem, Memory } from '../state.ts'

export class Given {
  readonly #memory: Memory
  #next: Promise<number> | undefined

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /** Keeps it in the place of the oldest. What is larger than one entry may be is not kept. */
  async keep(item: GivenItem): Promise<void> {
    if ((item.submission?.length ?? 0) > SDK_LIMITS.givenBytes) return
    const at = (this.#next ?? this.#memory.givenNext())
    this.#next = at.then((next) => next + 1)
    const next = await at
    await this.#memory.keepGiven(next % SDK_LIMITS.givenEntries, item)
    await this.#memory.nowGivenNext(next + 1)
  }

  /** All that is kept, oldest first. */
  async *all(): AsyncGenerator<GivenItem> {
    const next = await (this.#next ?? this.#memory.givenNext())
    for (let at = Math.max(0, next - SDK_LIMITS.givenEntries); at < next; at++) {
      const item = await this.#memory.given(at % SDK_LIMITS.givenEntries)
      if (item !== undefined) yield item
    }
  }
}
