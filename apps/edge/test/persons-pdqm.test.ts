/** IHE PDQm, transaction ITI-78 (3.78.4): its examples, cases and parameters, by GET and by POST. */
import type { Bundle, CapabilityStatement, OperationOutcome, Patient } from '@medplum/fhirtypes'
import { EXTENSIONS, PDQM } from '@scelle/fhir/persons'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'

let world: World
const alice: Patient = {
  resourceType: 'Patient', id: 'alice', active: true, gender: 'female', birthDate: '1958-01-30',
  extension: [{ url: EXTENSIONS.mothersMaidenName, valueString: 'Müller-Lüdenscheidt' }],
  identifier: [{ system: 'urn:oid:1.2.3.4', value: '145' },
    { system: 'urn:oid:2.16.840.1.113883.4.1', value: '123456789' }],
  name: [{ family: 'MOHR', given: ['ALICE'] }], telecom: [{ system: 'phone', value: '555-1234' }],
  address: [{ line: ['820 Jorie Blvd'], city: 'Oak Brook', state: 'IL', postalCode: '60523', country: 'USA' }],
}
const smith: Patient = {
  resourceType: 'Patient', id: 'smith', gender: 'male', birthDate: '1970-12-01',
  identifier: [{ system: 'urn:oid:1.2.3.4.5', value: '7' }, { system: 'urn:oid:1.2.3', value: '8' },
    { system: 'urn:oid:4.5.6', value: '9' }],
  name: [{ family: 'Smith', given: ['John'] }],
}
const smithson: Patient = { resourceType: 'Patient', id: 'smithson', active: false, gender: 'male',
  birthDate: '1970-12-01', name: [{ family: 'Smithson', given: ['John'] }] }

beforeAll(async () => {
  world = await createWorld({ seed: 'pdqm' })
  for (const each of [alice, smith, smithson]) {
    const put = await world.app.put(`Patient/${each.id}`, each)
    if (put.status !== 201) throw new Error(put.text)
  }
})
afterAll(() => world.close())

const ids = ({ body }: Reply<Bundle>): (string | undefined)[] => (body.entry ?? []).map(({ resource }) => resource?.id)
const firstIn = ({ body }: Reply<Bundle>): Patient => body.entry?.[0]?.resource as Patient
const get = (query: string) => world.app.search(`Patient?${query}`)
const post = (query: string) => world.app.send<Bundle>('POST', 'Patient/_search',
  { raw: query, headers: { 'content-type': 'application/x-www-form-urlencoded' } })

describe.each([['GET', get], ['POST', post]])('Query Patient Resource by %s', (_, query) => {
  test.each<[string, string[]]>([
    ['family=MOHR&given=ALICE&active=true&gender=female', ['alice']],
    ['identifier=urn:oid:1.2.3.4|145&identifier=urn:oid:2.16.840.1.113883.4.1|123456789', ['alice']],
    ['identifier=urn:oid:1.2.3.4|145&identifier=urn:oid:2.16.840.1.113883.4.1|1', []],
    ['identifier=145', ['alice']],
    ['_id=smith', ['smith']], ['active=false', ['smithson']], ['family=smi', ['smith', 'smithson']],
    ['family:exact=Smith', ['smith']], ['family:exact=smith', []], ['given:exact=John', ['smith', 'smithson']],
    ['telecom=555-1234', ['alice']], ['birthdate=1970-12-01&family=smith', ['smith', 'smithson']],
    ['birthdate=ge1958-01-01&birthdate=le1958-12-31', ['alice']], ['birthdate=1958', ['alice']],
    ['address=jorie', []], ['address=820 jorie', ['alice']], ['address-city=oak', ['alice']],
    ['address-country=USA', ['alice']], ['address-postalcode=60523', ['alice']], ['address-state=IL', ['alice']],
    ['address-city:exact=oak', []], ['gender=male&family=smithson', ['smithson']],
    ['mothersMaidenName=muller', ['alice']], ['mothersMaidenName:exact=Müller-Lüdenscheidt', ['alice']],
    ['mothersMaidenName:exact=muller', []], ['mothersMaidenName=mohr', []],
    ['family=MOHR,Smith&gender=female', ['alice']],
  ])('%s', async (asked, expected) => {
    const found = await query(asked)
    expect(found.status, found.text).toBe(200)
    expect(ids(found).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(expected)
    expect(found.body.total).toBe(expected.length)
  })

  test('identifiers of one domain, or of several, and no others (case 2)', async () => {
    const one = await query('family=SMITH&identifier=urn:oid:1.2.3.4.5|')
    const patient = firstIn(one)
    expect([one.body.total, patient.identifier]).toEqual([1, [{ system: 'urn:oid:1.2.3.4.5', value: '7' }]])
    expect(patient.meta?.tag?.map(({ code }) => code)).toEqual(['SUBSETTED'])
    const two = await query('identifier=urn:oid:1.2.3|,urn:oid:4.5.6|')
    expect(firstIn(two).identifier?.map(({ value }) => value)).toEqual(['8', '9'])
    const named = await query('identifier=urn:oid:1.2.3|8')
    expect(firstIn(named).identifier).toEqual(smith.identifier)
  })

  test('a domain that is not known here is 404, not-found (case 4)', async () => {
    for (const asked of ['identifier=urn:oid:9.9.9|', 'family=SMITH&identifier=urn:oid:1.2.3|,urn:oid:9.9.9|']) {
      const refused = await query(asked)
      expect([refused.status, issueOf(refused).code, issueOf(refused).diagnostics])
        .toEqual([404, 'not-found', 'targetSystem not found'])
    }
    expect((await query('identifier=urn:oid:9.9.9|1')).body.total).toBe(0)
  })
})

test('a format that is not served is 406 (case 5)', async () => {
  const refused = await world.app.get<OperationOutcome>('Patient?family=MOHR', { accept: 'application/fhir+xml' })
  expect([refused.status, issueOf(refused).code]).toEqual([406, 'not-supported'])
})

test('pages keep to the domains asked for', async () => {
  await world.app.put('Patient/smith2', { ...smith, id: 'smith2' })
  const first = await get('identifier=urn:oid:1.2.3|&_count=1&_sort=_id')
  const second = await world.app.search(first.body.link?.find(({ relation }) => relation === 'next')?.url ?? '')
  expect([...ids(first), ...ids(second)]).toEqual(['smith', 'smith2'])
  expect(firstIn(second).identifier).toEqual([{ system: 'urn:oid:1.2.3', value: '8' }])
  await world.app.delete('Patient/smith2')
})

describe('Retrieve Patient Resource', () => {
  test('the one of that id (case 1), with the mother’s maiden name; another id is 404 (case 2)', async () => {
    const read = await world.app.get<Patient>('Patient/alice')
    expect(read.body).toMatchObject(alice)
    const none = await world.app.get('Patient/nobody')
    expect([none.status, issueOf(none).severity, issueOf(none).code]).toEqual([404, 'error', 'not-found'])
  })

  test('a deprecated one is active false (case 3), with its link where it was merged (case 6)', async () => {
    expect((await world.app.get<Patient>('Patient/smithson')).body.active).toBe(false)
    const merged = await world.app.post('Patient/$merge', { resourceType: 'Parameters', parameter: [
      { name: 'source-patient', valueReference: { reference: 'Patient/smithson' } },
      { name: 'target-patient', valueReference: { reference: 'Patient/smith' } }] })
    expect(merged.status, merged.text).toBe(200)
    const found = await get('family=smithson')
    expect(found.body.entry?.[0]?.resource).toMatchObject({ active: false,
      link: [{ other: { reference: 'Patient/smith' }, type: 'replaced-by' }] })
  })
})

test('every parameter of the transaction is declared', async () => {
  const { body } = await world.app.get<CapabilityStatement>('metadata')
  const declared = body.rest?.[0]?.resource?.find(({ type }) => type === 'Patient')
  const names = declared?.searchParam?.map(({ name }) => name) ?? []
  expect(PDQM.parameters.filter((name) => !names.includes(name))).toEqual([])
  expect(declared?.operation?.map(({ name }) => name)).toContain('merge')
})
