/** Patients of other organisations beside one's own: what may make a question of two, and what must not. */
import type { Bundle, OperationOutcome, Parameters, Patient } from '@medplum/fhirtypes'
import { EXTENSIONS } from '@scelle/fhir/persons'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { type Listed, pairsIn } from './pairs.ts'
import { glucose } from './records.ts'

let own: World
let partner: World
let stranger: World
beforeAll(async () => {
  const charts = { refresh: 0 }
  own = await createWorld({ seed: 'across', charts, name: 'own' })
  const within = own.constellation
  partner = await createWorld({ seed: 'across', charts, within, name: 'partner' })
  stranger = await createWorld({ seed: 'across', charts, within, name: 'stranger' })
  await own.app.post('$scelle-accept', { resourceType: 'Parameters',
    parameter: [{ name: 'custodian', valueString: toHex(partner.party.id) }] })
})
afterAll(async () => {
  await stranger.close()
  await partner.close()
  await own.close()
})

const NIR = '1.2.250.1.213.1.4.8'
const number = { system: 'urn:oid:1.2.3.4', value: 'IPP-1' }

/** The example of the national reference, with a status of one's own choice. */
const jeanne = (id: string, status: string, more: Partial<Patient> = {}): Patient => ({
  resourceType: 'Patient', id, gender: 'female', birthDate: '1960-05-30',
  extension: [
    { url: EXTENSIONS.birthPlace, valueAddress: { extension: [{ url: EXTENSIONS.inseeCode,
      valueCoding: { code: '88154' } }] } },
    { url: EXTENSIONS.identityReliability, extension: [{ url: 'identityStatus', valueCoding: {
      system: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identity-status', code: status } }] },
  ],
  identifier: [{ system: `urn:oid:${NIR}`, value: '260058815400233' }, number],
  name: [{ use: 'official', family: 'Dark', given: ['Jeanne'] }], ...more,
})

const share = async (world: World, id: string): Promise<string> => {
  const shared = await world.app.post<Parameters>(`Patient/${id}/$scelle-share`, { resourceType: 'Parameters',
    parameter: Object.entries({ with: toHex(own.party.id), categories: 'administrative,laboratory', rights: 'read',
      until: new Date(own.constellation.now() + 86_400_000).toISOString() })
      .map(([name, valueString]) => ({ name, valueString })) })
  expect(shared.status, shared.text).toBe(200)
  await own.edge().lookForGrants()
  return shared.body.parameter?.[0]?.valueString ?? ''
}
const given = async (world: World, patient: Patient): Promise<string> => {
  expect((await world.app.put(`Patient/${patient.id}`, patient)).status).toBe(201)
  await world.app.put(`Observation/${patient.id}-lab`, { ...glucose(patient.id ?? '', 5), id: `${patient.id}-lab` })
  return share(world, patient.id ?? '')
}
const pairs = async (): Promise<Listed[]> =>
  pairsIn((await own.app.get<Parameters>('$scelle-duplicates')).body)
const withOther = async (id: string): Promise<Listed | undefined> =>
  (await pairs()).find(({ patients }) => patients.includes(`Patient/${id}`))
const observed = async (): Promise<number | undefined> =>
  (await own.app.search('Observation?patient=mine')).body.total

let first = ''
test('a local identity that is not qualified meets nobody, whatever the other side claims of itself', async () => {
  await own.app.put('Patient/mine', jeanne('mine', 'RECUP'))
  first = await given(partner, jeanne('theirs', 'QUAL'))
  expect((await own.app.search('Patient?family=dark')).body.total).toBe(2)
  expect(await pairs()).toEqual([])
})

test('what a partner shares without a qualified INS is never matched, by INS, number, name or date', async () => {
  await own.app.put('Patient/mine', jeanne('mine', 'QUAL'))
  await given(partner, jeanne('unproven', 'VALI'))
  await given(partner, { ...jeanne('namesake', 'PROV'), identifier: [number] })
  await given(partner, jeanne('othertraits', 'QUAL', { birthDate: '1960-05-31' }))
  await given(partner, jeanne('wrongkey', 'QUAL',
    { identifier: [{ system: `urn:oid:${NIR}`, value: '260058815400234' }] }))
  for (const id of ['unproven', 'namesake', 'othertraits', 'wrongkey']) {
    expect((await own.app.get(`Patient/${id}`)).status, id).toBe(200)
    expect(await withOther(id), id).toBeUndefined()
  }
})

test('the same qualified INS and traits on both sides is a question on the work list, and nothing more', async () => {
  expect(await withOther('theirs')).toMatchObject({ kind: 'link', score: 100, reasons: ['ins same 100'],
    patients: ['Patient/mine', 'Patient/theirs'] })
  expect(await pairs()).toHaveLength(1)
  expect(await observed()).toBe(0)
  expect((await own.app.search('Observation?patient=theirs')).body.total).toBe(1)
  expect((await own.app.get<Patient>('Patient/mine')).body.link).toBeUndefined()
  const everything = await own.app.get<Bundle>('Patient/mine/$everything')
  expect(everything.body.entry?.map(({ resource }) => resource?.id)).toEqual(['mine'])
})

test('a downgrade counts from the version that says so, and so does qualifying again', async () => {
  await own.app.put('Patient/mine', jeanne('mine', 'VALI'))
  expect(await pairs()).toEqual([])
  await own.app.put('Patient/mine', jeanne('mine', 'QUAL'))
  expect(await withOther('theirs')).toBeDefined()
  await partner.app.put('Patient/theirs', jeanne('theirs', 'PROV'))
  await own.app.get('Patient/theirs')
  expect(await withOther('theirs')).toBeUndefined()
  await partner.app.put('Patient/theirs', jeanne('theirs', 'QUAL'))
  await own.app.get('Patient/theirs')
  expect(await withOther('theirs')).toBeDefined()
})

test('what a stranger shares under somebody’s INS waits unopened: it attaches to nobody', async () => {
  await given(stranger, jeanne('false', 'QUAL'))
  await own.app.get('$scelle-offers')
  expect(await withOther('false')).toBeUndefined()
  expect((await own.app.get('Patient/false')).status).toBe(404)
  expect((await own.app.search(`Patient?identifier=urn:oid:${NIR}|260058815400233`)).body.entry
    ?.map(({ resource }) => resource?.id).includes('false')).toBe(false)
  expect(await observed()).toBe(0)
})

test('nobody merges with what another organisation wrote; its numbers stop no merge here', async () => {
  const merge = (...parameter: NonNullable<Parameters['parameter']>) =>
    own.app.post('Patient/$merge', { resourceType: 'Parameters', parameter })
  const named = (name: string, id: string) => ({ name, valueReference: { reference: `Patient/${id}` } })
  expect((await merge(named('source-patient', 'theirs'), named('target-patient', 'mine'))).status).toBe(403)
  expect((await merge(named('source-patient', 'mine'), named('target-patient', 'theirs'))).status).toBe(403)
  await own.app.put('Patient/twice', jeanne('twice', 'PROV', { identifier: [{ ...number, value: 'IPP-2' }] }))
  const merged = await merge(named('source-patient', 'twice'),
    { name: 'target-patient-identifier', valueIdentifier: number })
  expect(merged.status, merged.text).toBe(200)
})

test('a question ends with the grant', async () => {
  const second = await share(partner, 'theirs')
  const revoke = (grant: string) => partner.app.post('$scelle-revoke', { resourceType: 'Parameters',
    parameter: [{ name: 'grant', valueString: grant }] })
  expect((await revoke(second)).status).toBe(200)
  await own.edge().lookForGrants()
  expect(await withOther('theirs'), 'an earlier grant is in force').toBeDefined()
  expect((await revoke(first)).status).toBe(200)
  await own.edge().lookForGrants()
  expect((await own.app.search('Patient?_id=theirs')).body.total).toBe(0)
  expect(await withOther('theirs')).toBeUndefined()
})

test('$validate says why an identity stays local, and warns of a wrong key; the write is accepted', async () => {
  const issues = async (patient: Patient): Promise<string[]> => {
    const { body } = await own.app.post<OperationOutcome>('Patient/$validate', patient)
    return (body.issue ?? []).map(({ severity, diagnostics }) => `${severity}: ${diagnostics}`)
  }
  const local = (why: string) => expect.arrayContaining([`information: this identity stays local: ${why}`])
  expect(await issues(jeanne('v', 'VALI'))).toEqual(local('its status is not qualified'))
  expect((await issues(jeanne('v', 'QUAL'))).some((each) => each.includes('local'))).toBe(false)
  const wrong = jeanne('v', 'QUAL', { identifier: [{ system: `urn:oid:${NIR}`, value: '260058815400234' }] })
  expect(await issues(wrong)).toEqual(local('the key of its INS is wrong'))
  expect((await issues(wrong)).filter((each) => each.startsWith('warning'))).toHaveLength(1)
  expect((await issues(wrong)).join()).not.toContain('2600588')
  expect((await own.app.put('Patient/v', wrong)).status).toBe(201)
})
