/** A hospital that was given writing is careless or hostile: the giver's charts mix nobody up and never look whole. */
import type { Bundle, OperationOutcome, Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let giver: World
let neighbour: World
let vaultId = ''
beforeAll(async () => {
  const charts = { refresh: 0 }
  giver = await createWorld({ seed: 'attack neighbours', charts })
  neighbour = await createWorld({
    seed: 'attack neighbours', charts, within: giver.constellation, name: 'second', partners: [toHex(giver.party.id)],
  })
  for (const id of ['x', 'y']) await giver.app.put(`Patient/${id}`, patient(id))
  await giver.app.put('Observation/1', { ...glucose('y', 99), id: '1' })
  const told = await giver.app.post<Parameters>('Patient/x/$scelle-vault', { resourceType: 'Parameters' })
  vaultId = told.body.parameter?.[0]?.valueString ?? ''
  const values = {
    with: toHex(neighbour.party.id), categories: 'laboratory,summary,administrative', rights: 'read,write',
    until: new Date(giver.constellation.now() + 86_400_000).toISOString(),
  }
  await giver.app.post('Patient/x/$scelle-share', { resourceType: 'Parameters',
    parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })) })
  await neighbour.edge().lookForGrants()
})
afterAll(async () => {
  await neighbour.close()
  await giver.close()
})

const warningIn = (reply: Reply<Bundle>): string | undefined => reply.body.entry?.flatMap(({ resource }) =>
  ((resource as OperationOutcome | undefined)?.resourceType === 'OperationOutcome'
    ? (resource as OperationOutcome).issue.map(({ code }) => code) : []))[0]

const idsAt = (reply: Reply<Bundle>): (string | undefined)[] =>
  (reply.body.entry ?? []).map(({ resource }) => resource?.id)

test('a name that another patient\'s record has leads nobody into that record', async () => {
  expect((await neighbour.app.put('Observation/1', { ...glucose('x', 5), id: '1' })).status).toBe(201)
  const found = await giver.app.search('Observation?patient=x')
  // Shown as Observation/1, its link would read, and delete, the record of the other patient.
  expect(found.body.entry?.some(({ fullUrl }) => fullUrl?.endsWith('/Observation/1'))).toBe(false)
  expect(warningIn(found)).toBe('incomplete')
  expect(idsAt(await giver.app.search('Observation?patient=y'))).toEqual(['1'])
})

test('an allergy that this edge cannot read is not "no allergy"', async () => {
  const client = await giver.constellation.client(neighbour.party.identity)
  const unreadable = { resourceType: 'AllergyIntolerance', id: 'al', patient: { reference: 'Patient/x' }, hue: 1 }
  await (await client.vault(vaultId)).write([{
    category: 'summary', handle: new Uint8Array(16).fill(7), version: 1, contentType: 'fhir+json',
    content: new TextEncoder().encode(JSON.stringify(unreadable)),
  }])
  for (const query of ['', '&_summary=count', '&_count=0', '&clinical-status=active']) {
    const answer = await giver.app.search(`AllergyIntolerance?patient=x${query}`)
    expect([query, answer.body.total, warningIn(answer)]).toEqual([query, 0, 'incomplete'])
  }
})

test('what the neighbour says of the patient does not change who the giver says it is', async () => {
  const changed = { ...patient('x'), birthDate: '1970-01-01' }
  expect((await neighbour.app.put('Patient/x', changed)).status).toBe(403)
  const client = await giver.constellation.client(neighbour.party.identity)
  const content = new TextEncoder().encode(JSON.stringify(changed))
  await (await client.vault(vaultId)).write([{
    category: 'administrative', handle: new Uint8Array(16).fill(8), version: 9, contentType: 'fhir+json', content,
  }])
  await giver.party.restart() // its chart is closed
  expect((await giver.app.get<typeof changed>('Patient/x')).body.birthDate).not.toBe('1970-01-01')
  expect((await giver.app.search('Patient?birthdate=1970-01-01')).body.total).toBe(0)
})
