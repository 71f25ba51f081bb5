/** A map of bounded size: what was used least recently goes first. */
export class Recent<V> {
  readonly #entries = new Map<string, V>()
  readonly #limit: number
  readonly #mayGo: (value: V) => boolean

  /** `mayGo` spares values that are in use. */
  constructor(limit: number, mayGo: (value: V) => boolean = () => true) {
    this.#limit = limit
    this.#mayGo = mayGo
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return
    for (const [oldest, held] of this.#entries) {
      if (oldest === key || !this.#mayGo(held)) continue
      this.#entries.delete(oldest)
      return
    }
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** Drops whatever fits. */
  sweep(fits: (value: V, key: string) => boolean): void {
    for (const [key, value] of this.#entries) if (fits(value, key)) this.#entries.delete(key)
  }
}
