/** Two hospitals: what one shares, the other serves as FHIR, no more and no longer. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let giver: World
let receiver: World
beforeAll(async () => {
  const charts = { refresh: 0 }
  giver = await createWorld({ seed: 'sharing', charts })
  receiver = await createWorld({
    seed: 'sharing', charts, within: giver.constellation, name: 'second', partners: [toHex(giver.party.id)],
  })
  await giver.app.put('Patient/p', patient('p'))
  await giver.app.put('Observation/lab', { ...glucose('p', 5), id: 'lab' })
  await giver.app.put('Observation/note', { ...glucose('p', 6), id: 'note', note: [{ text: 'se sent suivie' }] })
})
afterAll(async () => {
  await receiver.close()
  await giver.close()
})

const parameters = (values: Record<string, string>): Parameters => ({
  resourceType: 'Parameters', parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})
const share = (categories: string, rights: string) => giver.app.post<Parameters>('Patient/p/$scelle-share', parameters({
  with: toHex(receiver.party.id), categories, rights,
    until: new Date(giver.constellation.now() + 86_400_000).toISOString(),
}))
const valueOf = (body: Parameters): string => body.parameter?.[0]?.valueString ?? ''

test('nothing is known before anything is shared', async () => {
  expect((await receiver.app.get('Patient/p')).status).toBe(404)
  expect((await receiver.app.search('Observation?patient=p')).status).toBe(404)
})

test('the vault of a patient is told to who may share', async () => {
  const answer = await giver.app.post<Parameters>('Patient/p/$scelle-vault', { resourceType: 'Parameters' })
  expect(valueOf(answer.body)).toMatch(/^[0-9a-f]{64}$/)
})

let grant = ''
test('what is shared comes out as FHIR, and nothing else', async () => {
  const shared = await share('summary,laboratory,administrative', 'read,write')
  expect(shared.status, shared.text).toBe(200)
  grant = valueOf(shared.body)
  await receiver.edge().lookForGrants()
  expect((await receiver.app.get('Patient/p')).body).toEqual((await giver.app.get('Patient/p')).body)
  expect((await receiver.app.search('Patient?family=dupont')).body.total).toBe(1)
  expect((await receiver.app.get('Observation/lab')).body).toEqual((await giver.app.get('Observation/lab')).body)
  const found = await receiver.app.search('Observation?patient=p')
  expect(found.body.entry?.map(({ resource }) => resource?.id)).toEqual(['lab'])
  expect((await receiver.app.get('Observation/note')).status).toBe(404)
})

let theirs = ''
test('who may write writes, and both see it', async () => {
  const created = await receiver.app.post('Observation', glucose('p', 7))
  expect(created.status, created.text).toBe(201)
  expect((await receiver.app.get(`Observation/${created.body.id}`)).body).toEqual(created.body)
  expect((await giver.app.search('Observation?patient=p')).body.total).toBe(3)
  expect((await giver.app.get(`Observation/${created.body.id}`)).body).toEqual(created.body)
  theirs = created.body.id ?? ''
  const own = `Observation/${theirs}`
  const changed = await receiver.app.put(own, { ...glucose('p', 8), id: theirs }, { 'if-match': 'W/"1"' })
  expect([changed.status, changed.headers.get('etag')]).toEqual([200, 'W/"2"'])
  expect((await giver.app.get(own)).body).toEqual(changed.body)
  expect((await giver.app.get<Bundle>(`${own}/_history`)).body.total).toBe(2)
  expect((await giver.app.get<Bundle>('Patient/p/_history')).body.total).toBe(1)
})

test('nobody changes or deletes what another one wrote, neither the giver nor the receiver', async () => {
  for (const [world, id] of [[receiver, 'lab'], [giver, theirs]] as const) {
    const before = await world.app.get(`Observation/${id}`)
    expect(before.status).toBe(200)
    const patch = { raw: '[{"op":"replace","path":"/status","value":"amended"}]',
      headers: { 'content-type': 'application/json-patch+json' } }
    for (const refused of [
      await world.app.put(`Observation/${id}`, { ...glucose('p', 30), id }),
      await world.app.send('PATCH', `Observation/${id}`, patch),
      await world.app.delete(`Observation/${id}`),
    ]) expect([refused.status, issueOf(refused).code]).toEqual([403, 'business-rule'])
    for (const each of [giver, receiver]) expect((await each.app.get(`Observation/${id}`)).body).toEqual(before.body)
  }
})

test('a thief of a handle ends, hides and stops no record of its author', async () => {
  const thief = await giver.constellation.client(receiver.party.identity)
  const [received] = await thief.grants()
  const vault = await thief.vault(received?.vault ?? '')
  const seen = (await vault.open()).latest().find(({ content }) => Buffer.from(content).includes('"id":"lab"'))
  const handle = Buffer.from(seen?.handle ?? '', 'hex')
  let { body } = await giver.app.get('Observation/lab')
  const forged = JSON.stringify({ ...glucose('p', 666), id: 'lab' })
  await vault.write([{ category: 'laboratory', handle, version: 2 ** 32 - 1, content: new Uint8Array(0),
    contentType: 'tombstone' }])
  await vault.write([{ category: 'laboratory', handle, version: (seen?.version ?? 0) + 1, content: forged }])
  await vault.write([{ category: 'laboratory', handle: Buffer.alloc(16, 9), version: 1, content: forged }])
  for (const restart of [false, true]) {
    if (restart) await giver.party.restart()
    expect((await giver.app.get('Observation/lab')).body).toEqual(body)
    const next = Number(body.meta?.versionId) + 1
    const put = await giver.app.put('Observation/lab', { ...glucose('p', 20 + next), id: 'lab' })
    expect([put.status, put.headers.get('etag')]).toEqual([200, `W/"${next}"`])
    expect((await receiver.app.get('Observation/lab')).body).toEqual(put.body)
    body = put.body
  }
})

test('a category that was not granted takes no writing either', async () => {
  const refused = await receiver.app.post('Observation', { ...glucose('p', 1), note: [{ text: 'texte libre' }] })
  expect([refused.status, issueOf(refused).code]).toEqual([403, 'forbidden'])
  // Nor is a record moved there: a move leaves a tombstone where it was, in a part that is another one's.
  const moved = await receiver.app.put(`Observation/${theirs}`,
    { ...glucose('p', 8), id: theirs, note: [{ text: 'texte libre' }] })
  expect([moved.status, issueOf(moved).diagnostics]).toEqual([422, expect.stringContaining('only its custodian')])
})

test('what is unclassified is shared with nobody', async () => {
  const refused = await share('unclassified', 'read')
  expect([refused.status, issueOf(refused).code]).toEqual([422, 'business-rule'])
  expect((await share('nonsense', 'read')).status).toBe(400)
})

test('after the revocation nothing more comes out', async () => {
  const revoked = await giver.app.post<Parameters>('$scelle-revoke', parameters({ grant }))
  expect(revoked.status, revoked.text).toBe(200)
  expect(revoked.body.parameter).toEqual([
    { name: 'pending', valueInteger: 0 }, { name: 'logged', valueCode: 'final' },
  ])
  await giver.app.put('Observation/after', { ...glucose('p', 9), id: 'after' })
  expect((await receiver.app.search('Observation?patient=p')).status).toBe(403)
  expect((await receiver.app.get('Observation/after')).status).toBe(404)
  const written = await receiver.app.post('Observation', glucose('p', 7))
  expect(written.status).toBe(403)
  expect((await receiver.app.get('Patient/p')).status).toBe(403)
  await receiver.edge().lookForGrants()
  expect((await receiver.app.search('Patient')).body.total).toBe(0)
  await receiver.party.restart()
  expect((await receiver.app.get('Observation/lab')).status).toBe(403)
  expect((await receiver.app.search('Patient')).body.total).toBe(0)
})

test('shared again, it is there again', async () => {
  expect((await share('summary,laboratory,administrative', 'read')).status).toBe(200)
  await receiver.edge().lookForGrants()
  expect((await receiver.app.search('Patient')).body.total).toBe(1)
  expect((await receiver.app.get('Observation/after')).status).toBe(200)
  const refused = await receiver.app.post('Observation', glucose('p', 7))
  expect([refused.status, issueOf(refused).code]).toEqual([403, 'forbidden'])
})

test('who may write in one category changes and hides nothing in another one', async () => {
  const { constellation, app } = giver
  const intruder = await constellation.client('organisation')
  const until = new Date(constellation.now() + 86_400_000).toISOString()
  const grantTo = (categories: string, rights: string) => app.post('Patient/p/$scelle-share', parameters({
    with: toHex(intruder.identity.id), categories, rights, until,
  }))
  expect((await grantTo('laboratory', 'read')).status).toBe(200)
  expect((await grantTo('notes', 'write')).status).toBe(200)
  const before = await app.get('Observation/lab')
  const [received] = await intruder.grants()
  const opened = await intruder.vault(received?.vault ?? '')
  const seen = (await opened.open()).latest().find(({ content }) => Buffer.from(content).includes('"id":"lab"'))
  const handle = Buffer.from(seen?.handle ?? '', 'hex')
  const version = (seen?.version ?? 0) + 1
  const forged = (id: string): string => JSON.stringify({ ...glucose('p', 666), id })
  await opened.write([{ category: 'notes', handle, version, content: forged('lab') }])
  await opened.write([{ category: 'notes', handle, version: version + 1, content: new Uint8Array(0),
    contentType: 'tombstone' }])
  await opened.write([{ category: 'notes', handle, version: 1, content: forged('other') }])
  await opened.write([{ category: 'notes', handle: new Uint8Array(16), version: 1, content: forged('lab') }])
  await opened.write([{ category: 'notes', handle: new Uint8Array(16).fill(1), version: 1,
    content: '{"resourceType":"Nonsense"}' }])
  for (const restart of [false, true]) {
    if (restart) await giver.party.restart()
    expect((await app.get('Observation/lab')).body).toEqual(before.body)
    expect((await app.search('Observation?patient=p&_count=1000')).text).not.toContain('"value":666')
  }
  expect(giver.lines.join('')).toContain('records-set-aside')
})
