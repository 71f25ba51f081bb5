/**
 * The meter: charges a release before it is answered, in the transaction that records it. What it refuses is decided by
 * arithmetic over exact sets; no alarm, no session and no node has a part in it.
 */
import type { Counter } from '@scelle/wire/messages'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import type { Database } from '../database.ts'
import { type Measure, TRAILING, type Window } from './budgets.ts'
import type { Confirmed } from './confirmations.ts'
import { Decoys } from './decoys.ts'
import { type Explanation, explanationTo, type Source } from './facts.ts'
import { Ledger } from './ledger.ts'
import { Locks } from './locks.ts'
import type { Metered, Standing } from './standing.ts'

/** One release, as the meter sees it. */
export interface Charge {
  readonly standing: Standing
  readonly vault: Uint8Array
  /** By whose word it is care. */
  readonly source: Source
  /** Whether a strict category is among what is opened. */
  readonly strict: boolean
  readonly confirmations: readonly Pick<Confirmed, 'statement' | 'type'>[]
  /** Bound of a grant of the chain, the smallest: distinct patients a day that its giver expects. */
  readonly patientsPerDay: number | undefined
  /** Seconds. */
  readonly now: number
}

/** Charged, or why not. What a refusal leaves behind (a lock) is to be kept all the same. */
export type Verdict = { readonly refused?: undefined; readonly counter: Counter } | { readonly refused: ProblemCode }

/** Measures of which an opening with this explanation is one more. */
export const measuresOf = (explanation: Explanation, strict: boolean): Measure[] => {
  const own = explanation === 'inside' || explanation === 'none'
  return [
    'seen',
    ...explanation === 'patient' ? [] : ['patients'] as const,
    ...own ? ['own'] as const : [],
    ...explanation === 'none' ? ['unexplained'] as const : [],
    ...own && strict ? ['strict'] as const : [],
  ]
}

export interface MeterOptions {
  /** Counts and refuses nothing. Never by default. */
  readonly shadow: boolean
}

export class Meter {
  readonly ledger: Ledger
  readonly locks: Locks
  readonly decoys: Decoys
  readonly #shadow: boolean

  constructor(db: Database, { shadow }: MeterOptions) {
    this.ledger = new Ledger(db)
    this.locks = new Locks(db)
    this.decoys = new Decoys(db)
    this.#shadow = shadow
  }

  /** Throws `locked`: to be asked before any work is done for the reader. */
  requireFree(standing: Standing): void {
    if (!this.#shadow && this.locks.inWayOf(standing) !== undefined) throw new Problem('locked')
  }

  /** To be called within the transaction that records the release, which a refusal takes back but for its lock. */
  charge(charge: Charge): Verdict {
    const { standing, vault, source, strict, now } = charge
    // In shadow mode too: this is no matter of numbers.
    if (this.decoys.catches(vault, standing)) {
      this.locks.add({ scope: standing.own.scope, target: standing.own.key, cause: 'honey', since: now })
      return { refused: 'locked' }
    }
    const refused = this.#shadow ? undefined : this.#refusal(charge)
    if (refused !== undefined) return { refused }
    for (const meter of standing.meters) {
      for (const measure of measuresOf(explanationTo(meter, source), strict)) {
        this.ledger.add(meter.key, measure, vault, now)
      }
    }
    return { counter: this.counter(standing, now) }
  }

  /** Where the reader stands: its own meter alone, never its colleagues'. */
  counter({ own: { key, budget } }: Standing, now: number): Counter {
    const { bounds, free } = budget
    return {
      day: this.ledger.count(key, 'seen', 'day', now),
      dayBound: bounds.own?.day ?? 0,
      unexplained: this.ledger.count(key, 'unexplained', 'day', now),
      free,
      unexplainedBound: bounds.unexplained?.day ?? 0,
      month: this.ledger.count(key, 'own', 'month', now),
      monthBound: bounds.own?.month ?? 0,
      shadow: this.#shadow,
    }
  }

  #refusal(charge: Charge): ProblemCode | undefined {
    if (this.locks.inWayOf(charge.standing) !== undefined) return 'locked'
    const over = charge.standing.meters.find((meter) => this.#isOver(meter, charge))
    if (over !== undefined) {
      this.locks.add({ scope: over.scope, target: over.key, cause: 'budget', since: charge.now })
      return 'budget-spent'
    }
    return this.#step(charge)
  }

  /** Whether one more patient would be more than a bound of this meter allows. One who counts already is not more. */
  #isOver(meter: Metered, { vault, source, strict, now, patientsPerDay, standing }: Charge): boolean {
    return measuresOf(explanationTo(meter, source), strict).some((measure) => {
      const bounds = Object.entries(this.boundsOf(meter, measure, now)) as [Window, number][]
      const granted: [Window, number][] = measure === 'seen' && meter === standing.own && patientsPerDay !== undefined
        ? [['day', patientsPerDay]] : []
      return [...bounds, ...granted].some(([window, bound]) =>
        !this.ledger.has(meter.key, measure, window, vault, now) &&
        this.ledger.count(meter.key, measure, window, now) >= bound)
    })
  }

  /** Bounds of a meter: its budget's; of a house never above what the register knows, nor far above its own past. */
  boundsOf(meter: Metered, measure: Measure, now: number): Partial<Record<Window, number>> {
    const bounds = meter.budget.bounds[measure] ?? {}
    if (meter.scope === 'person' || measure !== 'own' || bounds.day === undefined) return bounds
    const past = Math.floor(TRAILING.factor * this.ledger.busiestDay(meter.key, TRAILING.days, now))
    const day = Math.min(Math.max(bounds.day, past), meter.patientsPerDay ?? bounds.day)
    return { day, month: day * TRAILING.monthDays }
  }

  /** The ladder of the unexplained: free, then the second key, then a colleague. Uses up what is shown for it. */
  #step({ standing: { own }, vault, source, confirmations, now }: Charge): ProblemCode | undefined {
    if (source.by !== 'nobody' || this.ledger.has(own.key, 'unexplained', 'day', vault, now)) return undefined
    const next = this.ledger.count(own.key, 'unexplained', 'day', now) + 1
    for (const { statement, type } of confirmations) {
      if (next <= this.#allowed(own, now)) return undefined
      const colleague = type === 'colleague'
      // The second key opens one more lot a day; whoever has stolen it too is not asked twice.
      if (colleague || this.ledger.confirmations(own.key, false, now) === 0) {
        this.ledger.confirm(statement, own.key, colleague, now)
      }
    }
    if (next <= this.#allowed(own, now)) return undefined
    return this.ledger.confirmations(own.key, false, now) === 0 ? 'step-up-required' : 'colleague-required'
  }

  #allowed({ key, budget: { free } }: Metered, now: number): number {
    const stepUps = Math.min(1, this.ledger.confirmations(key, false, now))
    return free * (1 + stepUps + (stepUps === 0 ? 0 : this.ledger.confirmations(key, true, now)))
  }
}
