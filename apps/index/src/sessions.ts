/**
 * Sessions of people, as they were shown here: in which a request may be signed instead of by the person's own key.
 * Verified from the statement alone and kept in memory; whoever is told that one is unknown shows it again. That one
 * was ended is remembered here for as long as it could last; what counts in the end is what trustees keep of it.
 */
import {
  endsSession, equalBytes, FORMAT_LIMITS, type KnownSession, partiesOfSession, type PrincipalKeys, requireLive,
  type SignOut, toHex, underSession, verifySession,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { sessionName } from '@scelle/wire/http'
import { Cache } from './cache.ts'
import { INDEX_LIMITS } from './limits.ts'
import type { Registry } from './registry.ts'

export interface SessionsOptions {
  readonly registry: Pick<Registry, 'keysOf'>
  /** Principal id of this index: sessions are of one network. */
  readonly index: Uint8Array
  readonly now: () => number
}

export class Sessions {
  readonly #options: SessionsOptions
  readonly #known = new Cache<KnownSession>(INDEX_LIMITS.sessions)
  /** By principal, what ended of it; each for as long as a session lasts. */
  readonly #ended = new Map<string, SignOut[]>()

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
    this.#requireLive(session)
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
    this.#requireLive(session)
    const person = await this.#keys(principal)
    const passkeys = person.current.passkeys ?? []
    if (!passkeys.some(({ credential }) => equalBytes(credential, session.credential))) {
      throw new Problem('session-ended')
    }
    return underSession(person, session)
  }

  /** From now on. */
  end(signOut: SignOut): void {
    const oldest = this.#now() - FORMAT_LIMITS.sessionSeconds
    for (const [principal, ended] of this.#ended) {
      const left = ended.filter(({ before }) => before > oldest)
      if (left.length === 0) this.#ended.delete(principal)
      else this.#ended.set(principal, left)
    }
    const name = toHex(signOut.principal)
    this.#ended.set(name, [...this.#ended.get(name) ?? [], signOut])
  }

  async #keys(principal: Uint8Array): Promise<PrincipalKeys> {
    const keys = await this.#options.registry.keysOf(principal)
    if (keys === undefined) throw new Problem('principal-unknown')
    return keys
  }

  #requireLive(session: KnownSession): void {
    requireLive(session, { audience: this.#options.index, now: this.#now(), skew: INDEX_LIMITS.clockSkew })
    const ended = this.#ended.get(toHex(session.principal)) ?? []
    if (ended.some((signOut) => endsSession(signOut, session))) throw new Problem('session-ended')
  }

  #now(): number {
    return Math.floor(this.#options.now() / 1000)
  }
}
