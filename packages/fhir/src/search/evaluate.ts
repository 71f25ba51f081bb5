import { LIMITS } from '../limits.ts'
import type { Column, Term } from './column.ts'
import { columnOf } from './columns.ts'
import type { Criterion } from './criterion.ts'
import { aspectOf, isById, prepareMatches } from './needs.ts'
import type { ParsedSearch, SortKey } from './parsed.ts'
import { probeOf } from './probe.ts'
import type { ReferenceValue } from './reference.ts'
import { Space } from './space.ts'
import type { SearchSpace } from './space.ts'
import type { TypeTable } from './type-table.ts'

/** One criterion, made ready for one table. */
interface Plan {
  /** Slots of exactly those that meet it, in lists that may overlap; undefined if only `fits` can tell. */
  found: readonly (readonly number[])[] | undefined
  /** At most how many meet it. */
  size: number
  fits: (slot: number) => boolean
}

/**
 * Ids of all matches in `space.searched`, in the search's order: by id where it asks for none. Exact; `parsed.count` is
 * the caller's to apply.
 */
export function findMatches(space: SearchSpace, parsed: ParsedSearch): string[] {
  const table = space.searched.table(parsed.type)
  if (!table) return []
  const scene = new Space(space, parsed.bases)
  prepareMatches(scene, parsed)
  const slots = matchingSlots(scene, table, parsed.type, parsed.criteria)
  return (parsed.sort.length === 0 ? slots : inOrder(table, slots, parsed.sort)).map((slot) => table.id(slot))
}

/** Slots of a table that meet all criteria, by id: the rarest list is walked, the rarest criterion asked first. */
function matchingSlots(space: Space, table: TypeTable, type: string, criteria: readonly Criterion[]): number[] {
  const plans = criteria.map((criterion) => planOf(space, table, type, criterion))
    .toSorted((left, right) => left.size - right.size)
  const [rarest, ...others] = plans
  if (!rarest?.found || rarest.size > table.size / LIMITS.scanShare) {
    return table.ordered().filter((slot) => plans.every(({ fits }) => fits(slot)))
  }
  const [first = [], ...more] = rarest.found
  const candidates = more.length === 0 ? first : new Set(rarest.found.flat())
  const slots: number[] = []
  for (const slot of candidates) if (others.every(({ fits }) => fits(slot))) slots.push(slot)
  return slots.toSorted((left, right) => table.compare(left, right))
}

function planOf(space: Space, table: TypeTable, type: string, criterion: Criterion): Plan {
  if (isById(criterion)) return byId(table, criterion)
  if (criterion.test === 'has') return planOfHas(space, table, type, criterion)
  const column = table.column(columnOf(criterion.parameter, aspectOf(criterion)))
  if (criterion.test === 'missing') {
    return { found: undefined, size: table.size, fits: (slot) => column.has(slot) !== criterion.missing }
  }
  if (criterion.test === 'chain') return planOfTerms(column, chained(space, column, criterion))
  const { keys, fits } = probeOf(criterion)
  if (!keys) return { found: undefined, size: table.size, fits: negated(criterion, (slot) =>
    column.some(slot, (term) => fits(term.value))) }
  const terms = [...new Set(keys)].flatMap((key) => column.lookup(key)).filter((term) => fits(term.value))
  const plan = planOfTerms(column, terms)
  return criterion.test === 'token' && criterion.negated
    ? { found: undefined, size: table.size, fits: negated(criterion, plan.fits) }
    : plan
}

function negated(criterion: Criterion, fits: Plan['fits']): Plan['fits'] {
  return criterion.test === 'token' && criterion.negated ? (slot) => !fits(slot) : fits
}

function planOfTerms(column: Column, terms: readonly Term[]): Plan {
  const [only] = terms
  const wanted = new Set(terms)
  return {
    found: terms.map(({ slots }) => slots),
    size: terms.reduce((sum, { slots }) => sum + slots.length, 0),
    fits: terms.length === 1
      ? (slot) => column.some(slot, (term) => term === only)
      : (slot) => column.some(slot, (term) => wanted.has(term)),
  }
}

function planOfSlots(slots: ReadonlySet<number>): Plan {
  return { found: [[...slots]], size: slots.size, fits: (slot) => slots.has(slot) }
}

function byId(table: TypeTable, criterion: Criterion): Plan {
  const tokens = criterion.test === 'token' ? criterion.tokens : []
  const slots = new Set(tokens.flatMap(({ code = '' }) => table.slot(code) ?? []))
  const plan = planOfSlots(slots)
  return criterion.test === 'token' && criterion.negated
    ? { found: undefined, size: table.size, fits: (slot) => !slots.has(slot) }
    : plan
}

/** References that resolve to a resource which meets the rest of the chain. */
function chained(space: Space, column: Column, criterion: Criterion & { test: 'chain' }): Term[] {
  const wanted = new Set<string>()
  for (const branch of criterion.branches) {
    for (const [table, inSight] of space.tables(branch.type)) {
      for (const slot of matchingSlots(space, table, branch.type, [branch.criterion])) {
        const id = table.id(slot)
        if (inSight(id)) wanted.add(`${branch.type}/${id}`)
      }
    }
  }
  if (wanted.size === 0) return []
  return [...column.terms()].filter(({ value }) =>
    space.resolve(criterion.parameter, value as ReferenceValue).some((key) => wanted.has(key)))
}

/** Resources that some source refers to which meets the inner criterion. */
function planOfHas(space: Space, table: TypeTable, type: string, criterion: Criterion & { test: 'has' }): Plan {
  const found = new Set<number>()
  const { parameter, source, criterion: inner } = criterion
  for (const [sources, inSight] of space.tables(source)) {
    const column = sources.column(columnOf(parameter))
    const terms = new Set<Term>()
    for (const slot of matchingSlots(space, sources, source, [inner])) {
      if (inSight(sources.id(slot))) for (const term of column.at(slot)) terms.add(term)
    }
    for (const { value } of terms) {
      for (const key of space.resolve(parameter, value as ReferenceValue)) {
        const slot = key.startsWith(`${type}/`) ? table.slot(key.slice(type.length + 1)) : undefined
        if (slot !== undefined) found.add(slot)
      }
    }
  }
  return planOfSlots(found)
}

type Order = string | number | undefined

/** Sort keys in turn, resources without a value last, then the id: a total order. */
function inOrder(table: TypeTable, slots: readonly number[], sort: readonly SortKey[]): number[] {
  const rows = slots.map((slot) => ({ slot, keys: sort.map((key) => orderOf(table, slot, key)) }))
  rows.sort((left, right) => {
    for (const [at, { descending }] of sort.entries()) {
      const first = left.keys[at]
      const second = right.keys[at]
      if (first === second) continue
      if (first === undefined) return 1
      if (second === undefined) return -1
      return first < second === descending ? 1 : -1
    }
    return table.compare(left.slot, right.slot)
  })
  return rows.map(({ slot }) => slot)
}

/** Ascending sorts by the least value, descending by the greatest (R4 search.html#sort). */
function orderOf(table: TypeTable, slot: number, { parameter, descending }: SortKey): Order {
  if (parameter.name === '_id') return table.id(slot)
  const spec = columnOf(parameter)
  let best: Order
  for (const { value } of table.column(spec).at(slot)) {
    const order = spec.kind.order(value, descending)
    if (best === undefined || (descending ? order > best : order < best)) best = order
  }
  return best
}
