import type { Parameters } from '@medplum/fhirtypes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './harness.ts'
import { patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'review' })
})
afterAll(() => world.close())

const review = async () => (await world.app.get<Parameters>('$unclassified')).body.parameter ?? []

test('what no rule fits is counted and listed until it is gone or has a rule', async () => {
  const { app } = world
  await app.put('Patient/p', patient('p'))
  expect(await review()).toEqual([{ name: 'total', valueInteger: 0 }])
  const basic = { resourceType: 'Basic', id: 'b', subject: { reference: 'Patient/p' },
    code: { coding: [{ system: 'urn:x', code: 'y' }] } }
  expect((await app.put('Basic/b', basic)).status).toBe(201)
  expect(await review()).toEqual([
    { name: 'total', valueInteger: 1 }, { name: 'resource', valueReference: { reference: 'Basic/b' } },
  ])
  expect(world.edge().figures().unclassified).toBe(1)
  await world.party.restart()
  expect((await review()).length).toBe(2)
  await app.delete('Basic/b')
  expect(await review()).toEqual([{ name: 'total', valueInteger: 0 }])
})
