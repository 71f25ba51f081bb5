/** History of a type, of one resource at a time, and what is refused because it would need closed charts. */
import type { Bundle, CapabilityStatement } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
const times: string[] = []
beforeAll(async () => {
  world = await createWorld({ seed: 'history' })
  const { app, constellation } = world
  const organisation = (id: string, name: string) => app.put(`Organization/${id}`, { resourceType: 'Organization', id,
    name })
  const pause = async (): Promise<void> => {
    await constellation.clock.advance(30_000)
    times.push(new Date(constellation.now()).toISOString())
    await constellation.clock.advance(30_000)
  }
  await app.put('Patient/p', patient('p'))
  await organisation('one', 'A')
  await pause()
  await organisation('one', 'B')
  await organisation('two', 'A')
  await pause()
  await app.delete('Organization/one')
  await app.put('Practitioner/x', { resourceType: 'Practitioner', id: 'x' })
  await app.put('Observation/o', { ...glucose('p', 1), id: 'o' })
  await pause()
  await app.put('Observation/o', { ...glucose('p', 2), id: 'o' })
})
afterAll(() => world.close())

const told = async (path: string): Promise<string[]> => {
  const { body, status, text } = await world.app.get<Bundle>(path)
  expect(status, text).toBe(200)
  expect(body.type).toBe('history')
  return (body.entry ?? []).map(({ request, response, fullUrl }) =>
    `${request?.method} ${fullUrl?.split('/fhir/')[1]} ${response?.etag}`)
}

describe('the history of a type', () => {
  test('holds every version of every resource, newest first, deletions too', async () => {
    expect(await told('Organization/_history')).toEqual([
      'DELETE Organization/one W/"3"', 'PUT Organization/one W/"2"', 'POST Organization/two W/"1"',
      'POST Organization/one W/"1"',
    ])
    expect(await told('Location/_history')).toEqual([])
  })

  test('since a time, and as of one', async () => {
    expect(await told(`Organization/_history?_since=${times[1]}`)).toEqual(['DELETE Organization/one W/"3"'])
    expect(await told(`Organization/_history?_at=${times[1]}`))
      .toEqual(['PUT Organization/one W/"2"', 'POST Organization/two W/"1"'])
    expect(await told(`Organization/_history?_at=${times[0]?.slice(0, 4)}`)).toHaveLength(4)
    expect(await told('Organization/_history?_at=1999')).toEqual([])
    expect(await told(`Observation/o/_history?_at=${times[2]}`)).toEqual(['POST Observation/o W/"1"'])
  })

  test('comes in pages that do not shift while others write', async () => {
    const first = (await world.app.get<Bundle>('Organization/_history?_count=3')).body
    expect([first.total, first.entry?.length]).toEqual([4, 3])
    await world.app.put('Organization/three', { resourceType: 'Organization', id: 'three', name: 'C' })
    const next = first.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    expect(await told(next)).toEqual(['POST Organization/one W/"1"'])
    const stolen = await world.reader.get(next)
    expect([stolen.status, issueOf(stolen).code]).toEqual([400, 'value'])
  })

  test.each(['Observation/_history', 'Patient/_history', '_history', 'Bundle/_history?_count=1'])(
    '%s is refused: it would be half an answer', async (path) => {
      const refused = await world.app.get(path)
      expect([refused.status, issueOf(refused).code]).toEqual([403, 'too-costly'])
    })

  test.each(['Organization/_history?_at=yesterday', 'Organization/_history?_list=x', 'Organization/_history?_count=0'])(
    '%s is refused', async (path) => {
      expect((await world.app.get(path)).status).toBe(400)
    })

  test('is declared where it is served', async () => {
    const { body } = await world.app.get<CapabilityStatement>('metadata')
    const served = (type: string): boolean => body.rest?.[0]?.resource?.find((each) => each.type === type)
      ?.interaction?.some(({ code }) => code === 'history-type') ?? false
    expect([served('Organization'), served('Observation'), served('Patient')]).toEqual([true, false, false])
    expect((await world.writer.get('Organization/_history')).status).toBe(403)
  })

  test('a whole chart since a time is $everything\'s', async () => {
    const { body } = await world.app.get<Bundle>(`Patient/p/$everything?_since=${times[2]}`)
    expect(body.entry?.map(({ resource }) => resource?.id)).toEqual(['o'])
  })
})
