/** Octets between two hospitals: read and written by whoever was granted it, no more and no longer. */
import type { Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { ask, OF_P, placeIn } from './octets.ts'
import { patient } from './records.ts'

let giver: World
let receiver: World
let grant = ''
beforeAll(async () => {
  const charts = { refresh: 0 }
  giver = await createWorld({ seed: 'binaries-shared', charts })
  receiver = await createWorld({
    seed: 'binaries-shared', charts, within: giver.constellation, name: 'second', partners: [toHex(giver.party.id)],
  })
  await giver.app.put('Patient/p', patient('p'))
})
afterAll(async () => {
  await receiver.close()
  await giver.close()
})

const octets = (length: number): Buffer => Buffer.from(giver.constellation.random(`octets ${length}`)(length))

const share = async (categories: string, rights: string): Promise<string> => {
  const values = {
    with: toHex(receiver.party.id), categories, rights,
    until: new Date(giver.constellation.now() + 86_400_000).toISOString(),
  }
  const shared = await giver.app.post<Parameters>('Patient/p/$scelle-share', {
    resourceType: 'Parameters', parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
  })
  expect(shared.status, shared.text).toBe(200)
  await receiver.edge().lookForGrants()
  return shared.body.parameter?.[0]?.valueString ?? ''
}

test('few and many octets of a granted category are read, those of others are not there', async () => {
  const sent = [octets(500), octets(400_000)]
  const places: string[] = []
  for (const each of sent) places.push(placeIn(await ask(giver.app, 'POST', 'Binary', OF_P, each)))
  // Text of a person is free text: another category, which is not granted.
  const letter = placeIn(await ask(giver.app, 'POST', 'Binary', { ...OF_P, 'content-type': 'text/plain' }, octets(300)))
  grant = await share('administrative,documents', 'read,write')
  for (const [i, place] of places.entries()) {
    const read = await ask(receiver.app, 'GET', place)
    expect([read.status, read.bytes.equals(sent[i] as Buffer)]).toEqual([200, true])
  }
  expect((await ask(receiver.app, 'GET', letter)).status).toBe(404)
})

test('who may write sends octets, and the custodian reads them; neither replaces the other\'s', async () => {
  const sent = octets(200_000)
  const written = await ask(receiver.app, 'POST', 'Binary', OF_P, sent)
  expect(written.status, written.bytes.toString()).toBe(201)
  const place = placeIn(written)
  // The custodian's chart is opened, and with it what was written there becomes known.
  await giver.app.get('DocumentReference?patient=p')
  expect((await ask(giver.app, 'GET', place)).bytes.equals(sent)).toBe(true)
  expect((await ask(giver.app, 'PUT', place, OF_P, octets(10))).status).toBe(403)
})

test('after the end of the grant nothing of it is served any more', async () => {
  const place = placeIn(await ask(giver.app, 'POST', 'Binary', OF_P, octets(300_000)))
  await receiver.app.get('DocumentReference?patient=p')
  expect((await ask(receiver.app, 'GET', place)).status).toBe(200)
  const revoked = await giver.app.post('$scelle-revoke', {
    resourceType: 'Parameters', parameter: [{ name: 'grant', valueString: grant }],
  })
  expect(revoked.status, revoked.text).toBe(200)
  const refused = await receiver.patiently(ask(receiver.app, 'GET', place))
  expect([403, 404]).toContain(refused.status)
})
