/** Whose document it is, where a partner claims to have its patient: nobody's word elsewhere brings documents to it. */
import type { Bundle, Parameters, Patient } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'

let own: World
let partner: World
beforeAll(async () => {
  const charts = { refresh: 0 }
  own = await createWorld({ seed: 'documents-across', charts, name: 'own' })
  partner = await createWorld({ seed: 'documents-across', charts, within: own.constellation, name: 'partner' })
  await own.app.post('$scelle-accept', { resourceType: 'Parameters',
    parameter: [{ name: 'custodian', valueString: toHex(partner.party.id) }] })
})
afterAll(async () => {
  await partner.close()
  await own.close()
})

const NUMBER = { system: 'urn:oid:1.2.250.1.213.1.4.8', value: '260058815400233' }
const patient: Patient = { resourceType: 'Patient', id: 'claimed', identifier: [NUMBER], birthDate: '1960-05-30' }
const NAME = 'urn:uuid:11111111-1111-4111-8111-111111111111'
const AUTHOR = 'urn:uuid:22222222-2222-4222-8222-222222222222'

const letter: Bundle = {
  resourceType: 'Bundle', type: 'document', identifier: { system: 'urn:test', value: 'letter' },
  timestamp: '2026-01-01T00:00:00Z',
  entry: [
    { fullUrl: 'urn:uuid:33333333-3333-4333-8333-333333333333', resource: {
      resourceType: 'Composition', status: 'final', type: { coding: [{ system: 'http://loinc.org', code: '11488-4' }] },
      title: 'Lettre', date: '2026-01-01', subject: { reference: NAME }, author: [{ reference: AUTHOR }],
    } },
    { fullUrl: NAME, resource: { resourceType: 'Patient', identifier: [NUMBER], birthDate: '1960-05-30' } },
    { fullUrl: AUTHOR, resource: { resourceType: 'Practitioner', name: [{ family: 'Durand' }] } },
  ],
}

const shareWithOwn = async (): Promise<void> => {
  const shared = await partner.app.post<Parameters>('Patient/claimed/$scelle-share', { resourceType: 'Parameters',
    parameter: Object.entries({
      with: toHex(own.party.id), categories: 'administrative,documents,notes', rights: 'read,write',
      until: new Date(own.constellation.now() + 86_400_000).toISOString(),
    }).map(([name, valueString]) => ({ name, valueString })) })
  expect(shared.status, shared.text).toBe(200)
  await own.edge().lookForGrants()
}

const bundlesOf = async (world: World, reference: string): Promise<number | undefined> =>
  (await world.app.search(`${reference}/Bundle`)).body.total

test('a partner that claims the number gets no document; who has it here does', async () => {
  expect((await partner.app.put('Patient/claimed', patient)).status).toBe(201)
  await shareWithOwn()
  expect((await own.app.search(`Patient?identifier=${NUMBER.system}|${NUMBER.value}`)).body.total).toBe(1)
  const stray = await own.app.post<Bundle>('Bundle', letter)
  expect(stray.status, stray.text).toBe(201)
  expect(await bundlesOf(own, 'Patient/claimed')).toBe(0)
  expect(await bundlesOf(partner, 'Patient/claimed')).toBe(0)
  expect((await own.app.put('Patient/mine', { ...patient, id: 'mine' })).status).toBe(201)
  const filed = await own.app.post<Bundle>('Bundle', letter)
  expect(filed.status, filed.text).toBe(201)
  expect(await bundlesOf(own, 'Patient/mine')).toBe(1)
  expect(await bundlesOf(partner, 'Patient/claimed')).toBe(0)
})
