import { LIMITS } from '../limits.ts'
import { FhirError } from '../outcomes.ts'
import { columnOf } from './columns.ts'
import { prepareIncludes } from './needs.ts'
import type { Include, ParsedSearch } from './parsed.ts'
import type { ReferenceValue } from './reference.ts'
import { Space } from './space.ts'
import type { SearchSpace } from './space.ts'

/**
 * `Type/id` of what a page's `_include` and `_revinclude` add: each once, no match of the page, in the order found.
 * `:iterate` goes on from what was added until nothing new comes.
 * @throws FhirError `too-many-values` if a page would get more than `LIMITS.included`
 */
export function findIncluded(space: SearchSpace, parsed: ParsedSearch, pageIds: readonly string[]): string[] {
  if (parsed.includes.length === 0 || pageIds.length === 0) return []
  const scene = new Space(space, parsed.bases)
  prepareIncludes(scene, parsed.includes)
  const seen = new Set(pageIds.map((id) => `${parsed.type}/${id}`))
  const matches = seen.size
  let frontier = [...seen]
  let includes = parsed.includes
  const backward = new Map(includes.flatMap((each) => (each.reverse ? [[each, referrers(scene, each)] as const] : [])))
  while (frontier.length > 0 && includes.length > 0) {
    const found = includes.flatMap((include) => {
      const referring = backward.get(include)
      return referring ? frontier.flatMap((key) => referring.get(key) ?? []) : [...referred(scene, include, frontier)]
    })
    frontier = [...new Set(found)].filter((key) => !seen.has(key))
    for (const key of frontier) seen.add(key)
    if (seen.size - matches > LIMITS.included) {
      throw new FhirError('too-many-values', `a page would include more than ${LIMITS.included} resources`, '_include')
    }
    includes = parsed.includes.filter(({ iterate }) => iterate)
  }
  return [...seen].slice(matches)
}

/** What the resources of the include's type refer to. */
function* referred(space: Space, include: Include, from: readonly string[]): Generator<string> {
  const { source, parameters, target } = include
  for (const key of from) {
    if (!key.startsWith(`${source}/`)) continue
    const id = key.slice(source.length + 1)
    const table = space.home(source, id)?.table(source)
    const slot = table?.slot(id)
    if (!table || slot === undefined) continue
    for (const parameter of parameters) {
      for (const { value } of table.column(columnOf(parameter)).at(slot)) {
        yield* space.resolve(parameter, value as ReferenceValue).filter((found) => isOf(found, target))
      }
    }
  }
}

/** By what they refer to, the resources of the include's type: made once, for chains of any length. */
function referrers(space: Space, { source, parameters, target }: Include): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [table, inSight] of space.tables(source)) {
    for (const parameter of parameters) {
      for (const { value, slots } of table.column(columnOf(parameter)).terms()) {
        const from = slots.map((slot) => table.id(slot)).filter(inSight).map((id) => `${source}/${id}`)
        for (const key of space.resolve(parameter, value as ReferenceValue)) {
          if (!isOf(key, target)) continue
          const known = found.get(key)
          if (!known) found.set(key, [...from])
          else for (const each of from) known.push(each)
        }
      }
    }
  }
  return found
}

const isOf = (key: string, type: string | undefined): boolean => type === undefined || key.startsWith(`${type}/`)
