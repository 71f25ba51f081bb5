/** Requests that a façade may not misread: each once gave a wrong chart, an overwritten record or an empty answer. */
import type { Bundle, Patient, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'attack semantics' })
  for (const id of ['p', 'q']) {
    await world.app.put(`Patient/${id}`, { ...patient(id), identifier: [{ system: 'urn:x', value: id }] })
  }
})
afterAll(() => world.close())

const versionOf = async (path: string): Promise<string | null> => (await world.app.get(path)).headers.get('etag')
const transaction = (resource: Resource, request: object): Promise<Reply<Bundle>> =>
  world.app.post<Bundle>('', { resourceType: 'Bundle', type: 'transaction', entry: [{ resource, request }] })
const patchOf = (operations: unknown) => ({
  raw: JSON.stringify(operations), headers: { 'content-type': 'application/json-patch+json' },
})
const idsIn = (reply: Reply<Bundle>): (string | undefined)[] =>
  (reply.body.entry ?? []).map(({ resource }) => resource?.id)

describe('a reference by this server\'s own address', () => {
  test('is found under the patient it names, however it is asked', async () => {
    const subject = { reference: 'http://edge.test/fhir/Patient/p' }
    await world.app.put('Observation/absolute', { ...glucose('p', 5), id: 'absolute', subject })
    for (const asked of ['patient=p', 'patient=Patient/p', `subject=${subject.reference}`, 'subject:Patient=p']) {
      expect(idsIn(await world.app.search(`Observation?${asked}`)), asked).toEqual(['absolute'])
    }
    const entry = { resource: { ...glucose('p', 6), subject }, request: { method: 'POST', url: 'Observation' } }
    for (const type of ['batch', 'transaction']) {
      await world.app.post('', { resourceType: 'Bundle', type, entry: [entry] })
    }
    expect((await world.app.search('Observation?patient=p')).body.total).toBe(3)
  })

  test('another server\'s stays another server\'s', async () => {
    const performer = [{ reference: 'http://elsewhere.test/fhir/Practitioner/1' }]
    const created = await world.app.post('Observation', { ...glucose('p', 5), performer })
    expect(created.text).toContain('"http://elsewhere.test/fhir/Practitioner/1"')
  })
})

describe('the condition of a create', () => {
  const fresh = (value: string): Patient => ({ ...patient(), identifier: [{ system: 'http://x', value }] })

  test('with a question mark in a value does not ask for somebody else', async () => {
    const value = 'y?identifier=urn:x%7Cp'
    const condition = `identifier=http://x%7C${value.replaceAll('%7C', '%257C')}`
    const created = await world.app.post('Patient', fresh(value), { 'if-none-exist': condition })
    expect([created.status, created.body.id === 'p']).toEqual([201, false])
  })

  test('names no other type', async () => {
    const wrong = { 'if-none-exist': 'Observation?identifier=urn:x|p' }
    expect((await world.app.post('Patient', fresh('1'), wrong)).status).toBe(400)
    const request = { method: 'POST', url: 'Patient', ifNoneExist: wrong['if-none-exist'] }
    expect((await transaction(fresh('1'), request)).status).toBe(400)
    const same = { 'if-none-exist': 'Patient?identifier=urn:x|p' }
    expect((await world.app.post('Patient', fresh('1'), same)).body.id).toBe('p')
  })
})

describe('nothing is overwritten that the request did not mean', () => {
  test('by a conditional update whose condition matches nothing', async () => {
    const other = { ...patient('q'), birthDate: '1901-01-01' }
    expect((await world.app.put('Patient?identifier=urn:x|nobody', other)).status).toBe(412)
    expect((await transaction(other, { method: 'PUT', url: 'Patient?identifier=urn:x|nobody' })).status).toBe(412)
    expect(await versionOf('Patient/q')).toBe('W/"1"')
    const own = { ...patient('r'), identifier: [{ system: 'urn:x', value: 'r' }] }
    expect((await world.app.put('Patient?identifier=urn:x|r', own)).status).toBe(201)
    expect((await world.app.put('Patient?identifier=urn:x|r', { ...own, birthDate: '1990-01-01' })).status).toBe(200)
  })

  test('by an entry that is to create only', async () => {
    const changed = { ...patient('p'), birthDate: '1902-01-01' }
    const request = { method: 'PUT', url: 'Patient/p', ifNoneMatch: '*' }
    expect((await transaction(changed, request)).status).toBe(412)
    const batch = { resourceType: 'Bundle', type: 'batch', entry: [{ resource: changed, request }] }
    expect((await world.app.post<Bundle>('', batch)).body.entry?.[0]?.response?.status).toBe('412')
    expect(await versionOf('Patient/p')).toBe('W/"1"')
    expect((await transaction(patient('only-new'), { ...request, url: 'Patient/only-new' })).status).toBe(200)
  })

  test('by an entry with a condition that its method does not know', async () => {
    const changed = { ...patient('p'), birthDate: '1903-01-01' }
    for (const condition of [
      { ifNoneExist: 'identifier=urn:x|q' }, { ifNoneMatch: 'W/"1"' }, { ifModifiedSince: '2026-01-01T00:00:00Z' },
    ]) {
      const answer = await transaction(changed, { method: 'PUT', url: 'Patient/p', ...condition })
      expect([answer.status, Object.keys(condition)]).toEqual([400, Object.keys(condition)])
    }
    expect((await transaction(patient(), { method: 'POST', url: 'Patient', ifMatch: 'W/"1"' })).status).toBe(400)
    expect(await versionOf('Patient/p')).toBe('W/"1"')
  })
})

describe('a patch', () => {
  test('of two kilobytes does not become gigabytes', async () => {
    const grow = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/name', path: '/name/-' }))
    const started = performance.now()
    const answer = await world.app.send('PATCH', 'Patient/p', patchOf(grow))
    expect([answer.status, issueOf(answer).code]).toEqual([413, 'too-long'])
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('cannot nest until the stack ends', async () => {
    const nest: unknown[] = [{ op: 'add', path: '/x', value: { a: {} } }]
    for (let path = '/x/a'; path.length < 30_000; path += path.slice(2)) nest.push({ op: 'copy', from: '/x', path })
    expect((await world.app.send('PATCH', 'Patient/p', patchOf(nest))).status).toBe(413)
  })

  test('still copies what a person would', async () => {
    const copy = { op: 'copy', from: '/name/0', path: '/name/-' }
    const answer = await world.app.send('PATCH', 'Patient/r', patchOf([copy]))
    expect([answer.status, (answer.body as Patient).name?.length]).toEqual([200, 2])
  })
})

test('lines for people keep the digits too', async () => {
  const raw = JSON.stringify({ ...glucose('q', 77), id: 'digits' }).replace(':77,', ':7.50,')
  await world.app.send('PUT', 'Observation/digits', { raw })
  for (const path of ['Observation/digits?', 'Observation?patient=q&', 'Patient/q/$everything?']) {
    expect((await world.app.get(`${path}_pretty=true`)).text).toContain('"value": 7.50')
  }
})
