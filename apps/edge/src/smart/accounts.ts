/** Whose the tokens are: one sign-in of one person, in one edge session, for one application. */
import type { Sessions } from '../sessions.ts'
import type { SignedIn } from '../passkeys/sign-in.ts'

export interface Account extends SignedIn {
  /** `client_id` of the application that it is for. */
  readonly client: string
  /** RFC 7638 thumbprint of the application's key, base64url. */
  readonly device: string
  /** `Patient/id` of the launch. */
  readonly patient: string | undefined
}

/** By edge session. Nobody is found here whose session is over. */
export class Accounts {
  readonly #sessions: Pick<Sessions, 'isLive'>
  readonly #now: () => number
  readonly #known = new Map<string, Account>()

  constructor(sessions: Pick<Sessions, 'isLive'>, now: () => number) {
    this.#sessions = sessions
    this.#now = now
  }

  add(account: Account): void {
    for (const { session } of this.#known.values()) this.of(session)
    this.#known.set(account.session, account)
  }

  of(session: string): Account | undefined {
    const account = this.#known.get(session)
    if (account !== undefined && this.#sessions.isLive(session) && this.#now() < account.expires) return account
    this.#known.delete(session)
    return undefined
  }
}
