/** Three trustees' meters, as a reader meets them: two of three release, and each decides by itself. */
import {
  Database, DECOY_SCHEMA, EMERGENCY_SCHEMA, LOCK_SCHEMA, Meter, METER_SCHEMA, type Source, SPENT_SCHEMA, type Standing,
} from '@scelle/trustee/meter'
import type { Draw } from './draw.ts'
import { FastLedger } from './fast-ledger.ts'

/** What a reader can show when it is asked. */
export interface Means {
  /** The second key. */
  readonly stepUp: boolean
  /** Somebody who confirms. */
  readonly colleague: boolean
}

export interface Opening {
  readonly standing: Standing
  readonly vault: Uint8Array
  readonly source: Source
  /** Seconds. */
  readonly now: number
  readonly means: Means
}

export interface Outcome {
  readonly opened: boolean
  readonly stepUp: boolean
  readonly colleague: boolean
  /** Of the last trustee that refused. */
  readonly refused: string | undefined
}

interface Confirmation {
  readonly statement: Uint8Array
  readonly type: 'step-up' | 'colleague'
}

export class Trio {
  readonly meters: readonly Meter[]
  readonly #draw: Draw

  constructor(draw: Draw) {
    this.#draw = draw
    this.meters = [0, 1, 2].map(() => new Meter(
      new Database(':memory:', METER_SCHEMA + LOCK_SCHEMA + DECOY_SCHEMA + SPENT_SCHEMA + EMERGENCY_SCHEMA),
      { shadow: false, ledger: new FastLedger() },
    ))
  }

  /** Asks trustees in that order until two have released; only then is anybody asked to confirm. */
  open(opening: Opening, order: readonly number[] = this.#anyOrder()): Outcome {
    const { means } = opening
    const confirmations: Confirmation[] = []
    const released = new Set<number>()
    let refused = this.#ask(opening, order, confirmations, released)
    for (const type of ['step-up', 'colleague'] as const) {
      const can = type === 'step-up' ? means.stepUp : means.colleague
      if (released.size >= 2 || !can || refused !== `${type}-required`) continue
      confirmations.push({ statement: this.#draw.bytes(32), type })
      refused = this.#ask(opening, order, confirmations, released)
    }
    const shown = (type: string): boolean => confirmations.some((one) => one.type === type)
    return { opened: released.size >= 2, stepUp: shown('step-up'), colleague: shown('colleague'), refused }
  }

  /** Whoever has not released yet is asked; what the last one that refused said. */
  #ask(
    { standing, vault, source, now }: Opening, order: readonly number[], confirmations: readonly Confirmation[],
    released: Set<number>,
  ): string | undefined {
    let refused: string | undefined
    for (const place of order) {
      if (released.size >= 2) return refused
      if (released.has(place)) continue
      const verdict = (this.meters[place] as Meter).charge({
        standing, vault, source, strict: false, confirmations, patientsPerDay: undefined, now,
      })
      if (verdict.refused === undefined) released.add(place)
      // What can be confirmed is worth asking for; a spent budget is not.
      else if (refused === undefined || verdict.refused.endsWith('-required')) refused = verdict.refused
    }
    return refused
  }

  /** As somebody who knows exactly how the meters stand, and is never refused: two that would release, or nothing. */
  openUnseen(opening: Opening): boolean {
    const { standing, vault, source, now, means } = opening
    const charge = { standing, vault, source, strict: false, patientsPerDay: undefined, now }
    // All that are charged: where another practice vouches, it is that one's bound that is spent.
    const room = (meter: Meter): number => standing.meters.reduce((sum, { key }) =>
      sum + meter.ledger.count(key, 'own', 'month', now), 0)
    const confirmations = [
      ...means.stepUp ? [{ statement: this.#draw.bytes(32), type: 'step-up' as const }] : [],
      ...means.colleague ? [{ statement: this.#draw.bytes(32), type: 'colleague' as const }] : [],
    ]
    const willing = this.meters.filter((meter) => meter.plan({ ...charge, confirmations }).refused === undefined)
      .toSorted((a, b) => room(a) - room(b))
    if (willing.length < 2) return false
    for (const meter of willing.slice(0, 2)) meter.charge({ ...charge, confirmations })
    return true
  }

  /** Two officers clear the person's lock at all three. */
  clear(standing: Standing): void {
    for (const meter of this.meters) meter.locks.clear('person', standing.own.key, 0)
  }

  isLocked(standing: Standing): boolean {
    return this.meters.filter((meter) => meter.lockOf(standing) !== undefined).length >= 2
  }

  #anyOrder(): number[] {
    const first = this.#draw.below(3)
    const second = (first + 1 + this.#draw.below(2)) % 3
    return [first, second, 3 - first - second]
  }
}
