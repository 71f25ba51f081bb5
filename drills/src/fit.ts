/**
 * Budgets fitted to what honest work needs, and judged on work that they were not fitted to: other seeds, so other
 * people and other days. A budget that was judged on the shifts that it was set with looks better than it is.
 */
import { explanationTo, measuresOf, personBudget, type PersonTotals } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { FastLedger } from './fast-ledger.ts'
import { DAY, dayOf, type Friction, frictionOver, outOfSample, personFor, shiftOf, START } from './friction.ts'
import { personOf, type Workload } from './workloads.ts'

const seedsFrom = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, place) => String(first + place))

export const FIT_SEEDS = seedsFrom(1, 5)
export const JUDGE_SEEDS = seedsFrom(46, 65)

/** Shifts that one person works while it is looked at: two months. */
const EACH = 40

/** The most of each shift, one number a shift. */
interface Seen {
  readonly hour: number[]
  readonly shift: number[]
  readonly own: number[]
  readonly month: number[]
  readonly unexplained: number[]
}

/** What one meter counts of work that nobody bounds, by the ledger's own windows. */
const seenBy = (workload: Workload, seed: string, shifts: number): Seen => {
  const draw = new Draw(`fit/${seed}/${workload.name}`)
  const seen: Seen = { hour: [], shift: [], own: [], month: [], unexplained: [] }
  while (seen.shift.length < shifts) {
    const person = personFor(workload, { seed, shifts }, draw)
    const ledger = new FastLedger()
    const { own } = person.standing
    const count = (measure: string, window: string, now: number): number => ledger.count(own.key, measure, window, now)
    for (let shift = 0; shift < EACH && seen.shift.length < shifts; shift++) {
      const begins = START + dayOf(shift, workload.week) * DAY
      let hour = 0
      let now = begins
      for (const need of shiftOf(workload, person, { draw, begins })) {
        now = need.now
        for (const measure of measuresOf(explanationTo(own, need.source), false)) {
          ledger.add(own.key, measure, need.vault, now)
        }
        hour = Math.max(hour, count('patients', 'hour', now))
      }
      seen.hour.push(hour)
      seen.shift.push(count('patients', 'shift', now))
      seen.own.push(count('own', 'day', now))
      seen.month.push(count('own', 'month', now))
      seen.unexplained.push(count('unexplained', 'day', now))
    }
  }
  return seen
}

/** The smallest number that is not less than that share of them. */
export const percentile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(numbers.length * share) - 1)] ?? 0

/** Above what all but one in a thousand shifts need. Free: what one in a hundred asks to confirm. */
const MARGIN = 1.25

/** Totals that would do for the work of these seeds. */
export const fitted = (workload: Workload, seeds: readonly string[], shifts: number): PersonTotals => {
  const all = seeds.map((seed) => seenBy(workload, seed, Math.ceil(shifts / seeds.length)))
  const above = (name: keyof Seen, share: number): number =>
    Math.max(1, Math.ceil(MARGIN * percentile(all.flatMap((seen) => seen[name]), share)))
  const free = above('unexplained', 0.99)
  return {
    hour: above('hour', 0.999), shift: above('shift', 0.999), own: above('own', 0.999), month: above('month', 0.999),
    free, unexplained: Math.max(2 * free, above('unexplained', 0.999)), strict: above('own', 0.999),
  }
}

export interface Judged {
  readonly workload: Workload
  /** Fitted to the first seeds. */
  readonly totals: PersonTotals
  /** Under that budget: on the seeds that it was fitted to, and on others. */
  readonly inSample: Friction
  readonly outOfSample: Friction
  /** Under the budget that trustees have: on the others, with more patients and other shares than usual. */
  readonly table: Friction
}

export interface JudgeOptions {
  readonly shifts: number
  readonly fit?: readonly string[]
  readonly judge?: readonly string[]
  readonly progress?: (done: number, total: number) => void
}

export const judge = (workload: Workload, options: JudgeOptions): Judged => {
  const { shifts, fit = FIT_SEEDS, judge: other = JUDGE_SEEDS, progress } = options
  const totals = fitted(workload, fit, shifts)
  const budget = personBudget(totals)
  const standing = (draw: Draw) => personOf(workload.role, draw, budget)
  const named = (seeds: readonly string[], prefix: string): string[] => seeds.map((seed) => `${prefix}/${seed}`)
  const inSample = frictionOver(workload, named(fit, 'fit'), { shifts, standing })
  progress?.(1, 3)
  const outside = frictionOver(workload, named(other, 'judged'), { shifts, standing })
  progress?.(2, 3)
  const table = frictionOver(workload, named(other, 'judged'), { shifts, ...outOfSample })
  progress?.(3, 3)
  return { workload, totals, inSample, outOfSample: outside, table }
}
