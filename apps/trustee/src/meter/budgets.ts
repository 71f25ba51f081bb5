/**
 * How many distinct patients each role may open: one table, with its source. Its numbers are what a reader may open in
 * all. Each opening takes two of three trustees, so each of them bounds two thirds of it: whoever spreads openings over
 * all three in whatever way gets the number of the table, and no more.
 */
import type { ORGANISATION_ROLES, PERSON_ROLES, Role } from '@scelle/seal/verify'

/**
 * What is counted, each as a set of vaults. `seen`: all. `patients`: those whom the patient's own device or card did
 * not explain. `own`: of those, the ones that nobody outside the reader's own house explains either. `unexplained`:
 * those that nobody explains. `strict`: own ones of which a strict category was opened. `emergency`: by a broken glass.
 * `surge`: in a surge, instead of the four before. `vouched`: for whom somebody confirmed that a colleague breaks the
 * glass. Kept by their places: new ones go to the end.
 */
export const MEASURES = [
  'seen', 'patients', 'own', 'unexplained', 'strict', 'emergency', 'surge', 'vouched',
] as const
export type Measure = (typeof MEASURES)[number]

/** Sliding windows, in seconds. */
export const WINDOWS = { hour: 3_600, shift: 12 * 3_600, day: 24 * 3_600, month: 30 * 24 * 3_600 } as const
export type Window = keyof typeof WINDOWS

/** Bounds, by measure and window; what is not named is not bounded, but what bounds it is. */
export type Bounds = Readonly<Partial<Record<Measure, Readonly<Partial<Record<Window, number>>>>>>

export interface Budget {
  readonly bounds: Bounds
  /**
   * Unexplained patients of a day that ask for nothing. The same again after a step-up, and after each colleague's
   * confirmation, up to the bound.
   */
  readonly free: number
  /** Share of `bounds` from which the reader is told that it comes near. */
  readonly near: number
}

/**
 * A house locks above so many times the busiest day of its trailing 30, and never below its table's bound. Of a house
 * with less than `known` such days its register's number alone bounds. `monthDays`: as many such days are in a month's
 * bound.
 */
export const TRAILING = { factor: 1.3, days: 30, known: 7, monthDays: 22 } as const

/**
 * Signed by two officers: for its hours, so many times the day's bound of `own` beside what is usual, and no ladder. No
 * second one of the same house within `rest` seconds.
 */
export const SURGE = { factor: 3, rest: 24 * 3_600 } as const

/**
 * In an emergency, of each trustee and in a shift: patients, those without a colleague, and those for whom one
 * colleague confirms. An opening that nobody reviewed in three days lowers the first for its reader, down to one.
 */
export const EMERGENCY = { patients: 5, alone: 2, confirmed: 3, review: 3 * 24 * 3_600 } as const

/** The meter of all readers together, whose id nobody has. */
export const EVERYONE = new Uint8Array(32)

/** Of three trustees two are asked for each opening: what one of them bounds, for so many openings in all. */
export const each = (total: number): number => Math.max(1, Math.floor((total * 2) / 3))

/** What a person may open in all: see `README.md`, which has the same table. */
export type PersonTotals = Readonly<Record<
  'hour' | 'shift' | 'own' | 'month' | 'free' | 'unexplained' | 'strict', number
>>

/** What one trustee bounds of it. */
export const personBudget = ({ hour, shift, own, month, free, unexplained, strict }: PersonTotals): Budget => ({
  bounds: {
    patients: { hour: each(hour), shift: each(shift), day: each(shift) },
    own: { day: each(own), month: each(month) },
    unexplained: { day: each(unexplained) },
    strict: { day: each(strict) },
  },
  free: each(free),
  near: 0.7,
})

/** No ladder: an organisation has no second key, and no colleague. */
const UNASKED = 1_000_000

/** An organisation, or a vendor, as a whole: of those that nobody outside it explains. */
const house = (day: number): Budget => ({
  bounds: { own: { day: each(day), month: each(day) * TRAILING.monthDays } }, free: UNASKED, near: 0.7,
})

/** In all, by role; each trustee bounds its part. */
export const PERSON_TOTALS: Readonly<Record<(typeof PERSON_ROLES)[number], PersonTotals>> = {
  // hour, shift: 1.25 times the 99.9th percentile of simulated shifts. free: what asks for a step-up less than ten
  // times in 1,000 shifts; own and month: what stops nobody honest, both by `npm run drill -- friction`;
  // of GPs own and month are what 1,500 stolen accounts may cost: 0.5 % of their patients a day, 3 % in 28 days.
  gp: { hour: 87, shift: 462, own: 50, month: 300, free: 24, unexplained: 50, strict: 20 },
  specialist: { hour: 87, shift: 462, own: 50, month: 300, free: 24, unexplained: 50, strict: 20 },
  'emergency-physician': { hour: 29, shift: 128, own: 128, month: 1_400, free: 12, unexplained: 27, strict: 27 },
  resident: { hour: 34, shift: 208, own: 208, month: 1_800, free: 21, unexplained: 42, strict: 36 },
  'emergency-nurse': { hour: 20, shift: 104, own: 104, month: 1_000, free: 12, unexplained: 24, strict: 24 },
  'triage-nurse': { hour: 49, shift: 296, own: 296, month: 4_200, free: 33, unexplained: 66, strict: 48 },
  'ward-nurse': { hour: 14, shift: 63, own: 63, month: 500, free: 9, unexplained: 18, strict: 18 },
  pharmacist: { hour: 119, shift: 606, own: 90, month: 900, free: 45, unexplained: 90, strict: 40 },
  radiologist: { hour: 59, shift: 288, own: 150, month: 2_200, free: 30, unexplained: 60, strict: 50 },
  laboratory: { hour: 202, shift: 1_047, own: 600, month: 7_500, free: 27, unexplained: 68, strict: 68 },
  registration: { hour: 103, shift: 518, own: 180, month: 2_000, free: 43, unexplained: 127, strict: 10 },
  assistant: { hour: 60, shift: 150, own: 50, month: 300, free: 12, unexplained: 24, strict: 5 },
  // DESIGN section 6 and the reference, 4 "vendor": named patients only, at most 25.
  engineer: { hour: 25, shift: 25, own: 25, month: 50, free: 25, unexplained: 25, strict: 5 },
  officer: { hour: 5, shift: 5, own: 5, month: 25, free: 5, unexplained: 5, strict: 5 },
}

/** Patients a day in all, of those that nobody outside the house explains. */
export const HOUSE_TOTALS: Readonly<Record<(typeof ORGANISATION_ROLES)[number], number>> = {
  practice: 100,
  hospital: 2_000,
  pharmacy: 600,
  'laboratory-site': 3_000,
  vendor: 25,
}

/** No listed issuer says what it is: it may be anybody who made itself a key. In all. */
export const UNREGISTERED_TOTAL = 24
export const UNREGISTERED: Budget = house(UNREGISTERED_TOTAL)

/** Somebody whom patients, or who keeps their vaults, let look after them: no professional has so few. In all. */
export const CARER_TOTAL = 9
export const CARER: Budget = house(CARER_TOTAL)

export const BUDGETS = Object.fromEntries([
  ...Object.entries(PERSON_TOTALS).map(([role, totals]) => [role, personBudget(totals)]),
  ...Object.entries(HOUSE_TOTALS).map(([role, day]) => [role, house(day)]),
]) as Readonly<Record<Role, Budget>>
