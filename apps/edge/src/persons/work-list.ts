/**
 * Pairs of patients for a person to look at. Nothing here changes a patient: a pair is a question, and who answered it
 * is not asked again.
 */
import type { Reason } from '@scelle/fhir/persons'
import type { Cabinet } from '../store/cabinet.ts'
import type { Database } from '../store/database.ts'
import { SealedRows } from './sealed-rows.ts'

/**
 * `duplicate`: much agrees. `same-number`, `same-ins`: one number on two patients, a collision or a duplicate.
 * `link`: a patient of another organisation with the same qualified INS and strict traits.
 */
export type PairKind = 'duplicate' | 'same-number' | 'same-ins' | 'link'

export const PAIR_STATES = ['open', 'not-same', 'merged'] as const
export type PairState = (typeof PAIR_STATES)[number]

export interface Pair {
  /** References in order. */
  readonly left: string
  readonly right: string
  readonly kind: PairKind
  readonly score: number
  readonly reasons: readonly Reason[]
  readonly state: PairState
}

export interface NamedPair extends Pair {
  /** Opaque, stable, says nothing. */
  readonly name: string
}

const keyOf = (left: string, right: string): string => [left, right].toSorted().join(' ')

export class WorkList {
  readonly #rows: SealedRows<Pair>

  constructor(db: Database, cabinet: Cabinet) {
    this.#rows = new SealedRows(db, cabinet, 'pair')
  }

  /** Those of a state, the highest score first; then by name, so that pages do not shift by chance. */
  list(state: PairState): NamedPair[] {
    const pairs = [...this.#rows.all()].filter((pair) => pair.state === state)
      .map((pair) => ({ ...pair, name: this.#rows.nameOf(keyOf(pair.left, pair.right)) }))
    return pairs.toSorted((one, other) => other.score - one.score || (one.name < other.name ? -1 : 1))
  }

  named(name: string): Pair | undefined {
    return this.#rows.named(name)
  }

  of(left: string, right: string): Pair | undefined {
    return this.#rows.get(keyOf(left, right))
  }

  /** Part of a transaction of the caller: enters what a comparison found. What somebody answered stays answered. */
  found(left: string, right: string, found: Pick<Pair, 'kind' | 'score' | 'reasons'>): void {
    this.#put(left, right, { ...found, state: this.of(left, right)?.state ?? 'open' })
  }

  /** Part of a transaction of the caller: the two have nothing in common any more. An answer stays. */
  gone(left: string, right: string): void {
    if (this.of(left, right)?.state === 'open') this.#rows.drop(keyOf(left, right))
  }

  /** Part of a transaction of the caller: somebody answered, or takes the answer back. */
  answer(left: string, right: string, state: PairState): void {
    const known = this.of(left, right) ?? { kind: 'duplicate' as const, score: 0, reasons: [] }
    this.#put(left, right, { ...known, state })
  }

  /** Part of a transaction of the caller. */
  forget(left: string, right: string): void {
    this.#rows.drop(keyOf(left, right))
  }

  #put(one: string, other: string, rest: Omit<Pair, 'left' | 'right'>): void {
    const [left = '', right = ''] = [one, other].toSorted()
    this.#rows.put(keyOf(one, other), { ...rest, left, right })
  }
}
