import type { Patient, Practitioner, Reference, Resource } from '@medplum/fhirtypes'
import type { Person } from './identity.ts'
import { note, type Theme } from './notes.ts'
import type { Prng } from './prng.ts'
import type { Problem } from './problems.ts'
import type { Staff } from './staff.ts'

/** A problem that this person has. */
export interface Suffered {
  readonly problem: Problem
  readonly conditionId: string
  readonly onset: number
  /** How strongly it shows in the tests, around 1. */
  readonly severity: number
}

/** One patient's record while it is being drawn. */
export class Chart {
  readonly rng: Prng
  readonly person: Person
  readonly staff: Staff
  /** Day number of the population's date: nothing happens after it. */
  readonly today: number
  readonly subject: Reference<Patient>
  readonly generalist: Reference<Practitioner>
  readonly resources: Resource[] = []
  readonly notes: string[] = []
  readonly suffered: Suffered[] = []

  constructor(rng: Prng, person: Person, staff: Staff, today: number) {
    this.rng = rng
    this.person = person
    this.staff = staff
    this.today = today
    this.subject = { reference: `Patient/${person.id}` }
    this.generalist = rng.pick(staff.generalists)
  }

  /** First day of the period that the record tells in detail: four years, or since birth. */
  get since(): number {
    return Math.max(this.person.birthDay, this.today - 4 * 365)
  }

  ageOn(day: number): number {
    return Math.floor((day - this.person.birthDay) / 365.25)
  }

  /** A note about this person, remembered among the strings that must never be seen in clear. */
  write(theme: Theme, day: number): string {
    const text = this.dictate(theme, day)
    this.notes.push(text)
    return text
  }

  /** A note for a letter, which the record holds in base64 only: a search for its text would find nothing. */
  dictate(theme: Theme, day: number): string {
    return note(this.rng, theme, { female: this.person.sex === 'female', day })
  }
}
