/** Search, `$everything` and history: results as of one state of the records, in pages. */
import { type ParsedSearch, parseSearch } from '@scelle/fhir/search'
import { isResourceType } from '@scelle/fhir/validate'
import { bundleBytes, type BundlePart, type FhirAnswer } from './answers.ts'
import type { Call } from './call.ts'
import type { Charts, Opening } from './charts.ts'
import { bytesOf, type Entry, keyOf } from './entry.ts'
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'
import { splitPair } from './negotiation.ts'
import { CURSOR, type Cursor, pageLinks, type Pager } from './paging.ts'
import type { Persons } from './persons.ts'
import { domainsIn, inDomainsOnly, unknownDomain } from './persons/demographics.ts'
import { withMerged } from './persons/merged-search.ts'
import type { Result } from './records.ts'
import type { Repository } from './repository.ts'
import { scopeOf } from './search-scope.ts'
import type { Directory } from './store/directory.ts'
import { ORGANISATION } from './vaults.ts'

export interface SearchOptions {
  readonly directory: Directory
  readonly charts: Charts
  readonly persons: Persons
  readonly repository: Repository
  readonly pager: Pager
}

/** Records and the name under which a cursor finds them again. */
interface Reach {
  readonly where: string
  readonly opening: Opening
}

/** A result as of a state, whichever page of it is asked for. */
type Evaluate = (opening: Opening, state: number) => Result

const listed = (entries: readonly Entry[]): Result => ({
  total: entries.length, page: (offset, count) => entries.slice(offset, offset + count),
})

const PERSONS = 'persons'

export class Search {
  readonly #options: SearchOptions

  constructor(options: SearchOptions) {
    this.#options = options
  }

  /** `GET Type?…`, `POST Type/_search`, and the same within a patient's compartment. `query` is still encoded. */
  async search(call: Call, type: string, query: string, patient?: string): Promise<FhirAnswer> {
    const path = patient === undefined ? type : `${patient}/${type}`
    const cursor = this.#cursorIn(query, path, call)
    const asked = parseSearch(type, cursor?.query ?? query, { bases: [call.base] })
    const { patients } = this.#options.directory
    const domains = type === 'Patient' ? domainsIn(cursor?.query ?? query) : undefined
    const unknown = domains === undefined ? undefined : unknownDomain(domains, patients)
    if (unknown !== undefined) return unknown
    const parsed = withMerged(asked, patients.merges)
    const evaluate = domains === undefined ? resultOf(parsed) : resultInDomains(parsed, domains)
    if (cursor !== undefined) {
      return this.#page(call, cursor, await this.#again(call, cursor), 'searchset', evaluate, parsed.withTotal)
    }
    const reach = await this.#reach(call, asked, patient)
    const { opening } = reach
    if (parsed.totalOnly) {
      const total = opening.records.search(parsed, opening.records.state).total
      const link = [{ relation: 'self', url: `${call.base}/${path}?${query}` }]
      const gaps = opening.gaps()
      return { status: 200, body: bundleBytes({ type: 'searchset', total, link }, gaps > 0 ? [gapPart(gaps)] : []) }
    }
    const first = this.#first(call, reach, path, query, parsed.count)
    return this.#page(call, first, opening, 'searchset', evaluate, parsed.withTotal)
  }

  /** Keys `Type/id` of what a condition matches: for conditional creates, updates and references. */
  async matches(call: Pick<Call, 'base' | 'session'>, type: string, query: string): Promise<string[]> {
    const asked = parseSearch(type, query, { bases: [call.base] })
    const parsed = withMerged(asked, this.#options.directory.patients.merges)
    try {
      const { opening } = await this.#reach(call, asked, undefined)
      // More than one is a refusal, however many.
      return opening.records.search(parsed, opening.records.state).page(0, 2).map(keyOf)
    } catch (error) {
      if (error instanceof EdgeError && error.code === 'not-found') return [] // no such patient: so no such resource
      throw error
    }
  }

  /** `Patient/id/$everything`: the whole chart, the Patient first. */
  async everything(call: Call, patient: string): Promise<FhirAnswer> {
    const path = `${patient}/$everything`
    const cursor = this.#cursorIn(call.wishes.query, path, call)
    const asked = cursor?.query ?? call.wishes.query
    const wanted = everythingOf(asked)
    const evaluate: Evaluate = ({ records }, state) => listed([...records.at(state)]
      .filter((entry) => (wanted.types === undefined || wanted.types.has(entry.type)) && entry.updated >= wanted.since)
      .toSorted(patientFirst))
    if (cursor !== undefined) {
      return this.#page(call, cursor, await this.#again(call, cursor), 'searchset', evaluate, true)
    }
    const [, id = ''] = patient.split('/')
    const vault = await this.#options.repository.vaultOf(patient)
    const locator = this.#options.directory.locator(`Patient/${id}`)
    if (locator?.deleted === true) throw new EdgeError('gone')
    const opening = await this.#options.charts.use(call.session, vault)
    const first = this.#first(call, { where: vault, opening }, path, asked, wanted.count)
    return this.#page(call, first, opening, 'searchset', evaluate, true)
  }

  /** `Type/id/_history`: every version, newest first, deletions too. */
  async history(call: Call, type: string, id: string): Promise<FhirAnswer> {
    const path = `${type}/${id}/_history`
    const cursor = this.#cursorIn(call.wishes.query, path, call)
    const asked = cursor?.query ?? call.wishes.query
    const wanted = historyOf(asked)
    const evaluate: Evaluate = ({ records }, state) =>
      listed(records.history(`${type}/${id}`, state).filter((entry) => entry.updated >= wanted.since))
    if (cursor !== undefined) {
      return this.#page(call, cursor, await this.#again(call, cursor), 'history', evaluate, true)
    }
    const { vault } = await this.#options.repository.locate(type, id)
    const opening = await this.#options.repository.chartOf(call.session, type, id)
    const first = this.#first(call, { where: vault, opening }, path, asked, wanted.count)
    return this.#page(call, first, opening, 'history', evaluate, true)
  }

  #first(
    { session }: Call, { where, opening }: Reach, path: string, query: string, count: number,
  ): Omit<Cursor, 'until'> {
    return { path, query, session, opening: `${where}.${opening.name}`, state: opening.records.state, offset: 0, count }
  }

  #page(
    call: Call, cursor: Omit<Cursor, 'until'>, opening: Opening, type: 'searchset' | 'history',
    evaluate: Evaluate, told: boolean,
  ): FhirAnswer {
    const found = evaluate(opening, cursor.state)
    const page = found.page(cursor.offset, cursor.count)
    const link = pageLinks(cursor, found.total, call.base, (each) => this.#options.pager.seal(each, call.principal))
    const part = type === 'history' ? historyPart : matchPart
    const parts = page.map((entry) => part(entry, call.base))
    const gaps = type === 'searchset' ? opening.gaps() : 0
    if (gaps > 0) parts.push(gapPart(gaps))
    return { status: 200, body: bundleBytes({ type, ...(told ? { total: found.total } : {}), link }, parts) }
  }

  /** The cursor of a query, which then holds nothing else. */
  #cursorIn(query: string, path: string, call: Call): Cursor | undefined {
    const pairs = query.split('&').filter((pair) => pair.startsWith(`${CURSOR}=`))
    if (pairs.length === 0) return undefined
    if (pairs.length > 1 || query.includes('&')) throw new EdgeError('bad-value', `${CURSOR} stands alone`, CURSOR)
    return this.#options.pager.open(splitPair(query)[1], path, call)
  }

  async #again({ session }: Call, { opening: name }: Cursor): Promise<Opening> {
    const [where = ''] = name.split('.')
    const opening = where === PERSONS ? this.#options.persons.use() : this.#options.charts.peek(session, where)
    if (opening === undefined || `${where}.${opening.name}` !== name) throw new EdgeError('cursor-expired')
    return opening
  }

  async #reach(
    { session }: Pick<Call, 'session'>, parsed: ParsedSearch, patient: string | undefined,
  ): Promise<Reach> {
    const { charts, persons, repository } = this.#options
    if (patient !== undefined) {
      const where = await repository.vaultOf(patient)
      return { where, opening: await charts.use(session, where) }
    }
    const scope = scopeOf(parsed)
    if (scope.kind === 'persons') return { where: PERSONS, opening: persons.use() }
    if (scope.kind === 'ids') return this.#byIds(session, parsed.type, scope.ids)
    const where = await repository.vaultOf(scope.kind === 'patient' ? scope.reference : ORGANISATION)
    return { where, opening: await charts.use(session, where) }
  }

  async #byIds(session: string, type: string, ids: readonly string[]): Promise<Reach> {
    const { charts, directory } = this.#options
    const known = new Set(ids.flatMap((id) => directory.locator(`${type}/${id}`)?.vault ?? []))
    if (known.size > 1) throw new EdgeError('too-costly', 'these ids belong to several patients: ask once for each')
    const own = directory.vaultOf(ORGANISATION) ?? ''
    const [where = own] = known
    return { where, opening: await charts.use(session, where) }
  }
}

const resultOf = (parsed: ParsedSearch): Evaluate => ({ records }, state) => records.search(parsed, state)

const resultInDomains = (parsed: ParsedSearch, domains: readonly string[]): Evaluate => (opening, state) => {
  const { total, page } = resultOf(parsed)(opening, state)
  return { total, page: (offset, count) => page(offset, count).map((entry) => inDomainsOnly(entry, domains)) }
}

const patientFirst = (left: Entry, right: Entry): number =>
  Number(right.type === 'Patient') - Number(left.type === 'Patient') || compare(keyOf(left), keyOf(right))

const compare = (left: string, right: string): number => (left < right ? -1 : Number(left > right))

const matchPart = (entry: Entry, base: string): BundlePart => ({
  head: { fullUrl: `${base}/${keyOf(entry)}`, search: { mode: 'match' } }, resource: entry.bytes,
})

/** A chart with gaps must not look whole. */
const gapPart = (gaps: number): BundlePart => ({
  head: { search: { mode: 'outcome' } },
  resource: bytesOf(JSON.stringify({
    resourceType: 'OperationOutcome',
    issue: [
      { severity: 'warning', code: 'incomplete', diagnostics: `${gaps} records of this chart could not be opened` },
    ],
  })),
})

const historyPart = (entry: Entry, base: string): BundlePart => {
  const method = entry.deleted ? 'DELETE' : entry.version === 1 ? 'POST' : 'PUT'
  const status = entry.deleted ? '204' : entry.version === 1 ? '201' : '200'
  const url = method === 'POST' ? entry.type : keyOf(entry)
  return {
    head: {
      fullUrl: `${base}/${keyOf(entry)}`,
      request: { method, url },
      response: { status, etag: `W/"${entry.version}"`, lastModified: new Date(entry.updated).toISOString() },
    },
    ...(entry.deleted ? {} : { resource: entry.bytes }),
  }
}

const pairsOf = (query: string, allowed: readonly string[]): Map<string, string> => {
  const pairs = new Map<string, string>()
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, value] = splitPair(pair)
    if (!allowed.includes(name)) {
      throw new EdgeError('not-supported', 'a parameter of this request is not supported', 'http.query')
    }
    if (pairs.has(name)) throw new EdgeError('bad-value', 'given twice', name)
    pairs.set(name, value)
  }
  return pairs
}

const countIn = (pairs: ReadonlyMap<string, string>, fallback: number): number => {
  const text = pairs.get('_count')
  if (text === undefined) return fallback
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new EdgeError('bad-value', 'expected a whole number above 0', '_count')
  return Math.min(Number(text), EDGE_LIMITS.pageMax)
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

const sinceIn = (pairs: ReadonlyMap<string, string>): number => {
  const text = pairs.get('_since')?.replace(/ (?=\d\d:\d\d$)/, '+')
  if (text === undefined) return 0
  const time = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw new EdgeError('bad-value', 'expected an instant, as in 2026-01-31T12:00:00Z', '_since')
  return time
}

const historyOf = (query: string): { count: number; since: number } => {
  const pairs = pairsOf(query, ['_count', '_since'])
  return { count: countIn(pairs, EDGE_LIMITS.pageDefault), since: sinceIn(pairs) }
}

const everythingOf = (query: string): { count: number; since: number; types: ReadonlySet<string> | undefined } => {
  const pairs = pairsOf(query, ['_count', '_since', '_type'])
  const types = pairs.get('_type')?.split(',')
  if (types?.some((type) => !isResourceType(type)) === true) {
    throw new EdgeError('bad-value', 'expected resource types', '_type')
  }
  return { count: countIn(pairs, EDGE_LIMITS.pageMax), since: sinceIn(pairs), types: types && new Set(types) }
}
