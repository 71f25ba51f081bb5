/**
 * What is shown without opening a chart: patients in lists, patients looked for in vain, exports begun. Trustees do not
 * see it, so this one server counts it, by person, exactly, and on the disk before the answer leaves: a restart refills
 * nothing. Of applications, where no person is logged in, it is counted and not bounded: they have the whole list.
 */
import { EdgeError } from '../errors.ts'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import type { Member } from './member.ts'
import { mayList, type StaffRole } from './rights.ts'

/** Distinct patients listed, misses and exports that one person is good for. A list row is a release. */
export interface ExposureBounds {
  readonly rowsHour: number
  readonly rowsDay: number
  readonly missesHour: number
  readonly exportsDay: number
}

const CARE: ExposureBounds = { rowsHour: 200, rowsDay: 600, missesHour: 60, exportsDay: 2 }

/**
 * Source: none measured; `docs/decisions/0024-people-at-the-edge.md`. About twice the patients an hour that the role's
 * budget at the trustees lets it open, since a name search shows some that are not meant.
 */
export const EXPOSURE: Readonly<Partial<Record<StaffRole, ExposureBounds>>> = {
  pharmacist: { ...CARE, rowsHour: 300, rowsDay: 1_200 },
  laboratory: { ...CARE, rowsHour: 400, rowsDay: 2_000 },
  registration: { ...CARE, rowsHour: 600, rowsDay: 2_000, missesHour: 240 },
  officer: { ...CARE, rowsHour: 50, rowsDay: 50, exportsDay: 0 },
}

export const boundsOf = (role: StaffRole): ExposureBounds => EXPOSURE[role] ?? CARE

interface Tally {
  /** When a patient was listed first, by `Patient/id`; seconds. One that was listed in the day is no new one. */
  readonly rows: Record<string, number>
  readonly misses: number[]
  readonly exports: number[]
}

export interface Exposed {
  readonly rows: number
  readonly misses: number
  readonly exports: number
}

export interface ExposureOptions {
  readonly db: Database
  readonly cabinet: Cabinet
  readonly now: () => number
  readonly memberOf: (session: string) => Member | undefined
}

const HOUR = 3_600
const DAY = 24 * HOUR

export class Exposure {
  readonly #options: ExposureOptions
  readonly #tallies = new Map<string, Tally>()
  /** Of applications together, since the start. */
  readonly applications = { rows: 0, misses: 0, exports: 0 }

  constructor(options: ExposureOptions) {
    this.#options = options
  }

  /** Throws EdgeError `exposure-spent`, `forbidden` before these patients are shown in a list. */
  listed(session: string, patients: readonly string[]): void {
    const member = this.#options.memberOf(session)
    if (member === undefined) {
      this.applications.rows += patients.length
      return
    }
    const { role } = member.enrolment
    if (!mayList(role)) throw new EdgeError('forbidden', 'this role has no list of patients')
    const tally = this.#tallyOf(member.id)
    const now = this.#now()
    const fresh = patients.filter((key) => (tally.rows[key] ?? 0) <= now - DAY)
    if (fresh.length === 0) return
    const times = Object.values(tally.rows)
    const { rowsHour, rowsDay } = boundsOf(role)
    const hour = times.filter((time) => time > now - HOUR).length
    if (hour + fresh.length > rowsHour || times.length + fresh.length > rowsDay) throw new EdgeError('exposure-spent')
    for (const key of fresh) tally.rows[key] = now
    this.#keep(member.id, tally)
  }

  /** Somebody was looked for who is not here. Throws as {@link listed}: whoever guesses names is stopped, not told. */
  missed(session: string): void {
    const member = this.#options.memberOf(session)
    if (member === undefined) this.applications.misses++
    else this.#count(member, 'misses', HOUR, boundsOf(member.enrolment.role).missesHour)
  }

  /** Throws as {@link listed} before an export begins. */
  exported(session: string): void {
    const member = this.#options.memberOf(session)
    if (member === undefined) this.applications.exports++
    else if (!mayList(member.enrolment.role)) throw new EdgeError('forbidden', 'this role exports nothing')
    else this.#count(member, 'exports', DAY, boundsOf(member.enrolment.role).exportsDay)
  }

  /** Of a person, within the windows. */
  of(id: string): Exposed {
    const { rows, misses, exports } = this.#tallyOf(id)
    return { rows: Object.keys(rows).length, misses: misses.length, exports: exports.length }
  }

  #count(member: Member, what: 'misses' | 'exports', window: number, bound: number): void {
    const tally = this.#tallyOf(member.id)
    const recent = tally[what].filter((time) => time > this.#now() - window)
    if (recent.length >= bound) throw new EdgeError('exposure-spent')
    this.#keep(member.id, { ...tally, [what]: [...recent, this.#now()] })
  }

  #now(): number {
    return Math.floor(this.#options.now() / 1000)
  }

  #tallyOf(id: string): Tally {
    const { rows, misses, exports } = this.#tallies.get(id) ?? this.#read(id)
    const since = this.#now() - DAY
    return {
      rows: Object.fromEntries(Object.entries(rows).filter(([, time]) => time > since)),
      misses: misses.filter((time) => time > this.#now() - HOUR), exports: exports.filter((time) => time > since),
    }
  }

  #read(id: string): Tally {
    const { db, cabinet } = this.#options
    const row = cabinet.lookup('exposure', id)
    const sealed = db.get('exposure', row)
    return sealed === undefined
      ? { rows: {}, misses: [], exports: [] } : JSON.parse(cabinet.open('exposure', row, sealed).toString()) as Tally
  }

  #keep(id: string, tally: Tally): void {
    const { db, cabinet } = this.#options
    const row = cabinet.lookup('exposure', id)
    db.write(true, () => db.put('exposure', row, cabinet.seal('exposure', row, Buffer.from(JSON.stringify(tally)))))
    this.#tallies.set(id, tally)
  }
}
