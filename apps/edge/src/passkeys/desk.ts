/**
 * The desk of the register at which this house's people enrol: their own browser goes there and shows what it shows,
 * and the house fetches what the register signed. It is checked as if an officer had brought it.
 */
import type { Fetch, Identity, Timers } from '@scelle/sdk'
import { type AskOptions, Unanswered } from '@scelle/wire/ask'
import { beginEnrolment, fetchStatuses } from '@scelle/wire/register'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Log } from '../log.ts'

export interface DeskAddress {
  readonly url: string
  /** Principal id of the register, hex: nobody else's word is taken from there. */
  readonly id: string
}

export interface RegisterDeskOptions {
  readonly address: DeskAddress
  readonly identity: Identity
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly timers: Timers
  readonly fetch: Fetch
  readonly log: Log
}

export class RegisterDesk {
  readonly #options: RegisterDeskOptions

  constructor(options: RegisterDeskOptions) {
    this.#options = options
  }

  /** Hex id of the register. */
  get register(): string {
    return this.#options.address.id
  }

  /** Where the person's browser goes. Throws EdgeError `forbidden`, `index-unavailable`. */
  async begin(
    person: string, { returnTo, language }: { readonly returnTo: string; readonly language: string },
  ): Promise<string> {
    const { address } = this.#options
    try {
      const url = await beginEnrolment(this.#asking(), address.url, {
        person: new Uint8Array(Buffer.from(person, 'hex')), returnTo, language: language.startsWith('en') ? 'en' : 'fr',
      })
      // Whoever answers in the desk's place sends people nowhere else.
      if (!url.startsWith(`${address.url}/`)) throw new EdgeError('forbidden', 'the register sends people elsewhere')
      return url
    } catch (cause) {
      if (!(cause instanceof Unanswered)) throw cause
      if (cause.code === undefined) throw new EdgeError('index-unavailable', DOWN, undefined, { cause })
      throw new EdgeError('forbidden', `the register refuses: ${cause.code}`, undefined, { cause })
    }
  }

  /** What it signed of this person for this house; `unreached` where nobody answers. */
  async statusOf(person: string): Promise<Uint8Array | undefined | 'unreached'> {
    const { address, log } = this.#options
    try {
      const found = await fetchStatuses(this.#asking(), address.url, [new Uint8Array(Buffer.from(person, 'hex'))])
      return found.find((one) => Buffer.from(one.person).toString('hex') === person)?.status
    } catch {
      // Who is enrolled signs in through an outage of the desk, with the status that is here.
      log('register-not-reached', {})
      return 'unreached'
    }
  }

  #asking(): AskOptions {
    const { identity, now, random, timers, fetch } = this.#options
    return {
      identity, context: { now, random }, timers, fetch, signal: new AbortController().signal,
      timeout: EDGE_LIMITS.deskTime, answerBytes: EDGE_LIMITS.deskAnswer,
    }
  }
}

const DOWN = 'the register does not answer: try again in a moment'
