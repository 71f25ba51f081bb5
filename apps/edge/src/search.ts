/** Search, `$everything` and history: results as of one state of the records, in pages. */
import { comparesUnits, type Criterion, type ParsedSearch, parseSearch, type ValueSets } from '@scelle/fhir/search'
import { loadUnits, type Units } from '@scelle/fhir/units'
import { isResourceType } from '@scelle/fhir/validate'
import { bundleBytes, type BundlePart, type FhirAnswer } from './answers.ts'
import type { Call } from './call.ts'
import type { Charts, Opening } from './charts.ts'
import { bytesOf, type Entry, keyOf } from './entry.ts'
import { EdgeError } from './errors.ts'
import { historyAsked, historyPart, versionsOf } from './history.ts'
import { EDGE_LIMITS } from './limits.ts'
import { splitPair } from './negotiation.ts'
import { CURSOR, type Cursor, pageLinks, type Pager } from './paging.ts'
import { countIn, pairsOf, sinceIn } from './paging-query.ts'
import type { Persons } from './persons.ts'
import { domainsIn, inDomainsOnly, unknownDomain } from './persons/demographics.ts'
import { withMerged, withoutMerged } from './persons/merged-search.ts'
import { presentMoment, type Records } from './records.ts'
import type { Repository } from './repository.ts'
import { isOfPatients, scopeOf } from './search-scope.ts'
import { gapsIn, isWide, matchesAt, type Reach, resultAt, type Result, sightOf } from './search-space.ts'
import type { Exposure } from './staff/exposure.ts'
import type { Directory } from './store/directory.ts'
import { ORGANISATION } from './vaults.ts'

export interface SearchOptions {
  readonly directory: Directory
  readonly charts: Charts
  readonly persons: Persons
  readonly repository: Repository
  readonly pager: Pager
  readonly exposure: Pick<Exposure, 'listed' | 'missed'>
  /** What `:in` may name. */
  readonly valueSets: ValueSets | undefined
}

/** A result as of a moment, whichever page of it is asked for. */
type Evaluate = (reach: Reach, state: number) => Result

const listed = (entries: readonly Entry[], part: (entry: Entry) => BundlePart): Result => ({
  total: entries.length, page: (offset, count) => entries.slice(offset, offset + count).map(part),
})

const PERSONS = 'persons'

export class Search {
  readonly #options: SearchOptions
  #units: Promise<Units> | undefined

  constructor(options: SearchOptions) {
    this.#options = options
  }

  /** `GET Type?…`, `POST Type/_search`, and the same within a patient's compartment. `query` is still encoded. */
  async search(call: Call, type: string, query: string, patient?: string): Promise<FhirAnswer> {
    const path = patient === undefined ? type : `${patient}/${type}`
    const cursor = this.#cursorIn(query, path, call)
    const lenient = cursor === undefined && call.wishes.lenient === true
    const asked = await this.#parse(call, type, cursor?.query ?? query, lenient)
    const within = call.permit === undefined ? patient : call.permit.within(asked, patient)
    const { patients } = this.#options.directory
    const domains = type === 'Patient' ? domainsIn(asked.understood) : undefined
    const unknown = domains === undefined ? undefined : unknownDomain(domains, patients)
    if (unknown !== undefined) return unknown
    const parsed = withMerged(asked, patients.merges)
    const shown = (entry: Entry): Entry => (domains === undefined ? entry : inDomainsOnly(entry, domains))
    const evaluate: Evaluate = (reach, state) => resultAt(reach, parsed, state, { base: call.base, shown })
    if (cursor !== undefined) {
      return this.#page(call, cursor, withOnly(await this.#again(call, cursor), call, type), {
        type: 'searchset', evaluate, parsed,
      })
    }
    const reach = await this.#reach(call, asked, within)
    const first = this.#first(call, reach, path, parsed.understood, parsed.count)
    if (!parsed.totalOnly) return this.#page(call, first, reach, { type: 'searchset', evaluate, parsed })
    const { total } = evaluate(reach, first.state)
    const link = [{ relation: 'self', url: `${call.base}/${path}?${parsed.understood}` }]
    return { status: 200, body: bundleBytes({ type: 'searchset', total, link }, outcomeParts(gapsIn(reach), parsed)) }
  }

  /** Keys `Type/id` of what a condition matches: for conditional creates, updates and references. */
  async matches(call: Asking, type: string, query: string): Promise<string[]> {
    const asked = await this.#parse(call, type, query, false)
    call.permit?.condition(asked)
    const parsed = withMerged(asked, this.#options.directory.patients.merges)
    try {
      const reach = await this.#reach(call, asked, undefined)
      // More than one is a refusal, however many.
      return matchesAt(reach, parsed, presentMoment()).slice(0, 2)
    } catch (error) {
      if (error instanceof EdgeError && error.code === 'not-found') return [] // no such patient: so no such resource
      throw error
    }
  }

  /** Whether an access token's scopes let one resource be read, as it is now. */
  async isShown(call: Omit<Asking, 'base'>, type: string, id: string): Promise<boolean> {
    const searches = call.permit?.narrowing('r', type)
    if (searches === undefined) return true
    const opening = await this.#options.repository.chartOf(call.session, type, id)
    const reach = { where: '', opening, beside: [] }
    return searches.some((each) => matchesAt(reach, each, presentMoment()).includes(`${type}/${id}`))
  }

  /** `Patient/id/$everything`: the whole chart, the Patient first. */
  async everything(call: Call, patient: string): Promise<FhirAnswer> {
    const path = `${patient}/$everything`
    const cursor = this.#cursorIn(call.wishes.query, path, call)
    const asked = cursor?.query ?? call.wishes.query
    const wanted = everythingOf(asked)
    const evaluate: Evaluate = ({ opening: { records } }, state) => listed([...records.at(state)]
      .filter((entry) => (wanted.types === undefined || wanted.types.has(entry.type)) && entry.updated >= wanted.since)
      .toSorted(patientFirst), (entry) => matchPart(entry, call.base))
    if (cursor !== undefined) {
      return this.#page(call, cursor, await this.#again(call, cursor), { type: 'searchset', evaluate })
    }
    const [, id = ''] = patient.split('/')
    const vault = await this.#options.repository.vaultOf(patient)
    const locator = this.#options.directory.locator(`Patient/${id}`)
    if (locator?.deleted === true) throw new EdgeError('gone')
    const opening = await this.#options.charts.use(call.session, vault)
    const reach = { where: vault, opening, beside: [] }
    const first = this.#first(call, reach, path, asked, wanted.count)
    return this.#page(call, first, reach, { type: 'searchset', evaluate })
  }

  /** `Type/id/_history`: every version, newest first, deletions too. */
  async history(call: Call, type: string, id: string): Promise<FhirAnswer> {
    return this.#versions(call, `${type}/${id}/_history`, () => [`${type}/${id}`], async () => {
      const { vault } = await this.#options.repository.locate(type, id)
      return { where: vault, opening: await this.#options.repository.chartOf(call.session, type, id) }
    })
  }

  /** `Type/_history` of what belongs to no patient. Throws `too-costly` for any other type. */
  async historyOfType(call: Call, type: string): Promise<FhirAnswer> {
    if (isOfPatients(type)) {
      throw new EdgeError('too-costly', `the history of every ${type} would need charts that are closed: `
        + 'ask for one, or for Patient/id/$everything?_since=')
    }
    return this.#versions(call, `${type}/_history`, (records) => records.keysOf(type), () =>
      this.#chart(call.session, ORGANISATION))
  }

  async #versions(
    call: Call, path: string, keysIn: (records: Records) => Iterable<string>, find: () => Promise<Searched>,
  ): Promise<FhirAnswer> {
    const cursor = this.#cursorIn(call.wishes.query, path, call)
    const query = cursor?.query ?? call.wishes.query
    const asked = historyAsked(query)
    const evaluate: Evaluate = ({ opening: { records } }, state) =>
      listed(versionsOf(records, keysIn(records), state, asked), (entry) => historyPart(entry, call.base))
    if (cursor !== undefined) {
      return this.#page(call, cursor, await this.#again(call, cursor), { type: 'history', evaluate })
    }
    const reach = { ...(await find()), beside: [] }
    return this.#page(call, this.#first(call, reach, path, query, asked.count), reach, { type: 'history', evaluate })
  }

  /** The tables of units are loaded by the first search that compares with one. */
  async #parse(call: Pick<Call, 'base'>, type: string, query: string, lenient: boolean): Promise<ParsedSearch> {
    const { valueSets } = this.#options
    const options = { bases: [call.base], lenient, ...(valueSets === undefined ? {} : { valueSets }) }
    const parsed = parseSearch(type, query, options)
    if (!comparesUnits(parsed)) return parsed
    this.#units ??= loadUnits()
    return parseSearch(type, query, { ...options, units: await this.#units })
  }

  #first({ session }: Call, reach: Reach, path: string, query: string, count: number): Omit<Cursor, 'until'> {
    const { where, opening } = reach
    const sight = sightOf(reach)
    return {
      path, query, session, opening: `${where}.${opening.name}`, state: presentMoment(),
      ...(sight === undefined ? {} : { sight }), offset: 0, count,
    }
  }

  #page(
    call: Call, cursor: Omit<Cursor, 'until'>, reach: Reach, { type, evaluate, parsed }: Paged,
  ): FhirAnswer {
    const found = evaluate(reach, cursor.state)
    const link = pageLinks(cursor, found.total, call.base, (each) => this.#options.pager.seal(each, call.principal))
    const page = found.page(cursor.offset, cursor.count)
    this.#expose(call, reach, page, parsed)
    const parts = [...page, ...outcomeParts(type === 'searchset' ? gapsIn(reach) : 0, parsed)]
    const total = parsed?.withTotal === false ? {} : { total: found.total }
    return { status: 200, body: bundleBytes({ type, ...total, link }, parts) }
  }

  /** Patients who are shown without a chart being opened. Who has somebody's number is not counted for looking. */
  #expose(call: Call, { where, beside }: Reach, page: readonly BundlePart[], parsed: ParsedSearch | undefined): void {
    const { exposure } = this.#options
    if (where === PERSONS && page.length === 0) exposure.missed(call.session)
    if ((where !== PERSONS && beside.length === 0) || (parsed !== undefined && hasNumber(parsed))) return
    const patients = page.flatMap(({ head }) => patientIn(head['fullUrl']))
    if (patients.length > 0) exposure.listed(call.session, patients)
  }

  /** The cursor of a query, which then holds nothing else but the size of the page. */
  #cursorIn(query: string, path: string, call: Call): Cursor | undefined {
    if (!query.includes(`${CURSOR}=`)) return undefined
    const pairs = query.split('&').map(splitPair)
    const cursors = pairs.filter(([name]) => name === CURSOR)
    const [[, sealed] = ['', '']] = cursors
    if (cursors.length === 0) return undefined
    // Some clients put their page size on whatever link they follow.
    const counts = pairs.filter(([name]) => name === '_count')
    if (cursors.length > 1 || counts.length > 1 || cursors.length + counts.length < pairs.length) {
      throw new EdgeError('bad-value', `${CURSOR} stands alone, or with _count`, CURSOR)
    }
    const cursor = this.#options.pager.open(sealed, path, call)
    return counts.length === 0 ? cursor : { ...cursor, count: countIn(new Map(counts), cursor.count) }
  }

  async #again(call: Call, { opening: name, sight, state }: Cursor): Promise<Reach> {
    const { session } = call
    const [where = ''] = name.split('.')
    const opening = where === PERSONS ? this.#options.persons.peek() : this.#options.charts.peek(session, where)
    if (opening === undefined || `${where}.${opening.name}` !== name) throw new EdgeError('cursor-expired')
    const beside = sight === undefined ? [] : await this.#beside(call, opening)
    // What was opened since was not looked at then.
    const seen = beside.filter(({ records }) => records.began <= state)
    const reach = { where, opening, beside: seen, standsFor: this.#standsFor }
    if (sightOf(reach) !== sight) throw new EdgeError('cursor-expired')
    return reach
  }

  async #reach(call: Omit<Asking, 'base'>, parsed: ParsedSearch, patient: string | undefined): Promise<Reach> {
    const { where, opening } = await this.#searched(call, parsed, patient)
    const beside = isWide(parsed) ? await this.#beside(call, opening) : []
    return withOnly({ where, opening, beside, standsFor: this.#standsFor }, call, parsed.type)
  }

  /** Records of a patient who was merged away speak of whoever took them over. */
  readonly #standsFor = (key: string): readonly string[] => this.#options.directory.patients.merges.targetsOf(key)

  async #searched(call: Omit<Asking, 'base'>, parsed: ParsedSearch, patient?: string): Promise<Searched> {
    const { session } = call
    if (patient !== undefined) return this.#chart(session, patient)
    const scope = scopeOf(parsed)
    switch (scope.kind) {
      case 'persons': {
        const known = scope.chart !== undefined && this.#options.directory.vaultOf(scope.chart) !== undefined
        if (known) await this.#chart(session, scope.chart)
        const { persons } = this.#options
        return { where: PERSONS, opening: await (isWide(parsed) ? persons.use() : persons.useFor(parsed)) }
      }
      case 'ids': return this.#byIds(session, parsed.type, scope.ids)
      case 'named': return this.#chart(session, await this.#named(call, parsed, scope.criterion))
      case 'patient': return this.#chart(session, scope.reference)
      case 'organisation':
      default: return this.#chart(session, ORGANISATION)
    }
  }

  async #chart(session: string, patient: string): Promise<Searched> {
    const where = await this.#options.repository.vaultOf(patient)
    return { where, opening: await this.#options.charts.use(session, where) }
  }

  /**
   * The organisation's own records, the list of patients, and what this session has open. Under scopes of one patient
   * the first alone: a reference that leads to another one's would tell of them.
   */
  async #beside({ session, permit }: Omit<Asking, 'base'>, searched: Opening): Promise<Opening[]> {
    const { charts, directory, persons } = this.#options
    const own = directory.vaultOf(ORGANISATION)
    const organisation = own === undefined ? [] : [await charts.use(session, own)]
    if (permit?.patient !== undefined) return organisation.filter((opening) => opening !== searched)
    const list = await persons.use()
    return [...organisation, list, ...charts.openIn(session)].filter((opening) => opening !== searched)
  }

  /** The one patient in this organisation's care whom a condition names. */
  async #named(call: Omit<Asking, 'base'>, parsed: ParsedSearch, criterion: Criterion): Promise<string> {
    const opening = await this.#options.persons.use()
    const beside = await this.#beside(call, opening)
    const asked = { ...parsed, type: 'Patient', criteria: [criterion], sort: [], includes: [] }
    const found = matchesAt({ where: PERSONS, opening, beside }, asked, presentMoment())
    const [patient, ...more] = withoutMerged(found, this.#options.directory.patients.merges)
    if (patient === undefined) throw new EdgeError('not-found')
    if (more.length > 0) throw new EdgeError('too-costly', 'several patients are meant: ask once for each')
    return patient
  }

  async #byIds(session: string, type: string, ids: readonly string[]): Promise<Searched> {
    const { charts, directory } = this.#options
    const known = new Set(ids.flatMap((id) => directory.locator(`${type}/${id}`)?.vault ?? []))
    if (known.size > 1) throw new EdgeError('too-costly', 'these ids belong to several patients: ask once for each')
    const own = directory.vaultOf(ORGANISATION) ?? ''
    const [where = own] = known
    return { where, opening: await charts.use(session, where) }
  }
}

type Asking = Pick<Call, 'base' | 'session' | 'permit'>

/** What an access token may see of a type. */
const withOnly = (reach: Reach, { permit }: Pick<Call, 'permit'>, type: string): Reach => {
  if (permit === undefined) return reach
  const key = type === 'Patient' ? permit.patient : undefined
  return { ...reach, only: { searches: permit.narrowing('s', type), key } }
}

type Searched = Pick<Reach, 'where' | 'opening'>

/** What pages are made of. `parsed` where it is a search. */
interface Paged {
  readonly type: 'searchset' | 'history'
  readonly evaluate: Evaluate
  readonly parsed?: ParsedSearch
}

const patientIn = (fullUrl: unknown): string[] =>
  (typeof fullUrl === 'string' ? /\/(Patient\/[^/]+)$/.exec(fullUrl)?.slice(1) ?? [] : [])

/** Whether a search demands an identifier, whole. */
const hasNumber = ({ criteria }: ParsedSearch): boolean => criteria.some((criterion) =>
  criterion.test === 'token' && !criterion.negated && criterion.parameter.name === 'identifier' &&
  criterion.tokens.every(({ code }) => code !== undefined))

const patientFirst = (left: Entry, right: Entry): number =>
  Number(right.type === 'Patient') - Number(left.type === 'Patient') || compare(keyOf(left), keyOf(right))

const compare = (left: string, right: string): number => (left < right ? -1 : Number(left > right))

const matchPart = (entry: Entry, base: string): BundlePart => ({
  head: { fullUrl: `${base}/${keyOf(entry)}`, search: { mode: 'match' } }, resource: entry.bytes,
})

/** A chart with gaps must not look whole, nor a search answer as if it had heard what it did not. */
export const outcomeParts = (gaps: number, parsed: ParsedSearch | undefined): BundlePart[] => {
  const issue = (parsed?.ignored ?? []).map(({ name, diagnostics }) => (
    { severity: 'warning', code: 'not-supported', diagnostics: `ignored: ${diagnostics}`, expression: [name] }
  ))
  const missing = { severity: 'warning', code: 'incomplete',
    diagnostics: `${gaps} records of this chart could not be opened` }
  const issues = gaps > 0 ? [missing, ...issue] : issue
  return issues.length === 0 ? [] : [{
    head: { search: { mode: 'outcome' } },
    resource: bytesOf(JSON.stringify({ resourceType: 'OperationOutcome', issue: issues })),
  }]
}

const everythingOf = (query: string): { count: number; since: number; types: ReadonlySet<string> | undefined } => {
  const pairs = pairsOf(query, ['_count', '_since', '_type'])
  const types = pairs.get('_type')?.split(',')
  if (types?.some((type) => !isResourceType(type)) === true) {
    throw new EdgeError('bad-value', 'expected resource types', '_type')
  }
  return { count: countIn(pairs, EDGE_LIMITS.pageMax), since: sinceIn(pairs), types: types && new Set(types) }
}
