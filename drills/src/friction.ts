/** What honest work meets: false stops, step-ups and colleagues asked, per 1,000 shifts. */
import type { Source, Standing } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { Trio } from './trio.ts'
import {
  MERGED, type Mix, NEWBORN, Panel, personOf, sourceFrom, SURGES, withoutPatient, type Workload,
} from './workloads.ts'

export interface Friction {
  readonly shifts: number
  readonly openings: number
  /** Shifts in which somebody honest was stopped. */
  readonly stops: number
  readonly stepUps: number
  readonly colleagues: number
}

export interface FrictionOptions {
  readonly seed: string
  readonly shifts: number
  /** Shifts that one person works in the drill: 40 are two months. */
  readonly each?: number
  /** Another mix than the one that budgets were set with; see `outOfSample`. */
  readonly mix?: (mix: Mix, draw: Draw) => Mix
  /** More patients than budgets were set with. */
  readonly more?: number
  readonly standing?: (draw: Draw) => Standing
  readonly progress?: (done: number, total: number) => void
}

/**
 * What budgets were not set with: five per cent more patients, and for each person another share that nobody explains,
 * from none to twice the usual.
 */
export const outOfSample = {
  more: 1.05,
  mix: (mix: Mix, draw: Draw): Mix => {
    const nobody = 1 - mix.patient - mix.outside - mix.inside
    const factor = (1 - nobody * 2 * draw.uniform()) / (1 - nobody)
    return { patient: mix.patient * factor, outside: mix.outside * factor, inside: mix.inside * factor }
  },
} as const

export const START = 1_800_000_000
export const DAY = 86_400
const ALL_MEANS = { stepUp: true, colleague: true }

export interface Person {
  readonly standing: Standing
  readonly mix: Mix
  readonly mean: number
  readonly panel: Panel
  readonly other: Uint8Array
}

export const personFor = (workload: Workload, options: FrictionOptions, draw: Draw): Person => ({
  standing: options.standing?.(draw) ?? personOf(workload.role, draw),
  mix: options.mix?.(workload.mix, draw) ?? workload.mix,
  mean: workload.mean * draw.gamma(workload.alike) * (options.more ?? 1),
  panel: new Panel(workload.panel, draw),
  other: draw.bytes(32),
})

/** Days of a week on which somebody works, in a row. */
export const dayOf = (shift: number, week: number): number => Math.floor(shift / week) * 7 + (shift % week)

export interface Need {
  readonly vault: Uint8Array
  readonly source: Source
  /** Seconds. */
  readonly now: number
}

/** Whom somebody needs to open in a shift, and why: in the order of time. */
export const shiftOf = (
  workload: Workload, person: Person, { draw, begins }: { draw: Draw; begins: number },
): Need[] => {
  const surge = draw.chance(SURGES.share) ? SURGES.factor : 1
  const patients = draw.count(person.mean * surge, workload.dispersion)
  return Array.from({ length: patients }, (_, one) => {
    const now = begins + Math.floor(((one + draw.uniform()) / patients) * workload.hours * 3_600)
    const born = draw.chance(NEWBORN)
    const mix = born ? withoutPatient(person.mix) : person.mix
    const source = sourceFrom(mix, person.standing, person.other, draw)
    const need = { vault: born ? draw.bytes(32) : person.panel.any(), source, now }
    return draw.chance(MERGED) ? [need, { vault: draw.bytes(32), source, now }] : [need]
  }).flat()
}

const workShift = (
  workload: Workload, person: Person, { trio, draw, begins }: { trio: Trio; draw: Draw; begins: number },
): { openings: number; stopped: boolean; stepUps: number; colleagues: number } => {
  const needs = shiftOf(workload, person, { draw, begins })
  const shift = { openings: needs.length, stopped: false, stepUps: 0, colleagues: 0 }
  for (const need of needs) {
    const outcome = trio.open({ ...need, standing: person.standing, means: ALL_MEANS })
    if (outcome.stepUp) shift.stepUps++
    if (outcome.colleague) shift.colleagues++
    if (!outcome.opened) shift.stopped = true
  }
  // Two officers clear a mistaken lock; what was spent is spent.
  if (shift.stopped) trio.clear(person.standing)
  return shift
}

export const friction = (workload: Workload, options: FrictionOptions): Friction => {
  const draw = new Draw(`${options.seed}/${workload.name}`)
  const each = options.each ?? 40
  const total = { shifts: 0, openings: 0, stops: 0, stepUps: 0, colleagues: 0 }
  while (total.shifts < options.shifts) {
    const trio = new Trio(draw)
    const person = personFor(workload, options, draw)
    for (let shift = 0; shift < each && total.shifts < options.shifts; shift++) {
      const begins = START + dayOf(shift, workload.week) * DAY
      const { openings, stopped, stepUps, colleagues } = workShift(workload, person, { trio, draw, begins })
      total.shifts++
      total.openings += openings
      total.stops += Number(stopped)
      total.stepUps += stepUps
      total.colleagues += colleagues
    }
    options.progress?.(total.shifts, options.shifts)
  }
  return total
}

/** Of so many shifts. */
export const perThousand = (count: number, { shifts }: Friction): number => (count / shifts) * 1_000

/** As many shifts of each of the seeds: people, and what they do, are others in each. */
export const frictionOver = (
  workload: Workload, seeds: readonly string[], options: Omit<FrictionOptions, 'seed' | 'progress'> & {
    readonly progress?: (done: number, total: number) => void
  },
): Friction => {
  const { shifts, progress, ...more } = options
  const each = Math.max(1, Math.round(shifts / seeds.length))
  const found: Friction[] = []
  for (const [place, seed] of seeds.entries()) {
    found.push(friction(workload, { ...more, seed, shifts: each }))
    progress?.(place + 1, seeds.length)
  }
  const sum = (of: (one: Friction) => number): number => found.reduce((total, one) => total + of(one), 0)
  return {
    shifts: sum((one) => one.shifts), openings: sum((one) => one.openings), stops: sum((one) => one.stops),
    stepUps: sum((one) => one.stepUps), colleagues: sum((one) => one.colleagues),
  }
}
