import { type Client, type Identity, toHex } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import type { Joining } from '../join.ts'
import { join } from '../join.ts'
import { Counters } from '../standing/counter.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { prefixedState } from '../store/prefixed-state.ts'
import { VaultShelf } from '../vaults.ts'
import { Ahead } from './ahead.ts'
import { Exposure } from './exposure.ts'
import { FactShelf } from './facts.ts'
import { type Enrolment, Member, type Showing, shownFor } from './member.ts'
import { Staff, type StaffMember, type StaffOptions } from './staff.ts'

/** Somebody of the house, as the configuration has it. */
export interface Person {
  readonly name: string
  /** Keys that this edge acts with for the person. */
  readonly identity: Identity
  /** Signed statuses by a register. Asked before each opening: they end. */
  readonly statuses: () => readonly Uint8Array[]
}

export interface PeopleOptions {
  readonly people: readonly Person[]
  /** Of what the organisation signs on of its own part: `care-team`, which opens with a fact alone, where absent. */
  readonly basis?: 'care-team' | 'consent'
}

/** The client of the key that emergency sites hold; undefined where this site holds none. */
export type EmergencyKey = (() => Promise<Client>) | undefined

export interface StaffParts extends Pick<
  StaffOptions, 'vaults' | 'directory' | 'sessions' | 'self' | 'now' | 'houseStatuses' | 'log'
> {
  /** Name of this organisation. */
  readonly organisation: string
  /** Closes a vault's charts in every session. */
  readonly closeVault: (vault: string) => void
  readonly options: PeopleOptions | undefined
  readonly emergency: { readonly identity: Identity } | undefined
  /** As which everybody joins, but for identity, state and what is shown. */
  readonly joining: Joining
  readonly client: Client
  readonly db: Database
  readonly cabinet: Cabinet
}

const personOf = (person: Person, people: readonly Person[], facts: FactShelf, parts: StaffParts): StaffMember => ({
  id: toHex(person.identity.id),
  name: person.name,
  join: async (confirmations) => {
    const { joining, directory, houseStatuses } = parts
    const id = toHex(person.identity.id)
    const showing: Showing = {
      facts, confirmations, houseStatuses,
      statusesOf: (who) => people.find(({ identity }) => toHex(identity.id) === who)?.statuses() ?? [],
    }
    const counters = new Counters()
    const client = await join({
      ...joining, identity: person.identity, state: prefixedState(joining.state, `staff/${id}/`),
      show: {
        show: (vault) => shownFor(toHex(vault), id, person.statuses(), showing), counted: counters.counted,
      },
    })
    return Member.enter({
      name: person.name, client, counters, statuses: person.statuses, vaults: new VaultShelf(client, directory),
      enrolled: () => enrolmentOf(person, client, parts.now),
    })
  },
})

const enrolmentOf = async (person: Person, client: Client, now: () => number): Promise<Enrolment> => {
  const own = toHex(person.identity.id)
  const known = await Promise.all(person.statuses().map((each) => client.statements.status(each)))
  const status = known.find(({ subject, from, until }) => subject === own && from <= now() && now() < until)
  if (status === undefined) throw new EdgeError('status-required', 'no register says who this person is')
  return { role: status.role, stepUp: status.stepUp }
}

/** Met at its first use: a site whose key nobody needs tonight asks nobody about it. */
const emergencyKeyOf = ({ emergency, joining }: StaffParts): EmergencyKey => {
  if (emergency === undefined) return undefined
  const { show: _, ...own } = joining
  let met: Promise<Client> | undefined
  return () => {
    met ??= join({ ...own, identity: emergency.identity, state: prefixedState(joining.state, 'emergency/') })
    met.catch(() => {
      met = undefined
    })
    return met
  }
}

export const assembleStaff = (parts: StaffParts): {
  readonly staff: Staff
  readonly facts: FactShelf
  readonly exposure: Exposure
  readonly emergencyKey: EmergencyKey
  readonly ahead: Ahead
} => {
  const { options, db, cabinet, now } = parts
  const facts = new FactShelf({ db, cabinet, now })
  const people = options?.people ?? []
  const staff: Staff = new Staff({
    ...parts, facts, basis: options?.basis ?? 'care-team',
    kept: (member, vault) => ahead.opener(member, vault),
    dropKept: (person) => ahead.drop(person),
    people: people.map((person) => personOf(person, people, facts, parts)),
  })
  const ahead: Ahead = new Ahead({ ...parts, facts, staff })
  const exposure = new Exposure({ db, cabinet, now, memberOf: (session) => staff.of(session) })
  return { staff, facts, exposure, ahead, emergencyKey: emergencyKeyOf(parts) }
}
