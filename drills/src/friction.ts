/** What honest work meets: false stops, step-ups and colleagues asked, per 1,000 shifts. */
import type { Standing } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { Trio } from './trio.ts'
import { type Mix, Panel, personOf, sourceFrom, SURGES, type Workload } from './workloads.ts'

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

const START = 1_800_000_000
const DAY = 86_400
const ALL_MEANS = { stepUp: true, colleague: true }

interface Person {
  readonly standing: Standing
  readonly mix: Mix
  readonly mean: number
  readonly panel: Panel
  readonly other: Uint8Array
}

const personFor = (workload: Workload, options: FrictionOptions, draw: Draw): Person => ({
  standing: options.standing?.(draw) ?? personOf(workload.role, draw),
  mix: options.mix?.(workload.mix, draw) ?? workload.mix,
  mean: workload.mean * draw.gamma(workload.alike) * (options.more ?? 1),
  panel: new Panel(workload.panel, draw),
  other: draw.bytes(32),
})

/** Days of a week on which somebody works, in a row. */
const dayOf = (shift: number, week: number): number => Math.floor(shift / week) * 7 + (shift % week)

const workShift = (
  workload: Workload, person: Person, { trio, draw, begins }: { trio: Trio; draw: Draw; begins: number },
): { openings: number; stopped: boolean; stepUps: number; colleagues: number } => {
  const surge = draw.chance(SURGES.share) ? SURGES.factor : 1
  const openings = draw.count(person.mean * surge, workload.dispersion)
  const shift = { openings, stopped: false, stepUps: 0, colleagues: 0 }
  for (let one = 0; one < openings; one++) {
    const now = begins + Math.floor(((one + draw.uniform()) / openings) * workload.hours * 3_600)
    const source = sourceFrom(person.mix, person.standing, person.other, draw)
    const outcome = trio.open({ standing: person.standing, vault: person.panel.any(), source, now, means: ALL_MEANS })
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
