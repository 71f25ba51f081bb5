import type { Bundle, Patient, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'interactions' })
  await world.app.put('Patient/p1', patient('p1'))
})
afterAll(() => world.close())

describe('create and read', () => {
  test('a created resource is read back as it was sent, with id, version and time', async () => {
    const { app } = world
    const created = await app.post('Patient', patient())
    expect(created.status).toBe(201)
    const { id } = created.body
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(created.headers.get('location')).toBe(`http://edge.test/fhir/Patient/${id}/_history/1`)
    expect(created.headers.get('etag')).toBe('W/"1"')
    expect(created.headers.get('content-type')).toBe('application/fhir+json; charset=utf-8')
    const read = await app.get(`Patient/${id}`)
    expect(read.status).toBe(200)
    expect(read.body).toEqual(created.body)
    const { meta, id: _, ...rest } = read.body
    expect(rest).toEqual(patient())
    expect(meta?.versionId).toBe('1')
    expect(Date.parse(meta?.lastUpdated ?? '')).toBe(world.constellation.now())
  })

  test('Prefer decides how much comes back', async () => {
    const minimal = await world.app.post('Observation', glucose('p1', 5), { prefer: 'return=minimal' })
    expect([minimal.status, minimal.text]).toEqual([201, ''])
    expect(minimal.headers.get('location')).toContain('/Observation/')
    const outcome = await world.app.post('Observation', glucose('p1', 5), { prefer: 'return=OperationOutcome' })
    expect(outcome.body.resourceType).toBe('OperationOutcome')
  })

  test('a client that has the version is not sent it again', async () => {
    const read = await world.app.get('Patient/p1')
    const etag = read.headers.get('etag') ?? ''
    const modified = read.headers.get('last-modified') ?? ''
    expect((await world.app.get('Patient/p1', { 'if-none-match': etag })).status).toBe(304)
    expect((await world.app.get('Patient/p1', { 'if-none-match': 'W/"99"' })).status).toBe(200)
    expect((await world.app.get('Patient/p1', { 'if-modified-since': modified })).status).toBe(304)
    expect((await world.app.get('Patient/p1',
      { 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).status).toBe(200)
  })

  test('HEAD says what GET says, without the body', async () => {
    const head = await world.app.send('HEAD', 'Patient/p1')
    expect([head.status, head.text]).toEqual([200, ''])
    expect(head.headers.get('etag')).toBe('W/"1"')
  })

  test('_pretty is for people, _format for clients without headers', async () => {
    expect((await world.app.get('Patient/p1?_pretty=true')).text).toContain('\n  "resourceType": "Patient"')
    expect((await world.app.get('Patient/p1?_format=application/fhir+json', { accept: 'text/html' })).status).toBe(200)
    expect((await world.app.get('Patient/p1?_format=xml')).status).toBe(406)
  })
})

describe('decimals', () => {
  test('keep the digits they were sent with: 5.0 was measured to a tenth, 5 was not', async () => {
    const { app } = world
    const withValue = (value: string, id?: string): string =>
      JSON.stringify({ ...glucose('p1', 77), ...(id === undefined ? {} : { id }) }).replace(':77,', `:${value},`)
    for (const value of ['5.0', '0.10', '1e3', '100.00', '-0.50', '1.2345678901234567890', '5']) {
      const created = await app.send('POST', 'Observation', { raw: withValue(value) })
      expect(created.status).toBe(201)
      expect(created.text).toContain(`"value":${value},`)
      expect((await app.get(`Observation/${created.body.id}`)).text).toContain(`"value":${value},`)
    }
    const entry = `{"resource":${withValue('7.50', 'tx')},"request":{"method":"PUT","url":"Observation/tx"}}`
    await app.send('POST', '', { raw: `{"resourceType":"Bundle","type":"transaction","entry":[${entry}]}` })
    await app.send('PATCH', 'Observation/tx', {
      raw: '[{"op":"replace","path":"/status","value":"amended"}]',
        headers: { 'content-type': 'application/json-patch+json' },
    })
    const read = await app.get('Observation/tx')
    expect([read.headers.get('etag'), read.text.includes('"value":7.50,')]).toEqual(['W/"2"', true])
    expect((await app.send('PUT', 'Observation/tx', { raw: withValue('7.5', 'tx') })).headers.get('etag')).toBe('W/"3"')
  })

  test('a number as long as a book costs no more than its length', async () => {
    const started = performance.now()
    const raw = `{"resourceType":"Observation","valueInteger":${'1'.repeat(2_000_000)}}`
    expect((await world.app.send('POST', 'Observation', { raw })).status).toBe(400)
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

describe('update', () => {
  test('the client\'s id is kept, versions count up, the same content writes nothing', async () => {
    const { app } = world
    const first = await app.put('Patient/u1', patient('u1'))
    expect(first.status).toBe(201)
    const changed = { ...patient('u1'), gender: 'female' }
    const second = await app.put<Patient>('Patient/u1', changed)
    expect([second.status, second.headers.get('etag')]).toEqual([200, 'W/"2"'])
    const again = await app.put<Patient>('Patient/u1', changed)
    expect([again.status, again.headers.get('etag')]).toEqual([200, 'W/"2"'])
    expect(again.body).toEqual(second.body)
    expect((await app.get('Patient/u1')).body).toEqual(second.body)
    expect((await app.get<Bundle>('Patient/u1/_history')).body.total).toBe(2)
  })

  test('If-Match holds, and of parallel writers exactly one wins', async () => {
    const { app } = world
    await app.put('Observation/race', { ...glucose('p1', 1), id: 'race' })
    const results = await Promise.all(Array.from({ length: 12 }, (_, value) =>
      app.put('Observation/race', { ...glucose('p1', 100 + value), id: 'race' }, { 'if-match': 'W/"1"' })))
    expect(results.filter(({ status }) => status === 200).length).toBe(1)
    const lost = results.filter(({ status }) => status === 412)
    expect(lost.length).toBe(11)
    expect(issueOf(lost[0] as never).code).toBe('conflict')
    expect((await app.get('Observation/race')).headers.get('etag')).toBe('W/"2"')
    expect((await app.put('Observation/nobody', { ...glucose('p1', 1), id: 'nobody' },
      { 'if-match': 'W/"1"' })).status).toBe(412)
  })

  test('without If-Match parallel writers follow one another', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, value) =>
      world.app.put('Observation/queue', { ...glucose('p1', value), id: 'queue' })))
    expect(new Set(results.map(({ headers }) => headers.get('etag'))))
      .toEqual(new Set(Array.from({ length: 8 }, (_, place) => `W/"${place + 1}"`)))
  })

  test('a resource stays with its patient', async () => {
    await world.app.put('Patient/p2', patient('p2'))
    await world.app.put('Observation/stays', { ...glucose('p1', 1), id: 'stays' })
    const moved = await world.app.put('Observation/stays', { ...glucose('p2', 1), id: 'stays' })
    expect([moved.status, issueOf(moved).code]).toEqual([422, 'business-rule'])
  })

  test('a change of category leaves one current version', async () => {
    const { app } = world
    await app.put('Observation/moves', { ...glucose('p1', 4), id: 'moves' })
    const noted = await app.put('Observation/moves', { ...glucose('p1', 4), id: 'moves', note: [{ text: 'à jeun' }] })
    expect(noted.headers.get('etag')).toBe('W/"2"')
    expect((await app.get('Observation/moves')).body).toEqual(noted.body)
    await world.party.restart()
    expect((await app.get('Observation/moves')).body).toEqual(noted.body)
    expect((await app.get<Bundle>('Observation/moves/_history')).body.total).toBe(2)
  })
})

describe('patch', () => {
  test('JSON Patch applies whole or not at all', async () => {
    const { app } = world
    await app.put('Patient/pa', patient('pa'))
    const patch = (operations: unknown, headers = {}) => app.send<Patient>('PATCH', 'Patient/pa', {
      body: operations, headers: { 'content-type': 'application/json-patch+json', ...headers },
    })
    const done = await patch([
      { op: 'test', path: '/birthDate', value: '1980-02-03' },
      { op: 'replace', path: '/name/0/given/0', value: 'Chloé' },
      { op: 'add', path: '/gender', value: 'female' },
    ])
    expect(done.status).toBe(200)
    expect([done.body.name?.[0]?.given?.[0], done.body.gender]).toEqual(['Chloé', 'female'])
    expect((await patch([{ op: 'test', path: '/gender', value: 'male' },
      { op: 'remove', path: '/gender' }])).status).toBe(422)
    expect((await patch([{ op: 'add', path: '/gender', value: 'unheard of' }])).status).toBe(400)
    expect((await patch([{ op: 'replace', path: '/id', value: 'other' }])).status).toBe(400)
    expect((await patch([{ op: 'replace', path: '/nothing', value: 1 }])).status).toBe(400)
    expect((await patch([{ op: 'add', path: '/__proto__/polluted', value: 1 }])).status).toBe(400)
    expect((await patch([{ op: 'remove', path: '/gender' }], { 'if-match': 'W/"1"' })).status).toBe(412)
    expect((await app.get('Patient/pa')).body).toEqual(done.body)
    expect((await app.send('PATCH', 'Patient/none',
      { body: [], headers: { 'content-type': 'application/json-patch+json' } })).status).toBe(404)
  })

  test('parallel patches are all kept', async () => {
    await world.app.put('Patient/pp', patient('pp'))
    await world.app.send('PATCH', 'Patient/pp', {
      body: [{ op: 'add', path: '/telecom', value: [{ system: 'phone', value: '0' }] }],
        headers: { 'content-type': 'application/json-patch+json' },
    })
    await Promise.all(Array.from({ length: 6 }, (_, place) => world.app.send('PATCH', 'Patient/pp', {
      body: [{ op: 'add', path: '/telecom/-', value: { system: 'phone', value: String(place + 1) } }],
      headers: { 'content-type': 'application/json-patch+json' },
    })))
    expect((await world.app.get<Patient>('Patient/pp')).body.telecom?.length).toBe(7)
  })
})

describe('delete and history', () => {
  test('a deleted resource is gone, its history stays, and it can come back', async () => {
    const { app } = world
    await app.put('Observation/d1', { ...glucose('p1', 1), id: 'd1' })
    await app.put('Observation/d1', { ...glucose('p1', 2), id: 'd1' })
    expect((await app.delete('Observation/d1')).status).toBe(204)
    expect((await app.delete('Observation/d1')).status).toBe(204)
    const gone = await app.get('Observation/d1')
    expect([gone.status, issueOf(gone).code]).toEqual([410, 'deleted'])
    expect((await app.get('Observation/d1/_history/3')).status).toBe(410)
    const old = await app.get<{ valueQuantity: { value: number } } & Resource>('Observation/d1/_history/1')
    expect([old.status, old.body.valueQuantity.value]).toEqual([200, 1])
    const history = (await app.get<Bundle>('Observation/d1/_history')).body
    expect(history.type).toBe('history')
    expect(history.entry?.map(({ request }) => request?.method)).toEqual(['DELETE', 'PUT', 'POST'])
    expect(history.entry?.[0]?.resource).toBeUndefined()
    expect((await app.put('Observation/d1', { ...glucose('p1', 9), id: 'd1' })).headers.get('etag')).toBe('W/"4"')
    expect((await app.search('Observation?patient=p1&_id=d1')).body.total).toBe(1)
  })

  test('history pages, and survives a restart', async () => {
    const { app } = world
    for (let value = 1; value <= 5; value++) await app.put('Observation/h', { ...glucose('p1', value), id: 'h' })
    await app.delete('Observation/h')
    await world.party.restart()
    const first = (await app.get<Bundle>('Observation/h/_history?_count=4')).body
    expect([first.total, first.entry?.length]).toEqual([6, 4])
    const next = first.link?.find(({ relation }) => relation === 'next')?.url ?? ''
    const second = (await app.get<Bundle>(next)).body
    expect(second.entry?.map(({ resource }) => resource?.meta?.versionId)).toEqual(['2', '1'])
    expect((await app.get('Observation/h/_history/1')).status).toBe(200)
    expect((await app.get('Observation/h')).status).toBe(410)
  })
})

describe('conditional interactions', () => {
  const identified = (value: string) => ({ ...patient(), identifier: [{ system: 'urn:test', value }] })

  test('If-None-Exist creates once, however many ask at once', async () => {
    const { app } = world
    const results = await Promise.all(Array.from({ length: 8 }, () =>
      app.post('Patient', identified('once'), { 'if-none-exist': 'identifier=urn:test|once' })))
    expect(results.filter(({ status }) => status === 201).length).toBe(1)
    expect(results.filter(({ status }) => status === 200).length).toBe(7)
    expect(new Set(results.map(({ body }) => body.id)).size).toBe(1)
  })

  test('conditional update, patch and delete act on one match, or on none', async () => {
    const { app } = world
    const made = await app.put<Patient>('Patient?identifier=urn:test|cu', identified('cu'))
    expect(made.status).toBe(201)
    const again = await app.put<Patient>('Patient?identifier=urn:test|cu', { ...identified('cu'), gender: 'other' })
    expect([again.status, again.body.id]).toEqual([200, made.body.id])
    expect((await app.put('Patient?identifier=urn:test|cu', { ...identified('cu'), id: 'else' })).status).toBe(400)
    const patched = await app.send<Patient>('PATCH', 'Patient?identifier=urn:test|cu', {
      body: [{ op: 'remove', path: '/gender' }], headers: { 'content-type': 'application/json-patch+json' },
    })
    expect([patched.status, patched.body.gender]).toEqual([200, undefined])
    await app.post('Patient', identified('cu'))
    for (const method of ['PUT', 'DELETE']) {
      const many = await app.send(method, 'Patient?identifier=urn:test|cu', method === 'PUT'
        ? { body: identified('cu') } : {})
      expect([many.status, issueOf(many).code]).toEqual([412, 'multiple-matches'])
    }
    await app.delete(`Patient/${made.body.id}`)
    expect((await app.delete('Patient?identifier=urn:test|cu')).status).toBe(204)
    expect((await app.search('Patient?identifier=urn:test|cu')).body.total).toBe(0)
    expect((await app.delete('Patient?identifier=urn:test|cu')).status).toBe(204)
  })
})
