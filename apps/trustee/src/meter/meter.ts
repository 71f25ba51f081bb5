/**
 * The meter: charges a release before it is answered, in the transaction that records it. What it refuses is decided by
 * arithmetic over exact sets; no alarm, no session and no node has a part in it.
 */
import type { Counter } from '@scelle/wire/messages'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import type { Database } from '../database.ts'
import { EVERYONE, type Measure, SURGE, TRAILING, type Window } from './budgets.ts'
import type { Confirmed } from './confirmations.ts'
import { Decoys } from './decoys.ts'
import { type Explanation, explanationTo, type Source } from './facts.ts'
import { Ledger } from './ledger.ts'
import { type Lock, Locks } from './locks.ts'
import type { VerifiedOrder } from './orders.ts'
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

/** Measures of which an opening with this explanation is one more; in a surge others than usual, so that it ends. */
export const measuresOf = (explanation: Explanation, strict: boolean, surge = false): Measure[] => {
  if (surge) return explanation === 'patient' ? ['seen'] : ['seen', 'surge']
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
    if (this.lockOf(standing) !== undefined) throw new Problem('locked')
  }

  /** The lock that is in the reader's way. In shadow mode none for a number, but an officer's order is one. */
  lockOf(standing: Standing): Lock | undefined {
    const lock = this.locks.inWayOf(standing)
    return this.#shadow && lock?.cause === 'budget' ? undefined : lock
  }

  /**
   * Carries out what officers ordered; to be called within a transaction. Idempotent. Clearing a lock refills nothing.
   * Throws `not-permitted` where it takes an officer for all.
   */
  order({ order, officers }: VerifiedOrder, now: number): void {
    const { action, scope, target, notBefore: from, expires: to } = order
    if (!this.locks.once(order.nonce, now)) return
    const forAll = officers.some((organisation) => organisation === undefined)
    if (action === 'lock') this.locks.add({ scope, target, cause: 'order', since: now })
    else if (action === 'clear') {
      const house = scope === 'organisation' || scope === 'vendor'
      if ((house || this.locks.of(scope, target)?.cause === 'honey') && !forAll) {
        throw new Problem('not-permitted', 'This lock takes an officer for all to clear.')
      }
      this.locks.clear(scope, target)
    } else {
      const last = this.locks.lastSurge(scope, target)
      if (last !== undefined && now < last + SURGE.rest && !forAll) {
        throw new Problem('not-permitted', 'A second surge within a day takes an officer for all.')
      }
      this.locks.surge(scope, target, { from, to })
    }
  }

  /** To be called within the transaction that records the release, which a refusal takes back but for its lock. */
  charge(charge: Charge): Verdict {
    const { standing, vault, now } = charge
    if (this.lockOf(standing) !== undefined) return { refused: 'locked' }
    // In shadow mode too: this is no matter of numbers.
    if (this.decoys.catches(vault, standing)) {
      this.locks.add({ scope: standing.own.scope, target: standing.own.key, cause: 'honey', since: now })
      return { refused: 'locked' }
    }
    const refused = this.#shadow ? undefined : this.#refusal(charge)
    if (refused !== undefined) return { refused }
    for (const meter of standing.meters) {
      for (const measure of this.#measures(meter, charge)) {
        this.ledger.add(meter.key, measure, vault, now)
      }
    }
    this.ledger.add(EVERYONE, 'own', vault, now)
    return { counter: this.counter(standing, now) }
  }

  /** All readers together: it alarms, and blocks nobody. */
  everyone(now: number): { day: number; usual: number } {
    return {
      day: this.ledger.count(EVERYONE, 'own', 'day', now),
      usual: this.ledger.busiestDay(EVERYONE, TRAILING.days, now),
    }
  }

  get shadow(): boolean {
    return this.#shadow
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
    const over = charge.standing.meters.find((meter) => this.#isOver(meter, charge))
    if (over !== undefined) {
      this.locks.add({ scope: over.scope, target: over.key, cause: 'budget', since: charge.now })
      return 'budget-spent'
    }
    const { standing: { own }, vault, now, patientsPerDay: bound } = charge
    // What the giver of a grant expects is no sign of a thief: it is refused, and nobody is locked.
    if (bound !== undefined && this.#isMore(own, 'seen', 'day', { vault, now, bound })) return 'budget-spent'
    return this.#step(charge)
  }

  /** Whether one more patient would be more than a bound of this meter allows. One who counts already is not more. */
  #isOver(meter: Metered, charge: Charge): boolean {
    const { vault, now } = charge
    return this.#measures(meter, charge).some((measure) => {
      const bounds = Object.entries(this.boundsOf(meter, measure, now)) as [Window, number][]
      return bounds.some(([window, bound]) => this.#isMore(meter, measure, window, { vault, now, bound }))
    })
  }

  #isMore(
    { key }: Metered, measure: Measure, window: Window,
    { vault, now, bound }: { vault: Uint8Array; now: number; bound: number },
  ): boolean {
    return !this.ledger.has(key, measure, window, vault, now) && this.ledger.count(key, measure, window, now) >= bound
  }

  /** Bounds of a meter: its budget's; of a house never above what the register knows, nor far above its own past. */
  boundsOf(meter: Metered, measure: Measure, now: number): Partial<Record<Window, number>> {
    const bounds = meter.budget.bounds[measure === 'surge' ? 'own' : measure] ?? {}
    const house = meter.scope !== 'person' && (measure === 'own' || measure === 'surge')
    const usual = house ? this.#houseBounds(meter, bounds, now) : bounds
    return measure === 'surge' ? { shift: (usual.day ?? 0) * SURGE.factor } : usual
  }

  #houseBounds(
    { key, patientsPerDay }: Metered, bounds: Partial<Record<Window, number>>, now: number,
  ): Partial<Record<Window, number>> {
    const past = Math.floor(TRAILING.factor * this.ledger.busiestDay(key, TRAILING.days, now))
    const day = Math.min(Math.max(bounds.day ?? 0, past), patientsPerDay ?? Infinity)
    return { day, month: day * TRAILING.monthDays }
  }

  #measures(meter: Metered, { source, strict, now }: Charge): Measure[] {
    return measuresOf(explanationTo(meter, source), strict, this.#hasSurge(meter, now))
  }

  /** In a surge of its own, or of a house that it belongs to. */
  #hasSurge({ scope, key, circle }: Metered, now: number): boolean {
    return this.locks.hasSurge(scope, key, now) ||
      circle.some((house) => this.locks.hasSurge('organisation', house, now))
  }

  /** The ladder of the unexplained: free, then the second key, then a colleague. Uses up what is shown for it. */
  #step({ standing: { own }, vault, source, confirmations, now }: Charge): ProblemCode | undefined {
    if (source.by !== 'nobody' || this.#hasSurge(own, now)) return undefined
    if (this.ledger.has(own.key, 'unexplained', 'day', vault, now)) return undefined
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
