/** An edge behind something that ends TLS: everything it tells of itself is told of its public address. */
import type { Bundle, CapabilityStatement } from '@medplum/fhirtypes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const BASE = 'https://chu.example/fhir'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'base', base: BASE })
  await world.app.put('Patient/p', patient('p'))
})
afterAll(() => world.close())

const inside = (url: string): string => {
  expect(url.startsWith(`${BASE}/`)).toBe(true)
  return url.slice(BASE.length + 1)
}

test('locations, links and full URLs', async () => {
  const created = await world.app.post('Observation', glucose('p', 1))
  expect(inside(created.headers.get('location') ?? '')).toMatch(/^Observation\/[^/]+\/_history\/1$/)
  await world.app.post('Observation', glucose('p', 2))
  const { body } = await world.app.search('Observation?patient=p&_count=1')
  const next = inside(body.link?.find(({ relation }) => relation === 'next')?.url ?? '')
  const rest = await world.app.search(next)
  expect(rest.body.entry).toHaveLength(1)
  expect(inside(rest.body.entry?.[0]?.fullUrl ?? '')).toMatch(/^Observation\//)
})

test('references to the public address are references to this server', async () => {
  const { status } = await world.app.put('Observation/own',
    { ...glucose('p', 3), id: 'own', subject: { reference: `${BASE}/Patient/p` } })
  expect(status).toBe(201)
  expect((await world.app.get('Observation/own')).body).toMatchObject({ subject: { reference: 'Patient/p' } })
  const found = await world.app.search(`Observation?patient=${encodeURIComponent(`${BASE}/Patient/p`)}&_id=own`)
  expect(found.body.entry).toHaveLength(1)
})

test('a batch names its entries by the public address', async () => {
  const { body } = await world.app.post<Bundle>('', {
    resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: `${BASE}/Patient/p` } },
      { resource: patient(), request: { method: 'POST', url: 'Patient' } }],
  })
  expect(body.entry?.[0]?.response?.status).toBe('200')
  expect(inside(body.entry?.[1]?.response?.location ?? '')).toMatch(/^Patient\//)
})

test('metadata', async () => {
  const { body } = await world.app.get<CapabilityStatement>('metadata')
  expect(body.implementation?.url).toBe(BASE)
})
