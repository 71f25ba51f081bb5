/** Grants of a patient's record as FHIR Consent, and a Consent that becomes a grant. */
import type { Bundle, Consent, Parameters } from '@medplum/fhirtypes'
import { findingsOf } from '@scelle/fhir/validate'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, parametersOf, type World } from './harness.ts'

let world: World
let partner: string
beforeAll(async () => {
  world = await createWorld({ seed: 'consents', registered: { role: 'hospital' } })
  await world.app.put('Patient/p', { resourceType: 'Patient', id: 'p' })
  await world.app.put('Condition/c', { resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p' } })
  const client = await world.constellation.client('organisation')
  partner = toHex(client.identity.id)
})
afterAll(() => world.close())

const day = 24 * 3_600_000
const grants = async (): Promise<Consent[]> => {
  const { status, body } = await world.app.get<Bundle>('Patient/p/$scelle-grants')
  expect(status).toBe(200)
  return (body.entry ?? []).map(({ resource }) => resource as Consent)
}

test('a grant is listed as a Consent, given back as one, and ended', async () => {
  expect(await grants()).toEqual([])
  const shared = await world.app.post<Parameters>('Patient/p/$scelle-share', parametersOf({
    with: partner, categories: 'summary,laboratory', rights: 'read,shareOn',
    until: new Date(world.constellation.now() + day).toISOString(),
  }))
  const [first] = await grants()
  const consent = first as Consent
  expect(findingsOf(consent)).toEqual([])
  expect([consent.id, consent.status]).toEqual([shared.body.parameter?.[0]?.valueString, 'active'])
  expect(consent.provision?.class?.map(({ code }) => code)).toEqual(['summary', 'laboratory'])
  const { id: _, identifier: __, ...asked } = consent
  const given = await world.app.post<Consent>('Patient/p/$scelle-grant', asked)
  expect(given.status, given.text).toBe(201)
  expect(given.body.id).not.toBe(consent.id)
  expect({ ...given.body.provision, period: undefined }).toEqual({ ...consent.provision, period: undefined })
  expect(given.body.provision?.period?.end).toBe(consent.provision?.period?.end)
  await world.app.post('$scelle-revoke', parametersOf({ grant: given.body.id as string }))
  expect((await grants()).map(({ status }) => status).toSorted()).toEqual(['active', 'inactive'])
})

const refused: [string, (consent: Consent) => void, number][] = [
  ['of another record', (one) => { one.patient!.identifier!.value = '0'.repeat(64) }, 422],
  ['signed by somebody else', (one) => { one.performer![0]!.identifier!.value = partner }, 422],
  ['that begins tomorrow', (one) => {
    one.provision!.period!.start = `${new Date(world.constellation.now() + day / 2).toISOString().slice(0, 19)}Z`
  }, 422],
  ['that says a strict category is none', (one) => {
    one.provision!.class!.push({ system: 'urn:scelle:category', code: 'notes' })
  }, 422],
  ['with an exception that a grant cannot make', (one) => {
    one.provision!.provision = [{ type: 'deny' }]
  }, 422],
  ['already given', (one) => { one.identifier = [{ system: 'urn:scelle:grant', value: '1'.repeat(64) }] }, 422],
]
test.each(refused)('a Consent %s gives nothing', async (_, change, status) => {
  const before = await grants()
  const { id: __, identifier: ___, ...asked } = structuredClone(before[0] as Consent)
  change(asked)
  const answer = await world.app.post('Patient/p/$scelle-grant', asked)
  expect(answer.status, answer.text).toBe(status)
  expect((await grants()).length).toBe(before.length)
})

test('who may not share is told nothing', async () => {
  expect((await world.reader.get('Patient/p/$scelle-grants')).status).toBe(403)
})
