import { LIMITS } from '../limits.ts'
import type { ColumnSpec } from './columns.ts'
import type { Value } from './values.ts'

/** A value and where it stands. Resources with the same value share one. */
export interface Term {
  readonly value: Value
  readonly slots: number[]
}

const NOTHING: readonly Term[] = []

/**
 * The values of one parameter over the resources of one type. Resources are numbers (slots) here, values are kept once,
 * and a resource with one value, as most have, costs one pointer and one number.
 */
export class Column {
  readonly #spec: ColumnSpec
  readonly #terms = new Map<string, Term | Term[]>()
  /** Empty: the element is there, with nothing to compare. */
  readonly #bySlot: (Term | readonly Term[] | undefined)[] = []

  constructor(spec: ColumnSpec) {
    this.#spec = spec
  }

  put(slot: number, resource: { resourceType: string }): void {
    const values = this.#spec.read(resource)
    if (!values) {
      this.#bySlot[slot] = undefined
      return
    }
    const terms = [...new Set(values.map((value) => this.#term(value)))]
    for (const term of terms) term.slots.push(slot)
    this.#bySlot[slot] = terms.length === 1 ? terms[0] : terms
  }

  drop(slot: number): void {
    const keys = new Set<string | undefined>()
    for (const term of this.at(slot)) {
      term.slots.splice(term.slots.indexOf(slot), 1)
      if (term.slots.length === 0) keys.add(this.#spec.kind.key(term.value))
    }
    for (const key of keys) if (key !== undefined) this.#clear(key)
    this.#bySlot[slot] = undefined
  }

  /** The element is there, even if none of its values can be compared: what `:missing` asks. */
  has(slot: number): boolean {
    return this.#bySlot[slot] !== undefined
  }

  at(slot: number): readonly Term[] {
    const terms = this.#bySlot[slot]
    if (terms === undefined) return NOTHING
    return 'slots' in terms ? [terms] : terms
  }

  some(slot: number, test: (term: Term) => boolean): boolean {
    const terms = this.#bySlot[slot]
    if (terms === undefined) return false
    return 'slots' in terms ? test(terms) : terms.some(test)
  }

  /** The terms under a key of the column's kind. */
  lookup(key: string): readonly Term[] {
    const found = this.#terms.get(key)
    if (found === undefined) return NOTHING
    return Array.isArray(found) ? found : [found]
  }

  /** Every distinct value; not those of composites. */
  * terms(): Generator<Term> {
    for (const found of this.#terms.values()) {
      if (Array.isArray(found)) yield* found
      else yield found
    }
  }

  #term(value: Value): Term {
    const { kind } = this.#spec
    const key = kind.key(value)
    if (key === undefined) return { value, slots: [] }
    const found = this.#terms.get(key)
    const known = this.lookup(key).slice(-LIMITS.termsCompared).find((term) => kind.same(term.value, value))
    if (known) return known
    const term: Term = { value, slots: [] }
    if (found === undefined) this.#terms.set(key, term)
    else if (Array.isArray(found)) found.push(term)
    else this.#terms.set(key, [found, term])
    return term
  }

  /** Lets go of the terms under a key that stand nowhere any more. */
  #clear(key: string): void {
    const rest = this.lookup(key).filter(({ slots }) => slots.length > 0)
    const [only] = rest
    if (only === undefined) this.#terms.delete(key)
    else this.#terms.set(key, rest.length === 1 ? only : rest)
  }
}
