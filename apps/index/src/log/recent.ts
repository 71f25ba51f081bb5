/** The newest leaves in memory: sequencer and trustees that keep up need the same ones, within a second. */
import { INDEX_LIMITS } from '../limits.ts'
import type { LogStore, StoredLeaf } from '../log-store.ts'

export class RecentLeaves {
  readonly #store: Pick<LogStore, 'leaves'>
  #leaves: StoredLeaf[] = []
  /** Number of the first one kept. */
  #from = 0

  constructor(store: Pick<LogStore, 'leaves'>) {
    this.#store = store
  }

  /** Leaves from `from` up to but without `to`, which are stored. */
  readonly read = async (from: number, to: number): Promise<readonly StoredLeaf[]> => {
    if (from >= this.#from && to <= this.#from + this.#leaves.length) {
      return this.#leaves.slice(from - this.#from, to - this.#from)
    }
    const leaves = await this.#store.leaves(from, to)
    if (leaves.length !== to - from) throw new Error('the index has not all leaves that its log counts')
    return leaves
  }

  /** The same for the sequencer, who goes through them once: the newest are kept for whoever follows it. */
  readonly take = async (from: number, to: number): Promise<readonly StoredLeaf[]> => {
    const leaves = await this.read(from, to)
    if (from !== this.#from + this.#leaves.length) {
      this.#leaves = []
      this.#from = from
    }
    this.#leaves.push(...leaves)
    const over = this.#leaves.length - INDEX_LIMITS.recentLeaves
    if (over > INDEX_LIMITS.leavesAtOnce) {
      this.#leaves = this.#leaves.slice(over)
      this.#from += over
    }
    return leaves
  }
}
