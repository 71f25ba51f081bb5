import type { Resource } from '@medplum/fhirtypes'
import { ChartIndex, findMatches, parseSearch } from '../src/search.ts'
import type { ParsedSearch, ParseOptions } from '../src/search.ts'
import { FhirError } from '../src/outcomes.ts'
import { columnOf } from '../src/search/columns.ts'
import type { Criterion } from '../src/search/criterion.ts'
import { aspectOf } from '../src/search/needs.ts'
import { probeOf } from '../src/search/probe.ts'

/** An index over resources, which keeps them as a chart would, to read them again. */
export function indexOf(resources: readonly Resource[]): ChartIndex {
  const kept = new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]))
  const index = new ChartIndex((type, id) => {
    const resource = kept.get(`${type}/${id}`)
    if (!resource) throw new Error('read what was never added')
    return resource
  })
  for (const resource of resources) index.add(resource)
  return index
}

/** Ids of the matches of one search over these resources alone. */
export function found(
  resources: readonly Resource[], type: string, query: string, options: ParseOptions = {},
): string[] {
  return findMatches({ searched: indexOf(resources), beside: [] }, parseSearch(type, query, options))
}

/** What a resource's own values say of a criterion, without index, postings or order. */
export function meets(criterion: Criterion, resource: Resource): boolean {
  if (criterion.test === 'chain' || criterion.test === 'has') throw new Error('needs other resources')
  const values = columnOf(criterion.parameter, aspectOf(criterion)).read(resource)
  if (criterion.test === 'missing') return (values === undefined) === criterion.missing
  const { fits } = probeOf(criterion)
  const some = (values ?? []).some((value) => fits(value))
  return criterion.test === 'token' && criterion.negated ? !some : some
}

/** The same search by testing every resource. */
export function brute(resources: readonly Resource[], parsed: ParsedSearch): string[] {
  return resources
    .filter((each) => each.resourceType === parsed.type && parsed.criteria.every((one) => meets(one, each)))
    .map(({ id }) => id ?? '').toSorted()
}

/** The refusal of a search, or an error if it is understood. */
export function refusal(type: string, query: string, options: ParseOptions = {}): FhirError {
  try {
    parseSearch(type, query, options)
  } catch (error) {
    if (error instanceof FhirError) return error
    throw error
  }
  throw new Error(`understood ${query}`)
}
