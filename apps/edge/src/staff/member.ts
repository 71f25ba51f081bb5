/**
 * Somebody of the house in one session, as this edge acts for them: a principal of their own, with their own meter,
 * accesses on record under their own id, and no more rights than the organisation signed on to them. What it signs for
 * them it signs with the session's key, which their passkey agreed to, which is in memory alone, and ends with it.
 */
import { type Client, type Shown, toHex, type StandingAt } from '@scelle/sdk'
import type { Counters } from '../standing/counter.ts'
import type { VaultShelf } from '../vaults.ts'
import type { Confirmations } from './confirmations.ts'
import type { FactShelf } from './facts.ts'
import type { StaffRole } from './rights.ts'

export interface Showing {
  readonly facts: FactShelf
  readonly confirmations: Confirmations
  /** Statuses of the organisation and of who runs its edge. */
  readonly houseStatuses: () => readonly Uint8Array[]
  /** The status of somebody else of the house, by hex id. */
  readonly statusesOf: (id: string) => readonly Uint8Array[]
}

/** What the register says of somebody, read at each sign-in. */
export interface Enrolment {
  readonly role: StaffRole
  /** Hex id of the second key. */
  readonly stepUp: string | undefined
  /** Milliseconds since 1970: then that word is over, and so is a session by it. */
  readonly until: number
}

export interface NewMember extends Pick<Member, 'name' | 'client' | 'vaults' | 'counters' | 'statuses'> {
  /** Reads the statuses. */
  readonly enrolled: () => Promise<Enrolment>
}

export class Member {
  readonly id: string
  readonly name: string
  readonly client: Client
  readonly vaults: Pick<VaultShelf, 'get' | 'stale'>
  readonly counters: Counters
  readonly statuses: () => readonly Uint8Array[]
  readonly enrolment: Enrolment

  private constructor(fields: NewMember, enrolment: Enrolment) {
    this.id = toHex(fields.client.identity.id)
    this.name = fields.name
    this.client = fields.client
    this.vaults = fields.vaults
    this.counters = fields.counters
    this.statuses = fields.statuses
    this.enrolment = enrolment
  }

  /** Throws EdgeError `status-required` where no register says who it is. */
  static async enter(fields: NewMember): Promise<Member> {
    return new Member(fields, await fields.enrolled())
  }

  /** Where it stands with each trustee that answers. */
  standing(house: readonly Uint8Array[]): Promise<StandingAt[]> {
    return this.client.standing([...this.statuses(), ...house])
  }
}

/** Statements that explain an opening of this vault by this reader, with the statuses of everybody they are by. */
export const shownFor = (vault: string, reader: string, own: readonly Uint8Array[], from: Showing): Shown => {
  const facts = from.facts.for(vault, reader)
  const confirmations = from.confirmations.for(vault, reader)
  const signers = [...facts, ...confirmations].flatMap(({ signer }) => from.statusesOf(signer))
  const brought = facts.flatMap(({ statuses }) => statuses.map((each) => new Uint8Array(Buffer.from(each, 'base64'))))
  const all = [...own, ...from.houseStatuses(), ...signers, ...brought]
  return {
    // Each once: a trustee takes two of one principal for a mistake.
    statuses: [...new Map(all.map((each) => [toHex(each), each])).values()],
    facts: facts.map(({ signed }) => new Uint8Array(Buffer.from(signed, 'base64'))),
    confirmations: confirmations.map(({ signed }) => signed),
  }
}
