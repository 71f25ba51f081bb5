/** The harness over real processes: the twin answers what the edge answers, and what is counted is what happened. */
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { signRequest } from '@scelle/wire/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Generator } from '../src/load/generator.ts'
import type { Request } from '../src/load/requests.ts'
import { Parties } from '../src/parties.ts'
import { importRequest, largePatient, patients } from '../src/patients.ts'
import { context } from '../src/sealing.ts'
import { spending, spentSoFar } from '../src/spending.ts'
import { capsulesIn, ofCapsules } from '../src/state.ts'

let parties: Parties
let generator: Generator
const people = patients(0, 2)
const imports = people.map((patient) => importRequest(patient.bundle()))
const resources = people.flatMap((patient) => patient.resources)

beforeAll(async () => {
  parties = await Parties.start()
  generator = new Generator(parties.application)
  await generator.use(imports)
  for (const party of ['edge', 'twin'] as const) await generator.all(parties.url(party), 2)
})

afterAll(async () => {
  generator.close()
  await parties.close()
})

interface Told {
  readonly status: number
  readonly headers: Record<string, string | null>
  readonly body: unknown
}

/** What both may say differently: when, and at which port. */
const timeless = (_: string, value: unknown): unknown =>
  typeof value === 'string'
    ? value.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'time').replace(/^http:\/\/127\.0\.0\.1:\d+/, '')
    : value

const ask = async (party: 'edge' | 'twin', request: Request): Promise<Told> => {
  const url = `${parties.url(party)}${request.path}`
  const { method, body } = request
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const signature = await signRequest({ method, url, body: bytes, identity: parties.application, ...context })
  const type = bytes === undefined ? {} : { 'content-type': 'application/fhir+json' }
  const answer = await fetch(url, {
    method,
    headers: { ...type, ...signature },
    ...(bytes === undefined ? {} : { body: bytes }),
  })
  const headers = Object.fromEntries(['content-type', 'etag'].map((name) => [name, answer.headers.get(name)]))
  return { status: answer.status, headers, body: JSON.parse(await answer.text(), timeless) }
}

const both = async (request: Request): Promise<{ edge: Told; twin: Told }> => ({
  edge: await ask('edge', request),
  twin: await ask('twin', request),
})

const entriesOf = (told: Told): NonNullable<Bundle['entry']> => (told.body as Bundle).entry ?? []

describe('the plain twin answers as the edge does', () => {
  test('reads: the same resource, the same version', async () => {
    for (const { resourceType, id } of resources.filter((_, place) => place % 9 === 0)) {
      const { edge, twin } = await both({ method: 'GET', path: `/fhir/${resourceType}/${id ?? ''}` })
      expect(edge.status).toBe(200)
      expect(twin).toEqual(edge)
    }
  })

  test('searches: the same matches in the same order', async () => {
    const patient = people[0]?.patient.id ?? ''
    const observation = resources.find((each) => each.resourceType === 'Observation')
    const code = observation?.resourceType === 'Observation' ? observation.code.coding?.[0]?.code : undefined
    expect(code).toBeDefined()
    for (const query of [`code=${code ?? ''}&_sort=-date&_count=5`, '_count=3&date=ge2020', 'status=final']) {
      const { edge, twin } = await both({
        method: 'GET',
        path: `/fhir/Observation?patient=Patient/${patient}&${query}`,
      })
      expect(entriesOf(edge).length).toBeGreaterThan(0)
      expect(entriesOf(twin)).toEqual(entriesOf(edge))
      expect((twin.body as Bundle).total).toBe((edge.body as Bundle).total)
    }
  })

  test('$everything: the same chart', async () => {
    const { edge, twin } = await both({
      method: 'GET',
      path: `/fhir/Patient/${people[1]?.patient.id ?? ''}/$everything`,
    })
    expect(entriesOf(edge).length).toBe(people[1]?.resources.length)
    expect(entriesOf(twin)).toEqual(entriesOf(edge))
  })

  test('creates: stored under a new id, refused for the same reasons', async () => {
    const observation = { ...resources.find(({ resourceType }) => resourceType === 'Observation'), id: undefined }
    const good = await both({ method: 'POST', path: '/fhir/Observation', body: JSON.stringify(observation) })
    const bare = ({ status, headers, body }: Told) => ({ status, headers, body: { ...(body as Resource), id: '' } })
    expect(good.edge.status).toBe(201)
    expect(bare(good.twin)).toEqual(bare(good.edge))
    const bad = await both({
      method: 'POST',
      path: '/fhir/Observation',
      body: JSON.stringify({ ...observation, status: 'new' }),
    })
    expect(bad.edge.status).toBeGreaterThanOrEqual(400)
    expect(bad.twin).toEqual(bad.edge)
  })

  test('an unsigned request is refused by both', async () => {
    for (const party of ['edge', 'twin'] as const)
      expect((await fetch(`${parties.url(party)}/fhir/Patient/1`)).status).toBe(401)
  })
})

describe('what is counted', () => {
  test('resources, answers and processor time of a run', async () => {
    const before = spentSoFar(parties, generator)
    await generator.use(
      resources
        .slice(0, 40)
        .map(({ resourceType, id }) => ({ method: 'GET', path: `/fhir/${resourceType}/${id ?? ''}` })),
    )
    const first = await generator.timed(parties.url('twin'), 4, 300)
    expect(first.times.length).toBeGreaterThan(4)
    expect(first.resources).toBe(first.times.length)
    expect(first.bytes).toBeGreaterThan(first.resources * 100)
    const told = spending(before, spentSoFar(parties, generator), { edge: 1, twin: first.times.length })
    expect(told).toMatch(
      /^processor: edge \d+ µs \(its own thread \d+ µs\), index \d+ µs, twin \d+ µs, client \d+ µs each/,
    )
    expect(parties.memory('edge')).toBeGreaterThan(20e6)
  })

  test('records and capsules at the index', async () => {
    const before = capsulesIn(parties)
    expect(before.records).toBeGreaterThanOrEqual(resources.length)
    const large = largePatient(5, 30)
    await generator.use(large.requests)
    expect((await generator.all(parties.url('edge'), 1)).resources).toBe(30)
    const after = capsulesIn(parties)
    expect(after.records - before.records).toBe(30)
    expect(ofCapsules(before, after)).toBe((30 / (after.capsules - before.capsules)).toFixed(1))
  })

  test('a row whose requests are refused fails, and says what the server said', async () => {
    await generator.use([{ method: 'GET', path: '/fhir/Patient/nobody' }])
    await expect(generator.timed(parties.url('edge'), 2, 100)).rejects.toThrow(/404.*OperationOutcome/)
  })
})
