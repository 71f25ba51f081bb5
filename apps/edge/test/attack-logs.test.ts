/** What the servers log under real and hostile requests: no patient, no address with an id, no value asked for. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Parameters } from '@medplum/fhirtypes'
import { CANARY, Grammar } from './fuzz-grammar.ts'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const ID = 'xanthippe-1234'
let world: World
const parties: string[] = []
beforeAll(async () => {
  world = await createWorld({
    seed: 'attack logs', log: (party, event) => parties.push(`${party} ${JSON.stringify(event)}`),
  })
})
afterAll(() => world.close())

test('no line of edge, index or trustee tells of whom or what it was about', async () => {
  const { app } = world
  await app.put(`Patient/${ID}`, { ...patient(ID), identifier: [{ system: 'urn:oid:1.2.250', value: CANARY }] })
  await app.put(`Observation/${ID}-o`, { ...glucose(ID, 5), id: `${ID}-o`, note: [{ text: CANARY }] })
  const told = await app.post<Parameters>(`Patient/${ID}/$scelle-vault`, { resourceType: 'Parameters' })
  const vault = told.body.parameter?.[0]?.valueString ?? ''
  await world.party.restart()
  for (const path of [
    `Patient/${ID}`, `Observation?patient=${ID}&code=2339-0`, `Patient?identifier=urn:oid:1.2.250%7C${CANARY}`,
    `Patient/${ID}/$everything`, `Observation/${ID}-o/_history`, `Patient/${CANARY}`, `Patient?${CANARY}=${CANARY}`,
    `Observation/${ID}-o/_history/${CANARY}`, `${CANARY}/${CANARY}`, `Patient/%zz${CANARY}`,
  ]) await app.get(path)
  const grammar = new Grammar('logs')
  for (let count = 0; count < 300; count++) {
    const { method, path, headers, raw } = grammar.request()
    await app.send(method, path, { headers, ...(raw === undefined ? {} : { raw }) })
  }
  for (const path of [`/fhir/Patient/${ID}`, `/v1/${CANARY}`, `/%zz${CANARY}`]) {
    await world.constellation.network.fetch(`http://edge.test${path}`)
  }
  // What the edge depends on fails: errors of other layers pass through here.
  world.constellation.network.down(world.constellation.index.host)
  await world.patiently(app.put(`Observation/${ID}-o`, { ...glucose(ID, 6), id: `${ID}-o` }))
  world.constellation.network.up(world.constellation.index.host)
  const lines = [...world.lines, ...parties]
  expect(lines.some((line) => line.includes('index-unreachable'))).toBe(true)
  expect([parties.some((line) => line.startsWith('index')), parties.some((line) => line.startsWith('trustee'))])
    .toEqual([true, true])
  expect(vault).toMatch(/^[0-9a-f]{64}$/)
  const words = [ID, CANARY, 'Dupont', 'Zoé', '2339-0', 'mmol', '1980-02-03', vault, vault.slice(0, 16),
    Buffer.from(vault, 'hex').toString('base64'), Buffer.from(vault, 'hex').toString('base64url'), 'OperationOutcome']
  for (const word of words) expect(lines.filter((line) => line.includes(word)), word).toEqual([])
})
