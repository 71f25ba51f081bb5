import type { Bundle } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type Reply, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'search' })
  const { app } = world
  for (const id of ['a', 'b']) await app.put(`Patient/${id}`,
    { ...patient(id), name: [{ family: id === 'a' ? 'Dupont' : 'Martin' }] })
  const entry = Array.from({ length: 25 }, (_, place) => {
    const id = `o${String(place).padStart(2, '0')}`
    const resource = {
      ...glucose('a', place), id, effectiveDateTime: `2026-01-${String(place + 1).padStart(2, '0')}`,
      status: place % 5 === 0 ? 'amended' as const : 'final' as const,
    }
    return { resource, request: { method: 'PUT' as const, url: `Observation/${id}` } }
  })
  await app.post('', { resourceType: 'Bundle', type: 'transaction', entry })
  await app.put('Observation/ob', { ...glucose('b', 1), id: 'ob' })
  await app.put('Organization/h', { resourceType: 'Organization', id: 'h', name: 'Hôpital' })
})
afterAll(() => world.close())

const total = async (query: string): Promise<number | string> => {
  const { status, body } = await world.app.search(query)
  return status === 200 ? body.total ?? -1 : `${status} ${issueOf({ body } as never).code}`
}
const idsOf = (bundle: Bundle): string[] => (bundle.entry ?? []).map(({ resource }) => resource?.id ?? '')
const link = (bundle: Bundle, relation: string): string =>
  bundle.link?.find((each) => each.relation === relation)?.url ?? ''

describe('what a search finds', () => {
  test.each([
    ['Observation?patient=a', 25],
    ['Observation?patient=Patient/a&code=2339-0', 25],
    ['Observation?subject=Patient/a&code=http://loinc.org|2339-0', 25],
    ['Observation?subject:Patient=a', 25],
    ['Observation?patient=http://edge.test/fhir/Patient/a', 25],
    ['Observation?patient=a&code=718-7', 0],
    ['Observation?patient=a&status=amended', 5],
    ['Observation?patient=a&status:not=amended', 20],
    ['Observation?patient=a&category=laboratory', 25],
    ['Observation?patient=a&date=ge2026-01-21', 5],
    ['Observation?patient=a&date=ge2026-01-03&date=lt2026-01-06', 3],
    ['Observation?patient=a&_lastUpdated=gt2020-01-01', 25],
    ['Observation?patient=a&_lastUpdated=lt2020-01-01', 0],
    ['Observation?patient=a&_id=o01,o02,ob', 2],
    ['Observation?_id=o01,o02', 2],
    ['Observation?_id=o01,ob', '403 too-costly'],
    ['Observation?_id=nowhere', 0],
    ['Patient/a/Observation?code=2339-0', 25],
    ['Patient/b/Observation', 1],
    ['Patient?family=dup', 1],
    ['Patient?name=MARTIN', 1],
    ['Patient', 2],
    ['Patient?_id=a', 1],
    ['Organization?name=hop', 1],
    ['Observation?patient:missing=true', 0],
    ['Observation?patient=a&_summary=count', 25],
    ['Observation?patient=a&_count=0', 25],
    // What would need closed charts is refused whole, never answered in part.
    ['Observation', '403 too-costly'],
    ['Observation?code=2339-0', '403 too-costly'],
    ['Observation?patient=a,b', '403 too-costly'],
    ['Observation?patient=a&patient=b', '403 too-costly'],
    ['Observation?performer=Patient/a', '403 too-costly'],
    ['AllergyIntolerance', '403 too-costly'],
    // These are in a patient's chart because of what they speak of: they need not name the patient.
    ['Provenance?patient:missing=true', '403 too-costly'],
    ['AuditEvent?patient:missing=true', '403 too-costly'],
    ['Task?patient:missing=true', '403 too-costly'],
    ['Task?subject:missing=true', '403 too-costly'],
    // Nothing is known of a patient who is not here: an empty list would read as "no allergy".
    ['AllergyIntolerance?patient=nobody', '404 not-found'],
    ['Patient/nobody/AllergyIntolerance', '404 not-found'],
  ])('%s → %s', async (query, expected) => {
    expect(await total(query)).toBe(expected)
  })

  test('POST _search takes the same in its body', async () => {
    const answer = await world.app.send<Bundle>('POST', 'Observation/_search?patient=a', {
      raw: 'status=amended&_count=2', headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect([answer.status, answer.body.total, answer.body.entry?.length]).toEqual([200, 5, 2])
  })

  test('_sort orders, both ways', async () => {
    const newest = await world.app.search('Observation?patient=a&_sort=-date&_count=3')
    expect(idsOf(newest.body)).toEqual(['o24', 'o23', 'o22'])
    const oldest = await world.app.search('Observation?patient=a&_sort=date&_count=3')
    expect(idsOf(oldest.body)).toEqual(['o00', 'o01', 'o02'])
  })

  test('matches say where they are', async () => {
    const { body } = await world.app.search('Observation?patient=a&_count=1')
    expect(body.entry?.[0]?.fullUrl).toBe('http://edge.test/fhir/Observation/o00')
    expect(body.entry?.[0]?.search?.mode).toBe('match')
  })
})

describe('pages', () => {
  test('go forward and back, and hold together while others write', async () => {
    const { app } = world
    const first = (await app.search('Observation?patient=a&_sort=-date&_count=10')).body
    expect(link(first, 'self')).toBe('http://edge.test/fhir/Observation?patient=a&_sort=-date&_count=10')
    expect(link(first, 'previous')).toBe('')
    await app.put('Observation/new', { ...glucose('a', 99), id: 'new', effectiveDateTime: '2026-01-24T12:00:00Z' })
    await app.delete('Observation/o12')
    await app.put('Observation/o11', { ...glucose('a', 77), id: 'o11', effectiveDateTime: '2026-02-01' })
    const second = (await app.search(link(first, 'next'))).body
    const third = (await app.search(link(second, 'next'))).body
    const all = [first, second, third].flatMap(idsOf)
    expect(all).toEqual(Array.from({ length: 25 }, (_, place) => `o${String(24 - place).padStart(2, '0')}`))
    expect(link(third, 'next')).toBe('')
    expect(idsOf((await app.search(link(third, 'previous'))).body)).toEqual(idsOf(second))
    expect(idsOf((await app.search(link(third, 'first'))).body)).toEqual(idsOf(first))
    expect(idsOf((await app.search(link(first, 'last'))).body)).toEqual(idsOf(third))
    expect(await total('Observation?patient=a')).toBe(25)
    expect(await total('Observation?patient=a&date=2026-02-01')).toBe(1)
  })

  test('a cursor is opaque, and good for the application that got it alone', async () => {
    const { body } = await world.app.search('Observation?patient=a&_count=5')
    const next = link(body, 'next')
    const cursor = new URL(next).searchParams.get('_cursor') ?? ''
    expect(next).not.toContain('patient')
    expect(Buffer.from(cursor, 'base64url').toString('latin1')).not.toMatch(/patient|Observation|o0/)
    const flipped = cursor.slice(0, 40) + (cursor[40] === 'A' ? 'B' : 'A') + cursor.slice(41)
    for (const [who, url] of [
      [world.reader, next],
      [world.app, next.replace(cursor, flipped)],
      [world.app, next.replace(cursor, cursor.slice(0, -4))],
      [world.app, next.replace('Observation', 'Condition')],
      [world.app, next.replace('/Observation', '/Patient/b/Observation')],
      [world.app, `${next}&patient=b`],
      [world.app, next.replace(cursor, `${cursor}==`)],
      [world.app, next.replace(cursor, '')],
      [world.app, next.replace(cursor, 'A'.repeat(13_000))],
    ] as const) {
      const answer = await who.get(url)
      expect([url === next ? 'other principal' : 'tampered', answer.status]).toEqual([url === next
        ? 'other principal' : 'tampered', 400])
      expect(issueOf(answer).expression).toEqual(['_cursor'])
    }
    expect((await world.app.get(next)).status).toBe(200)
  })

  test('a search of many ids has pages too; one that is too long for a link is refused, and not cut off', async () => {
    const ask = (count: number, size: number): Promise<Reply<Bundle>> => {
      const others = Array.from({ length: count }, (_, at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`)
      return world.app.send<Bundle>('POST', 'Observation/_search', {
        raw: `patient=a&_count=${size}&_id=${['o01', 'o02', 'o03', ...others].join(',')}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    }
    const first = (await ask(200, 2)).body
    expect(idsOf((await world.app.search(link(first, 'next'))).body)).toEqual(['o03'])
    const refused = await ask(400, 2)
    expect([refused.status, issueOf(refused).diagnostics]).toEqual([413, expect.stringContaining('_count')])
    expect((await ask(400, 3)).body.total).toBe(3)
  })

  test('a cursor ends with its time, and with its chart', async () => {
    const { app, constellation } = world
    const next = link((await app.search('Observation?patient=a&_count=5')).body, 'next')
    await world.party.restart()
    expect((await app.get(next)).status).toBe(410)
    const other = link((await app.search('Observation?patient=a&_count=5')).body, 'next')
    await constellation.clock.advance(11 * 60_000)
    const late = await app.get(other)
    expect([late.status, issueOf(late).code]).toEqual([410, 'expired'])
  })
})

describe('$everything', () => {
  test('is the whole chart, the Patient first, in pages', async () => {
    const { app } = world
    const whole = (await app.get<Bundle>('Patient/a/$everything')).body
    expect(whole.type).toBe('searchset')
    expect(whole.entry?.[0]?.resource?.resourceType).toBe('Patient')
    expect(whole.total).toBe(26)
    const first = (await app.get<Bundle>('Patient/a/$everything?_count=20')).body
    const second = (await app.get<Bundle>(link(first, 'next'))).body
    expect([...idsOf(first), ...idsOf(second)]).toEqual(idsOf(whole))
    expect((await app.get<Bundle>('Patient/a/$everything?_type=Patient')).body.total).toBe(1)
    expect((await app.get<Bundle>('Patient/a/$everything?_since=2999-01-01T00:00:00Z')).body.total).toBe(0)
    expect((await app.get('Patient/nobody/$everything')).status).toBe(404)
    expect((await app.get('Patient/a/$everything?start=2020')).status).toBe(400)
    expect((await app.get('Patient/a/$everything?_count=x')).status).toBe(400)
  })
})
