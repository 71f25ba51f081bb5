/**
 * Who may stand before the legacy system: people in sessions that their device-bound passkeys agreed to, at the house
 * whose guard this is, and listed machines. Everything is verified here, from the statements; nobody's word is taken
 * for it but that of two trustees for what is not there.
 */
import {
  decode, decodeSigned, equalBytes, fromHex, type KnownSession, ORGANISATION_ROLES, partiesOfSession,
  type PrincipalKeys, requireCurrentKey, requireLive, requireSuite, SealError, Status, toHex, underSession,
  verifySession, verifySigned,
} from '@scelle/seal/verify'
import { Problem, PROBLEMS } from '@scelle/wire/errors'
import { sessionName } from '@scelle/wire/http'
import type { SessionShown } from '@scelle/wire/messages'
import type { Address, Asking } from './asking.ts'
import type { Directory, KnownPrincipal } from './directory.ts'
import { Known } from './known.ts'
import { GUARD_LIMITS } from './limits.ts'
import type { Caller } from './rules.ts'
import { requireStanding } from './standing.ts'

export interface CallersOptions {
  readonly directory: Directory
  readonly asking: Asking
  readonly trustees: readonly Address[]
  /** Key records of this guard. */
  readonly chain: readonly Uint8Array[]
  /** Principal ids: of the index, whose network sessions are of, of the house, and of the registers that count. */
  readonly index: Uint8Array
  readonly house: Uint8Array
  readonly issuers: readonly Uint8Array[]
  /** Hex ids of machines that a rule names. */
  readonly machines: ReadonlySet<string>
  /** Milliseconds. */
  readonly now: () => number
}

/** A verified session. */
interface Person {
  readonly keys: PrincipalKeys
  readonly session: KnownSession
  readonly status: Status
}

/** What was verified of a session that is shown, until its request's signature is. */
export interface Shown {
  readonly keys: PrincipalKeys
  readonly keep: () => void
}

const subjectOf = (status: Uint8Array): Uint8Array => decode(Status, decodeSigned('status', status).body).subject

export class Callers {
  readonly #options: CallersOptions
  readonly #people: Known<Person>
  readonly #machines: Known<PrincipalKeys>

  constructor(options: CallersOptions) {
    this.#options = options
    this.#people = new Known(options.now)
    this.#machines = new Known(options.now)
  }

  /**
   * Verifies a session that is shown; the keys that act in it. It is known once `keep` is called. Throws SealError,
   * `not-permitted`, `session-required`, `status-required`, and what trustees refuse it with.
   */
  async show(shown: SessionShown): Promise<Shown> {
    const askedAt = this.#options.now()
    const find = (): Promise<Person> => this.#person(shown)
    const person = await find()
    return {
      keys: person.keys,
      keep: () => { this.#people.put(sessionName(person.session.id), person, askedAt, find) },
    }
  }

  /**
   * Keys that a request may be signed by: a machine's own, or a session's. Undefined for whoever is nobody here. Throws
   * `session-unknown`, `view-stale`, and what it is refused with.
   */
  async keysOf(principal: Uint8Array, session?: string): Promise<PrincipalKeys | undefined> {
    if (session === undefined) return this.#machine(principal)
    const person = await this.#known(session)
    if (person === undefined || !equalBytes(person.session.principal, principal)) throw new Problem('session-unknown')
    this.#requireLive(person.session)
    return person.keys
  }

  /** A session that was good once and is not any more is over, whatever it is that does not hold now. */
  async #known(session: string): Promise<Person | undefined> {
    try {
      return await this.#people.get(session)
    } catch (error) {
      const isBroken = error instanceof SealError || (error instanceof Problem && PROBLEMS[error.code][0] === 400)
      throw isBroken ? new Problem('session-ended', undefined, { cause: error }) : error
    }
  }

  /** Who signed a request whose keys {@link keysOf} gave. Throws `session-unknown`. */
  async caller(principal: PrincipalKeys, session: string | undefined): Promise<Caller> {
    const id = toHex(principal.id)
    if (session === undefined) return { kind: 'machine', id }
    const person = await this.#known(session)
    if (person === undefined) throw new Problem('session-unknown')
    const { status: { role }, session: { house, purposes } } = person
    return { kind: 'person', id, house: toHex(house), role, purposes }
  }

  async #machine(id: Uint8Array): Promise<PrincipalKeys | undefined> {
    const name = toHex(id)
    if (!this.#options.machines.has(name)) return undefined
    if (!this.#machines.has(name)) {
      const askedAt = this.#options.now()
      const find = (): Promise<PrincipalKeys> => this.#findMachine(id)
      this.#machines.put(name, await find(), askedAt, find)
    }
    return this.#machines.get(name)
  }

  async #findMachine(id: Uint8Array): Promise<PrincipalKeys> {
    const { directory } = this.#options
    const machine = await directory.newest(id)
    // A person's key on a disk is no machine's, whatever a list says.
    if (machine.keys.kind !== 'machine') throw new Problem('session-required')
    await this.#requireStanding([machine])
    return machine.keys
  }

  async #person(shown: SessionShown): Promise<Person> {
    const { directory, house: own } = this.#options
    const parties = partiesOfSession(shown.session)
    if (!equalBytes(parties.house, own)) throw new Problem('not-permitted', 'The session is of another house.')
    const [person, house] = [await directory.newest(parties.person), await directory.newest(parties.house)]
    const session = await verifySession(shown.session, { person: person.keys, house: house.keys })
    this.#requireLive(session)
    // Nobody here is a patient: a passkey that can be copied is no professional's.
    if (!session.deviceBound) throw new Problem('session-required')
    const { status, issuers } = await this.#status(shown.statuses, session)
    await this.#requireStanding([person, house, ...issuers], shown)
    return { keys: underSession(person.keys, session), session, status }
  }

  #requireLive(session: KnownSession): void {
    const { index: audience, now } = this.#options
    requireLive(session, { audience, now: Math.floor(now() / 1000), skew: GUARD_LIMITS.clockSkew })
  }

  /** What a listed register says of the person now: who it is, at this very house. */
  async #status(
    statuses: readonly Uint8Array[], session: KnownSession,
  ): Promise<{ status: Status; issuers: KnownPrincipal[] }> {
    const issuers = await this.#issuersOf(statuses)
    const own = statuses.find((one) => equalBytes(subjectOf(one), session.principal))
    if (own === undefined) throw new Problem('status-required')
    const { signer } = decodeSigned('status', own)
    const issuer = issuers.find(({ keys }) => equalBytes(keys.id, signer))
    if (issuer === undefined) throw new Problem('status-required')
    const { body, signed } = await verifySigned('status', own, issuer.keys)
    requireCurrentKey(signed, issuer.keys)
    const status = decode(Status, body)
    requireSuite(status)
    const now = this.#options.now() / 1000
    const fits = now >= status.notBefore && now < status.expires && status.organisation !== undefined &&
      equalBytes(status.organisation, session.house) && !ORGANISATION_ROLES.some((role) => role === status.role)
    if (!fits) throw new Problem('status-required', 'The status is not of a person of this house now.')
    return { status, issuers }
  }

  async #issuersOf(statuses: readonly Uint8Array[]): Promise<KnownPrincipal[]> {
    const names = new Set(statuses.map((one) => toHex(decodeSigned('status', one).signer)))
    const listed = new Set(this.#options.issuers.map(toHex))
    const found: KnownPrincipal[] = []
    for (const name of names) {
      if (!listed.has(name)) throw new Problem('status-required', 'A status is by nobody whom this guard lists.')
      found.push(await this.#options.directory.newest(fromHex(name) ?? new Uint8Array()))
    }
    return found
  }

  async #requireStanding(about: readonly KnownPrincipal[], shown?: SessionShown): Promise<void> {
    const { asking, trustees, chain } = this.#options
    const own = toHex(asking.identity.id)
    const chains = new Map(about.map(({ keys, chain: records }) => [toHex(keys.id), records]))
    await requireStanding(asking, trustees, {
      keys: [...chains.set(own, chain).values()], ...(shown === undefined ? {} : { shown }),
    })
  }
}
