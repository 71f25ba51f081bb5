/** People of the house, as it knows them: a name, public key records, and the sealing keys that it keeps for them. */
import { type Client, toHex, verifyKeyChain } from '@scelle/sdk'
import { faultFields, type Log } from '../log.ts'
import type { EnrolledShelf, StandsFor } from './enrolled.ts'

/** Somebody of the house, as the configuration has it. */
export interface Person {
  readonly name: string
  /** Signed key records, genesis first: with the passkeys that their page made. Their signing key is not here. */
  readonly chain: readonly Uint8Array[]
  /** X-Wing seeds of those records, in their order, which the house made: what it signs on is sealed to them. */
  readonly sealing: readonly Uint8Array[]
  /** Signed statuses by a register. Asked before each opening: they end. */
  readonly statuses: () => readonly Uint8Array[]
}

export interface KnownPerson extends Person {
  /** Hex id of the principal. */
  readonly id: string
  /** Whose lost key this one stands for now. */
  readonly standsFor?: StandsFor
}

export interface PeopleParts {
  readonly client: Client
  readonly people: readonly Person[]
  readonly enrolled: EnrolledShelf
  readonly now: () => number
  readonly log: Log
}

export class PeopleShelf {
  readonly #client: Client
  readonly #people: ReadonlyMap<string, KnownPerson>
  readonly #enrolled: EnrolledShelf
  readonly #registers = new Map<string, readonly Uint8Array[]>()
  readonly #log: Log
  readonly #now: () => number

  private constructor({ client, enrolled, now, log }: Omit<PeopleParts, 'people'>, people: readonly KnownPerson[]) {
    this.#enrolled = enrolled
    this.#client = client
    this.#people = new Map(people.map((person) => [person.id, person]))
    this.#now = now
    this.#log = log
  }

  /** Throws SealError where key records do not hold. */
  static async of({ people, ...parts }: PeopleParts): Promise<PeopleShelf> {
    const known = await Promise.all(people.map(async (person): Promise<KnownPerson> =>
      ({ ...person, id: toHex((await verifyKeyChain([...person.chain])).id) })))
    return new PeopleShelf(parts, known)
  }

  get all(): readonly KnownPerson[] {
    return [...this.#people.values(), ...this.#enrolled.ids.flatMap((id) => this.get(id) ?? [])]
  }

  get(id: string): KnownPerson | undefined {
    const kept = this.#enrolled.get(id)
    if (kept === undefined) return this.#people.get(id)
    const { standsFor, ...own } = kept
    return {
      ...own, id, statuses: () => this.#statusesOf(id),
      ...(standsFor === undefined || standsFor.until <= this.#now() ? {} : { standsFor }),
    }
  }

  /** Of a key that stands for a lost one, the lost one's too: it is who that status says, by two officers' order. */
  #statusesOf(id: string): readonly Uint8Array[] {
    const { statuses = [], standsFor } = this.#enrolled.get(id) ?? {}
    if (standsFor === undefined || standsFor.until <= this.#now()) return statuses
    return [...statuses, ...this.get(standsFor.person)?.statuses() ?? []]
  }

  /** Puts everybody's key records on record: whoever vouches for a colleague is known before they sign in here. */
  async register(): Promise<void> {
    for (const { id } of this.all) await this.current(id)
  }

  /**
   * With the newest key records that the index has: a passkey that was lost lets nobody in. Where the index is away,
   * with those that are known here, so that people sign in through an outage.
   */
  async current(id: string): Promise<KnownPerson | undefined> {
    const person = this.get(id)
    if (person === undefined) return undefined
    try {
      const { registered, register } = this.#client.people
      const there = await registered(Buffer.from(id, 'hex'))
      if (there.length < person.chain.length) await register(person.chain)
      if (there.length <= person.chain.length) return person
      // The index could answer with anybody's: whoever is let in under these has to be this person.
      if (toHex((await verifyKeyChain([...there])).id) !== id) throw new Error('key records of another principal')
      const last = person.sealing.at(-1)
      // A record more, with other passkeys, keeps the sealing key; one with another key opens nothing here.
      const more = there.slice(person.sealing.length).flatMap(() => last ?? [])
      return { ...person, chain: there, sealing: [...person.sealing, ...more] }
    } catch (error) {
      this.#log('key-records-not-read', faultFields(error))
      return person
    }
  }

  /** Key records of a register, hex id. */
  async registerOf(id: string): Promise<Uint8Array[]> {
    const known = this.#registers.get(id) ?? await this.#client.people.registered(Buffer.from(id, 'hex'))
    this.#registers.set(id, known)
    return [...known]
  }
}
