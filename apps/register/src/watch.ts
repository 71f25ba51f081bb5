/**
 * Looks after every credential that a status rests on, and brings what is taken back to the trustees. Reading and
 * telling run apart: a trustee that does not answer keeps no list from being read.
 */
import { CredentialError } from '@scelle/credentials/professional'
import type { Issuer, StatusLists } from '@scelle/credentials/status-list'
import { type Client, SdkError } from '@scelle/sdk'
import { faultOf, type Log } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { DESK_LIMITS } from './limits.ts'
import type { Statuses } from './statuses.ts'
import type { DeskStore, Enrolled, Withdrawal } from './store.ts'

export interface WatchOptions {
  readonly store: DeskStore
  readonly statuses: Statuses
  readonly lists: StatusLists
  readonly issuers: readonly Issuer[]
  /** Milliseconds for which people stay in whose list cannot be read. */
  readonly grace: number
  /** Meets index and trustees at its first use. */
  readonly client: () => Promise<Pick<Client, 'withdraw'>>
  readonly now: () => number
  readonly timers: Timers
  readonly log: Log
}

/** What the list says of one entry. `unread`: nothing, of any entry. */
type Word = 'good' | 'away' | 'gone' | 'unread'

/** So many times a withdrawal is told again with every look. */
const FREQUENT = 6

interface Counts { withdrawn: number; returned: number; renewed: number }

const wordOf = (error: unknown): Word => {
  // A defect of ours is no word of the issuer's: also then people are out in the end.
  if (!(error instanceof CredentialError)) return 'unread'
  if (error.code === 'revoked') return 'gone'
  // Nobody knows what an entry that is not there would say.
  if (error.code === 'suspended' || error.code === 'status-index-outside') return 'away'
  return 'unread'
}

export class Watch {
  readonly #options: WatchOptions
  readonly #cancels = new Set<() => void>()
  #stopped = false
  /** When withdrawals that did not reach everybody are told again. */
  readonly #again = new Map<number, { readonly times: number; readonly at: number }>()
  #looking: Promise<void> | undefined
  #telling: Promise<void> | undefined

  constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Looks now, and then every `DESK_LIMITS.lookEvery`. */
  start(): void {
    const arm = (): void => {
      if (this.#stopped) return
      const cancel = this.#options.timers.after(DESK_LIMITS.lookEvery, () => {
        this.#cancels.delete(cancel)
        arm()
        this.#once()
      }, false)
      this.#cancels.add(cancel)
    }
    arm()
    this.#once()
  }

  /** Ends it; what is under way is waited for. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#cancels) cancel()
    await this.rest()
  }

  /** Until nothing of it is under way. */
  async rest(): Promise<void> {
    while (this.#looking !== undefined || this.#telling !== undefined) await (this.#looking ?? this.#telling)
  }

  #once(): void {
    void this.look().then(() => this.tell())
  }

  /** One look at every list; one that is under way is the same one. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().catch((error: unknown) => this.#fault(error)).finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Tells all that is not told yet, once. Never throws. */
  tell(): Promise<void> {
    this.#telling ??= this.#tell().catch((error: unknown) => this.#fault(error)).finally(() => {
      this.#telling = undefined
    })
    return this.#telling
  }

  #fault(error: unknown): void {
    this.#options.log({ event: 'fault', ...faultOf(error) })
  }

  async #look(): Promise<void> {
    const { store, statuses, log } = this.#options
    const counts: Counts = { withdrawn: 0, returned: 0, renewed: 0 }
    await Promise.all(store.lists().map((list, place) => this.#lookAt(list, place, counts)))
    for (const one of store.signedIn()) if (await statuses.renew(one)) counts.renewed++
    if (counts.withdrawn + counts.returned + counts.renewed > 0) log({ event: 'statuses', ...counts })
  }

  async #lookAt(
    { issuer: name, uri }: { readonly issuer: string; readonly uri: string }, place: number, counts: Counts,
  ): Promise<void> {
    const { store, issuers, now } = this.#options
    const key = `${name}\n${uri}`
    const issuer = issuers.find((one) => one.name === name)
    for (const one of store.on({ issuer: name, uri })) {
      if (this.#stopped) return
      // An issuer that is listed no more says nothing: its people are out, as if it had said so.
      const word = issuer === undefined ? 'gone' : await this.#wordOn(issuer, one, place)
      if (word === 'unread') return this.#unread(key, { issuer: name, uri }, counts)
      store.read(key, now())
      await this.#apply(one, word, counts)
    }
  }

  async #wordOn(issuer: Issuer, { listed }: Enrolled, place: number): Promise<Word> {
    if (listed === undefined) return 'good'
    try {
      await this.#options.lists.check(issuer, listed)
      return 'good'
    } catch (error) {
      const word = wordOf(error)
      const code = error instanceof CredentialError ? error.code : 'failed'
      if (word === 'unread') this.#options.log({ event: 'list-unread', list: place, code })
      return word
    }
  }

  async #apply(one: Enrolled, word: Exclude<Word, 'unread'>, counts: Counts): Promise<void> {
    const { statuses } = this.#options
    if (word !== 'good') {
      if (await statuses.takeBack(one, word)) counts.withdrawn++
      return
    }
    if (await statuses.giveBack(one)) counts.returned++
    if (await statuses.renew(one)) counts.renewed++
  }

  async #unread(key: string, list: { readonly issuer: string; readonly uri: string }, counts: Counts): Promise<void> {
    const { store, statuses, grace, now } = this.#options
    const read = store.readAt(key)
    // A clock that was set back must not make a word newer than it is.
    if (read !== undefined && now() >= read && now() - read < grace) return
    for (const one of store.on(list)) if (await statuses.takeBack(one, 'away')) counts.withdrawn++
  }

  async #tell(): Promise<void> {
    const { store, client, now, log } = this.#options
    // New ones first: those that a trustee has not got for days must not stand before today's leaver.
    const waiting = store.untold().filter(({ id }) => (this.#again.get(id)?.at ?? 0) <= now())
      .toSorted((one, other) => (this.#again.get(one.id)?.times ?? 0) - (this.#again.get(other.id)?.times ?? 0))
      .slice(0, DESK_LIMITS.tellRound)
    if (waiting.length === 0) return
    const codes: string[] = []
    for (let at = 0; at < waiting.length && !this.#stopped; at += DESK_LIMITS.tellAtOnce) {
      const some = waiting.slice(at, at + DESK_LIMITS.tellAtOnce)
      codes.push(...await Promise.all(some.map((one) => this.#tellOne(client, one))).then((all) => all.flat()))
    }
    const [code] = codes
    if (code !== undefined) log({ event: 'withdrawals-pending', count: codes.length, code })
  }

  /** Told is what all three trustees and the log have: until then it is told again. */
  async #tellOne(client: WatchOptions['client'], { id, signed, isLogged }: Withdrawal): Promise<string[]> {
    const { store } = this.#options
    try {
      const { pending, logged } = await (await client()).withdraw(signed, isLogged)
      if (logged && !isLogged) store.logged(id)
      if (pending.length > 0 || !logged) return this.#later(id, pending.length > 0 ? 'trustee-away' : 'not-logged')
      store.told(id)
      this.#again.delete(id)
      return []
    } catch (error) {
      // Also where it is refused: a trustee that does not list this register today may do so tomorrow.
      return this.#later(id, error instanceof SdkError ? error.problem ?? error.code : 'failed')
    }
  }

  /** At each look at first, ever more rarely then. */
  #later(id: number, code: string): string[] {
    const times = (this.#again.get(id)?.times ?? 0) + 1
    const pause = Math.min(DESK_LIMITS.lookEvery * 2 ** Math.max(0, times - FREQUENT), DESK_LIMITS.tellRarely)
    this.#again.set(id, { times, at: this.#options.now() + pause })
    return [code]
  }
}
