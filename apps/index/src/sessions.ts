/**
 * Sessions of people, as they were shown here: in which a request may be signed instead of by the person's own key.
 * Verified from the statement alone and kept in memory; whoever is told that one is unknown shows it again. That one
 * was ended is on the disk for as long as it could last; what counts in the end is what trustees keep of it.
 */
import {
  equalBytes, FORMAT_LIMITS, type KnownSession, partiesOfSession, type PrincipalKeys, requireLive, type SignOut,
  underSession, verifySession,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { sessionName } from '@scelle/wire/http'
import { Cache } from './cache.ts'
import { INDEX_LIMITS } from './limits.ts'
import type { Registry } from './registry.ts'
import type { EndedSessions } from './store.ts'

export interface SessionsOptions {
  readonly registry: Pick<Registry, 'keysOf'>
  readonly ended: EndedSessions
  /** Principal id of this index: sessions are of one network. */
  readonly index: Uint8Array
  readonly now: () => number
}

export class Sessions {
  readonly #options: SessionsOptions
  readonly #known = new Cache<KnownSession>(INDEX_LIMITS.sessions)

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /**
   * Verifies a session that is shown, and knows it from then on; the keys that act in it. Throws SealError,
   * `principal-unknown`, `session-ended`.
   */
  async show(signed: Uint8Array): Promise<PrincipalKeys> {
    const parties = partiesOfSession(signed)
    const [person, house] = await Promise.all([this.#keys(parties.person), this.#keys(parties.house)])
    const session = await verifySession(signed, { person, house })
    await this.#requireLive(session)
    this.#known.set(sessionName(session.id), session)
    return underSession(person, session)
  }

  /**
   * The keys that act in a session which was shown. The person's are looked up anew: a passkey that was taken out since
   * carries no request more. Throws `session-unknown`, `session-ended`.
   */
  async keysOf(principal: Uint8Array, name: string): Promise<PrincipalKeys> {
    const session = this.#known.get(name)
    if (session === undefined || !equalBytes(session.principal, principal)) throw new Problem('session-unknown')
    await this.#requireLive(session)
    const person = await this.#keys(principal)
    const passkeys = person.current.passkeys ?? []
    if (!passkeys.some(({ credential }) => equalBytes(credential, session.credential))) {
      throw new Problem('session-ended')
    }
    return underSession(person, session)
  }

  /** From now on, and after a restart: to be awaited before anybody is told. Older ones are over by themselves. */
  async end(signOut: SignOut): Promise<void> {
    const { ended } = this.#options
    const now = this.#now()
    await ended.end(signOut, now)
    await ended.forget(now - FORMAT_LIMITS.sessionSeconds - INDEX_LIMITS.clockSkew)
  }

  async #keys(principal: Uint8Array): Promise<PrincipalKeys> {
    const keys = await this.#options.registry.keysOf(principal)
    if (keys === undefined) throw new Problem('principal-unknown')
    return keys
  }

  async #requireLive(session: KnownSession): Promise<void> {
    requireLive(session, { audience: this.#options.index, now: this.#now(), skew: INDEX_LIMITS.clockSkew })
    if (await this.#options.ended.isEnded(session)) throw new Problem('session-ended')
  }

  #now(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}
