/** Which columns a search asks for, so that each resource is read once for all of them. */
import { columnOf } from './columns.ts'
import type { Aspect, ColumnSpec } from './columns.ts'
import type { Criterion } from './criterion.ts'
import { canonicalOf } from './parameters.ts'
import type { Parameter } from './parameters.ts'
import type { Include, ParsedSearch } from './parsed.ts'
import { UCUM } from './quantity.ts'
import type { Space } from './space.ts'

type Needs = Map<string, Set<ColumnSpec>>

const ASPECTS: ReadonlyMap<string, Aspect> =
  new Map([['text', 'text'], ['of-type', 'of-type'], ['identifier', 'identifier']])

/** The aspect of its parameter that a criterion tests. */
export function aspectOf({ test }: Criterion): Aspect {
  return ASPECTS.get(test) ?? 'values'
}

/** `_id` needs no column. */
export function isById({ parameter, test }: Criterion): boolean {
  return parameter.name === '_id' && test === 'token'
}

/** True if a search compares a quantity in a unit of UCUM: without `units` only the same code would match. */
export function comparesUnits({ criteria }: Pick<ParsedSearch, 'criteria'>): boolean {
  return criteria.some((criterion): boolean => {
    if (criterion.test === 'quantity') return criterion.quantities.some(({ system }) => system === UCUM)
    if (criterion.test === 'composite') return criterion.tuples.some((parts) => comparesUnits({ criteria: parts }))
    if (criterion.test === 'has') return comparesUnits({ criteria: [criterion.criterion] })
    return criterion.test === 'chain'
      && comparesUnits({ criteria: criterion.branches.map((branch) => branch.criterion) })
  })
}

export function prepareMatches(space: Space, { type, criteria, sort }: ParsedSearch): void {
  const needs: Needs = new Map()
  for (const criterion of criteria) addCriterion(needs, type, criterion)
  for (const { parameter } of sort) if (parameter.name !== '_id') add(needs, type, columnOf(parameter))
  prepare(space, needs)
}

export function prepareIncludes(space: Space, includes: readonly Include[]): void {
  const needs: Needs = new Map()
  for (const { source, parameters } of includes) {
    for (const parameter of parameters) addReference(needs, source, parameter)
  }
  prepare(space, needs)
}

function prepare(space: Space, needs: Needs): void {
  for (const [type, specs] of needs) for (const index of space.indexes) index.prepare(type, specs)
}

function addCriterion(needs: Needs, type: string, criterion: Criterion): void {
  if (isById(criterion)) return
  const { parameter } = criterion
  if (criterion.test === 'chain') {
    addReference(needs, type, parameter)
    for (const branch of criterion.branches) addCriterion(needs, branch.type, branch.criterion)
  } else if (criterion.test === 'has') {
    addReference(needs, criterion.source, parameter)
    addCriterion(needs, criterion.source, criterion.criterion)
  } else add(needs, type, columnOf(parameter, aspectOf(criterion)))
}

/** A reference, and what its canonical URLs resolve by. */
function addReference(needs: Needs, type: string, parameter: Parameter): void {
  add(needs, type, columnOf(parameter))
  for (const target of parameter.targets) {
    const canonical = canonicalOf(target)
    if (!canonical) continue
    add(needs, target, columnOf(canonical.url))
    add(needs, target, columnOf(canonical.version))
  }
}

function add(needs: Needs, type: string, spec: ColumnSpec): void {
  const specs = needs.get(type)
  if (specs) specs.add(spec)
  else needs.set(type, new Set([spec]))
}
