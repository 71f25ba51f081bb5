/**
 * The people of the house: who a session is of, and with whose grants and on whose meter it opens. Where there are
 * any, no application opens a patient's chart by itself: who stole its key would have the organisation's budget.
 */
import type { Chart, Client, Identity, OpenOptions, Vault } from '@scelle/sdk'
import { EdgeError, isAway, isUnreachable } from '../errors.ts'
import { faultFields, type Log } from '../log.ts'
import type { Sessions } from '../sessions.ts'
import type { Directory } from '../store/directory.ts'
import { ORGANISATION, type VaultShelf } from '../vaults.ts'
import { Confirmations } from './confirmations.ts'
import type { FactShelf } from './facts.ts'
import { Granting } from './granting.ts'
import type { Member } from './member.ts'
import type { Opener, OpenerFor } from './opener.ts'
import type { KnownPerson, PeopleShelf } from './people.ts'
import { mayList } from './rights.ts'

export interface StaffOptions {
  /** Whether patients' charts open for people of the house, and for nobody else. */
  readonly isKept: boolean
  readonly people: Pick<PeopleShelf, 'get'>
  /** Somebody signed in. */
  readonly entered: () => void
  /** Meets index and trustees as this person, in one session. */
  readonly join: (person: KnownPerson, identity: Identity, confirmations: Confirmations) => Promise<Member>
  /** Basis of what the organisation signs on of its own part: `care-team` opens with a fact alone. */
  readonly basis: 'care-team' | 'consent'
  readonly client: Pick<Client, 'statements'>
  readonly vaults: VaultShelf
  readonly directory: Directory
  readonly facts: FactShelf
  readonly sessions: () => Pick<Sessions, 'end' | 'isLive'>
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
  readonly #granting: Granting
  /** By session. */
  readonly #in = new Map<string, Member>()

  constructor(options: StaffOptions) {
    this.#options = options
    this.confirmations = new Confirmations(options.now)
    this.#granting = new Granting(options)
  }

  /** Whether this edge knows people at all. */
  get isKept(): boolean {
    return this.#options.isKept
  }

  of(session: string): Member | undefined {
    return this.#in.get(session)
  }

  knows(id: string): boolean {
    return this.#options.people.get(id) !== undefined
  }

  nameOf(id: string): string | undefined {
    return this.#options.people.get(id)?.name
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

  /** From now on the session is this person's. Throws `conflict`, `session-ended`, `status-required`. */
  async enter(session: string, person: KnownPerson, identity: Identity): Promise<Member> {
    const member = await this.#options.join(person, identity, this.confirmations)
    if (this.#in.has(session)) throw new EdgeError('conflict', 'this session is somebody\'s: log out first')
    if (!this.#options.sessions().isLive(session)) throw new EdgeError('session-ended')
    this.#in.set(session, member)
    this.#options.entered() // what is expected of them is released while it can be
    return member
  }

  /** Ends this person's sessions at every house. Throws EdgeError `person-required`, `index-unavailable`. */
  async signOutEverywhere(session: string): Promise<void> {
    await this.checked(() => this.need(session).client.people.signOutEverywhere())
    this.endAllOf(this.need(session).id)
  }

  /** Ends this person's sessions here. */
  endAllOf(id: string): void {
    for (const [session, member] of this.#in) if (member.id === id) this.#options.sessions().end(session)
  }

  ended(session: string): void {
    this.#in.delete(session)
  }

  /** What opens a vault for a session: of a patient, the person's own right; of the organisation's own, its own. */
  readonly opener: OpenerFor = async (session, vault) => {
    const { vaults, directory } = this.#options
    const isOwn = directory.vaultOf(ORGANISATION) === vault
    if (!this.isKept || isOwn) return vaults.get(vault)
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

  /** Somebody of the house as this edge acts for them; undefined where no session is theirs. */
  member(id: string): Member | undefined {
    return [...this.#in.values()].find((member) => member.id === id)
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
   * Ends the sessions of those whom no register names any more, and of whoever two trustees say is locked: a lock cuts
   * what is open, not the next opening alone. One trustee's word ends nobody's, or it could stop a hospital.
   */
  async sweep(): Promise<void> {
    const now = this.#options.now()
    for (const [session, { enrolment }] of this.#in) if (enrolment.until <= now) this.#options.sessions().end(session)
    // Each session for itself: what ended one of a person's elsewhere is no word about the others.
    await Promise.all([...this.#in.values()].map(async (member) => {
      try {
        const standing = await member.standing(this.#options.houseStatuses())
        for (const { trustee, counter } of standing) member.counters.counted(Buffer.from(trustee, 'hex'), counter)
        if (standing.filter(({ locked }) => locked !== undefined).length < 2) return
        const isSignedOut = standing.every(({ locked }) => locked === undefined || locked === 'signed-out')
        this.#options.log(isSignedOut ? 'person-signed-out' : 'person-locked', {})
        if (!isSignedOut) this.#options.dropKept(member.id)
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
}
