/** The small habits of FHIR clients: what they put on requests that are right otherwise. */
import type { Bundle, Patient } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'clients' })
  await world.app.put('Patient/p', patient('p'))
  for (let at = 0; at < 7; at++) await world.app.put(`Observation/o${at}`, { ...glucose('p', at), id: `o${at}` })
})
afterAll(() => world.close())

describe('reading', () => {
  test.each([
    'application/fhir+json', 'application/fhir+json, */*; q=0.1', 'application/fhir+json; charset=UTF-8',
    'application/fhir+json; fhirVersion=4.0', 'application/json', 'application/json, text/javascript, */*; q=0.01',
    'text/html, application/fhir+json;q=0.9', '*/*', '',
  ])('Accept: %s', async (accept) => {
    const { status, headers } = await world.app.get('Patient/p', { accept })
    expect([status, headers.get('content-type')]).toEqual([200, 'application/fhir+json; charset=utf-8'])
  })

  test.each(['application/fhir+xml', 'text/turtle', 'application/fhir+json; fhirVersion=5.0'])(
    'Accept: %s is 406', async (accept) => {
      expect((await world.app.get('Patient/p', { accept })).status).toBe(406)
    })

  test.each(['Patient/p?_format=json', 'Patient/p?_format=application/fhir%2Bjson', 'Patient/p/',
    'Patient/p?_format=application/fhir+json&_pretty=true', 'Patient?_id=p&_format=json'])('GET %s', async (path) => {
    expect((await world.app.get(path, { accept: 'application/fhir+xml;q=0.1, */*;q=0.05' })).status).toBe(200)
  })

  test('HEAD is a GET without its body', async () => {
    const got = await world.app.get('Patient/p')
    const head = await world.app.send('HEAD', 'Patient/p')
    expect([head.status, head.text]).toEqual([200, ''])
    for (const name of ['etag', 'last-modified', 'content-type']) {
      expect(head.headers.get(name)).toBe(got.headers.get(name))
    }
  })
})

describe('writing', () => {
  test.each(['application/fhir+json', 'application/fhir+json; charset=UTF-8', 'application/json;charset=utf-8',
    'application/fhir+json; fhirVersion=4.0; charset=utf-8', 'APPLICATION/FHIR+JSON'])(
    'Content-Type: %s', async (type) => {
    const { status, headers } = await world.app.post('Patient', patient(), { 'content-type': type })
    expect(status).toBe(201)
    expect(headers.get('location')).toMatch(/^http:\/\/[^/]+\/fhir\/Patient\/[^/]+\/_history\/1$/)
  })

  test.each(['application/fhir+json; charset=iso-8859-1', 'text/plain', 'application/fhir+xml'])(
    'Content-Type: %s is 415', async (type) => {
      expect((await world.app.post('Patient', patient(), { 'content-type': type })).status).toBe(415)
    })

  test('Prefer says how much comes back', async () => {
    const whole = { prefer: 'return=representation; handling=strict' }
    const full = await world.app.post<Patient>('Patient', patient(), whole)
    expect([full.status, full.body.resourceType]).toEqual([201, 'Patient'])
    const less = await world.app.post('Patient', patient(), { prefer: 'handling=lenient, return=minimal' })
    expect([less.status, less.text]).toEqual([201, ''])
    const told = await world.app.post('Patient', patient(), { prefer: 'return=OperationOutcome' })
    expect(issueOf(told).severity).toBe('information')
  })
})

describe('following links', () => {
  const next = ({ link }: Bundle): string => link?.find(({ relation }) => relation === 'next')?.url ?? ''

  test('with a page size put beside the cursor', async () => {
    const { body } = await world.app.search('Observation?patient=p&_count=2')
    const { body: rest } = await world.app.search(`${next(body)}&_count=1000`)
    expect(rest.entry).toHaveLength(5)
    expect(next(rest)).toBe('')
  })

  test('with the query sorted, as some clients do', async () => {
    const { body } = await world.app.search('Observation?patient=p&_count=2')
    const url = next(body).replace(/\?/, '?_count=3&')
    expect((await world.app.search(url)).body.entry).toHaveLength(3)
  })

  test.each([
    '&_count=0', '&_count=x', '&_count=2&_count=3', '&code=1', '&_cursor=x',
  ])('%s is refused', async (more) => {
    const { body } = await world.app.search('Observation?patient=p&_count=2')
    const reply = await world.app.get(`${next(body)}${more}`)
    expect([reply.status, issueOf(reply).severity]).toEqual([400, 'error'])
  })
})
