/** Profiles at the edge: `$validate` in all its forms, and writes that break what they declare. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CapabilityStatement, OperationOutcome, Parameters, Resource } from '@medplum/fhirtypes'
import { ProfileSet } from '@scelle/fhir/profiles'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everythingAside } from './aside.ts'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'

const IPS = join(import.meta.dirname, '../../../packages/fhir/test/definitions/ips-2.0.0.json')
const PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Patient-uv-ips'

const named = { resourceType: 'Patient', name: [{ family: 'Durand' }], birthDate: '1980-02-03' } as const
const nameless = { ...named, birthDate: undefined }
const declared = { ...nameless, meta: { profile: [PROFILE] } }

let world: World
beforeAll(async () => {
  const { resources } = JSON.parse(readFileSync(IPS, 'utf8')) as { resources: unknown[] }
  world = await createWorld({ seed: 'profiles', profiles: new ProfileSet(resources) })
  await world.app.put('Patient/1', { ...named, id: '1' })
})
afterAll(() => world.close())

const issues = ({ status, body }: Reply<unknown>): string[] => {
  expect(status).toBe(200)
  const { issue } = body as OperationOutcome
  return issue.map(({ severity, expression }) => `${severity} ${expression?.[0] ?? ''}`)
}
const parameters = (...parameter: NonNullable<Parameters['parameter']>): Parameters =>
  ({ resourceType: 'Parameters', parameter })
const asPart = { name: 'resource', resource: named as unknown as Resource }
const validate = (body: unknown, query = ''): Promise<Reply> => world.app.post(`Patient/$validate${query}`, body)

describe('$validate', () => {
  test('against what the resource declares', async () => {
    expect(issues(await validate(named))).toEqual(['information '])
    expect(issues(await validate(declared))).toEqual(['error Patient.birthDate'])
  })

  test('against a profile that the request names, in the URL or in Parameters', async () => {
    expect(issues(await validate(nameless, `?profile=${encodeURIComponent(PROFILE)}`))).toEqual([
      'error Patient.birthDate'])
    const wrapped = parameters({ name: 'resource', resource: nameless as unknown as Resource },
      { name: 'profile', valueUri: PROFILE })
    expect(issues(await validate(wrapped))).toEqual(['error Patient.birthDate'])
  })

  test('says of a profile that is not loaded that it was not checked', async () => {
    const body = { ...named, meta: { profile: ['https://example.org/nowhere'] } }
    expect(issues(await validate(body))).toEqual(['information Patient.meta.profile[0]', 'information '])
    expect(issues(await validate(named, '?profile=https%3A%2F%2Fexample.org%2Fx'))).toEqual([
      'information Patient', 'information '])
  })

  test('tells base R4 first', async () => {
    expect(issues(await validate({ ...declared, gender: 'x' }))).toEqual(['error Patient.gender'])
  })

  test('of one resource: what is stored there, or what is sent', async () => {
    expect(issues(await world.app.get('Patient/1/$validate'))).toEqual(['information '])
    expect(issues(await world.app.get(`Patient/1/$validate?profile=${encodeURIComponent(PROFILE)}`))).toEqual([
      'information '])
    expect(issues(await world.app.post('Patient/1/$validate', { ...declared, id: '1' }))).toEqual([
      'error Patient.birthDate'])
    const other = await world.app.post('Patient/1/$validate', { ...named, id: '2' })
    expect(issueOf(other).expression).toEqual(['Patient.id'])
    expect((await world.app.get('Patient/none/$validate')).status).toBe(404)
  })

  test('in a mode: what the write would be refused for', async () => {
    const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } }
    const of = (reference: string, mode: string): Promise<Reply> => world.app.post(`Observation/$validate?mode=${mode}`,
      { ...observation, subject: { reference } })
    expect(issues(await of('Patient/1', 'create'))).toEqual(['information '])
    expect(issues(await of('Group/g', 'create'))[0]).toMatch(/^error/)
    expect(issues(await of('Group/g', 'profile'))).toEqual(['information '])
    expect((await of('Patient/1', 'update')).status).toBe(400)
    expect(issues(await world.app.post('Patient/1/$validate?mode=update', { ...named, id: '1' }))).toEqual([
      'information '])
    expect(issues(await world.app.post('Patient/1/$validate', parameters({ name: 'mode', valueCode: 'delete' }))))
      .toEqual(['information '])
    expect((await world.app.get('Patient/1')).status).toBe(200)
  })

  test('keeps nothing, and needs the right to write where it says what a write would do', async () => {
    const before = world.edge().figures().patients
    await validate(named, '?mode=create')
    expect(world.edge().figures().patients).toBe(before)
    expect((await world.reader.post('Patient/$validate?mode=create', named)).status).toBe(403)
    expect((await world.reader.post('Patient/$validate', named)).status).toBe(200)
    expect((await world.writer.get('Patient/1/$validate')).status).toBe(403)
  })

  test.each<[string, string, unknown]>([
    ['an unknown mode', 'Patient/$validate?mode=guess', named],
    ['an unknown parameter', 'Patient/$validate?colour=red', named],
    ['a mode twice', 'Patient/$validate?mode=create&mode=update', named],
    ['a deletion without an id', 'Patient/$validate?mode=delete', named],
    ['a creation with one', 'Patient/1/$validate?mode=create', { ...named, id: '1' }],
    ['another type', 'Patient/$validate', { resourceType: 'Organization', name: 'x' }],
    ['Parameters without a resource', 'Patient/$validate', parameters({ name: 'mode', valueCode: 'create' })],
    ['a resource twice', 'Patient/$validate', parameters(asPart, asPart)],
    ['a parameter that is none', 'Patient/$validate', parameters(asPart, { name: 'depth', valueInteger: 3 })],
    ['Parameters that are none', 'Patient/$validate', { resourceType: 'Parameters', parameter: [null, 7] }],
    ['no object', 'Patient/$validate', []],
  ])('%s is refused', async (_, path, body) => {
    const reply = await world.app.post(path, body)
    expect(issueOf(reply).severity).toBe('error')
    expect([200, 400]).toContain(reply.status)
  })

  test('Parameters can be validated themselves', async () => {
    const body = parameters({ name: 'x', valueString: 'y' })
    expect(issues(await world.app.post('Parameters/$validate', body))).toEqual(['information '])
  })
})

describe('a write that breaks what it declares', () => {
  test('is refused with 422, and nothing of it is kept', async () => {
    const before = world.edge().figures().patients
    const reply = await world.app.post('Patient', declared)
    expect(reply.status).toBe(422)
    expect(issueOf(reply).expression).toEqual(['Patient.birthDate'])
    expect(world.edge().figures().patients).toBe(before)
  })

  test('is refused within a transaction, whole, with the entry named', async () => {
    const entry = (resource: object, id: string): object =>
      ({ resource: { ...resource, id }, request: { method: 'PUT', url: `Patient/${id}` } })
    const reply = await world.app.post('', {
      resourceType: 'Bundle', type: 'transaction', entry: [entry(named, 'good'), entry(declared, 'bad')],
    })
    expect(reply.status).toBe(422)
    expect(issueOf(reply).expression).toEqual(['Bundle.entry[1].resource.birthDate'])
    expect((await world.app.get('Patient/good')).status).toBe(404)
  })

  test('is refused as a patch', async () => {
    const patch = JSON.stringify([{ op: 'add', path: '/meta/profile', value: [PROFILE] },
      { op: 'remove', path: '/birthDate' }])
    const reply = await world.app.send('PATCH', 'Patient/1',
      { raw: patch, headers: { 'content-type': 'application/json-patch+json' } })
    expect(reply.status).toBe(422)
    expect((await world.app.get('Patient/1')).text).toContain('1980-02-03')
  })

  test('with a profile that is not loaded is accepted', async () => {
    const reply = await world.app.post('Patient', { ...named, meta: { profile: ['https://example.org/nowhere'] } })
    expect(reply.status).toBe(201)
  })
})

test('a place aside that knows no profiles is not asked where there are some', async () => {
  const { resources } = JSON.parse(readFileSync(IPS, 'utf8')) as { resources: unknown[] }
  const aside = everythingAside()
  const other = await createWorld({
    seed: 'profiles', name: 'aside', within: world.constellation, profiles: new ProfileSet(resources), aside,
  })
  const refused = await other.app.post('', { resourceType: 'Bundle', type: 'transaction', entry: [
    { resource: { ...declared, id: 'x' }, request: { method: 'PUT', url: 'Patient/x' } },
  ] })
  expect(refused.status, refused.text).toBe(422)
  expect(aside.answered).toEqual({ ready: 0, wanted: 0, nothing: 0 })
})

test('metadata names the profiles that are held against resources, type by type', async () => {
  const { body } = await world.app.get<CapabilityStatement>('metadata')
  const types = body.rest?.[0]?.resource ?? []
  expect(types.find(({ type }) => type === 'Patient')?.supportedProfile).toEqual([PROFILE])
  expect(types.find(({ type }) => type === 'Account')?.supportedProfile).toBeUndefined()
  expect(types.every(({ operation }) => operation?.some(({ name }) => name === 'validate'))).toBe(true)
})
