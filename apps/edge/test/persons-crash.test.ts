/** Kills in the middle of a merge or its undo: two vaults change together, or not at all. */
import type { Bundle, Parameters, Patient } from '@medplum/fhirtypes'
import { createIdentity, toHex } from '@scelle/sdk'
import { afterEach, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
afterEach(() => world.close())

const reference = (name: string, id: string) => ({ name, valueReference: { reference: `Patient/${id}` } })
const operations = {
  merge: () => world.app.post('Patient/$merge', { resourceType: 'Parameters',
    parameter: [reference('source-patient', 's'), reference('target-patient', 't')] }),
  unmerge: () => world.app.post('Patient/$scelle-unmerge', { resourceType: 'Parameters',
    parameter: [reference('source-patient', 's')] }),
}
const ids = async (query: string) => ((await world.app.search(query)).body.entry ?? [])
  .flatMap(({ resource }) => resource?.id ?? []).toSorted()

const begin = async (seed: string): Promise<void> => {
  world = await createWorld({ seed, jump: 0 })
  for (const id of ['s', 't']) {
    await world.app.put(`Patient/${id}`, patient(id))
    await world.app.put(`Observation/o${id}`, { ...glucose(id, 1), id: `o${id}` })
  }
}

/** Kills the edge while its commit number `at` is at the index: taken by it, or not. */
const killAt = async (at: number, taken: boolean, work: () => Promise<unknown>): Promise<void> => {
  const { constellation: { network }, party } = world
  const reached = Promise.withResolvers<void>()
  let seen = 0
  const remove = network.add({ host: 'index.test', target: /^\/v1\/commits$/, effect: { kind: 'replace',
    handle: async (request, server) => {
      if (++seen < at) return server(request)
      if (taken) await server(request)
      reached.resolve()
      return new Promise(() => undefined)
    } } })
  void work().catch(() => undefined)
  await reached.promise
  await party.kill()
  remove()
  await party.restart()
}

const expectMerged = async (): Promise<void> => {
  const [s, t] = [await world.app.get<Patient>('Patient/s'), await world.app.get<Patient>('Patient/t')]
  expect([s.body.active, s.body.link?.[0]?.type, t.body.link?.[0]?.type]).toEqual([false, 'replaced-by', 'replaces'])
  expect(await ids('Observation?patient=t')).toEqual(['os', 'ot'])
  expect((await world.app.get<Bundle>('Patient/s/_history')).body.total).toBe(2)
  expect((await world.app.get<Bundle>('Patient/t/_history')).body.total).toBe(2)
  const refused = await world.app.post('Observation', glucose('s', 2))
  expect([refused.status, issueOf(refused).code]).toEqual([422, 'business-rule'])
}
const expectApart = async (): Promise<void> => {
  for (const id of ['s', 't']) {
    const { active, link } = (await world.app.get<Patient>(`Patient/${id}`)).body
    expect([active, link]).toEqual([undefined, undefined])
    expect(await ids(`Observation?patient=${id}`)).toEqual([`o${id}`])
  }
}

describe.each([['had taken it', true], ['had not heard of it', false]])('killed while the index %s', (_, taken) => {
  test('a merge is whole after the start, and its undo too', async () => {
    await begin(`crash-${taken}`)
    await killAt(1, taken, operations.merge)
    await expectMerged()
    await killAt(1, taken, operations.unmerge)
    await expectApart()
    expect((await operations.unmerge()).status).toBe(422)
  })
})

test('killed between the two vaults, where one is shared with somebody who may write', async () => {
  await begin('crash-between')
  const { constellation, app } = world
  const other = await createIdentity('organisation', { now: constellation.now, random: constellation.random('other') })
  await constellation.client(other)
  const shared = await app.post<Parameters>('Patient/t/$scelle-share', { resourceType: 'Parameters',
    parameter: Object.entries({ with: toHex(other.id), categories: 'administrative', rights: 'read,write',
      until: new Date(constellation.now() + 3_600_000).toISOString() })
      .map(([name, valueString]) => ({ name, valueString })) })
  expect(shared.status, shared.text).toBe(200)
  await killAt(2, false, operations.merge)
  await expectMerged()
  await killAt(2, true, operations.unmerge)
  await expectApart()
})

test('two that are both shared with somebody who may write are not merged: nothing could be promised', async () => {
  await begin('crash-both')
  const { constellation, app } = world
  const other = await createIdentity('organisation', { now: constellation.now, random: constellation.random('other') })
  await constellation.client(other)
  for (const id of ['s', 't']) {
    await app.post(`Patient/${id}/$scelle-share`, { resourceType: 'Parameters', parameter: Object.entries({
      with: toHex(other.id), categories: 'administrative', rights: 'write',
      until: new Date(constellation.now() + 3_600_000).toISOString() })
      .map(([name, valueString]) => ({ name, valueString })) })
  }
  const refused = await operations.merge()
  expect([refused.status, issueOf(refused).code]).toEqual([422, 'business-rule'])
  await expectApart()
})

test('the same merge twice at once is one merge', async () => {
  await begin('twice')
  const statuses = await Promise.all([operations.merge(), operations.merge()])
  expect(statuses.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 422])
  await expectMerged()
})

test('records written while the merge goes on are in one of the two, and shown', async () => {
  await begin('meanwhile')
  const writes = Array.from({ length: 20 }, (_, at) => world.app.post('Observation', glucose('s', at)))
  const [merged, ...written] = await Promise.all([operations.merge(), ...writes])
  expect(merged.status, merged.text).toBe(200)
  const kept = written.filter(({ status }) => status === 201).map(({ body }) => body.id ?? '')
  expect(written.every(({ status }) => status === 201 || status === 422)).toBe(true)
  expect(await ids('Observation?patient=t&_count=100')).toEqual(['os', 'ot', ...kept].toSorted())
})
