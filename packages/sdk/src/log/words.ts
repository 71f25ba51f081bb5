/**
 * The index's words about single statements (vaults, grants, revocations, manifests, key records) until a final
 * checkpoint holds their leaves: kept durably, so that a restart does not let it off its word.
 */
import { SDK_LIMITS } from '../limits.ts'
import type { KeptWord, Memory } from '../state.ts'

export class Words {
  readonly #memory: Memory
  #entries: KeptWord[][] | undefined
  #loading: Promise<KeptWord[][]> | undefined

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /** On the disk when this resolves, as far as the client's state is. */
  async add(word: KeptWord): Promise<void> {
    const entries = await this.#all()
    let at = entries.findIndex((entry) => entry.length < SDK_LIMITS.wordsPerEntry)
    if (at < 0) at = entries.length
    // Beyond the bound the newest entry is given up rather than the oldest, which waits for longest.
    if (at >= SDK_LIMITS.wordEntries) entries[(at = SDK_LIMITS.wordEntries - 1)] = []
    const entry = (entries[at] ??= [])
    entry.push(word)
    await this.#memory.keepWords(at, [...entry])
  }

  /** All that wait, oldest first within an entry. */
  async waiting(): Promise<KeptWord[]> {
    return (await this.#all()).flat()
  }

  /** True once loaded and empty: nothing needs to be looked at. */
  get isEmpty(): boolean {
    return this.#entries !== undefined && this.#entries.every(({ length }) => length === 0)
  }

  /** Forgets words that were confirmed, or shown to be broken. */
  async settle(settled: ReadonlySet<KeptWord>): Promise<void> {
    if (settled.size === 0) return
    const entries = await this.#all()
    for (const [at, entry] of entries.entries()) {
      const left = entry.filter((word) => !settled.has(word))
      if (left.length === entry.length) continue
      entry.splice(0, entry.length, ...left)
      await this.#memory.keepWords(at, left)
    }
  }

  async #all(): Promise<KeptWord[][]> {
    if (this.#entries !== undefined) return this.#entries
    this.#entries = await (this.#loading ??= this.#load())
    return this.#entries
  }

  async #load(): Promise<KeptWord[][]> {
    const entries: KeptWord[][] = []
    for (let at = 0; at < SDK_LIMITS.wordEntries; at++) {
      const entry = await this.#memory.keptWords(at)
      if (entry === undefined) break
      entries.push(entry)
    }
    return entries
  }
}
