/**
 * Restriction, seen from a provider's application: two worlds of one seed, one in which a patient put records aside,
 * one in which they never were. Everything that the provider's edge answers is compared, byte for byte but for chance.
 */
import type { Resource } from '@medplum/fhirtypes'
import { type Client, toHex, type Vault, type WriteItem } from '@scelle/sdk'
import { createConstellation } from '@scelle/testing/constellation'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Application, createWorld, type Reply, type World } from './harness.ts'

const CATEGORIES = ['administrative', 'summary', 'notes', 'access-log'].map((code) =>
  ({ code, strict: code === 'notes' || code === 'access-log' }))
const SECRET = ['hiv', 'violence', 'therapy']

const handle = (name: string): Uint8Array => {
  const bytes = new Uint8Array(16)
  new TextEncoder().encodeInto(name, bytes)
  return bytes
}

const itemOf = (category: string, resource: Resource, version = 1): WriteItem => ({
  category, handle: handle(resource.id as string), version, contentType: 'fhir+json', retention: 'care',
  content: new TextEncoder().encode(JSON.stringify(resource)),
})

const condition = (id: string): Resource => ({
  resourceType: 'Condition', id, subject: { reference: 'Patient/owner' },
  code: { coding: [{ system: 'http://snomed.info/sct', code: id === 'asthma' ? '195967001' : '86406008' }] },
})

interface Side {
  readonly world: World
  readonly owner: Client
  readonly vault: Vault
}

/** The owner's vault, shared with the edge; what is secret is put aside before the edge looks for the first time. */
const sideOf = async (secret: readonly string[], restrict = true): Promise<Side> => {
  const within = await createConstellation({ seed: 'restriction at the edge', jump: 2_000 })
  const owner = await within.client('person')
  const world = await createWorld({
    seed: 'restriction at the edge', within, registered: { role: 'hospital' }, partners: [toHex(owner.identity.id)],
    charts: { refresh: 0 },
  })
  const vault = await owner.createVault({ mode: 'owner', categories: CATEGORIES })
  const patient: Resource = { resourceType: 'Patient', id: 'owner', name: [{ family: 'Martin' }] }
  await vault.write([itemOf('administrative', patient), ...['asthma', ...secret].map((id) =>
    itemOf('summary', condition(id)))])
  await vault.share({
    to: world.party.id, categories: ['administrative', 'summary'], rights: ['read', 'write'],
    until: within.now() + 30 * 24 * 3_600_000,
  })
  const from = [world.party.id]
  if (restrict) await vault.restrict({ category: 'summary', handles: secret.map(handle), from })
  await within.clock.advance(2_000)
  await world.edge().lookForGrants()
  return { world, owner, vault }
}

let some: Side
let none: Side
beforeAll(async () => {
  some = await sideOf(SECRET)
  none = await sideOf([])
})
afterAll(async () => {
  await some.world.constellation.close()
  await none.world.constellation.close()
})

/** What differs between any two runs: random names, and to which second something was written. */
const withoutChance = ({ status, headers, text }: Reply<unknown>) => ({
  status, etag: headers.get('etag'), length: text.length,
  text: text.replaceAll(/[\w-]{40,}/g, (name) => `<${name.length}>`).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
})

const both = async (ask: (app: Application) => Promise<Reply<unknown>>): Promise<{ status: number }> => {
  const [one, other] = [withoutChance(await ask(some.world.app)), withoutChance(await ask(none.world.app))]
  expect(one).toEqual(other)
  return one
}

describe('what the provider is answered', () => {
  const reads = [
    'Patient', 'Patient?name=Martin', 'Patient?_has:Condition:subject:code=86406008', 'Patient/owner',
    'Patient/owner/$everything', 'Patient/owner/$everything?_count=1', 'Patient/owner/_history',
    'Patient/owner/Condition',
    'Condition?patient=Patient/owner', 'Condition?patient=Patient/owner&code=86406008',
    'Condition?patient=Patient/owner&_summary=count', 'Condition?patient=Patient/owner&_total=accurate&_count=1',
    'Condition?patient=Patient/owner&_sort=-_lastUpdated', 'Condition?_id=hiv,asthma&patient=Patient/owner',
    'Condition/asthma', 'Condition/asthma/_history', ...SECRET.flatMap((id) =>
      [`Condition/${id}`, `Condition/${id}/_history`, `Condition/${id}/_history/1`]),
    'Patient/owner/$summary', '$scelle-duplicates', '$unclassified', '$scelle-offers', 'metadata',
  ]
  test.each(reads)('GET %s', async (path) => {
    const { status } = await both((app) => app.get(path))
    expect(status).toBeLessThan(500)
  })

  test('the comparison can see a record more', async () => {
    const { body } = await some.world.app.search('Condition?patient=Patient/owner')
    expect(body.total).toBe(1)
    expect((await some.world.app.get('Condition/hiv')).status).toBe(404)
    const open = await sideOf(SECRET, false)
    const { text } = await open.world.app.get('Patient/owner/$everything')
    const hidden = await some.world.app.get('Patient/owner/$everything')
    expect(text.length).toBeGreaterThan(hidden.text.length)
    expect((await open.world.app.get('Condition/hiv')).status).toBe(200)
    await open.world.constellation.close()
  })

  test('writes under a name that is put aside, and under one that never was', async () => {
    for (const id of ['hiv', 'never']) {
      const { status } = await both((app) => app.put(`Condition/${id}`, condition(id), { 'if-match': 'W/"1"' }))
      expect(status).toBeLessThan(500)
      await both((app) => app.put(`Condition/${id}`, condition(id), { 'if-none-match': '*' }))
      await both((app) => app.get(`Condition/${id}`))
      await both((app) => app.delete(`Condition/${id}`))
      await both((app) => app.get(`Condition/${id}`))
    }
  })

  test('a Bundle of all of it, and an index that was asked again', async () => {
    await some.world.constellation.clock.advance(60_000)
    await none.world.constellation.clock.advance(60_000)
    const { status } = await both((app) => app.post('', {
      resourceType: 'Bundle', type: 'batch',
      entry: ['Condition/violence', 'Condition/unknown', 'Condition?patient=Patient/owner'].map((url) =>
        ({ request: { method: 'GET', url } })),
    }))
    expect(status).toBe(200)
  })
})
