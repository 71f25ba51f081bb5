/**
 * What one search may look at: the records searched and, where it follows references, what stands beside them. Nothing
 * that this session has not opened is ever among it, so no condition can tell of what the caller may not see.
 */
import { createHash } from 'node:crypto'
import type { Resource } from '@medplum/fhirtypes'
import { findIncluded, findMatches, type ParsedSearch, project, type SearchSpace } from '@scelle/fhir/search'
import type { BundlePart } from './answers.ts'
import type { Opening } from './charts.ts'
import { withDigits } from './decimals.ts'
import { bytesOf, type Entry, keyOf, textOf } from './entry.ts'

/** Records and the name under which a cursor finds them again. */
export interface Reach {
  readonly where: string
  readonly opening: Opening
  /** What references may lead to, in the order in which they are looked for. */
  readonly beside: readonly Opening[]
  /** Of a search that follows references: see {@link SearchSpace}. */
  readonly standsFor?: SearchSpace['standsFor']
  /** Of an access token's scopes: what is found has to be found by one of these as well, and to be one of `keys`. */
  readonly only?: { readonly searches?: readonly ParsedSearch[] | undefined; readonly key?: string | undefined }
}

/** A result of which only a page may be wanted. */
export interface Result {
  readonly total: number
  readonly page: (offset: number, count: number) => readonly BundlePart[]
}

/** Whether the answer rests on more than the resources searched. */
export const isWide = ({ criteria, includes }: ParsedSearch): boolean =>
  includes.length > 0 || criteria.some(({ test }) => test === 'chain' || test === 'has')

/** Names what stands beside; where that is other, the pages of a search are not its pages any more. */
export const sightOf = ({ beside }: Reach): string | undefined => {
  if (beside.length === 0) return undefined
  const names = beside.map(({ name }) => name).toSorted().join(' ')
  return createHash('sha256').update(names).digest('base64url').slice(0, 22)
}

/** Records that are there and could not be opened, wherever the search looked. */
export const gapsIn = ({ opening, beside }: Reach): number =>
  [opening, ...beside].reduce((sum, { gaps }) => sum + gaps(), 0)

/** How resources are shown: where, and what of them. */
export interface Showing {
  readonly base: string
  readonly shown: (match: Entry) => Entry
}

/** The matches of a search, and what its pages include, as of a moment. */
export const resultAt = (reach: Reach, parsed: ParsedSearch, state: number, { base, shown }: Showing): Result => {
  const ids = foundAt(reach, parsed, state)
  const part = (key: string, mode: 'match' | 'include'): BundlePart => {
    const entry = entryIn(reach, key, state)
    return partOf(mode === 'match' ? shown(entry) : entry, parsed, base, mode)
  }
  return {
    total: ids.length,
    page: (offset, count) => {
      const page = ids.slice(offset, offset + count)
      const included = parsed.includes.length === 0 ? [] : findIncluded(spaceAt(reach, parsed, state), parsed, page)
      return [
        ...page.map((id) => part(`${parsed.type}/${id}`, 'match')), ...included.map((key) => part(key, 'include')),
      ]
    },
  }
}

/**
 * Ids of all matches. A result of several pages is kept: among a hundred thousand patients, of whom one is written
 * every second, each further page would otherwise index all of them as they were.
 */
const foundAt = (reach: Reach, parsed: ParsedSearch, state: number): readonly string[] => {
  const { records } = reach.opening
  const only = [reach.only?.searches?.map(({ understood }) => understood), reach.only?.key]
  const name = (): string =>
    JSON.stringify([state, parsed.type, parsed.understood, parsed.bases, sightOf(reach), ...only])
  const known = state < records.state ? records.found(name()) : undefined
  if (known !== undefined) return known
  const ids = idsAt(reach, parsed, state)
  if (ids.length > parsed.count && !parsed.totalOnly) records.remember(name(), ids)
  return ids
}

/** Keys `Type/id` of all matches. */
export const matchesAt = (reach: Reach, parsed: ParsedSearch, state: number): string[] =>
  idsAt(reach, parsed, state).map((id) => `${parsed.type}/${id}`)

const idsAt = (reach: Reach, parsed: ParsedSearch, state: number): readonly string[] => {
  const found = findMatches(spaceAt(reach, parsed, state), parsed)
  const { searches, key } = reach.only ?? {}
  const named = key === undefined ? found : found.filter((id) => `${parsed.type}/${id}` === key)
  if (searches === undefined) return named
  const allowed = new Set(searches.flatMap((each) => [...findMatches(spaceAt(reach, each, state), each)]))
  return named.filter((id) => allowed.has(id))
}

const spaceAt = ({ opening, beside, standsFor }: Reach, parsed: ParsedSearch, state: number): SearchSpace => {
  if (!isWide(parsed)) return { searched: opening.records.indexAt(state, parsed.type), beside: [] }
  const indexes = beside.map(({ records }) => records.indexAt(state))
  return { searched: opening.records.indexAt(state), beside: indexes, standsFor }
}

const entryIn = ({ opening, beside }: Reach, key: string, state: number): Entry => {
  for (const { records } of [opening, ...beside]) {
    const entry = records.entryAt(key, state)
    if (entry !== undefined) return entry
  }
  throw new Error('the index names a resource that is not there')
}

const partOf = (entry: Entry, parsed: ParsedSearch, base: string, mode: 'match' | 'include'): BundlePart => {
  const isWhole = parsed.summary === 'false' && parsed.elements === undefined
  const head = { fullUrl: `${base}/${keyOf(entry)}`, search: { mode } }
  if (isWhole) return { head, resource: entry.bytes }
  const resource = project(withDigits(textOf(entry)) as Resource, parsed)
  return { head, resource: bytesOf(JSON.stringify(resource)) }
}
