/** What was asked and not answered yet. Each is answered once, in time, by whoever began it. */
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'

export class OpenRequests<T> {
  readonly #open = new Map<string, { readonly value: T; readonly until: number }>()
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @throws CredentialError `overloaded`: others' open requests are not dropped for a new one */
  add(name: string, value: T): void {
    const now = this.#now()
    for (const [old, { until }] of this.#open) {
      // In the order of time: the first that is still good ends the search.
      if (until > now) break
      this.#open.delete(old)
    }
    if (this.#open.size >= CREDENTIAL_LIMITS.openRequests) throw new CredentialError('overloaded')
    this.#open.set(name, { value, until: now + CREDENTIAL_LIMITS.requestAge * 1000 })
  }

  /**
   * Takes the request out before anything of the answer is looked at: a second answer finds none, and a wrong first
   * one ends it.
   *
   * @throws CredentialError `request-unknown`
   */
  take(name: string): T {
    const found = this.#open.get(name)
    this.#open.delete(name)
    if (found === undefined || found.until <= this.#now()) throw new CredentialError('request-unknown')
    return found.value
  }
}
