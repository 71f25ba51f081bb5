/** One at a time per key. Keys of one call are taken together, so that two calls never wait for each other. */
export class Locks {
  readonly #tails = new Map<string, Promise<void>>()

  /** Runs `work` once nobody before it holds any of `keys`. */
  async with<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const before = [...new Set(keys)].map((key) => this.#tails.get(key)).filter((tail) => tail !== undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const key of keys) this.#tails.set(key, promise)
    try {
      if (before.length > 0) await Promise.all(before)
      return await work()
    } finally {
      for (const key of keys) if (this.#tails.get(key) === promise) this.#tails.delete(key)
      resolve()
    }
  }
}
