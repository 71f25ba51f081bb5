/**
 * What was found out about somebody, and for how long it may be relied on. It is asked for anew every ten seconds while
 * it is used, so that a sign-out counts here 15 s later; where nobody answers, it carries for a minute, and then
 * nothing: a guard that cannot know lets nobody through.
 */
import { Problem } from '@scelle/wire/errors'
import { isSilence } from './asking.ts'
import { GUARD_LIMITS } from './limits.ts'

interface Entry<T> {
  readonly value: T
  /** Milliseconds: when the question left, not when its answer came. */
  readonly askedAt: number
  readonly find: () => Promise<T>
  asking?: Promise<T>
}

export class Known<T> {
  readonly #now: () => number
  readonly #entries = new Map<string, Entry<T>>()

  constructor(now: () => number) {
    this.#now = now
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** Remembers what `find` found when it was asked at `askedAt`, and will find when it is asked again. */
  put(name: string, value: T, askedAt: number, find: () => Promise<T>): void {
    this.#entries.delete(name)
    this.#entries.set(name, { value, askedAt, find })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > GUARD_LIMITS.known && oldest !== undefined) this.#entries.delete(oldest)
  }

  /** As it is now. Throws what it was refused with; `view-stale`. Undefined where nothing is known. */
  async get(name: string): Promise<T | undefined> {
    const entry = this.#entries.get(name)
    if (entry === undefined) return undefined
    const age = this.#now() - entry.askedAt
    // A clock that went back says nothing about how old something is.
    if (age >= 0 && age < GUARD_LIMITS.recheck) return entry.value
    try {
      return await (entry.asking ??= this.#renew(name, entry))
    } catch (error) {
      if (!isSilence(error)) throw error
      const late = this.#now() - entry.askedAt
      if (late < 0 || late > GUARD_LIMITS.stale) throw new Problem('view-stale', undefined, { cause: error })
      return entry.value
    }
  }

  async #renew(name: string, entry: Entry<T>): Promise<T> {
    const askedAt = this.#now()
    try {
      const value = await entry.find()
      if (this.#entries.get(name) === entry) this.put(name, value, askedAt, entry.find)
      return value
    } catch (error) {
      // A refusal is for good: whoever acts in it has to show another one.
      if (!isSilence(error) && this.#entries.get(name) === entry) this.#entries.delete(name)
      throw error
    } finally {
      delete entry.asking
    }
  }
}
