/** `$scelle-card`: what an edge gives its patient to carry, and how an opening of it comes back to it. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { openCardOffline, toHex } from '@scelle/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const DAY = 86_400_000
let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'card' })
  const { app } = world
  const subject = { reference: 'Patient/p' }
  await app.put('Patient/p', patient('p'))
  await app.put('Observation/o', { ...glucose('p', 5), id: 'o' })
  for (const [id, note] of [['a', []], ['n', [{ text: 'elle en a honte' }]]] as const) {
    await app.put(`AllergyIntolerance/${id}`, {
      resourceType: 'AllergyIntolerance', id, patient: subject, code: { text: `Allergie ${id}` },
      clinicalStatus: { coding: [{
        system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active',
      }] },
      ...(note.length === 0 ? {} : { note }),
    })
  }
})
afterAll(() => world.close())

const make = (until: string | undefined, app = world.app): Promise<Reply<Parameters>> =>
  app.post<Parameters>('Patient/p/$scelle-card', {
    resourceType: 'Parameters', parameter: until === undefined ? undefined : [{ name: 'until', valueInstant: until }],
  })
const inDays = (days: number): string => new Date(world.constellation.now() + days * DAY).toISOString()
const cardIn = ({ body }: Reply<Parameters>): Uint8Array =>
  new Uint8Array(Buffer.from(body.parameter?.find(({ name }) => name === 'card')?.valueBase64Binary ?? '', 'base64'))

test('a card holds the summary without its strict part, and opens at a site; the way in is given once', async () => {
  const { constellation } = world
  const first = await make(inDays(30))
  expect(first.status, first.text).toBe(200)
  expect(first.body.parameter?.filter(({ name }) => name === 'grant')).toHaveLength(1)
  const again = await make(inDays(29))
  expect(again.body.parameter?.map(({ name }) => name)).toEqual(['card'])
  const notes: Uint8Array[] = []
  const opened = await openCardOffline({
    card: cardIn(first), site: constellation.emergency, reader: await constellation.identity('person'),
    reason: 'inconscient', context: { now: constellation.now, random: constellation.random('offline') },
    keep: async (note) => {
      notes.push(note)
    },
  })
  expect(opened).toMatchObject({ mode: 'custody', issuer: toHex(world.party.id) })
  const bundle = JSON.parse(new TextDecoder().decode(opened.summary)) as Bundle
  expect(bundle.entry?.map(({ resource }) => resource?.id)).toEqual(expect.arrayContaining(['p', 'a', 'o']))
  expect(JSON.stringify(bundle)).not.toContain('honte')
  expect(notes).toHaveLength(1)
})

test('who may only read, or asks for more than a year, gets none', async () => {
  expect((await make(inDays(1), world.reader)).status).toBe(403)
  for (const until of [inDays(-1), inDays(367)]) {
    const refused = await make(until)
    expect([refused.status, issueOf(refused).expression]).toEqual([400, ['until']])
  }
  expect((await make('tomorrow')).status).toBe(400)
  expect((await make(undefined)).status).toBe(200)
  expect((await world.app.post('Patient/nobody/$scelle-card', { resourceType: 'Parameters' })).status).toBe(404)
})
