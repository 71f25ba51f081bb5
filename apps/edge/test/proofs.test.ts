/** `$scelle-proof` through the façade: who gets one, of what, and that nobody's chart is opened for it. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { type Client, toHex } from '@scelle/sdk'
import { logPolicy, QUORUM } from '@scelle/wire/log'
import { type VerifiedProven, verifyProven } from '@scelle/wire/proven'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let hospital: World
let ward: World
let stranger: Client
beforeAll(async () => {
  hospital = await createWorld({ seed: 'proofs' })
  ward = await createWorld({
    seed: 'proofs', within: hospital.constellation, name: 'ward', partners: [toHex(hospital.party.id)],
  })
  stranger = await hospital.constellation.client('person')
  await hospital.app.put('Patient/p', patient('p'))
  for (const value of [5, 6]) await hospital.app.put('Observation/lab', { ...glucose('p', value), id: 'lab' })
})
afterAll(async () => {
  await ward.close()
  await hospital.close()
})

const checked = async (file: Uint8Array, quorum: number = QUORUM.final): Promise<VerifiedProven> => {
  const { index, trustees } = stranger.parties
  const keysOf = (id: Uint8Array) => stranger.principal(id)
  return verifyProven(file, logPolicy({
    index: await keysOf(index), trustees: await Promise.all(trustees.map(keysOf)), quorum,
  }))
}

const proofOf = async (path: string): Promise<Uint8Array> => {
  const headers = { accept: 'application/cbor' }
  const answer = await hospital.patiently(hospital.app.fetch('GET', `${path}/$scelle-proof`, { headers }))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/cbor')
  return new Uint8Array(await answer.arrayBuffer())
}

test('a version of a resource is proven: the current one, or the one that is named', async () => {
  const [current, second, first] = await Promise.all(
    ['Observation/lab', 'Observation/lab/_history/2', 'Observation/lab/_history/1']
      .map(async (path) => checked(await proofOf(path))),
  )
  expect(current).toMatchObject({ kind: 'commit', signer: toHex(hospital.party.id), record: { version: 2 } })
  expect(second?.statement).toBe(current?.statement)
  expect(first?.record?.version).toBe(1)
  expect(first?.record?.handle).toEqual(current?.record?.handle)
  expect(first?.statement).not.toBe(current?.statement)
  expect((await checked(await proofOf('Patient/p'))).record?.version).toBe(1)
})

test('no chart is opened for it', async () => {
  const before = await hospital.app.serving('nobody').search('AuditEvent?patient=p')
  await proofOf('Observation/lab')
  const after = await hospital.app.serving('nobody').search('AuditEvent?patient=p')
  expect(before.status).toBe(200)
  expect(after.body.total).toBe(before.body.total)
})

test('what is not there, or not this organisation’s, is refused; and a Bundle holds no octets', async () => {
  const missing = ['Observation/none', 'Observation/lab/_history/3', 'Observation/lab/_history/x', 'Observation/a_b']
  for (const path of missing) {
    expect((await hospital.app.get(`${path}/$scelle-proof`)).status, path).toBe(404)
  }
  expect((await hospital.app.get('Observation/lab/$scelle-proof?depth=1')).status).toBe(400)
  const parameter = Object.entries({
    with: toHex(ward.party.id), categories: 'laboratory,administrative', rights: 'read',
    until: new Date(hospital.constellation.now() + 86_400_000).toISOString(),
  }).map(([name, valueString]) => ({ name, valueString }))
  expect((await hospital.app.post<Parameters>('Patient/p/$scelle-share', { resourceType: 'Parameters', parameter }))
    .status).toBe(200)
  await ward.edge().lookForGrants()
  expect((await ward.app.search('Observation?patient=p')).body.total).toBe(1)
  expect(issueOf(await ward.app.get('Observation/lab/$scelle-proof')).code).toBe('forbidden')
  const batch = await hospital.app.post<Bundle>('', {
    resourceType: 'Bundle', type: 'batch',
    entry: [{ request: { method: 'GET', url: 'Observation/lab/$scelle-proof' } }],
  })
  expect(batch.body.entry?.[0]?.response?.status).toMatch(/^404/)
})

test('each opening that $scelle-accesses tells comes with its proof', async () => {
  await hospital.app.serving('alice').search('Observation?patient=p')
  await hospital.constellation.clock.advance(120_000)
  const { body } = await hospital.app.get<Parameters>('Patient/p/$scelle-accesses')
  const told = (body.parameter ?? []).filter(({ name }) => name === 'access')
  expect(told.length).toBeGreaterThan(0)
  for (const { part = [] } of told.slice(0, -1)) {
    const of = (wanted: string) => part.find(({ name }) => name === wanted)
    const proven = await checked(Buffer.from(of('proof')?.valueBase64Binary ?? '', 'base64'), QUORUM.release)
    expect(proven).toMatchObject({ kind: 'access', statement: of('statement')?.valueString })
  }
})
