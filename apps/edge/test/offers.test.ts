/** Strangers share what they like: nothing of it is opened or shown before somebody here accepts it. */
import type { Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let giver: World
let receiver: World
beforeAll(async () => {
  giver = await createWorld({ seed: 'offers', charts: { refresh: 0 } })
  receiver = await createWorld({ seed: 'offers', charts: { refresh: 0 }, within: giver.constellation, name: 'second' })
  await giver.app.put('Patient/p', patient('p'))
  await giver.app.put('Observation/lab', { ...glucose('p', 5), id: 'lab' })
})
afterAll(async () => {
  await receiver.close()
  await giver.close()
})

const parameters = (values: Record<string, string>): Parameters => ({
  resourceType: 'Parameters', parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})
const HOUR = 3_600_000
const share = async (hours = 24): Promise<string> => {
  const shared = await giver.app.post<Parameters>('Patient/p/$scelle-share', parameters({
    with: toHex(receiver.party.id), categories: 'administrative,laboratory', rights: 'read',
    until: new Date(giver.constellation.now() + hours * HOUR).toISOString(),
  }))
  expect(shared.status, shared.text).toBe(200)
  return shared.body.parameter?.[0]?.valueString ?? ''
}
const patients = async () => (await receiver.app.search('Patient')).body.total
const offers = async () => {
  await receiver.edge().lookForGrants()
  return (await receiver.app.get<Parameters>('$scelle-offers')).body.parameter ?? []
}
const opened = (): number => receiver.edge().figures().openCharts
const accept = (custodian: string) => receiver.app.post<Parameters>('$scelle-accept', parameters({ custodian }))

test('what a stranger shares waits, unopened', async () => {
  await share()
  const before = opened()
  const [total, offer, ...more] = await offers()
  expect([total?.valueInteger, more.length]).toEqual([1, 0])
  const told = Object.fromEntries((offer?.part ?? []).map(({ name, ...value }) => [name, Object.values(value)[0]]))
  expect(told).toMatchObject({ custodian: toHex(giver.party.id), from: toHex(giver.party.id), categories: 2 })
  expect(await patients()).toBe(0)
  expect((await receiver.app.get('Patient/p')).status).toBe(404)
  expect(opened()).toBe(before)
})

test('who may not share neither sees nor accepts; what names nobody is refused', async () => {
  expect((await receiver.reader.get('$scelle-offers')).status).toBe(403)
  const refused = await receiver.reader.post('$scelle-accept', parameters({ custodian: toHex(giver.party.id) }))
  expect(refused.status).toBe(403)
  const nobody = await accept('abc')
  expect([nobody.status, issueOf(nobody).expression]).toEqual([400, ['custodian']])
  expect((await receiver.app.get('$scelle-offers?x=1')).status).toBe(400)
  expect(await patients()).toBe(0)
})

test('accepted, it enters, and so does what follows, after a restart too', async () => {
  expect((await accept(toHex(giver.party.id))).status).toBe(200)
  expect(await patients()).toBe(1)
  expect((await receiver.app.get('Observation/lab')).body).toEqual((await giver.app.get('Observation/lab')).body)
  expect(await offers()).toEqual([{ name: 'total', valueInteger: 0 }])
  await giver.app.put('Patient/q', { ...patient('q') })
  await receiver.party.restart()
  const shared = await giver.app.post('Patient/q/$scelle-share', parameters({
    with: toHex(receiver.party.id), categories: 'administrative', rights: 'read',
    until: new Date(giver.constellation.now() + HOUR).toISOString(),
  }))
  expect(shared.status).toBe(200)
  await receiver.edge().lookForGrants()
  expect(await patients()).toBe(2)
})

test('a list that no longer names a grant ends nothing; its own time does', async () => {
  const { constellation } = giver
  const off = constellation.network.add({
    host: 'index.test', method: 'GET', target: /^\/v1\/grants$/,
    effect: { kind: 'tamper', change: (answer) => ({ ...answer, body: Uint8Array.of(0x80) }) },
  })
  await receiver.edge().lookForGrants()
  expect(await patients()).toBe(2)
  expect((await receiver.app.get('Observation/lab')).status).toBe(200)
  await constellation.clock.advance(2 * HOUR)
  await receiver.edge().lookForGrants()
  expect(await patients()).toBe(1) // Patient/q was shared for an hour
  off()
})
