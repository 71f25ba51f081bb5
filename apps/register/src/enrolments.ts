/**
 * One person's way through the desk, in one browser: their passkey agrees first, then a credential is read, then the
 * status is signed. What is open is in memory alone; after a restart it begins again at the house.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { type Context, equalBytes } from '@scelle/seal/verify'
import type { PageLanguage } from '@scelle/wire/passkey-page'
import { DeskError } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'
import type { Asked, Proving } from './proving.ts'
import type { House, ProviderWay, Read, WalletWay } from './reading.ts'
import type { Statuses } from './statuses.ts'

export interface EnrolmentsOptions {
  /** Public address of this desk, without a slash at its end. */
  readonly base: string
  readonly proving: Pick<Proving, 'ask' | 'verify'>
  readonly statuses: Pick<Statuses, 'enrol'>
  readonly provider: ProviderWay | undefined
  readonly wallet: WalletWay | undefined
  readonly context: Context
}

/** What a browser has: two cookies, of where it began and of where the page's answer came in. */
export interface Cookies {
  readonly began: string | undefined
  readonly answered: string | undefined
}

export interface Enrolment {
  readonly id: string
  readonly house: House
  readonly person: Uint8Array
  readonly returnTo: string
  readonly language: PageLanguage
  readonly until: number
  began: string | undefined
  asked: Asked | undefined
  answered: string | undefined
}

const SECRET = 32

const isSame = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && timingSafeEqual(
    createHash('sha256').update(one).digest(), createHash('sha256').update(other).digest())

const isSafe = (address: string): boolean => {
  const url = URL.parse(address)
  const isHere = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1)$/.test(url.hostname)
  return url !== null && (url.protocol === 'https:' || isHere) && url.username === '' && url.password === ''
}

export class Enrolments {
  readonly #options: EnrolmentsOptions
  /** The oldest first. */
  readonly #open = new Map<string, Enrolment>()

  constructor(options: EnrolmentsOptions) {
    this.#options = options
  }

  get ways(): { readonly provider: boolean; readonly wallet: boolean } {
    return { provider: this.#options.provider !== undefined, wallet: this.#options.wallet !== undefined }
  }

  get walletClient(): string {
    return this.#way('wallet').clientId
  }

  /** A house sends somebody. Throws DeskError `form-invalid`, `away`. */
  open(house: House, { person, returnTo, language }: Pick<Enrolment, 'person' | 'returnTo' | 'language'>): string {
    if (!isSafe(returnTo)) throw new DeskError('form-invalid')
    const { now } = this.#options.context
    for (const [old, { until }] of this.#open) if (until <= now()) this.#open.delete(old)
    const ofHouse = [...this.#open.values()].filter((one) => equalBytes(one.house.id, house.id))
    // One house's requests push out none of another's.
    if (ofHouse.length >= DESK_LIMITS.enrolmentsOfHouse) this.#open.delete(ofHouse[0]?.id ?? '')
    if (this.#open.size >= DESK_LIMITS.enrolments) throw new DeskError('away')
    const id = this.#secret()
    this.#open.set(id, {
      id, house, person, returnTo, language, until: now() + DESK_LIMITS.enrolmentTime,
      began: undefined, asked: undefined, answered: undefined,
    })
    return `${this.#options.base}/enrolment/${id}`
  }

  /** What is behind an address, for the first page: whose house it is. Throws `enrolment-over`. */
  at(id: string): Enrolment {
    const found = this.#open.get(id)
    if (found === undefined || found.until <= this.#options.context.now()) throw new DeskError('enrolment-over')
    return found
  }

  /** From now on it is this browser's, whose secret is in the answer. Throws `other-browser`. */
  async begin(id: string, cookies: Cookies): Promise<{ readonly url: string; readonly began: string }> {
    const enrolment = this.at(id)
    if (enrolment.began !== undefined && !isSame(enrolment.began, cookies.began)) throw new DeskError('other-browser')
    const began = enrolment.began ?? this.#secret()
    enrolment.began = began
    const { url, ...asked } = await this.#options.proving.ask(enrolment.person, {
      returnTo: `${this.#options.base}/enrolment/${id}/answer`, language: enrolment.language, browser: began,
    })
    enrolment.asked = asked
    return { url, began }
  }

  /** What the passkey page posted, from its own origin: no cookie came along. Throws `passkey-refused`. */
  async answer(id: string, sent: string): Promise<{ readonly answered: string }> {
    const enrolment = this.at(id)
    const { asked } = enrolment
    // Taken out before it is looked at: nobody tries twice, and an answer that was seen on its way is good once.
    enrolment.asked = undefined
    if (asked === undefined) throw new DeskError('enrolment-over')
    await this.#options.proving.verify(enrolment.person, asked, sent)
    const answered = this.#secret()
    enrolment.answered = answered
    return { answered }
  }

  /** The enrolment, once its person's passkey has agreed in this browser. Throws `other-browser`. */
  proven(id: string, { began, answered }: Cookies): Enrolment {
    const enrolment = this.at(id)
    if (!isSame(enrolment.began, began) || !isSame(enrolment.answered, answered)) throw new DeskError('other-browser')
    return enrolment
  }

  async toProvider(id: string, cookies: Cookies): Promise<{ readonly url: string }> {
    const enrolment = this.proven(id, cookies)
    return this.#way('provider').begin(this.#session(enrolment))
  }

  /** The browser came back from the provider, with this address; where it goes then. */
  async back(address: string, cookies: Cookies): Promise<string> {
    const enrolment = this.#of(cookies)
    const read = await this.#way('provider').finish(this.#session(enrolment), address, enrolment.house)
    return this.#finish(enrolment, read)
  }

  async toWallet(id: string, cookies: Cookies): Promise<{ readonly reference: string }> {
    const enrolment = this.proven(id, cookies)
    return this.#way('wallet').begin(this.#session(enrolment))
  }

  walletRequest(reference: string): string {
    return this.#way('wallet').request(reference)
  }

  walletAnswer(body: string): Promise<{ redirect_uri: string }> {
    return this.#way('wallet').receive(body)
  }

  /** The wallet opened the browser again, with this code; where it goes then. */
  collect(code: string, cookies: Cookies): Promise<string> {
    const enrolment = this.#of(cookies)
    return this.#finish(enrolment, this.#way('wallet').collect(this.#session(enrolment), code, enrolment.house))
  }

  async #finish(enrolment: Enrolment, read: Read): Promise<string> {
    const { house, id, person, returnTo } = enrolment
    // Over, whatever comes of it: of one enrolment there is one status.
    if (this.#open.get(id) !== enrolment) throw new DeskError('enrolment-over')
    this.#open.delete(id)
    await this.#options.statuses.enrol({ ...read, person, house: house.id })
    return returnTo
  }

  /** Binds what a provider or wallet answers to this enrolment, in this browser, after its passkey's answer. */
  #session({ id, began, answered }: Enrolment): string {
    return `${id} ${began} ${answered}`
  }

  #of(cookies: Cookies): Enrolment {
    const mine = [...this.#open.values()].find(({ began }) => isSame(began, cookies.began))
    if (mine === undefined) throw new DeskError('enrolment-over')
    return this.proven(mine.id, cookies)
  }

  #way<W extends 'provider' | 'wallet'>(way: W): NonNullable<EnrolmentsOptions[W]> {
    const open = this.#options[way]
    if (open === undefined) throw new DeskError('way-closed')
    return open
  }

  #secret(): string {
    return Buffer.from(this.#options.context.random(SECRET)).toString('base64url')
  }
}
