/**
 * Who opens how many patients in a shift, and why. Means and tails: `zero-trust-and-egress.md` 3.3 and 3.4 (synthetic:
 * "shape, not truth"). Counts are negative binomial, people differ from each other, one shift in a hundred is a surge.
 */
import { BUDGETS, type Budget, type Source, type Standing } from '@scelle/trustee/meter'
import type { Role } from '@scelle/seal/verify'
import type { Draw } from './draw.ts'

/** Shares of openings by who explains them; what is left over is unexplained. */
export interface Mix {
  /** By the patient's own device or card. */
  readonly patient: number
  /** By another organisation: a referral, a result that was routed, a prescription. */
  readonly outside: number
  /** By somebody else of the same house: an admission, a roster, the secretary's agenda. */
  readonly inside: number
}

export interface Workload {
  readonly name: string
  readonly role: Role
  /** Distinct patients of a shift, on average. */
  readonly mean: number
  /** Variance of a shift's count divided by its mean. */
  readonly dispersion: number
  /** Shape of the gamma by which people differ: large where everybody sees about as many. */
  readonly alike: number
  readonly mix: Mix
  /** Hours. */
  readonly hours: number
  /** Shifts of seven days. */
  readonly week: number
  /** Patients who may come: some of them come again. */
  readonly panel: number
}

const HOSPITAL = { patient: 0, outside: 0.04, inside: 0.9 }

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'gp-solo', role: 'gp', mean: 50, dispersion: 1.6, alike: 60,
    mix: { patient: 0.88, outside: 0.06, inside: 0 }, hours: 10, week: 5, panel: 1_400,
  },
  {
    name: 'gp-inbox', role: 'gp', mean: 113, dispersion: 2, alike: 12,
    mix: { patient: 0.35, outside: 0.59, inside: 0.02 }, hours: 10, week: 5, panel: 1_600,
  },
  {
    name: 'gp-locum-first-day', role: 'gp', mean: 35, dispersion: 1.6, alike: 30,
    mix: { patient: 0.8, outside: 0.06, inside: 0.1 }, hours: 10, week: 5, panel: 20_000,
  },
  {
    name: 'emergency-physician', role: 'emergency-physician', mean: 30, dispersion: 2.5, alike: 12, mix: HOSPITAL,
    hours: 10, week: 4, panel: 40_000,
  },
  {
    name: 'emergency-nurse', role: 'emergency-nurse', mean: 22, dispersion: 2.2, alike: 12, mix: HOSPITAL, hours: 12,
    week: 4, panel: 40_000,
  },
  {
    name: 'triage-nurse', role: 'triage-nurse', mean: 72, dispersion: 3, alike: 12, mix: HOSPITAL, hours: 12, week: 4,
    panel: 40_000,
  },
  {
    name: 'ward-nurse', role: 'ward-nurse', mean: 12, dispersion: 1.8, alike: 10, mix: HOSPITAL, hours: 12, week: 4,
    panel: 600,
  },
  {
    name: 'night-cover', role: 'resident', mean: 45, dispersion: 2.5, alike: 12, mix: HOSPITAL, hours: 12, week: 3,
    panel: 3_000,
  },
  {
    name: 'pharmacist', role: 'pharmacist', mean: 142, dispersion: 3, alike: 12,
    mix: { patient: 0.74, outside: 0.2, inside: 0 }, hours: 9, week: 5, panel: 6_000,
  },
  {
    name: 'radiologist', role: 'radiologist', mean: 60, dispersion: 2.5, alike: 12,
    mix: { patient: 0.1, outside: 0.4, inside: 0.44 }, hours: 10, week: 5, panel: 30_000,
  },
  {
    name: 'laboratory', role: 'laboratory', mean: 251, dispersion: 4, alike: 12,
    mix: { patient: 0, outside: 0.5, inside: 0.48 }, hours: 9, week: 5, panel: 30_000,
  },
  {
    name: 'registration', role: 'registration', mean: 122, dispersion: 3, alike: 12,
    mix: { patient: 0.6, outside: 0.14, inside: 0.2 }, hours: 9, week: 5, panel: 40_000,
  },
]

/** Shares of shifts with more to do, and how much more. */
export const SURGES = { share: 0.01, factor: 1.7 } as const

/**
 * Shares of openings, assumed. Of patients with two records that turned out to be one person's: each counts by itself,
 * so an opening of one is two. And of newborns: each in a vault that nobody opened before, without card or device.
 */
export const MERGED = 0.02
export const NEWBORN = 0.02

const id = (draw: Draw): Uint8Array => draw.bytes(32)

/** Somebody of that role, with a house of its own that takes no part: houses are drilled by themselves. */
export const personOf = (role: Role, draw: Draw, budget: Budget = BUDGETS[role]): Standing => {
  const house = id(draw)
  const own = { key: id(draw), scope: 'person' as const, budget, circle: [house] }
  return { reader: id(draw), role, own, meters: [own], houses: [house], stepUp: id(draw) }
}

export const BY_PATIENT: Source = { by: 'patient' }
export const BY_NOBODY: Source = { by: 'nobody' }
/** `lifts`: a hospital's, laboratory's or pharmacy's word; a practice's does not. */
export const byHouse = (house: Uint8Array, lifts = false): Source =>
  ({ by: 'other', house, circle: [house], lifts })

/** One draw of who explains. */
export const sourceFrom = (
  { patient, outside, inside }: Mix, standing: Standing, other: Uint8Array, draw: Draw,
): Source => {
  const at = draw.uniform()
  if (at < patient) return BY_PATIENT
  if (at < patient + outside) return byHouse(other, true)
  return at < patient + outside + inside ? byHouse(standing.houses[0] as Uint8Array) : BY_NOBODY
}

/** Without the patient's own word: whoever the patient would have explained, nobody does. */
export const withoutPatient = (mix: Mix): Mix => ({ ...mix, patient: 0 })

/** A panel of patients, drawn when somebody first comes. */
export class Panel {
  readonly #ids: (Uint8Array | undefined)[]
  readonly #draw: Draw

  constructor(size: number, draw: Draw) {
    this.#ids = Array.from({ length: size }, () => undefined)
    this.#draw = draw
  }

  any(): Uint8Array {
    const place = this.#draw.below(this.#ids.length)
    const known = this.#ids[place] ?? this.#draw.bytes(32)
    this.#ids[place] = known
    return known
  }
}
