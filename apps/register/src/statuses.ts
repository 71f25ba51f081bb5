/**
 * What the register says of people, and takes back. A status never outlasts the credential that it rests on, a
 * principal is counted as one person for ever, and what was taken back counts again only by a status that begins later.
 */
import { signStatus, signWithdrawal } from '@scelle/seal/grants'
import type { Identity } from '@scelle/seal/identity'
import { type Context, equalBytes } from '@scelle/seal/verify'
import { DeskError } from './errors.ts'
import { DESK_LIMITS } from './limits.ts'
import type { DeskStore, Enrolled, Standing } from './store.ts'

/** What somebody has shown, of a principal that is proven to be theirs. */
export type Shown = Pick<Enrolled, 'person' | 'house' | 'meter' | 'role' | 'listed' | 'credentialEnds'>

export interface StatusesOptions {
  readonly identity: Identity
  readonly store: DeskStore
  readonly context: Context
}

/** A withdrawal and a status of one second would leave it open which came first: the status is the later one. */
const NEXT = 1

export class Statuses {
  readonly #options: StatusesOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: StatusesOptions) {
    this.#options = options
  }

  /** Signs the first status, or the one after another credential. Throws DeskError `other-person`, `other-house`. */
  enrol(shown: Shown): Promise<void> {
    return this.#inTurn(async () => {
      const known = this.#options.store.of(shown.person)
      // Who has spent a budget would otherwise go on under a colleague's.
      if (known !== undefined && !equalBytes(known.meter, shown.meter)) throw new DeskError('other-person')
      if (known !== undefined && !equalBytes(known.house, shown.house)) throw new DeskError('other-house')
      // It was read with the credential, a moment ago: that is when its list was known last.
      const { store, context } = this.#options
      if (shown.listed !== undefined) store.read(`${shown.listed.issuer}\n${shown.listed.uri}`, context.now())
      await this.#sign({ ...shown, withdrawn: known?.withdrawn ?? 0 })
    })
  }

  /** Prolongs a status that ends soon, while its credential is good: whether it did. */
  renew({ person }: Pick<Enrolled, 'person'>): Promise<boolean> {
    return this.#inTurn(async () => {
      const known = this.#options.store.of(person)
      const isDue = known?.standing === 'good' && known.ends - this.#now < DESK_LIMITS.statusLeft &&
        known.credentialEnds > known.ends
      if (isDue) await this.#sign(known)
      return isDue
    })
  }

  /** The credential is known to be good again: whether a new status was signed. */
  giveBack({ person }: Pick<Enrolled, 'person'>): Promise<boolean> {
    return this.#inTurn(async () => {
      const known = this.#options.store.of(person)
      const isBack = known?.standing === 'away' && known.credentialEnds > this.#now
      if (isBack) await this.#sign(known)
      return isBack
    })
  }

  /** Takes back what was said of a principal: on the disk before it returns, told to trustees by `Watch`. */
  takeBack({ person }: Pick<Enrolled, 'person'>, standing: Exclude<Standing, 'good'>): Promise<boolean> {
    return this.#inTurn(async () => {
      const { identity, store, context } = this.#options
      const known = store.of(person)
      if (known === undefined || known.standing === 'gone' || known.standing === standing) return false
      if (known.standing === 'away') {
        // Taken back before; from now on for good.
        store.keep({ ...known, standing })
        return true
      }
      // Dated no earlier than the status begins: otherwise it would take nothing back.
      const time = Math.max(this.#now, known.begins)
      const signed = await signWithdrawal(identity, person, { random: context.random, now: () => time * 1000 })
      store.withdraw({ ...known, standing, withdrawn: time }, signed)
      return true
    })
  }

  get #now(): number {
    return Math.floor(this.#options.context.now() / 1000)
  }

  async #sign({ person, house, meter, role, listed, credentialEnds, withdrawn }: Shown & Pick<Enrolled, 'withdrawn'>) {
    const { identity, store, context } = this.#options
    const begins = Math.max(this.#now - DESK_LIMITS.statusAhead, withdrawn + NEXT)
    const ends = Math.min(this.#now + DESK_LIMITS.status, credentialEnds)
    // Neither `ownKey` nor a second key: who is enrolled here opens by the passkey that was asked, and by nothing else.
    const status = await signStatus(identity, {
      subject: person, role, meter, organisation: house, notBefore: begins, expires: ends,
    }, context)
    store.keep({
      person, house, meter, role, listed, credentialEnds, standing: 'good', status, begins, ends, withdrawn,
    })
  }

  /** One after the other: what is signed rests on what was read before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
