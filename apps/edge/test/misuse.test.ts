/** Whatever is sent: an OperationOutcome that names the fault, no stack, no effect, never a 500. */
import type { CapabilityStatement, OperationOutcome } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Application, createWorld, issueOf, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'misuse' })
  await world.app.put('Patient/p', patient('p'))
  await world.app.put('Observation/o', { ...glucose('p', 5), id: 'o' })
})
afterAll(() => world.close())

const json = { 'content-type': 'application/fhir+json' }
const patchType = { 'content-type': 'application/json-patch+json' }
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

interface Case {
  readonly name: string
  readonly method?: string
  readonly path: string
  readonly raw?: string | Uint8Array
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code?: string
}

const CASES: readonly Case[] = [
  // types, paths, methods
  { name: 'unknown type', path: 'Nonsense', status: 400, code: 'not-supported' },
  { name: 'unknown type, by id', path: 'Nonsense/1', status: 400, code: 'not-supported' },
  { name: 'type in lower case', path: 'patient/p', status: 400, code: 'not-supported' },
  { name: 'prototype as type', path: '__proto__/1', status: 400 },
  { name: 'constructor as type', path: 'constructor', status: 400 },
  { name: 'unknown operation', path: '$graphql', method: 'POST', raw: '{}', status: 400, code: 'not-supported' },
  { name: 'unknown operation of a type', path: 'Patient/$match', method: 'POST', raw: '{}', status: 405 },
  { name: 'unknown operation of a patient', path: 'Patient/p/$nonsense', status: 400, code: 'not-supported' },
  { name: 'search across types', path: '', status: 400, code: 'not-supported' },
  { name: 'history of a type', path: 'Observation/_history', status: 403, code: 'too-costly' },
  { name: 'history of the server', path: '_history', status: 403, code: 'too-costly' },
  { name: 'too long a path', path: 'Patient/p/Observation/o/x', status: 404, code: 'not-found' },
  { name: 'double slash', path: 'Patient//p', status: 404, code: 'not-found' },
  { name: 'another compartment', path: 'Encounter/e/Observation', status: 404, code: 'not-found' },
  { name: 'wrong method', path: 'metadata', method: 'DELETE', status: 400 },
  {
    name: 'PUT of a collection without condition', path: 'Patient', method: 'PUT', raw: JSON.stringify(patient('p')),
    status: 400,
  },
  { name: 'DELETE of a whole type', path: 'Patient', method: 'DELETE', status: 400 },
  {
    name: 'POST to an instance', path: 'Patient/p', method: 'POST', raw: JSON.stringify(patient('p')), status: 405,
    code: 'not-supported',
  },
  { name: 'bad percent-encoding in the path', path: 'Patient/%zz', status: 400 },
  { name: 'encoded slash in an id', path: 'Patient/..%2f..%2fetc', status: 404 },
  { name: 'id that is none', path: 'Patient/a_b', status: 404 },
  { name: 'version that is none', path: 'Patient/p/_history/0', status: 404 },
  { name: 'huge version', path: 'Patient/p/_history/99999999999999999999', status: 404 },
  { name: 'a URL as long as a book', path: `Patient?_id=${'a'.repeat(40_000)}`, status: 413, code: 'too-long' },
  // parameters
  { name: 'unknown parameter', path: 'Observation?patient=p&nonsense=1', status: 400, code: 'not-supported' },
  { name: 'unknown modifier', path: 'Observation?patient=p&code:fuzzy=1', status: 400, code: 'not-supported' },
  { name: 'unknown prefix', path: 'Observation?patient=p&date=xx2026', status: 400, code: 'value' },
  { name: 'bad date', path: 'Observation?patient=p&date=2026-13', status: 400, code: 'value' },
  { name: 'empty value', path: 'Observation?patient=p&code=', status: 400, code: 'value' },
  { name: 'chaining across charts', path: 'Observation?subject.name=Dupont', status: 403, code: 'too-costly' },
  { name: '_include of nonsense', path: 'Observation?patient=p&_include=Observation:nonsense', status: 400 },
  { name: '_elements of nothing', path: 'Observation?patient=p&_elements=', status: 400 },
  { name: 'bad _sort', path: 'Observation?patient=p&_sort=nonsense', status: 400, code: 'not-supported' },
  { name: 'bad _count', path: 'Observation?patient=p&_count=-1', status: 400, code: 'value' },
  { name: '_count twice', path: 'Observation?patient=p&_count=1&_count=2', status: 400, code: 'value' },
  { name: 'parameters on a read', path: 'Patient/p?name=x', status: 400, code: 'not-supported' },
  {
    name: 'parameters on a create', path: 'Patient?name=x', method: 'POST', raw: JSON.stringify(patient()), status: 400,
  },
  { name: '_pretty that is neither', path: 'Patient/p?_pretty=maybe', status: 400, code: 'value' },
  { name: 'broken percent-encoding', path: 'Patient?name=%ff', status: 400 },
  {
    name: 'history with an unknown parameter', path: 'Patient/p/_history?_list=x', status: 400, code: 'not-supported',
  },
  { name: 'history since nonsense', path: 'Patient/p/_history?_since=yesterday', status: 400, code: 'value' },
  { name: 'metadata of another mode', path: 'metadata?mode=everything', status: 400, code: 'value' },
  // representation
  {
    name: 'XML wanted', path: 'Patient/p', headers: { accept: 'application/fhir+xml' }, status: 406,
    code: 'not-supported',
  },
  { name: 'JSON not wanted', path: 'Patient/p', headers: { accept: 'application/json;q=0, text/html' }, status: 406 },
  {
    name: 'another FHIR version wanted', path: 'Patient/p',
    headers: { accept: 'application/fhir+json; fhirVersion=5.0' }, status: 406,
  },
  {
    name: 'XML sent', path: 'Patient', method: 'POST', raw: '<Patient/>',
    headers: { 'content-type': 'application/fhir+xml' }, status: 415,
  },
  {
    name: 'form sent', path: 'Patient', method: 'POST', raw: 'a=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' }, status: 415,
  },
  {
    name: 'Latin-1 sent', path: 'Patient', method: 'POST', raw: '{}',
    headers: { 'content-type': 'application/json; charset=iso-8859-1' }, status: 415,
  },
  { name: 'JSON as a patch', path: 'Patient/p', method: 'PATCH', raw: '[]', headers: json, status: 415 },
  { name: 'JSON sent to _search', path: 'Patient/_search', method: 'POST', raw: '{}', headers: json, status: 415 },
  // conditions
  {
    name: 'If-Match that is no version', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient('p')),
    headers: { ...json, 'if-match': 'latest' }, status: 400,
  },
  {
    name: 'If-Match of a list', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient('p')),
    headers: { ...json, 'if-match': 'W/"1", W/"2"' }, status: 400,
  },
  {
    name: 'If-None-Match of a version on a write', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient('p')),
    headers: { ...json, 'if-none-match': 'W/"1"' }, status: 400,
  },
  {
    name: 'create-only where it exists', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient('p')),
    headers: { ...json, 'if-none-match': '*' }, status: 412,
  },
  {
    name: 'If-Modified-Since that is no date', path: 'Patient/p', headers: { 'if-modified-since': 'soon' }, status: 400,
  },
  {
    name: 'If-None-Exist without a condition', path: 'Patient', method: 'POST', raw: JSON.stringify(patient()),
    headers: { ...json, 'if-none-exist': '' }, status: 400,
  },
  {
    name: 'If-None-Exist that is not understood', path: 'Patient', method: 'POST', raw: JSON.stringify(patient()),
    headers: { ...json, 'if-none-exist': 'nonsense=1' }, status: 400,
  },
  {
    name: 'If-None-Exist across charts', path: 'Observation', method: 'POST', raw: JSON.stringify(glucose('p', 1)),
    headers: { ...json, 'if-none-exist': 'code=1' }, status: 403, code: 'too-costly',
  },
  // bodies
  { name: 'no body', path: 'Patient', method: 'POST', headers: json, status: 400 },
  { name: 'not JSON', path: 'Patient', method: 'POST', raw: '{"resourceType":', status: 400, code: 'structure' },
  {
    name: 'not UTF-8', path: 'Patient', method: 'POST', raw: new Uint8Array([0x7b, 0xff, 0x7d]), headers: json,
    status: 400,
  },
  { name: 'null', path: 'Patient', method: 'POST', raw: 'null', status: 400 },
  { name: 'a list', path: 'Patient', method: 'POST', raw: '[]', status: 400 },
  { name: 'a number', path: 'Patient', method: 'POST', raw: '7', status: 400 },
  { name: 'no resourceType', path: 'Patient', method: 'POST', raw: '{}', status: 400 },
  {
    name: 'the same member twice', path: 'Patient', method: 'POST',
    raw: '{"resourceType":"Patient","active":true,"active":false}', status: 400,
  },
  { name: 'nested too deep', path: 'Patient', method: 'POST', raw: deep(5_000), status: 400 },
  {
    name: 'unknown element', path: 'Patient', method: 'POST', raw: '{"resourceType":"Patient","nom":"x"}', status: 400,
  },
  {
    name: '__proto__ as element', path: 'Patient', method: 'POST',
    raw: '{"resourceType":"Patient","__proto__":{"id":"x"}}', status: 400,
  },
  {
    name: 'bad date in the resource', path: 'Patient', method: 'POST',
    raw: '{"resourceType":"Patient","birthDate":"1980-02-31"}', status: 400,
  },
  {
    name: 'another type than the URL', path: 'Patient', method: 'POST', raw: JSON.stringify(glucose('p', 1)),
    status: 400, code: 'value',
  },
  {
    name: 'another id than the URL', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient('q')), status: 400,
    code: 'value',
  },
  { name: 'no id in an update', path: 'Patient/p', method: 'PUT', raw: JSON.stringify(patient()), status: 400 },
  {
    name: 'id that is none, in an update', path: 'Patient/a_b', method: 'PUT', raw: JSON.stringify(patient('a_b')),
    status: 400,
  },
  {
    name: 'script in a narrative', path: 'Patient', method: 'POST',
    raw: JSON.stringify({ ...patient(),
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>' } }),
    status: 400,
  },
  // whose record it is
  {
    name: 'two patients', path: 'Task', method: 'POST',
    raw: JSON.stringify({ resourceType: 'Task', status: 'draft', intent: 'order', for: { reference: 'Patient/p' },
    focus: { reference: 'Patient/q' } }), status: 422,
  },
  {
    name: 'a patient by identifier only', path: 'Observation', method: 'POST',
    raw: JSON.stringify({ ...glucose('p', 1), subject: { identifier: { value: '1' } } }), status: 422,
  },
  {
    name: 'a group as subject', path: 'Observation', method: 'POST',
    raw: JSON.stringify({ ...glucose('p', 1), subject: { reference: 'Group/g' } }), status: 422,
  },
  {
    name: 'a urn outside a transaction', path: 'Observation', method: 'POST',
    raw: JSON.stringify({ ...glucose('p', 1),
    subject: { reference: 'urn:uuid:0b6b5f5e-7a3c-4a6e-9d8c-1f2e3d4c5b6a' } }), status: 422,
  },
  {
    name: 'a condition outside a transaction', path: 'Observation', method: 'POST',
    raw: JSON.stringify({ ...glucose('p', 1), subject: { reference: 'Patient?identifier=1' } }), status: 422,
  },
  // patches
  { name: 'a patch that is no list', path: 'Patient/p', method: 'PATCH', raw: '{}', headers: patchType, status: 400 },
  {
    name: 'an unknown patch operation', path: 'Patient/p', method: 'PATCH', raw: '[{"op":"merge","path":"/x"}]',
    headers: patchType, status: 400,
  },
  {
    name: 'a patch without a path', path: 'Patient/p', method: 'PATCH', raw: '[{"op":"remove"}]', headers: patchType,
    status: 400,
  },
  {
    name: 'a patch of everything', path: 'Patient/p', method: 'PATCH', raw: '[{"op":"replace","path":"","value":{}}]',
    headers: patchType, status: 400,
  },
  // Bundles
  {
    name: 'a Bundle of another type', path: '', method: 'POST', raw: '{"resourceType":"Bundle","type":"collection"}',
    status: 400,
  },
  { name: 'no Bundle', path: '', method: 'POST', raw: JSON.stringify(patient()), status: 400 },
  {
    name: 'a transaction whose entries are none', path: '', method: 'POST',
    raw: '{"resourceType":"Bundle","type":"transaction","entry":[null]}', status: 400,
  },
  {
    name: 'a transaction without requests', path: '', method: 'POST',
    raw: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [{ resource: patient() }] }), status: 400,
  },
  // operations
  {
    name: 'sharing with nobody', path: 'Patient/p/$scelle-share', method: 'POST', raw: '{"resourceType":"Parameters"}',
    status: 400,
  },
  {
    name: 'revoking nothing', path: '$scelle-revoke', method: 'POST',
    raw: JSON.stringify({ resourceType: 'Parameters', parameter: [{ name: 'grant', valueString: 'ab'.repeat(32) }] }),
    status: 404,
  },
  {
    name: 'the vault of nobody', path: 'Patient/nobody/$scelle-vault', method: 'POST',
    raw: '{"resourceType":"Parameters"}', status: 404,
  },
]

describe('malformed requests', () => {
  test.each(CASES)('$name: $status', async ({ method = 'GET', path, raw, headers, status, code }) => {
    const answer = await world.app.send<OperationOutcome>(method, path, {
      ...(raw === undefined ? {} : { raw }), ...(headers === undefined ? {} : { headers }),
    })
    expect(answer.status, answer.text.slice(0, 300)).toBe(status)
    expect(answer.headers.get('content-type')).toContain('application/fhir+json')
    const issue = issueOf(answer)
    expect(issue.severity).toBe('error')
    expect(issue.diagnostics?.length).toBeGreaterThan(10)
    if (code !== undefined) expect(issue.code).toBe(code)
    expect(answer.text).not.toMatch(/Dupont|Zoé|\bat \w+ \(|node_modules|\.ts:/)
  })

  test('none of them had an effect', async () => {
    expect((await world.app.search('Patient')).body.total).toBe(1)
    expect((await world.app.get('Patient/p')).headers.get('etag')).toBe('W/"1"')
    expect((await world.app.search('Observation?patient=p')).body.total).toBe(1)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('an error says where, and what R4 expects there', async () => {
    const answer = await world.app.post('Patient', { resourceType: 'Patient', birthDate: 'yesterday', gender: 'x' })
    const { issue } = answer.body as unknown as OperationOutcome
    const where = issue.flatMap(({ expression }) => expression ?? [])
    expect(new Set(where)).toEqual(new Set(['Patient.birthDate', 'Patient.gender']))
  })
})

describe('who may do what', () => {
  test('an application does only what the configuration lets it', async () => {
    const { reader, writer } = world
    expect((await reader.get('Patient/p')).status).toBe(200)
    expect((await reader.search('Observation?patient=p')).status).toBe(200)
    const batch = { resourceType: 'Bundle', type: 'batch',
      entry: [{ request: { method: 'DELETE', url: 'Patient/p' } }] }
    for (const answer of [
      await reader.put('Patient/p', patient('p')), await reader.post('Patient', patient()),
        await reader.delete('Patient/p'),
      await reader.post('', { ...batch, type: 'transaction' }),
        await reader.post('Patient/p/$scelle-vault', { resourceType: 'Parameters' }),
      await writer.get('Patient/p'), await writer.search('Patient'), await writer.get('Patient/p/_history'),
      await writer.get('Patient/p/$everything'), await writer.post('Patient', patient(), { 'if-none-exist': 'name=x' }),
      await writer.send('PATCH', 'Patient/p', { raw: '[]', headers: patchType }),
    ]) expect([answer.status, issueOf(answer).code]).toEqual([403, 'forbidden'])
    const inside = await reader.post<{ entry: { response: { status: string } }[] } & OperationOutcome>('', batch)
    expect(inside.body.entry[0]?.response.status).toBe('403')
    expect((await writer.post('Observation', glucose('p', 2))).status).toBe(201)
  })

  test('a stranger, and an unsigned request, learn nothing but that they are not enrolled', async () => {
    const stranger = new Application(await world.constellation.identity('machine'), 'http://edge.test/fhir',
      world.constellation)
    for (const path of ['Patient/p', 'metadata', 'Nonsense']) {
      const answer = await stranger.get(path)
      expect([answer.status, issueOf(answer).code]).toEqual([401, 'login'])
      const bare = await world.constellation.network.fetch(`http://edge.test/fhir/${path}`)
      expect(bare.status).toBe(401)
      expect(((await bare.json()) as OperationOutcome).resourceType).toBe('OperationOutcome')
    }
    for (const path of ['healthz',
      'readyz']) expect((await world.constellation.network.fetch(`http://edge.test/${path}`)).status).toBe(200)
  })

  test('logs hold neither content nor ids of patients', () => {
    const text = world.lines.join('')
    expect(world.lines.length).toBeGreaterThan(50)
    expect(text).not.toMatch(/Dupont|Zoé|2339-0|Patient\/p|nobody/)
  })
})

describe('metadata', () => {
  test('declares what is served', async () => {
    const { status, body } = await world.app.get('metadata')
    const statement = body as CapabilityStatement
    expect([status, statement.fhirVersion]).toEqual([200, '4.0.1'])
    const observation = statement.rest?.[0]?.resource?.find(({ type }) => type === 'Observation')
    for (const name of ['_id', '_lastUpdated', 'patient', 'code', 'date', 'category', 'status']) {
      expect(observation?.searchParam?.map((each) => each.name)).toContain(name)
    }
    expect((await world.app.post('CapabilityStatement/$validate', body)).text).toContain('valid against base R4')
    expect((await world.app.post('Patient/$validate',
      { resourceType: 'Patient', gender: 'x' })).text).toContain('Patient.gender')
  })
})
