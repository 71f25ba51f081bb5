import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isLocalHost, tokenDigest, verdictOn } from '../src/connect/door.ts'
import { isOctets, mayBeOctets } from '../src/connect/octets.ts'
import { rewriteAnswer, rewriteHeader, rewriteRequest } from '../src/connect/rewrite.ts'
import { routeOf, routesOf } from '../src/connect/routes.ts'
import { startSidecar } from '../src/connect/sidecar.ts'

const TOKEN = 'A'.repeat(43)
const OTHER = 'C'.repeat(43)
const door = {
  port: 8705,
  tokens: new Map([[tokenDigest(TOKEN), 'viewer']]),
  origins: new Set(['http://localhost:5173']),
}
const policyOf = (method: string, target: string) => routeOf(routesOf(false), method, target)?.policy
const isPublicTarget = (method: string, target: string) => policyOf(method, target) === 'public'
const good = { host: '127.0.0.1:8705', authorization: `Bearer ${TOKEN}` }

describe('who may use the sidecar', () => {
  it('lets the application with its token in', () => {
    expect(verdictOn(good, door)).toEqual({ pass: true, application: 'viewer', holder: tokenDigest(TOKEN) })
  })

  it.each([
    ['another name for this machine (DNS rebinding)', { ...good, host: 'evil.example:8705' }, 421],
    ['another port', { ...good, host: '127.0.0.1:80' }, 421],
    ['no Host', { authorization: good.authorization }, 421],
    ['a web page', { ...good, origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { ...good, origin: 'null' }, 403],
    ['no token', { host: good.host }, 401],
    ['another token', { ...good, authorization: `Bearer ${'B'.repeat(43)}` }, 401],
    ['a token that is too short', { ...good, authorization: 'Bearer A' }, 401],
    ['basic authentication', { ...good, authorization: `Basic ${TOKEN}` }, 401],
  ])('refuses %s', (_, headers, status) => {
    expect(verdictOn(headers, door)).toMatchObject({ pass: false, status })
  })

  it('lets a web application in that was named at the start', () => {
    expect(verdictOn({ ...good, origin: 'http://localhost:5173' }, door)).toMatchObject({ pass: true })
  })

  it('gives the capability statement to an application that has no token yet, and nothing else', () => {
    const bare = { host: good.host }
    expect(verdictOn(bare, door, isPublicTarget('GET', '/fhir/metadata'))).toEqual({ pass: true })
    expect(verdictOn({ ...bare, authorization: 'Bearer wrong' }, door, true)).toMatchObject({ status: 401 })
    expect(verdictOn({ ...bare, origin: 'https://evil.example' }, door, true)).toMatchObject({ status: 403 })
    expect(verdictOn({ host: 'evil.example' }, door, true)).toMatchObject({ status: 421 })
    expect(isPublicTarget('HEAD', '/fhir/metadata?mode=full')).toBe(true)
    expect([['POST', '/fhir/metadata'], ['GET', '/fhir/metadata/x'], ['GET', '/fhir/Patient?x=/fhir/metadata'],
      ['GET', '/fhir/metadatax']].some(([method = '', target = '']) => isPublicTarget(method, target))).toBe(false)
  })

  it('knows the names of loopback and no other', () => {
    expect(['127.0.0.1:1', 'localhost:1', '[::1]:1'].every((host) => isLocalHost(host, 1))).toBe(true)
    expect(['127.0.0.2:1', 'localhost.evil:1', '127.0.0.1', 'localhost:11'].some((host) => isLocalHost(host, 1))).toBe(
      false,
    )
  })
})

describe('what may be asked through the sidecar', () => {
  it.each(['/fhir', '/fhir?_x=1', '/fhir/Patient/a..b', '/fhir/Patient?name=%2e%2e'])('FHIR: GET %s', (target) => {
    expect(policyOf('GET', target)).toBe('token')
  })

  it.each([
    ['GET', '/v1/self'],
    ['GET', '/fhir/../v1/self'],
    ['GET', '/fhir/%2e%2e/v1/self'],
    ['GET', '/fhir/.%2E/v1'],
    ['GET', '/fhir/..\\v1'],
    ['GET', '/fhir%2f..%2fv1'],
    ['GET', '/fhir/%5c..'],
    ['GET', '/fhirx'],
    ['GET', 'http://127.0.0.1/v1'],
    ['TRACE', '/fhir/Patient'],
    ['PROPFIND', '/fhir/Patient'],
    ['CONNECT', '/fhir'],
  ])('nothing else: %s %s', (method, target) => {
    expect(policyOf(method, target)).toBeUndefined()
  })
})

describe('what is passed on in pieces', () => {
  it.each([
    ['POST', '/fhir/Binary', 'application/dicom', true],
    ['PUT', '/fhir/Binary/1', 'text/plain', true],
    ['PATCH', '/fhir/$scelle-upload/0a1b', 'application/partial-upload', true],
    ['POST', '/fhir/Binary', 'application/fhir+json; charset=utf-8', false],
    ['POST', '/fhir/Binary', 'application/json', false],
    ['POST', '/fhir/Binary', undefined, false],
    ['POST', '/fhir/Binary?x=1', 'text/plain', false],
    ['POST', '/fhir/Patient', 'text/plain', false],
    ['PATCH', '/fhir/Binary/1', 'application/json-patch+json', false],
    ['DELETE', '/fhir/$scelle-upload/0a1b', undefined, false],
  ])('%s %s as %s: %s', (method, path, type, expected) => {
    expect(isOctets(method, path, type)).toBe(expected)
  })

  it('an upload of FHIR JSON is octets, as the edge takes it', () => {
    expect(isOctets('POST', '/fhir/Binary', 'application/fhir+json', true)).toBe(true)
    expect(isOctets('POST', '/fhir/Patient', 'application/fhir+json', true)).toBe(false)
  })

  it.each([
    ['GET', '/fhir/Binary/1', true],
    ['HEAD', '/fhir/Binary/1/_history/2', true],
    ['GET', '/fhir/$export-file/job/0', true],
    ['GET', '/fhir/$export-status/job', false],
    ['GET', '/fhir/Binary?patient=1', false],
    ['GET', '/fhir/Binary/1/_history', false],
    ['GET', '/fhir/Patient/1', false],
    ['DELETE', '/fhir/Binary/1', false],
  ])('%s %s may come back so: %s', (method, path, expected) => {
    expect(mayBeOctets(method, path)).toBe(expected)
  })
})

describe('rewriting of addresses', () => {
  const edge = 'http://127.0.0.1:8704/fhir'
  const local = 'http://127.0.0.1:8705/fhir'

  it("keeps paging, locations and the server's own address behind the door", () => {
    const bundle = JSON.stringify({
      link: [{ relation: 'next', url: `${edge}?cursor=x` }],
      entry: [{ fullUrl: `${edge}/Patient/1`, response: { location: `${edge}/Patient/1/_history/1` } }],
      implementation: { url: edge },
    })
    const rewritten = rewriteAnswer(bundle, edge, local)
    expect(rewritten).not.toContain(edge)
    expect(rewritten.match(new RegExp(local, 'g'))).toHaveLength(4)
    expect(rewriteHeader(`${edge}/Patient/1`, edge, local)).toBe(`${local}/Patient/1`)
    expect(rewriteHeader('http://elsewhere/fhir/Patient/1', edge, local)).toBe('http://elsewhere/fhir/Patient/1')
  })

  it('leaves clinical text, digits and look-alikes as they are', () => {
    const json = `{"value":1.50,"note":"see \\"url\\": \\"${edge}/x","system":"${edge}/x","url":"${edge}x/y"}`
    expect(rewriteAnswer(json, edge, local)).toBe(json)
  })

  it('turns references to the door into references to the edge', () => {
    expect(rewriteRequest(`{"reference":"${local}/Patient/1"}`, edge, local)).toBe(`{"reference":"${edge}/Patient/1"}`)
  })
})

describe('the sidecar itself', () => {
  const seen: {
    method: string; path: string; headers: Record<string, string> | undefined; session: string | undefined
  }[] = []
  let stop = (): void => undefined
  let base = ''
  beforeAll(async () => {
    const { server, base: at } = await startSidecar(
      {
        edge: async (method, path, options) => {
          seen.push({ method, path, headers: options?.headers, session: options?.session })
          if (path.includes('down')) throw new TypeError('fetch failed')
          const body = JSON.stringify({ link: [{ url: 'http://edge/fhir?page=2' }] })
          return {
            status: 200,
            headers: new Headers({ 'content-type': 'application/fhir+json', 'etag': 'W/"1"', 'set-cookie': 'a=b' }),
            body: new TextEncoder().encode(body),
          }
        },
        edgeBase: 'http://edge/fhir',
        tokens: new Map([[tokenDigest(TOKEN), 'viewer'], [tokenDigest(OTHER), 'viewer']]),
        sessions: new Map([[tokenDigest(TOKEN), 'session-of-alice'], [tokenDigest(OTHER), 'session-of-bob-']]),
        origins: new Set(),
      },
      0,
    )
    base = at
    stop = () => {
      server.closeAllConnections()
      server.close()
    }
  })
  afterAll(() => stop())

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(base + path, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } })

  it('passes FHIR on, its own secrets not', async () => {
    const answer = await get('/Patient?_count=1', { 'if-none-match': 'W/"1"', 'cookie': 'a=b' })
    expect(await answer.json()).toEqual({ link: [{ url: `${base}?page=2` }] })
    expect(answer.headers.get('etag')).toBe('W/"1"')
    expect(answer.headers.get('set-cookie')).toBeNull()
    const passed = seen.at(-1)
    expect(passed?.path).toBe('/fhir/Patient?_count=1')
    expect(passed?.headers).toHaveProperty('if-none-match')
    expect(Object.keys(passed?.headers ?? {})).not.toContain('authorization')
    expect(Object.keys(passed?.headers ?? {})).not.toContain('cookie')
  })

  it('names each token\'s own session, and never the one that a client asks for', async () => {
    await get('/Patient', { 'scelle-session': 'session-of-bob-' })
    expect([seen.at(-1)?.session, seen.at(-1)?.headers?.['scelle-session']]).toEqual(['session-of-alice', undefined])
    await get('/Patient', { authorization: `Bearer ${OTHER}` })
    expect(seen.at(-1)?.session).toBe('session-of-bob-')
  })

  it('answers an OperationOutcome where the edge does not answer, and outside /fhir', async () => {
    const down = await get('/Patient/down')
    expect(down.status).toBe(502)
    expect(await down.json()).toMatchObject({ resourceType: 'OperationOutcome' })
    const before = seen.length
    const outside = await fetch(`${base.replace('/fhir', '')}/v1/self`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect(outside.status).toBe(404)
    expect(seen).toHaveLength(before)
  })

  it('refuses a body that is not UTF-8', async () => {
    const before = seen.length
    const answer = await fetch(`${base}/Patient`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${TOKEN}`, 'content-type': 'application/fhir+json' },
      body: Buffer.from('{"id":"Lef\u00e8vre"}', 'latin1'),
    })
    expect(answer.status).toBe(400)
    expect(seen).toHaveLength(before)
  })

  it('reaches the edge with nothing that the door refuses', async () => {
    const before = seen.length
    const { port } = new URL(base)
    const status = await new Promise((resolve) => {
      request(
        {
          host: '127.0.0.1',
          port,
          path: '/fhir/Patient',
          headers: { host: 'evil.example', authorization: `Bearer ${TOKEN}` },
        },
        (response) => resolve(response.resume().statusCode),
      ).end()
    })
    expect(status).toBe(421)
    expect((await fetch(`${base}/Patient`)).status).toBe(401)
    expect(seen).toHaveLength(before)
  })
})
