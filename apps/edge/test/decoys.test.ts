/** Decoys at the edge: nobody in care comes across one; whoever opens one by its id is locked. */
import type { Bundle, Parameters } from '@medplum/fhirtypes'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWorld, issueOf, loggedIn, type World } from './harness.ts'

let world: World
beforeEach(async () => {
  world = await createWorld({
    seed: 'decoys', registered: { role: 'hospital' }, basis: 'consent',
    staff: { martin: { role: 'gp' }, thief: { role: 'gp' } },
  })
  for (const [id, family] of [['real', 'Lefèvre'], ['honey', 'Lefebvre']] as const) {
    await world.app.put(`Patient/${id}`, {
      resourceType: 'Patient', id, name: [{ family }], identifier: [{ system: 'urn:oid:1.2.3', value: id }],
      birthDate: '1970-01-01',
    })
    await world.app.put(`Condition/${id}`, {
      resourceType: 'Condition', id, subject: { reference: `Patient/${id}` },
    })
  }
  const martin = await loggedIn(world, 'martin', 'before')
  const { status } = await martin.post('Patient/honey/$scelle-decoy', undefined)
  if (status !== 204) throw new Error(`no decoy: ${status}`)
})
afterEach(() => world.close())

const names = (bundle: Bundle): (string | undefined)[] => (bundle.entry ?? []).map(({ resource }) => resource?.id)

test('no list, no search by name or number, no duplicate, no number knows it, before and after a restart', async () => {
  const look = async (): Promise<unknown[]> => {
    const searches = ['Patient', 'Patient?name=Lefebvre', 'Patient?family:contains=ef', 'Patient?birthdate=1970-01-01',
      'Patient?identifier=urn:oid:1.2.3|honey', 'Patient?_has:Condition:subject:_id=honey']
    const found = await Promise.all(searches.map(async (each) => names((await world.app.search(each)).body)))
    const { body } = await world.app.get<Parameters>('$scelle-duplicates')
    return [...found, JSON.stringify(body).includes('honey'), world.edge().figures().patients]
  }
  const expected = [['real'], [], ['real'], ['real'], [], [], false, 1]
  expect(await look()).toEqual(expected)
  await world.party.kill()
  await world.party.restart()
  expect(await look()).toEqual(expected)
  const { status } = await world.app.put('Patient/honey', {
    resourceType: 'Patient', id: 'honey', name: [{ family: 'Lefebvre' }], birthDate: '1970-01-01',
  })
  expect(status, 'it is written on, so that it looks alive').toBe(200)
  expect(await look()).toEqual(expected)
  await world.party.kill()
  await world.party.restart()
  expect(await look(), 'nor does the directory, read anew').toEqual(expected)
})

test('whoever opens it is locked with one touch, and nobody else', async () => {
  const [thief, martin] = [await loggedIn(world, 'thief'), await loggedIn(world, 'martin')]
  expect((await thief.get('Condition/real')).status).toBe(200)
  const touched = await thief.get('Condition/honey')
  expect([touched.status, issueOf(touched).details?.coding?.[0]?.code]).toEqual([403, 'locked'])
  await world.constellation.clock.advance(20_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await thief.get('Condition/real')).status, 'what was open is closed').toBe(401)
  expect((await martin.get('Condition/real')).status).toBe(200)
})

test('only what the house keeps itself', async () => {
  const martin = await loggedIn(world, 'martin')
  expect((await martin.post('Patient/nobody/$scelle-decoy', undefined)).status).toBe(404)
  expect((await world.reader.post('Patient/real/$scelle-decoy', undefined)).status).toBe(403)
})
