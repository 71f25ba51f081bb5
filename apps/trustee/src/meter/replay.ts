/**
 * A restored meter gets back what it spent: from the log, by its own signed words, each with its sealed charge and
 * its number. It goes on once there is no gap up to the number that its peers last heard from it: an index that
 * keeps one back keeps this trustee's windows full, and nothing else.
 */
import type { Identity } from '@scelle/seal/identity'
import {
  decode, decodeSigned, encode, equalBytes, Release, SpentUpTo, SUITE, toHex, verifySigned,
} from '@scelle/seal/verify'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { ReleaseJournal } from '@scelle/wire/messages'
import { faultOf, type Log } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { Address } from '../log/gossip.ts'
import type { TrusteeStore } from '../store.ts'
import type { Journal, JournalEntry } from './journal.ts'

export interface ReplayOptions {
  readonly identity: Identity
  readonly store: TrusteeStore
  readonly journal: Journal
  readonly index: Address
  readonly peers: readonly Address[]
  readonly asking: AskOptions
  readonly now: () => number
  readonly log: Log
}

/** This trustee's signed word how far its journal goes, for its peers. */
export const spentStatement = (
  identity: Identity, store: TrusteeStore, now: number,
): Promise<Uint8Array> => identity.sign('spent', encode(SpentUpTo, {
  suite: SUITE, trustee: identity.id, serial: store.asked((meter) => meter.spent.serial), time: Math.floor(now / 1000),
}))

export class Replay {
  readonly #options: ReplayOptions
  #running = false

  constructor(options: ReplayOptions) {
    this.#options = options
  }

  /** There may be something to get back. Tried again from time to time. */
  wake(): void {
    if (this.#running || this.#restored() === undefined) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#options.log({ event: 'fault', ...faultOf(error) }))
      .finally(() => { this.#running = false })
  }

  async #run(): Promise<void> {
    const { asking: { signal, timers } } = this.#options
    while (!signal.aborted && this.#restored() !== undefined) {
      if (await this.once()) return
      await new Promise<void>((resolve) => {
        const cancel = timers.after(TRUSTEE_LIMITS.replayPause, resolve)
        signal.addEventListener('abort', () => {
          cancel()
          resolve()
        }, { once: true })
      })
    }
  }

  /** Whether all is back. */
  async once(): Promise<boolean> {
    const { store, log } = this.#options
    const restored = this.#restored()
    if (restored === undefined) return true
    const attested = await this.#attested()
    const entries = attested === undefined ? undefined : await this.#entries(restored.leaf)
    if (attested === undefined || entries === undefined) return false
    return store.asked((meter) => {
      const first = meter.spent.serial + 1
      const missing = entries.filter(({ serial }) => serial >= first).toSorted((a, b) => a.serial - b.serial)
      const isWhole = missing.every(({ serial }, place) => serial === first + place)
      if (!isWhole || first + missing.length - 1 < attested) return false
      for (const entry of missing) meter.replay(entry)
      meter.spent.replayed()
      log({ event: 'meter-replayed', entries: missing.length })
      return true
    })
  }

  #restored() {
    const { store, now } = this.#options
    return store.asked((meter) => meter.spent.restored(Math.floor(now() / 1000)))
  }

  /** The highest number that a peer has this trustee's own word of; undefined while one of them does not answer. */
  async #attested(): Promise<number | undefined> {
    const { identity, peers, asking } = this.#options
    const heard = await Promise.all(peers.map(async ({ url }) => {
      try {
        const word = await ask(asking, 'GET', `${url}/v1/meter/spent/${toHex(identity.id)}`)
        return decode(SpentUpTo, (await verifySigned('spent', word, identity.keys)).body).serial
      } catch (error) {
        // A peer that has heard nothing yet says so, and one that lies could only say less than it knows.
        if (error instanceof Unanswered && error.code === 'not-found') return 0
        return undefined
      }
    }))
    return heard.every((serial) => serial !== undefined) ? Math.max(0, ...heard) : undefined
  }

  async #entries(leaf: number): Promise<JournalEntry[] | undefined> {
    const { asking, index: { url } } = this.#options
    const entries: JournalEntry[] = []
    try {
      for (let after = leaf; ;) {
        const page = decode(ReleaseJournal, await ask(asking, 'GET', `${url}/v1/releases?after=${after}`))
        for (const word of page.words) {
          const entry = await this.#entryOf(word)
          if (entry !== undefined) entries.push(entry)
        }
        if (page.end) return entries
        // An index that goes round in circles gets nobody any further.
        if (page.next <= after) return undefined
        after = page.next
      }
    } catch (error) {
      if (error instanceof Unanswered) return undefined
      throw error
    }
  }

  async #entryOf(word: Uint8Array): Promise<JournalEntry | undefined> {
    const { identity, journal } = this.#options
    if (!equalBytes(decodeSigned('release', word).signer, identity.id)) return undefined
    const { access, charge } = decode(Release, (await verifySigned('release', word, identity.keys)).body)
    return charge === undefined ? undefined : journal.open(charge, access)
  }
}
