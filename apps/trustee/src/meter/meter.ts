/**
 * The meter: charges a release before it is answered, in the transaction that records it. What it refuses is decided by
 * arithmetic over exact sets; no alarm, no session and no node has a part in it.
 */
import { equalBytes } from '@scelle/seal/verify'
import type { Counter } from '@scelle/wire/messages'
import { Problem, type ProblemCode } from '@scelle/wire/errors'
import type { Database } from '../database.ts'
import { TRUSTEE_LIMITS } from '../limits.ts'
import { each, EMERGENCY, EVERYONE, type Measure, MEASURES, SURGE, TRAILING, type Window, WINDOWS } from './budgets.ts'
import type { Confirmed } from './confirmations.ts'
import { Alarm } from './alarm.ts'
import { Changes } from './changes.ts'
import { Decoys } from './decoys.ts'
import type { Emergency } from './emergency.ts'
import { Emergencies } from './emergencies.ts'
import { type Explanation, explanationTo, type Source } from './facts.ts'
import { Ledger, type LedgerLike } from './ledger.ts'
import { type Lock, Locks } from './locks.ts'
import type { JournalEntry } from './journal.ts'
import type { VerifiedOrder } from './orders.ts'
import { Spent } from './spent.ts'
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
  /** Where the glass is broken: then no budget is asked. */
  readonly emergency?: Emergency | undefined
  /** Seconds. */
  readonly now: number
}

/** Charged, or why not. What a refusal leaves behind (a lock) is to be kept all the same. */
export type Verdict = { readonly refused?: undefined; readonly counter: Counter } | { readonly refused: ProblemCode }

/** What a release would be charged, or why it is refused: decided without changing anything. */
export type Plan =
  | { readonly refused: ProblemCode; readonly lock?: Lock }
  | {
    readonly refused?: undefined
    readonly counted: JournalEntry['counted']
    readonly used: JournalEntry['used']
  }

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
  /** The one in the trustee's file, unless a drill keeps its own. */
  readonly ledger?: LedgerLike
}

export class Meter {
  readonly ledger: LedgerLike
  readonly locks: Locks
  readonly decoys: Decoys
  readonly spent: Spent
  readonly emergencies: Emergencies
  readonly changes: Changes
  readonly #alarm: Alarm
  readonly #shadow: boolean

  constructor(db: Database, { shadow, ledger = new Ledger(db) }: MeterOptions) {
    this.ledger = ledger
    this.locks = new Locks(db)
    this.decoys = new Decoys(db)
    this.spent = new Spent(db)
    this.emergencies = new Emergencies(db)
    this.changes = new Changes(db)
    this.#alarm = new Alarm(db)
    this.#shadow = shadow
  }

  /** Throws `locked`: to be asked before any work is done for the reader. */
  requireFree({ standing, emergency }: Pick<Charge, 'standing' | 'emergency'>): void {
    if (this.#isInWay(this.lockOf(standing), emergency)) throw new Problem('locked')
  }

  /** A spent budget keeps nobody from helping; an officer's order, and a decoy that was opened, do. */
  #isInWay(lock: Lock | undefined, emergency: Emergency | undefined): boolean {
    return lock !== undefined && (emergency === undefined || lock.cause !== 'budget')
  }

  /** The lock that is in the reader's way. In shadow mode none for a number, but an officer's order is one. */
  lockOf(standing: Standing): Lock | undefined {
    const lock = this.locks.inWayOf(standing)
    return this.#shadow && lock?.cause === 'budget' ? undefined : lock
  }

  /**
   * Carries out what officers ordered; to be called within a transaction. Idempotent. Clearing a lock refills nothing.
   * Throws `not-permitted` where it takes an officer for all. `logged`: it comes from the log, where this trustee may
   * read it long after a later one reached it directly. Then the times that officers signed decide: no lock of before a
   * clear comes back, and no lock of after a clear is taken away by it. Of the same second, what comes last counts.
   */
  order({ order, officers }: VerifiedOrder, now: number, logged = false): void {
    const { action, scope, target, notBefore: from, expires: to, replacement } = order
    if (!this.locks.once(order.nonce, now)) return
    const forAll = officers.some(({ organisation }) => organisation === undefined)
    if (action === 'review') {
      const reviewed = officers.some((officer) => this.emergencies.review(target, officer, now))
      if (!reviewed) throw new Problem('not-found', 'No glass was broken here by that access for this officer.')
      return
    }
    const times = this.locks.times(scope, target)
    if (action === 'lock') {
      if (logged && from < times.cleared) return
      this.locks.add({ scope, target, cause: 'order', since: Math.min(from, now) }, from)
    } else if (action === 'clear') {
      const house = scope === 'organisation' || scope === 'vendor'
      if ((house || this.locks.of(scope, target)?.cause === 'honey') && !forAll) {
        throw new Problem('not-permitted', 'This lock takes an officer for all to clear.')
      }
      if (logged && from < times.locked) return
      this.locks.clear(scope, target, from)
      if (scope === 'device') this.changes.found(target, from)
    } else if (action === 'replace') {
      if (logged && from < times.cleared) return
      if (replacement === undefined) throw new TypeError('an order that replaces a key was verified to name another')
      this.changes.replace(order, replacement, forAll)
      // Whoever has found the lost one opens nothing with it.
      this.locks.add({ scope, target, cause: 'order', since: Math.min(from, now) }, from)
    } else {
      const last = this.locks.lastSurge(scope, target)
      if (last !== undefined && now < last + SURGE.rest && !forAll) {
        throw new Problem('not-permitted', 'A second surge within a day takes an officer for all.')
      }
      this.locks.surge(scope, target, { from, to })
    }
  }

  /** Decides about a release. Moves windows on, so it belongs into a transaction. */
  plan(charge: Charge): Plan {
    const { standing, vault, now, emergency } = charge
    if (this.#isInWay(this.lockOf(standing), emergency)) return { refused: 'locked' }
    const { own: { scope, key } } = standing
    // In shadow mode too: this is no matter of numbers.
    if (this.decoys.catches(vault, standing)) {
      return { refused: 'locked', lock: { scope, target: key, cause: 'honey', since: now } }
    }
    if (emergency !== undefined) return this.#emergencyPlan(charge, emergency)
    const counted = [
      ...standing.meters.map((meter) => ({ meter: meter.key, measures: bitsOf(this.#measures(meter, charge)) })),
      { meter: EVERYONE, measures: bitsOf(['own']) },
    ]
    if (!this.#shadow && this.#isUnknown(charge)) return { refused: 'meter-recovering' }
    // In shadow mode too. Who breaks the glass has signed the reason with the second key already.
    const woken = this.#waking(charge)
    if (typeof woken === 'string') return { refused: woken }
    if (this.#shadow) return { counted, used: woken }
    const refused = this.#refusal(charge)
    if (refused !== undefined) return refused
    const step = this.#step(charge)
    if (typeof step === 'string') return { refused: step }
    const more = woken.filter(({ statement }) => !step.some((one) => equalBytes(one.statement, statement)))
    return { counted, used: [...step, ...more] }
  }

  /**
   * Whoever opened nothing for months, and opens now, may be somebody else: the second key is asked for once, whatever
   * explains the patient. A meter that a restored trustee does not know may have slept, or not.
   */
  #waking({ standing: { own, role }, confirmations, now }: Charge): 'step-up-required' | JournalEntry['used'] {
    // A parent has no second key, and opens when a child is ill.
    if (own.scope !== 'person' || role === undefined) return []
    const last = this.ledger.lastSeen(own.key)
    const isAwake = last === undefined
      ? !this.spent.isUnsure(now, TRUSTEE_LIMITS.dormantAfter) : now - last <= TRUSTEE_LIMITS.dormantAfter
    if (isAwake) return []
    const fresh = confirmations.find(({ type, statement }) => type === 'step-up' && !this.ledger.isConfirmed(statement))
    return fresh === undefined ? 'step-up-required' : [{ statement: fresh.statement, colleague: false }]
  }

  /** The ceiling of a shift, and a colleague beyond the second patient and beyond the summary. */
  #emergencyPlan({ standing: { own, meters }, vault, now }: Charge, emergency: Emergency): Plan {
    const isMore = (key: Uint8Array, measure: Measure, bound: number): boolean =>
      !this.#shadow && !this.ledger.has(key, measure, 'shift', vault, now) &&
      this.ledger.count(key, measure, 'shift', now) >= bound
    const unreviewed = this.emergencies.unreviewed(own.key, now - EMERGENCY.review)
    if (isMore(own.key, 'emergency', Math.max(1, EMERGENCY.patients - unreviewed))) {
      return { refused: 'emergency-refused' }
    }
    const confirmer = emergency.confirmers.find((key) => !isMore(key, 'vouched', EMERGENCY.confirmed))
    const alone = emergency.summaryOnly && !isMore(own.key, 'emergency', EMERGENCY.alone)
    if (confirmer === undefined && !alone) return { refused: 'emergency-refused' }
    const counted = meters.map(({ key }) => ({ meter: key, measures: bitsOf(['seen', 'emergency']) }))
    const vouched = confirmer === undefined ? [] : [{ meter: confirmer, measures: bitsOf(['vouched']) }]
    return { counted: [...counted, ...vouched, { meter: EVERYONE, measures: bitsOf(['own']) }], used: [] }
  }

  /** Carries out a plan, within the transaction that records the release. */
  carryOut(plan: Plan, { standing, vault, now, emergency }: Charge): Verdict {
    if (plan.refused !== undefined) {
      if (plan.lock !== undefined) this.locks.add(plan.lock)
      return { refused: plan.refused }
    }
    this.#count({ ...plan, vault, time: now })
    if (emergency !== undefined) this.emergencies.add({ ...emergency, meter: standing.own.key, vault, time: now })
    return { counter: this.counter(standing, now) }
  }

  charge(charge: Charge): Verdict {
    return this.carryOut(this.plan(charge), charge)
  }

  /** An entry of the journal that this meter does not know any more, in the order of their numbers. */
  replay(entry: JournalEntry): void {
    this.#count(entry)
    this.spent.serial = entry.serial
  }

  #count({ counted, used, vault, time }: Omit<JournalEntry, 'serial'>): void {
    for (const { meter, measures } of counted) {
      for (const [place, measure] of MEASURES.entries()) {
        if ((measures & (1 << place)) !== 0) this.ledger.add(meter, measure, vault, time)
      }
    }
    const [first] = counted
    for (const { statement, colleague } of first === undefined ? [] : used) {
      this.ledger.confirm(statement, (first as { meter: Uint8Array }).meter, colleague, time)
    }
  }

  /** Restored, and not caught up: what was spent may be in any window that reaches back to then. */
  #isUnknown(charge: Charge): boolean {
    const { vault, now, standing } = charge
    const restored = this.spent.restored(now)
    return restored !== undefined && standing.meters.some((meter) => this.#measures(meter, charge).some((measure) =>
      Object.keys(this.boundsOf(meter, measure, now)).some((window) =>
        now < restored.at + WINDOWS[window as Window] &&
        !this.ledger.has(meter.key, measure, window as Window, vault, now))))
  }

  /** All readers together: it alarms, and blocks nobody. */
  everyone(now: number): { day: number; usual: number; alarm?: number } {
    const alarm = this.#alarm.told(now)
    return {
      day: this.ledger.count(EVERYONE, 'own', 'day', now),
      usual: this.ledger.pastDays(EVERYONE, TRAILING.days, now).most,
      ...(alarm === undefined ? {} : { alarm }),
    }
  }

  /** The numbers, where they are more than usual for the first time in a day; to be called within a transaction. */
  alarm(now: number): { day: number; usual: number } | undefined {
    if (this.#alarm.told(now) !== undefined) return undefined
    const { days, most: usual } = this.ledger.pastDays(EVERYONE, TRAILING.days, now)
    if (days < TRAILING.known) return undefined
    const day = this.ledger.count(EVERYONE, 'own', 'day', now)
    if (day <= TRAILING.factor * usual) return undefined
    this.#alarm.tell(now)
    return { day, usual }
  }

  get shadow(): boolean {
    return this.#shadow
  }

  /** Where the reader stands: its own meter alone, never its colleagues'. */
  counter({ own }: Standing, now: number): Counter {
    const { key, budget: { bounds, free } } = own
    const { day, month } = this.boundsOf(own, 'own', now)
    return {
      day: this.ledger.count(key, 'seen', 'day', now),
      dayBound: day ?? 0,
      unexplained: this.ledger.count(key, 'unexplained', 'day', now),
      free,
      unexplainedBound: bounds.unexplained?.day ?? day ?? 0,
      month: this.ledger.count(key, 'own', 'month', now),
      monthBound: month ?? 0,
      shadow: this.#shadow,
    }
  }

  #refusal(charge: Charge): { readonly refused: ProblemCode; readonly lock?: Lock } | undefined {
    const { standing: { meters, own }, vault, now, patientsPerDay: bound } = charge
    const over = meters.find((meter) => this.#isOver(meter, charge))
    if (over !== undefined) {
      return { refused: 'budget-spent', lock: { scope: over.scope, target: over.key, cause: 'budget', since: now } }
    }
    // What the giver of a grant expects is no sign of a thief: it is refused, and nobody is locked.
    return bound !== undefined && this.#isMore(own, 'seen', 'day', { vault, now, bound })
      ? { refused: 'budget-spent' } : undefined
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
    const { days, most } = this.ledger.pastDays(key, TRAILING.days, now)
    const past = Math.max(bounds.day ?? 0, Math.floor(TRAILING.factor * most))
    const registered = patientsPerDay === undefined ? bounds.day ?? 0 : each(patientsPerDay)
    const day = days < TRAILING.known ? registered : Math.min(past, registered)
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

  /** The ladder of the unexplained: free, then the second key, then a colleague. What of the shown is used for it. */
  #step({ standing: { own }, vault, source, confirmations, now }: Charge): ProblemCode | JournalEntry['used'] {
    if (source.by !== 'nobody' || this.#hasSurge(own, now)) return []
    if (this.ledger.has(own.key, 'unexplained', 'day', vault, now)) return []
    const next = this.ledger.count(own.key, 'unexplained', 'day', now) + 1
    let stepUps = this.ledger.confirmations(own.key, false, now)
    let colleagues = this.ledger.confirmations(own.key, true, now)
    // The second key opens one more lot a day; whoever has stolen it too is not asked twice.
    const allowed = (): number => own.budget.free * (stepUps === 0 ? 1 : 2 + colleagues)
    const used: JournalEntry['used'] = []
    for (const { statement, type } of confirmations) {
      const colleague = type === 'colleague'
      const counts = colleague ? stepUps > 0 : stepUps === 0
      if (next <= allowed() || !counts || this.ledger.isConfirmed(statement)) continue
      if (used.some((one) => equalBytes(one.statement, statement))) continue
      used.push({ statement, colleague })
      if (colleague) colleagues++
      else stepUps++
    }
    if (next <= allowed()) return used
    return stepUps === 0 ? 'step-up-required' : 'colleague-required'
  }
}

const bitsOf = (measures: readonly Measure[]): number =>
  measures.reduce((bits, measure) => bits | (1 << MEASURES.indexOf(measure)), 0)
