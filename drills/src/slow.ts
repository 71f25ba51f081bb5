/**
 * Low and slow: a thief who takes one to four patients a day more than the doctor opens, and is below every bound. What
 * finds it is no bound but a chart, kept for officers, of those whom nobody outside the house explains (a thief who has
 * the agenda's key too is not among the unexplained). It locks nobody. A CUSUM of the log-likelihood ratio of two
 * negative binomials: real counts are over-dispersed, and a Poisson chart would cry wolf ten times as often. Reference:
 * `zero-trust-and-egress.md` 3.2.
 */
import { BUDGETS } from '@scelle/trustee/meter'
import { Draw } from './draw.ts'
import { percentile } from './fit.ts'
import { boundOf } from './stolen.ts'

/** Such patients a day of a doctor of fifty patients, and their variance divided by their mean. */
export const USUAL = 3
export const DISPERSION = 1.64
/** Days of work before a chart is believed: from them it learns the doctor's own mean. */
export const LEARNING = 60
/** Days of work in four weeks, and in a year. */
export const MONTH = 20
export const YEAR = 250
/** A chart may cry wolf once in so many days of work: ten years. */
export const INTERVAL = 10 * YEAR
/** What each chart looks for, in patients a day more: one is tuned for small thefts, one for larger ones. */
export const TUNED = [1, 4] as const

const shapeOf = (mean: number): number => mean / (DISPERSION - 1)

/** By how much a day with so many patients speaks for the larger mean. */
export const evidence = (count: number, usual: number, more: number): number => {
  const shape = shapeOf(usual)
  return count * Math.log((usual + more) / usual) - (count + shape) * Math.log((shape + usual + more) / (shape + usual))
}

/** A chart over one person's days: `add` says whether it cries. */
export class Chart {
  readonly #more: number
  readonly #limit: number
  #usual = 0
  #learned = 0
  #sum = 0

  constructor(more: number, limit: number) {
    this.#more = more
    this.#limit = limit
  }

  add(count: number): boolean {
    if (this.#learned < LEARNING) {
      this.#usual += count / LEARNING
      this.#learned++
      return false
    }
    this.#sum = Math.max(0, this.#sum + evidence(count, Math.max(0.5, this.#usual), this.#more))
    return this.#sum > this.#limit
  }

  /** Once somebody looked at it. */
  reset(): void {
    this.#sum = 0
  }
}

/** Another doctor each time: some have twice as many whom nobody explains. */
const usualOf = (draw: Draw): number => USUAL * draw.gamma(12)

const learn = (charts: readonly Chart[], usual: number, draw: Draw): void => {
  for (let day = 0; day < LEARNING; day++) {
    const count = draw.count(usual, DISPERSION)
    for (const chart of charts) chart.add(count)
  }
}

/** Days of honest work for each alarm, of so many doctors and years. */
export const daysForAlarm = (
  more: number, limit: number, { seeds, doctors, years }: { seeds: readonly string[]; doctors: number; years: number },
): number => {
  let days = 0
  let alarms = 0
  for (const seed of seeds) {
    const draw = new Draw(`slow/${seed}`)
    for (let doctor = 0; doctor < doctors; doctor++) {
      const usual = usualOf(draw)
      const chart = new Chart(more, limit)
      learn([chart], usual, draw)
      for (let day = 0; day < years * YEAR; day++) {
        days++
        if (!chart.add(draw.count(usual, DISPERSION))) continue
        alarms++
        chart.reset()
      }
    }
  }
  return days / Math.max(1, alarms)
}

/** The smallest limit, in steps of a half, at which honest doctors are suspected as seldom as is wished. */
export const limitFor = (more: number, from: Parameters<typeof daysForAlarm>[2]): number => {
  for (let limit = 2; limit < 20; limit += 0.5) if (daysForAlarm(more, limit, from) >= INTERVAL) return limit
  return 20
}

export interface SlowTheft {
  /** Patients a day of work more. */
  readonly more: number
  /** What the thief has after four weeks and after a year, if nothing finds it; a bound may stop it before. */
  readonly month: number
  readonly year: number
  /** Days of work until a chart cries: of half the doctors, and of nine in ten. Infinity: not within a year. */
  readonly found: number
  readonly foundMostly: number
  /** Patients taken until then: of half, and of the worst. */
  readonly taken: number
  readonly takenAtMost: number
}

/** From so many a day on it is the month's bound that stops the thief. */
export const stoppedFrom = (): number => Math.max(0, boundOf(BUDGETS.gp, 28) - USUAL * MONTH) / MONTH

/** What the bounds leave to a thief who takes so many a day beside a doctor's own. */
export const leftByBounds = (more: number, days: number): number => {
  const aMonth = MONTH * Math.min(more, stoppedFrom())
  return Math.floor(days <= MONTH ? Math.min(more * days, aMonth) : (aMonth * days) / MONTH)
}

export const slowTheft = (
  more: number, limits: readonly number[], { seeds, doctors }: { seeds: readonly string[]; doctors: number },
): SlowTheft => {
  const days: number[] = []
  for (const seed of seeds) {
    const draw = new Draw(`theft/${seed}/${more}`)
    for (let doctor = 0; doctor < doctors; doctor++) {
      const usual = usualOf(draw)
      const charts = TUNED.map((tuned, place) => new Chart(tuned, limits[place] as number))
      learn(charts, usual, draw)
      let day = 1
      while (day <= YEAR) {
        // Half a patient a day is one on every second day.
        const stolen = Math.floor(day * more) - Math.floor((day - 1) * more)
        const count = draw.count(usual, DISPERSION) + stolen
        const cries = charts.filter((chart) => chart.add(count))
        if (cries.length > 0) break
        day++
      }
      days.push(day > YEAR ? Infinity : day)
    }
  }
  const [found, foundMostly, worst] = [0.5, 0.9, 1].map((share) => percentile(days, share)) as [number, number, number]
  const takenIn = (until: number): number => leftByBounds(more, Math.min(until, YEAR))
  return {
    more, month: leftByBounds(more, MONTH), year: leftByBounds(more, YEAR), found, foundMostly,
    taken: takenIn(found), takenAtMost: takenIn(worst),
  }
}
