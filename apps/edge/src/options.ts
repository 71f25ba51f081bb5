/** What an edge is started with, and what its process may ask of it. */
import type { Fetch, Identity, Timers } from '@scelle/sdk'
import type { RuleTable } from '@scelle/fhir/categories'
import type { ProfileSet } from '@scelle/fhir/profiles'
import type { Server } from '@scelle/wire/server'
import type { Aside } from './aside/transactions.ts'
import type { BinariesOptions } from './attachments/assemble.ts'
import type { Right } from './call.ts'
import type { ChartLimits } from './charts.ts'
import type { PartyAddress } from './join.ts'
import type { SmartOptions } from './smart/options.ts'
import type { PeopleOptions } from './staff/assemble.ts'
import type { SessionLimits } from './sessions.ts'
import type { NameOptions } from './name-files.ts'
import type { KeysAhead } from './vaults.ts'

export interface Application {
  /** Principal id, hex. */
  readonly id: string
  readonly name: string
  readonly rights: readonly Right[]
  /** Signed key records, genesis first. */
  readonly keys: readonly Uint8Array[]
}

export interface StandingOptions {
  /** Signed statuses of the organisation and of whoever runs its edge. Asked before each opening: they end. */
  readonly statuses: () => readonly Uint8Array[]
}

export interface EdgeOptions {
  readonly identity: Identity
  /** Folder of the sealed directory; made if it is not there. */
  readonly data: string
  readonly index: PartyAddress
  readonly trustees: readonly PartyAddress[]
  readonly organisation: { readonly name: string }
  /** What a register says of the organisation; without it, it is one that nobody knows, with the budget of one. */
  readonly standing?: StandingOptions
  /** People of the house. Where there are any, patients' charts are opened by them, and by no application. */
  readonly staff?: PeopleOptions
  /** The key that registered emergency sites hold. With it, people of the house break the glass. */
  readonly emergency?: { readonly identity: Identity }
  readonly applications: readonly Application[]
  /** Applications that sign in by SMART App Launch. Takes a `base`. */
  readonly smart?: SmartOptions
  /** The files of the organisation's name on the web, for anybody. */
  readonly did?: NameOptions
  /** Principal ids, hex, whose shared patients enter without being asked about. Others wait to be accepted. */
  readonly partners?: readonly string[]
  /** Principal ids, hex, of the keys that emergency sites hold: cards are sealed to them. */
  readonly emergencyKeys?: readonly string[]
  readonly rules?: RuleTable
  /** Profiles that resources are held against where they declare them. */
  readonly profiles?: ProfileSet
  /** Of documents made here, where neither reader nor patient says otherwise. */
  readonly language?: 'fr' | 'en'
  readonly charts?: Partial<ChartLimits>
  readonly sessions?: Partial<SessionLimits>
  /** Names, with port, under which others reach it. */
  readonly authorities?: readonly string[]
  /** Its public address, with `/fhir`: what answers are told with. Absent: the name in the request's Host. */
  readonly base?: string | undefined
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Gets one JSON line per event, without content. */
  readonly write: (line: string) => void
  readonly fetch?: Fetch
  readonly timers?: Timers
  /** Waits for the disk on another thread: for a process of its own, whose time is real. */
  readonly diskAside?: boolean
  /** Told of octets of attachments as they pass: for a process that bounds what waits to be collected. */
  readonly octetsPassed?: (octets: number) => void
  /** Prepares large transactions elsewhere; closed with the edge. It knows no profiles: not used beside those. */
  readonly aside?: Aside
  /** Draws category keys of new vaults ahead, elsewhere; closed with the edge. */
  readonly keysAhead?: { readonly take: KeysAhead; readonly close: () => Promise<void> }
  /** Called before octets are written to the disk, so that a test can fill it. */
  readonly spoolFault?: BinariesOptions['faultPoint']
}

export interface Edge {
  /** Takes requests; returns the address with the port that it got. */
  readonly listen: Server['listen']
  /** A request without a socket. */
  readonly inject: Server['inject']
  readonly routes: Server['routes']
  /** Looks now for patients that others shared with this organisation. */
  readonly lookForGrants: () => Promise<void>
  /** Patients in its care, open charts, resources waiting for review. */
  readonly figures: () => { readonly patients: number; readonly openCharts: number; readonly unclassified: number }
  /** Finishes what is under way, keeps what is not finished, and ends. */
  readonly close: () => Promise<void>
  /** Lets go of the disk and of nothing else: what is left of an edge whose process was killed. */
  readonly release: () => void
}
