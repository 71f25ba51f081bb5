/**
 * 5,000 random searches over the Synthea set, asked of a running edge while others write, and answered by brute force
 * over a model of what the edge should hold: the same resources, in the same order, on the same pages.
 * `SCELLE_SEARCHES` asks for more, `SCELLE_SEARCHES_SEED` for others.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Oracle } from '../../../packages/fhir/test/oracle/oracle.ts'
import { included, sorted } from '../../../packages/fhir/test/oracle/related.ts'
import { Model, ORGANISATION, type Place } from './differential-model.ts'
import { type RandomSearch, Searches } from './differential-queries.ts'
import { createWorld, type World } from './harness.ts'

const SEARCHES = Number(process.env['SCELLE_SEARCHES'] ?? 5_000)
const SEED = process.env['SCELLE_SEARCHES_SEED'] ?? 'differential'
/** Searches under way at once. */
const WORKERS = 4
/** Charts that the session opens; the others stay closed, and nothing may tell of them. */
const OPEN = 40

const shared = resolve(process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../../shared'))
const synthea = join(shared, 'data/synthea-r4/dev')
const there = existsSync(synthea)
if (!there) console.log(`shared material is absent (${shared}): searches are not held against brute force`)

const drawFrom = (seed: string): ((bound: number) => number) => {
  let state = createHash('sha256').update(seed).digest().readUInt32BE()
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, bound)
  }
}

const draw = drawFrom(SEED)
const model = new Model()
let world: World

const asUpdates = (bundle: Bundle): Bundle => ({
  resourceType: 'Bundle', type: 'transaction',
  entry: (bundle.entry ?? []).map(({ fullUrl, resource }) => ({
    fullUrl, resource, request: { method: 'PUT', url: `${resource?.resourceType}/${resource?.id}` },
  })) as NonNullable<Bundle['entry']>,
})

const allPages = async (first: string): Promise<Resource[]> => {
  const found: Resource[] = []
  for (let url: string | undefined = first; url !== undefined;) {
    const { body } = await world.app.search(url)
    found.push(...(body.entry ?? []).flatMap(({ resource }) => resource ?? []))
    url = body.link?.find(({ relation }) => relation === 'next')?.url
  }
  return found
}

const enter = (resource: Resource, place: Place): void =>
  model.put(`${resource.resourceType}/${resource.id}`, place, resource)

beforeAll(async () => {
  if (!there) return
  world = await createWorld({
    seed: `differential ${SEED}`,
    registered: { role: 'hospital' },
    charts: { open: 200, perSession: 200, bytes: 4_000_000_000, idle: 1e9, absolute: 1e9, refresh: 1e9 },
  })
  const files = readdirSync(synthea).filter((name) => name.endsWith('.gz'))
    .toSorted((left, right) => Number(/Information/.test(right)) - Number(/Information/.test(left)))
  for (const name of files) {
    const bundle = JSON.parse(gunzipSync(readFileSync(join(synthea, name))).toString()) as Bundle
    const { status } = await world.app.post<Bundle>('', asUpdates(bundle))
    if (status !== 200) throw new Error(`${name} was not imported: ${status}`)
  }
  for (const type of ['Organization', 'Practitioner']) {
    for (const resource of await allPages(`${type}?_count=1000`)) enter(resource, ORGANISATION)
  }
  for (const resource of await allPages('Patient?_count=1000')) enter(resource, `Patient/${resource.id}`)
  for (const { id } of model.in('persons', 'Patient').slice(0, OPEN)) {
    for (const resource of await allPages(`Patient/${id}/$everything`)) {
      if (resource.resourceType !== 'Patient') enter(resource, `Patient/${id}`)
    }
    model.open.add(`Patient/${id}`)
  }
}, 300_000)
afterAll(() => world?.close())

/** One write at a time, each entered into the model when it is acknowledged. */
class Writer {
  #last: Promise<unknown> = Promise.resolve()
  /** Sent and not yet acknowledged: 0 or 1. */
  underWay = 0
  count = 0

  write(): void {
    this.#last = this.#last.then(() => this.#one())
  }

  settled(): Promise<unknown> {
    return this.#last
  }

  async #one(): Promise<void> {
    const charts = [...model.open]
    const place = draw(6) === 0 ? ORGANISATION : charts[draw(charts.length)] ?? ORGANISATION
    const types = place === ORGANISATION ? ['Organization'] : ['Observation', 'Observation', 'Encounter', 'Patient']
    const type = types[draw(types.length)]
    const all = model.in(place, type ?? '')
    const chosen = all[draw(all.length)]
    if (chosen === undefined) return
    const key = `${chosen.resourceType}/${chosen.id}`
    this.underWay = 1
    if (type === 'Observation' && draw(4) === 0) {
      const { status } = await world.app.delete(key)
      if (status !== 200 && status !== 204) throw new Error(`delete: ${status}`)
      model.put(key, place, undefined)
    } else {
      const id = type === 'Observation' && draw(3) === 0 ? `new-${this.count}` : chosen.id
      const { status, body, text } = await world.app.put(`${type}/${id}`, { ...changed(chosen), id })
      if (status !== 200 && status !== 201) throw new Error(`put: ${status} ${text.slice(0, 300)}`)
      model.put(`${type}/${id}`, place, body)
    }
    this.count++
    this.underWay = 0
  }
}

const changed = (resource: Resource): Resource => {
  if (resource.resourceType === 'Observation') {
    const quantity = resource.valueQuantity
    const value = quantity === undefined ? {} : { valueQuantity: { ...quantity, value: draw(2_000) / 10 } }
    return { ...resource, status: draw(2) === 0 ? 'amended' : 'final', ...value }
  }
  if (resource.resourceType === 'Encounter') return { ...resource, status: draw(2) === 0 ? 'finished' : 'in-progress' }
  if (resource.resourceType === 'Patient') return { ...resource, active: draw(2) === 0 }
  return { ...resource, name: `HÔPITAL n° ${draw(100)}` } as Resource
}

/** Searches that found something: a comparison of nothing with nothing shows little. */
let withMatches = 0

const keyOf = ({ resourceType, id }: Resource): string => `${resourceType}/${id}`

interface Brute {
  readonly oracle: Oracle
  readonly matches: readonly Resource[]
}

const answers = new WeakMap<RandomSearch, Map<number, Brute>>()

/** What the search is to answer if it saw a state. */
const bruteAt = (search: RandomSearch, state: number): Brute => {
  const known = answers.get(search) ?? new Map<number, Brute>()
  answers.set(search, known)
  const oracle = new Oracle(model.sight(search.place, state), ['http://edge.test/fhir'])
  const brute = known.get(state)
    ?? { oracle, matches: sorted(oracle.matching(search.type, search.conditions), search.sort) }
  known.set(state, brute)
  return brute
}

const pageAt = (search: RandomSearch, state: number, offset: number): string => {
  const { oracle, matches } = bruteAt(search, state)
  const page = matches.slice(offset, offset + search.count)
  const more = [...included(oracle, search.includes, page)].toSorted()
  return `${matches.length}: ${page.map(keyOf).join(' ')} + ${more.join(' ')}`
}

const pageIn = ({ total, entry = [] }: Bundle): string => {
  const keys = (mode: string): string[] => entry.filter(({ search }) => search?.mode === mode)
    .map(({ resource }) => keyOf(resource as Resource))
  return `${total}: ${keys('match').join(' ')} + ${keys('include').toSorted().join(' ')}`
}

/** Asks, page after page, while writes go on; what is wrong with the answers, or undefined. */
const compared = async (search: RandomSearch, writer: Writer): Promise<string | undefined> => {
  const before = model.state
  if (draw(3) === 0) writer.write()
  let { status, body, text } = await world.app.search(search.path)
  if (status !== 200) return `${search.path}: ${status} ${text.slice(0, 300)}`
  const after = model.state + writer.underWay
  await writer.settled()
  const states = Array.from({ length: after - before + 1 }, (_, place) => after - place)
  const first = pageIn(body)
  if (!first.startsWith('0:')) withMatches++
  // Writes further down may leave this page as it is: all states that it fits stay in question.
  let seen = states.filter((state) => pageAt(search, state, 0) === first)
  if (seen.length === 0) return `${search.path}: expected ${pageAt(search, after, 0)}, got ${first}`
  for (let page = 1; page < 4; page++) {
    const next = body.link?.find(({ relation }) => relation === 'next')?.url
    if (next === undefined) {
      const isOver = (body.total ?? 0) <= page * search.count
      return isOver ? undefined : `${search.path}: there is no page ${page + 1}`
    }
    if (draw(4) === 0) writer.write()
    ;({ status, body, text } = await world.app.search(next))
    if (status !== 200) return `${search.path}, page ${page + 1}: ${status} ${text.slice(0, 300)}`
    const expected = seen.map((state) => pageAt(search, state, page * search.count))
    const found = pageIn(body)
    seen = seen.filter((_, place) => expected[place] === found)
    if (seen.length === 0) return `${search.path}, page ${page + 1}: expected ${expected[0]}, got ${found}`
  }
  return undefined
}

describe.skipIf(!there)('searches', () => {
  test(`${SEARCHES} at random, seed ${SEED}, answer what brute force answers`, { timeout: 600_000 }, async () => {
    const searches = new Searches(model, draw)
    const writer = new Writer()
    const kinds = new Map<string, number>()
    const faults: string[] = []
    let left = SEARCHES
    const work = async (): Promise<void> => {
      while (left > 0 && faults.length < 20) {
        left--
        const search = searches.next()
        for (const kind of new Set(search.kinds)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        const fault = await compared(search, writer)
        if (fault !== undefined) faults.push(fault)
      }
    }
    const started = performance.now()
    await Promise.all(Array.from({ length: WORKERS }, work))
    await writer.settled()
    expect(faults).toEqual([])
    const told = [...kinds].map(([kind, count]) => `${kind} ${count}`).toSorted((a, b) => a.localeCompare(b)).join(', ')
    console.log(`${SEARCHES} searches, ${withMatches} with matches, ${writer.count} writes meanwhile, `
      + `${Math.round((performance.now() - started) / 1000)} s: ${told}`)
    expect(withMatches).toBeGreaterThan(SEARCHES / 4)
    expect(writer.count).toBeGreaterThan(SEARCHES / 5)
    expect(kinds.size).toBeGreaterThan(30)
  })
})
