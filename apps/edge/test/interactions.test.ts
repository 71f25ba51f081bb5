import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'interactions' })
})
afterAll(() => world.close())

const patient = (id?: string) => ({
  resourceType: 'Patient', ...(id === undefined ? {} : { id }), name: [{ family: 'Dupont', given: ['Zoé'] }], birthDate: '1980-02-03',
})

describe('create and read', () => {
  test('a created resource is read back as it was sent, with id, version and time', async () => {
    const { app } = world
    const created = await app.post('Patient', patient())
    expect(created.text).toContain('Dupont')
    expect(created.status).toBe(201)
    const { id } = created.body
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(created.headers.get('location')).toBe(`http://edge.test/fhir/Patient/${id}/_history/1`)
    expect(created.headers.get('etag')).toBe('W/"1"')
    const read = await app.get(`Patient/${id}`)
    expect(read.status).toBe(200)
    expect(read.body).toEqual(created.body)
    const { meta, id: _, ...rest } = read.body
    expect(rest).toEqual(patient())
    expect(meta?.versionId).toBe('1')
  })

  test('observation', async () => {
    const { app } = world
    await app.put('Patient/p1', patient('p1'))
    const created = await app.post('Observation', {
      resourceType: 'Observation', status: 'final', subject: { reference: 'Patient/p1' },
      code: { coding: [{ system: 'http://loinc.org', code: '2339-0' }] }, valueQuantity: { value: 5.4, unit: 'mmol/L' },
    })
    expect(created.status).toBe(201)
    const read = await app.get(`Observation/${created.body.id}`)
    expect(read.body).toEqual(created.body)
    const found = await app.search('Observation?patient=p1&code=2339-0')
    expect(found.body.total).toBe(1)
    expect(found.body.entry?.[0]?.resource).toEqual(created.body)
    const none = await app.get('Observation/none')
    expect(none.status).toBe(404)
    expect(issueOf(none).code).toBe('not-found')
  })
})
