import type { Resource } from '@medplum/fhirtypes'
import { meets } from './criteria.ts'
import type { Criterion } from './criteria.ts'
import { FhirError } from './outcomes.ts'
import type { ParsedSearch, SortKey } from './parsed-search.ts'
import type { Parameter } from './search-parameters.ts'
import { valuesOf } from './search-values.ts'
import type { Values } from './search-values.ts'

/**
 * Where a page ended: the sort values and id of its last resource. Paging by key, not by number, stays stable while
 * resources come and go. It holds patient data (a birth date sorted by), so callers keep it or encrypt it.
 */
export interface PageKey {
  values: readonly (string | number | null)[]
  id: string
}

export interface Page {
  resources: Resource[]
  /** Matches over all pages. */
  total: number
  /** Absent on the last page. */
  next?: PageKey
}

/** Values and postings of one (type, parameter), built when first searched. */
interface ParameterIndex {
  parameter: Parameter
  values: Map<string, Values>
  postings: Map<string, Set<string>>
}

interface TypeIndex {
  resources: Map<string, Resource>
  /** Ids in order; undefined after a change. */
  ordered: string[] | undefined
  parameters: Map<string, ParameterIndex>
}

/** The resources of one chart, searchable in memory. Parameters are indexed at their first search. */
export class ChartIndex {
  readonly #types = new Map<string, TypeIndex>()

  /** Parses a resource that was added; called when a parameter is first searched. */
  readonly read: (type: string, id: string) => Resource

  constructor(read: (type: string, id: string) => Resource) {
    this.read = read
  }

  /** Number of resources. */
  get size(): number {
    let size = 0
    for (const { resources } of this.#types.values()) size += resources.size
    return size
  }

  /** Adds a resource, or replaces the one of the same type and id. @throws FhirError `invalid-resource` without id */
  add(resource: Resource): void {
    const { resourceType: type, id } = resource
    if (id === undefined) throw new FhirError('invalid-resource', 'a resource in a chart needs an id', `${type}.id`)
    const index = this.#typeIndex(type)
    if (index.resources.has(id)) this.remove(type, id)
    index.resources.set(id, resource)
    index.ordered = undefined
    for (const parameter of index.parameters.values()) indexOne(parameter, id, resource)
  }

  /** Removes a resource. Answers whether it was there. */
  remove(type: string, id: string): boolean {
    const index = this.#types.get(type)
    if (!index?.resources.delete(id)) return false
    index.ordered = undefined
    for (const parameter of index.parameters.values()) {
      const values = parameter.values.get(id)
      parameter.values.delete(id)
      for (const key of values ? keysOf(values) : []) parameter.postings.get(key)?.delete(id)
    }
    return true
  }

  has(type: string, id: string): boolean {
    return this.#types.get(type)?.resources.has(id) === true
  }

  get(type: string, id: string): Resource | undefined {
    return this.#types.get(type)?.resources.get(id)
  }

  /** Every resource, by type then id. */
  * all(): Generator<Resource> {
    for (const type of [...this.#types.keys()].toSorted()) {
      const index = this.#typeIndex(type)
      for (const id of orderedIds(index)) yield index.resources.get(id) as Resource
    }
  }

  /** One page of a search. @param after `next` of the page before */
  search(parsed: ParsedSearch, after?: PageKey): Page {
    const index = this.#types.get(parsed.type)
    if (!index) return { resources: [], total: 0 }
    const found = matchingIds(index, parsed.criteria)
    const total = found.length
    if (parsed.totalOnly) return { resources: [], total }
    if (parsed.sort.length === 0) return pageById(index, found, parsed.count, after)
    return pageByKeys(index, found, parsed, after)
  }

  #typeIndex(type: string): TypeIndex {
    const known = this.#types.get(type)
    if (known) return known
    const index: TypeIndex = { resources: new Map(), ordered: undefined, parameters: new Map() }
    this.#types.set(type, index)
    return index
  }
}

function parameterIndex(index: TypeIndex, parameter: Parameter): ParameterIndex {
  const known = index.parameters.get(parameter.name)
  if (known) return known
  const built: ParameterIndex = { parameter, values: new Map(), postings: new Map() }
  for (const [id, resource] of index.resources) indexOne(built, id, resource)
  index.parameters.set(parameter.name, built)
  return built
}

function indexOne(index: ParameterIndex, id: string, resource: Resource): void {
  const values = valuesOf(index.parameter, resource)
  index.values.set(id, values)
  for (const key of keysOf(values)) {
    const posting = index.postings.get(key)
    if (posting) posting.add(id)
    else index.postings.set(key, new Set([id]))
  }
}

/** Posting keys: the code of a token, the id of a reference, a uri. Coarser than a test, never finer. */
function keysOf(values: Values): string[] {
  return [
    ...values.tokens.map((token) => token.code),
    ...values.references.flatMap((reference) => reference.id ?? []),
    ...values.uris,
  ]
}

/** The posting keys that every match of the criterion has one of; undefined if postings cannot help. */
function askedKeys(criterion: Criterion): string[] | undefined {
  if (criterion.test === 'token' && !criterion.negated) return wholly(criterion.tokens.map((token) => token.code))
  if (criterion.test === 'reference') return wholly(criterion.references.map((reference) => reference.id))
  return criterion.test === 'uri' ? [...criterion.uris] : undefined
}

function wholly(keys: (string | undefined)[]): string[] | undefined {
  return keys.every((key) => key !== undefined) ? keys : undefined
}

interface Test {
  criterion: Criterion
  values: Map<string, Values>
  /** Ids that could meet it; undefined if postings cannot tell. */
  postings: Set<string>[] | undefined
  /** How many could meet it. */
  size: number
}

/** Ids that meet all criteria, in id order: the rarest posting is walked, the rarest criterion asked first. */
function matchingIds(index: TypeIndex, criteria: readonly Criterion[]): string[] {
  const all = index.resources.size
  const tests = criteria.map((criterion) => testOf(index, criterion)).toSorted((left, right) => left.size - right.size)
  const fits = (id: string): boolean => {
    for (const test of tests) if (!meets(test.criterion, test.values.get(id) as Values)) return false
    return true
  }
  const rarest = tests[0]
  if (!rarest?.postings || rarest.size > all / 4) return orderedIds(index).filter(fits)
  const ids = new Set<string>()
  for (const posting of rarest.postings) for (const id of posting) if (fits(id)) ids.add(id)
  return [...ids].toSorted()
}

function testOf(index: TypeIndex, criterion: Criterion): Test {
  const { values, postings } = parameterIndex(index, criterion.parameter)
  const keys = askedKeys(criterion)
  if (!keys) return { criterion, values, postings: undefined, size: index.resources.size }
  const asked = keys.flatMap((key) => postings.get(key) ?? [])
  return { criterion, values, postings: asked, size: asked.reduce((sum, posting) => sum + posting.size, 0) }
}

function orderedIds(index: TypeIndex): string[] {
  index.ordered ??= [...index.resources.keys()].toSorted()
  return index.ordered
}

function pageById(index: TypeIndex, ids: readonly string[], count: number, after: PageKey | undefined): Page {
  const start = after ? ids.findIndex((id) => id > after.id) : 0
  const page = start < 0 ? [] : ids.slice(start, start + count)
  const last = page.at(-1)
  const result: Page = { resources: page.map((id) => index.resources.get(id) as Resource), total: ids.length }
  if (last !== undefined && start + count < ids.length) result.next = { values: [], id: last }
  return result
}

function pageByKeys(index: TypeIndex, ids: readonly string[], parsed: ParsedSearch, after: PageKey | undefined): Page {
  const sorts = parsed.sort.map((key) => ({ key, values: parameterIndex(index, key.parameter).values }))
  const rows: PageKey[] = ids.map((id) => ({
    id,
    values: sorts.map(({ key, values }) => sortValue(key, values.get(id) as Values)),
  }))
  const order = (left: PageKey, right: PageKey): number => compareKeys(left, right, parsed.sort)
  rows.sort(order)
  const start = after ? rows.findIndex((row) => order(row, after) > 0) : 0
  const page = start < 0 ? [] : rows.slice(start, start + parsed.count)
  const last = page.at(-1)
  const result: Page = { resources: page.map((row) => index.resources.get(row.id) as Resource), total: ids.length }
  if (last && start + parsed.count < rows.length) result.next = last
  return result
}

/** Ascending sorts by the least value, descending by the greatest (R4 search.html#sort); null: no value. */
function sortValue({ parameter, descending }: SortKey, values: Values): string | number | null {
  const pick = <T extends string | number>(list: readonly T[]): T | null =>
    list.reduce<T | null>((best, value) => (best === null ||
      (descending ? value > best : value < best) ? value : best), null)
  const { kind } = parameter
  if (kind === 'date') return pick(values.dates.map((date) => (descending ? date.high : date.low)))
  if (kind === 'string') return pick(values.strings.map((text) => text.folded))
  if (kind === 'token') return pick(values.tokens.map((token) => token.code))
  return kind === 'reference' ? pick(values.references.map((reference) => reference.text)) : pick(values.uris)
}

/** Total order: the sort keys, resources without a value last, then the id. */
function compareKeys(left: PageKey, right: PageKey, sort: readonly SortKey[]): number {
  for (const [at, key] of sort.entries()) {
    const first = left.values[at] ?? null
    const second = right.values[at] ?? null
    if (first === second) continue
    if (first === null) return 1
    if (second === null) return -1
    return first < second === key.descending ? 1 : -1
  }
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
