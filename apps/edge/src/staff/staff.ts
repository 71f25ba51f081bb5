/**
 * The people of the house: who a session is of, and with whose grants and on whose meter it opens. Where there are
 * any, no application opens a patient's chart by itself: who stole its key would have the organisation's budget.
 */
import type { Chart, Client, KnownConfirmation, OpenOptions, Vault } from '@scelle/sdk'
import { EdgeError, isAway, isUnreachable } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { faultFields, type Log } from '../log.ts'
import { EDGE_ITSELF, type Sessions } from '../sessions.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION, type VaultShelf } from '../vaults.ts'
import { Confirmations, isFresh } from './confirmations.ts'
import type { FactShelf } from './facts.ts'
import { Granting } from './granting.ts'
import type { Member } from './member.ts'
import type { Opener, OpenerFor } from './opener.ts'
import { mayList } from './rights.ts'

export interface StaffMember {
  /** Hex id of the principal. */
  readonly id: string
  readonly name: string
  /** Meets index and trustees as this person; asked at the first login. */
  readonly join: (confirmations: Confirmations) => Promise<Member>
}

export interface StaffOptions {
  readonly people: readonly StaffMember[]
  /** Basis of what the organisation signs on of its own part: `care-team` opens with a fact alone. */
  readonly basis: 'care-team' | 'consent'
  readonly client: Pick<Client, 'statements'>
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly facts: FactShelf
  readonly sessions: () => Pick<Sessions, 'whose' | 'end' | 'isLive'>
  /** Hex id of this organisation. */
  readonly self: string
  readonly now: () => number
  readonly houseStatuses: () => readonly Uint8Array[]
  /** What was released ahead to this person of this vault; undefined where there is nothing. */
  readonly kept: (member: Member, vault: string) => Opener | undefined
  /** What was released ahead to somebody is dropped. */
  readonly dropKept: (person: string) => void
  readonly log: Log
}

export class Staff {
  readonly confirmations: Confirmations
  readonly #options: StaffOptions
  readonly #people: ReadonlyMap<string, StaffMember>
  readonly #joined = new Map<string, Promise<Member>>()
  readonly #granting: Granting
  /** By session. */
  readonly #in = new Map<string, Member>()
  /** Login statements that were used, by their bytes, with when they stop being good. */
  readonly #used = new Map<string, number>()

  constructor(options: StaffOptions) {
    this.#options = options
    this.#people = new Map(options.people.map((person) => [person.id, person]))
    this.confirmations = new Confirmations(options.now)
    this.#granting = new Granting(options)
  }

  /** Whether this edge knows people at all. */
  get isKept(): boolean {
    return this.#people.size > 0
  }

  of(session: string): Member | undefined {
    return this.#in.get(session)
  }

  knows(id: string): boolean {
    return this.#people.has(id)
  }

  nameOf(id: string): string | undefined {
    return this.#people.get(id)?.name
  }

  /** Throws EdgeError `person-required`. */
  need(session: string): Member {
    const member = this.#in.get(session)
    if (member === undefined) throw new EdgeError('person-required')
    return member
  }

  /**
   * Asked before this house gives anything out: who stole an application's key would otherwise have it granted to
   * themselves what they cannot open. Throws EdgeError `person-required`, `forbidden`.
   */
  readonly answers = (session: string): void => {
    if (!this.isKept) return
    if (!mayList(this.need(session).enrolment.role)) throw new EdgeError('forbidden', 'this role gives nothing out')
  }

  /**
   * From now on the session is this person's. `signed`: the second key's word for this very session, used once. Throws
   * `forbidden`, `conflict`, `bad-value`.
   */
  async login(session: string, id: string, signed: Uint8Array): Promise<Member> {
    const person = this.#people.get(id)
    if (person === undefined) throw new EdgeError('forbidden', 'this edge knows no such person')
    if (this.#in.has(session)) throw new EdgeError('conflict', 'this session is somebody\'s: log out first')
    const word = await this.checked(() => this.#options.client.statements.confirmation(signed))
    const member = await this.#member(person)
    await member.renew()
    this.#requireForSession(session, word, member)
    const name = Buffer.from(signed).toString('base64')
    if (this.#used.has(name)) throw new EdgeError('forbidden', 'this login was used already: sign another one')
    const now = this.#options.now()
    for (const [old, until] of this.#used) if (until < now) this.#used.delete(old)
    this.#used.set(name, now + 2 * EDGE_LIMITS.confirmationTime)
    if (!this.#options.sessions().isLive(session)) throw new EdgeError('session-ended')
    this.#in.set(session, member)
    return member
  }

  ended(session: string): void {
    this.#in.delete(session)
  }

  /** What opens a vault for a session: of a patient, the person's own right; of the organisation's own, its own. */
  readonly opener: OpenerFor = async (session, vault) => {
    const { vaults, directory } = this.#options
    const isOwn = directory.vaultOf(ORGANISATION) === vault
    if (!this.isKept || session === EDGE_ITSELF || isOwn) return vaults.get(vault)
    const member = this.need(session)
    try {
      const { custodians } = await this.#granting.handle(member, vault)
      const now = (options: OpenOptions): Promise<Chart> => this.#granting.open(member, vault, options)
      return {
        custodians,
        open: (options) => now(options).catch((error: unknown) => this.#kept(member, vault, error).open(options)),
      }
    } catch (error) {
      return this.#kept(member, vault, error)
    }
  }

  /** Somebody of the house as this edge acts for them, logged in or not. Throws as the sdk does. */
  member(id: string): Promise<Member> | undefined {
    const person = this.#people.get(id)
    return person === undefined ? undefined : this.#member(person)
  }

  /** The vault as this person has it, with a grant of the house in force. */
  granted(member: Member, vault: string): Promise<Vault> {
    return this.#granting.handle(member, vault)
  }

  /** In place of an opening that failed for want of anybody who answers; a refusal stands. Throws `error`. */
  #kept(member: Member, vault: string, error: unknown): Opener {
    const kept = isAway(error) ? this.#options.kept(member, vault) : undefined
    if (kept === undefined) throw error
    return kept
  }

  /** The vault's keys are not what they were: what was signed on has to be delivered anew. */
  stale(vault: string): void {
    this.#granting.stale(vault)
  }

  /**
   * Ends the sessions of whoever two trustees say is locked: a lock cuts what is open, not the next opening alone. One
   * trustee's word ends nobody's, or it could stop a hospital.
   */
  async sweep(): Promise<void> {
    const members = new Map([...this.#in.values()].map((member) => [member.id, member]))
    await Promise.all([...members.values()].map(async (member) => {
      try {
        const standing = await member.standing(this.#options.houseStatuses())
        for (const { trustee, counter } of standing) member.counters.counted(Buffer.from(trustee, 'hex'), counter)
        if (standing.filter(({ locked }) => locked !== undefined).length < 2) return
        this.#options.log('person-locked', {})
        this.#options.dropKept(member.id)
        for (const [session, one] of this.#in) if (one === member) this.#options.sessions().end(session)
      } catch (error) {
        this.#options.log('standing-not-read', faultFields(error))
      }
    }))
  }

  /** What somebody uploaded, once it holds. Throws `bad-value` for what does not. */
  async checked<T>(check: () => Promise<T>): Promise<T> {
    try {
      return await check()
    } catch (error) {
      if (error instanceof EdgeError) throw error
      if (isUnreachable(error)) throw new EdgeError('index-unavailable', undefined, undefined, { cause: error })
      throw new EdgeError('bad-value', 'the statement does not hold', 'statement', { cause: error })
    }
  }

  #member(person: StaffMember): Promise<Member> {
    const known = this.#joined.get(person.id)
    if (known !== undefined) return known
    const joining = person.join(this.confirmations)
    this.#joined.set(person.id, joining)
    joining.catch(() => this.#joined.delete(person.id))
    return joining
  }

  /** Bound to this session's own name: seen elsewhere, it opens no other one. */
  #requireForSession(session: string, word: KnownConfirmation, member: Member): void {
    const { self, now, sessions } = this.#options
    const name = sessions().whose(session)?.name ?? ''
    const fits = word.type === 'session' && word.reader === member.id && word.organisation === self &&
      word.vault === undefined && word.reason === name && name !== '' &&
      isFresh(word, now())
    if (!fits || member.enrolment.stepUp === undefined || word.signer !== member.enrolment.stepUp) {
      throw new EdgeError('forbidden', 'the second key of this person has to sign for this session, now')
    }
  }
}
