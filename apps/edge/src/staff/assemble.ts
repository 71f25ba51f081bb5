import { type Client, type Identity, type KnownStatus, toHex } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import type { Joining } from '../join.ts'
import { join } from '../join.ts'
import type { Sessions } from '../sessions.ts'
import { PageSignIn } from '../passkeys/page-sign-in.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import { Counters } from '../standing/counter.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { prefixedState } from '../store/prefixed-state.ts'
import { VaultShelf } from '../vaults.ts'
import { Ahead } from './ahead.ts'
import { type DeskAddress, RegisterDesk } from '../passkeys/desk.ts'
import { Enrolments } from '../passkeys/enrolments.ts'
import { Names } from '../passkeys/names.ts'
import { PageAsks } from '../passkeys/page-asks.ts'
import { Guardians } from '../passkeys/guardians.ts'
import { EnrolledShelf } from './enrolled.ts'
import { Exposure } from './exposure.ts'
import { FactShelf } from './facts.ts'
import { GuardedShelf } from './guarded.ts'
import { type Enrolment, Member, type Showing, shownFor } from './member.ts'
import { type KnownPerson, PeopleShelf, type Person } from './people.ts'
import { Replacements } from './replacements.ts'
import { Staff, type StaffOptions } from './staff.ts'

export interface PeopleOptions {
  readonly people: readonly Person[]
  /** Address of the passkey page, where its people sign in and confirm. */
  readonly page: string
  /** Of what the organisation signs on of its own part: `care-team`, which opens with a fact alone, where absent. */
  readonly basis?: 'care-team' | 'consent'
  /** The desk of the register at which its people enrol; officers bring statuses where absent. */
  readonly register?: DeskAddress
}

/** The client of the key that emergency sites hold; undefined where this site holds none. */
export type EmergencyKey = (() => Promise<Client>) | undefined

export interface StaffParts extends Pick<
  StaffOptions, 'vaults' | 'directory' | 'self' | 'now' | 'houseStatuses' | 'log'
> {
  readonly sessions: () => Sessions
  readonly random: (length: number) => Uint8Array
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

/** Meets index and trustees as this person, in this session. */
const joinerOf = (people: PeopleShelf, facts: FactShelf, parts: StaffParts): StaffOptions['join'] =>
  async (person, identity, confirmations) => {
    const { joining, directory, houseStatuses, now } = parts
    const showing: Showing = {
      facts, confirmations, houseStatuses, statusesOf: (who) => people.get(who)?.statuses() ?? [],
    }
    const counters = new Counters()
    const client = await join({
      ...joining, identity, state: prefixedState(joining.state, `staff/${person.id}/`),
      show: {
        show: (vault) => shownFor(toHex(vault), person.id, person.statuses(), showing), counted: counters.counted,
      },
    })
    return Member.enter({
      name: person.name, client, counters, statuses: person.statuses, vaults: new VaultShelf(client, directory),
      enrolled: () => enrolmentOf(person, client, now),
    })
  }

const enrolmentOf = async (person: KnownPerson, client: Client, now: () => number): Promise<Enrolment> => {
  const known = await Promise.all(person.statuses().map((each) => client.statements.status(each)))
  const statusOf = (who: string | undefined): KnownStatus | undefined =>
    known.find(({ subject, from, until }) => subject === who && from <= now() && now() < until)
  const own = statusOf(person.id)
  // Trustees know by the order in whose place this key stands; here it is only told whose rights to expect.
  const { standsFor } = person
  const status = own ?? statusOf(standsFor?.person)
  if (status === undefined) throw new EdgeError('status-required', 'no register says who this person is')
  const until = own === undefined && standsFor !== undefined ? Math.min(standsFor.until, status.until) : status.until
  return { role: status.role, stepUp: status.stepUp, until }
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

const deskOf = ({ options, joining, now, random, log }: StaffParts): RegisterDesk | undefined => {
  if (options?.register === undefined) return undefined
  const { identity, timers, fetch = globalThis.fetch } = joining
  return new RegisterDesk({ address: options.register, identity, timers, fetch, now, random, log })
}

export const assembleStaff = async (parts: StaffParts): Promise<{
  readonly staff: Staff
  readonly signIn: SignIn
  readonly enrolments: Enrolments
  readonly replacements: Replacements
  readonly guardians: Guardians
  readonly facts: FactShelf
  readonly exposure: Exposure
  readonly emergencyKey: EmergencyKey
  readonly ahead: Ahead
}> => {
  const { options, client, db, cabinet, now, log } = parts
  const facts = new FactShelf({ db, cabinet, now })
  const enrolled = new EnrolledShelf(db, cabinet)
  const people = await PeopleShelf.of({ client, people: options?.people ?? [], enrolled, now, log })
  const staff: Staff = new Staff({
    ...parts, facts, basis: options?.basis ?? 'care-team',
    kept: (member, vault) => ahead.opener(member, vault),
    dropKept: (person) => ahead.drop(person),
    isKept: options !== undefined, people, entered: () => void ahead.look(), join: joinerOf(people, facts, parts),
  })
  const ahead: Ahead = new Ahead({ ...parts, facts, staff })
  const exposure = new Exposure({ db, cabinet, now, memberOf: (session) => staff.of(session) })
  await people.register()
  const page = options?.page ?? ''
  const asks = new PageAsks({ ...parts, people, page })
  const names = new Names({ client, people, page, cabinet, now })
  const guarded = new GuardedShelf(db, cabinet)
  const enrolments = new Enrolments({
    ...parts, asks, enrolled, staff, page, desk: deskOf(parts), recovered: (person) => guarded.endRecovery(person),
  })
  const signIn = new PageSignIn({
    ...parts, people, names, staff, asks, refresh: (person) => enrolments.refresh(person),
  })
  const guardians = new Guardians({ ...parts, asks, enrolled, guarded, enrolments, staff })
  const replacements = new Replacements({ ...parts, signIn, staff, people, enrolled })
  return {
    staff, signIn, enrolments, guardians, replacements, facts, exposure, ahead, emergencyKey: emergencyKeyOf(parts),
  }
}
