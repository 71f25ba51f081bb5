import { connect } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { decode, encode, equalBytes, SealError, sha256, verifyKeyChain } from '@scelle/seal/verify'
import { Problem, PROBLEMS, type ProblemCode } from '../src/errors.ts'
import { signRequest } from '../src/http.ts'
import { KeyChain, Self } from '../src/messages.ts'
import { createLog, createServer, type Route, type Server, type ServerOptions } from '../src/server.ts'
import { clock, identityOf, seeded, START } from './requests.ts'

const server0 = await identityOf('server')
const alice = await identityOf('alice')
const stranger = await identityOf('stranger')
const BODY = Uint8Array.of(0xa1, 0x00, 0x01)
const nonces = seeded('nonces')

const open: Server[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const start = (options: Partial<ServerOptions> = {}) => {
  const lines: string[] = []
  const time = clock()
  const server = createServer({
    role: 'index',
    chain: server0.chain,
    log: createLog((line) => lines.push(line), time.now),
    now: time.now,
    random: seeded('server'),
    keyOf: (id) => (equalBytes(id, alice.id) ? alice.keys : undefined),
    readiness: () => true,
    maxBody: 4096,
    ...options,
  })
  open.push(server)
  return { server, time, lines, events: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const echo: Route = { method: 'POST', url: '/v1/echo/:vault', policy: 'signed', handler: ({ body }) => ({ body }) }

interface Asked {
  method?: 'POST' | 'GET' | 'PUT'
  body?: Uint8Array
  /** What is sent in place of the body that was signed. */
  sent?: Uint8Array
  identity?: typeof alice
  host?: string
  session?: string
}

const ask = async (
  { server, time }: ReturnType<typeof start>, url: string,
  { method = 'POST', body, identity = alice, host = 'localhost', sent = body, session }: Asked = {},
) => {
  const signed = { method, url: `http://${host}${url}`, body, identity, session }
  const headers = await signRequest({ ...signed, now: time.now, random: nonces })
  const answer = await server.inject({
    method, url, headers: { ...headers, host, 'content-type': 'application/cbor' },
    ...(sent === undefined ? {} : { payload: Buffer.from(sent) }),
  })
  const { statusCode: status, headers: got, body: text } = answer
  return { status, headers: got, bytes: new Uint8Array(answer.rawPayload), text }
}

const problemCode = (text: string): unknown => (JSON.parse(text) as { code?: unknown }).code

test('an answer is told when it has left, and may overwrite its body then', async () => {
  const site = start()
  const bodies: Uint8Array[] = []
  site.server.route({
    method: 'POST', url: '/passing', policy: 'signed',
    handler: () => {
      const body = new Uint8Array(100_000).fill(7)
      bodies.push(body)
      return { body, sent: () => void body.fill(0) }
    },
  })
  const { url } = await site.server.listen({ host: '127.0.0.1', port: 0 })
  const headers = await signRequest({
    method: 'POST', url: `${url}/passing`, identity: alice, now: site.time.now, random: nonces,
  })
  const answer = await fetch(`${url}/passing`, { method: 'POST', headers })
  expect(new Uint8Array(await answer.arrayBuffer()).every((byte) => byte === 7)).toBe(true)
  await expect.poll(() => bodies.map((body) => body.every((byte) => byte === 0))).toEqual([true])
})

test.each(['before it is made', 'while it is on its way'])(
  'an answer whose reader went away %s is told as well', async (moment) => {
  const site = start()
  let body: Uint8Array | undefined
  const reached = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  site.server.route({
    method: 'POST', url: '/passing', policy: 'signed',
    handler: async () => {
      reached.resolve()
      if (moment === 'before it is made') await gone.promise
      const made = new Uint8Array(64 * 1024 * 1024).fill(7)
      body = made
      return { body: made, sent: () => void made.fill(0) }
    },
  })
  const { url } = await site.server.listen({ host: '127.0.0.1', port: 0 })
  const headers = await signRequest({
    method: 'POST', url: `${url}/passing`, identity: alice, now: site.time.now, random: nonces,
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const fields = Object.entries({ host: new URL(url).host, ...headers, 'content-length': '0' })
  socket.write(`POST /passing HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  await reached.promise
  if (moment !== 'before it is made') await once(socket, 'data')
  socket.destroy()
  await sleep(50)
  gone.resolve()
  await expect.poll(() => body?.every((byte) => byte === 0)).toBe(true)
})

describe('named sessions', () => {
  const session = 'c2Vzc2lvbi1vZi1hbGljZQ'
  const told: Route = {
    method: 'POST', url: '/told', policy: 'signed', handler: (request) => ({ body: request.session ?? 'none' }),
  }

  test('reach the handler where the server knows sessions', async () => {
    const site = start({ sessions: true })
    site.server.route(told)
    expect((await ask(site, '/told', { session })).text).toBe(session)
    expect((await ask(site, '/told')).text).toBe('none')
  })

  test('are refused, not ignored, where it does not', async () => {
    const site = start()
    site.server.route(told)
    const answer = await ask(site, '/told', { session })
    expect([answer.status, problemCode(answer.text)]).toEqual([401, 'signature-invalid'])
  })
})

describe('policies', () => {
  test('a route without a policy cannot be added', () => {
    const { server } = start()
    const { policy: _policy, ...bare } = echo
    expect(() => server.route(bare as Route)).toThrow(/does not declare its policy/)
  })

  test('a signed route answers its signer, and nobody else', async () => {
    const site = start()
    site.server.route(echo)
    const good = await ask(site, '/v1/echo/00', { body: BODY })
    expect([good.status, good.headers['content-type'], good.bytes]).toEqual([200, 'application/cbor', BODY])
    const unsigned = await site.server.inject({ method: 'POST', url: '/v1/echo/00', payload: 'x' })
    expect([unsigned.statusCode, problemCode(unsigned.body)]).toEqual([401, 'signature-missing'])
    const unknown = await ask(site, '/v1/echo/00', { body: BODY, identity: stranger })
    expect([unknown.status, problemCode(unknown.text)]).toEqual([401, 'principal-unknown'])
    const swapped = await ask(site, '/v1/echo/00', { body: BODY, sent: Uint8Array.of(9) })
    expect([swapped.status, problemCode(swapped.text)]).toEqual([400, 'digest-mismatch'])
  })

  test('the same request twice is refused, and one for another server too', async () => {
    const site = start()
    site.server.route(echo)
    const headers = await signRequest({
      method: 'POST', url: 'http://localhost/v1/echo/00', body: BODY, identity: alice, now: site.time.now,
      random: nonces,
    })
    const send = () => site.server.inject({ method: 'POST', url: '/v1/echo/00', headers, payload: Buffer.from(BODY) })
    expect((await send()).statusCode).toBe(200)
    expect(problemCode((await send()).body)).toBe('signature-replayed')
    const elsewhere = await ask(site, '/v1/echo/00', { body: BODY, host: 'trustee.example' })
    expect([elsewhere.status, problemCode(elsewhere.text)]).toEqual([401, 'signature-invalid'])
    const named = start({ authorities: ['trustee.example'] })
    named.server.route(echo)
    expect((await ask(named, '/v1/echo/00', { body: BODY, host: 'trustee.example' })).status).toBe(200)
  })

  test('a self-certifying route takes the keys that the body proves, of the principal that signs', async () => {
    const site = start()
    site.server.route({
      method: 'POST', url: '/v1/principals', policy: 'self-certifying',
      certify: async (body) => ({ keys: await verifyKeyChain(decode(KeyChain, body)), value: 'proved' }),
      handler: ({ certified, principal }) => ({ body: principal.id, headers: { 'x-value': certified } }),
    })
    const good = await ask(site, '/v1/principals', { body: encode(KeyChain, [...stranger.chain]), identity: stranger })
    expect([good.status, good.bytes, good.headers['x-value']]).toEqual([200, stranger.id, 'proved'])
    const other = await ask(site, '/v1/principals', { body: encode(KeyChain, [...alice.chain]), identity: stranger })
    expect([other.status, problemCode(other.text)]).toEqual([401, 'signature-invalid'])
    const broken = await ask(site, '/v1/principals', { body: Uint8Array.of(0xff), identity: stranger })
    expect([broken.status, problemCode(broken.text)]).toEqual([400, 'bad-encoding'])
  })

  test('a streamed body reaches the handler with the digest that was signed', async () => {
    const site = start()
    site.server.route({
      method: 'PUT', url: '/v1/blobs/:digest', policy: 'signed-stream',
      handler: async ({ stream, digest }) => {
        const body = Buffer.concat(await stream.toArray())
        return { status: equalBytes(sha256(body), digest) ? 201 : 400, headers: { 'x-length': String(body.length) } }
      },
    })
    const big = new Uint8Array(100_000)
    const good = await ask(site, '/v1/blobs/00', { method: 'PUT', body: big })
    expect([good.status, good.headers['x-length']]).toEqual([201, '100000'])
    expect((await ask(site, '/v1/blobs/00', { method: 'PUT', body: big, sent: BODY })).status).toBe(400)
    const undigested = await ask(site, '/v1/blobs/00', { method: 'PUT', sent: big })
    expect([undigested.status, problemCode(undigested.text)]).toEqual([400, 'digest-mismatch'])
    expect((await site.server.inject({ method: 'PUT', url: '/v1/blobs/00', payload: 'x' })).statusCode).toBe(401)
  })
})

describe('what every server answers', () => {
  test('health, readiness, self', async () => {
    let ready = false
    const { server } = start({ readiness: () => ready })
    expect((await server.inject('/healthz')).statusCode).toBe(200)
    expect((await server.inject('/readyz')).statusCode).toBe(503)
    ready = true
    expect((await server.inject('/readyz')).statusCode).toBe(200)
    const self = decode(Self, new Uint8Array((await server.inject('/v1/self')).rawPayload))
    expect(self.role).toBe('index')
    expect((await verifyKeyChain(self.keys)).id).toEqual(server0.id)
  })

  test.each(['/nothing/here', '/v1/self/', '/%E0%A4%A', `/v1/echo/${'a'.repeat(300)}`])(
    'an unknown route is a problem document that repeats nothing (%#)', async (url) => {
      const { server, events } = start()
      server.route({ ...echo, method: 'GET' })
      const answer = await server.inject({ method: 'GET', url })
      expect(events()).toEqual([expect.objectContaining({ event: 'request', status: answer.statusCode })])
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(['not-found', 'bad-request', 'signature-missing']).toContain(problemCode(answer.body))
      expect(answer.body).not.toContain('E0')
    })

  test('a body over the limit is refused before it is kept', async () => {
    const site = start()
    site.server.route({ ...echo, maxBody: 2 })
    const answer = await ask(site, '/v1/echo/00', { body: BODY })
    expect([answer.status, problemCode(answer.text)]).toEqual([413, 'too-large'])
  })

  test('bytes that are not HTTP get an empty 400', async () => {
    const site = start()
    const { port } = await site.server.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect(port, '127.0.0.1', () => socket.write('secret-name is not HTTP\r\n\r\n'))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(socket, 'close')
    expect(Buffer.concat(chunks).toString().split('\r\n'))
      .toEqual(['HTTP/1.1 400 Bad Request', 'Connection: close', 'Content-Length: 0', '', ''])
  })
})

describe('refusals', () => {
  const failing = (error: unknown) => {
    const site = start()
    site.server.route({ method: 'GET', url: '/v1/fails/:vault', policy: 'public', handler: () => { throw error } })
    return { ...site, answer: () => site.server.inject('/v1/fails/abcdef') }
  }

  test.each(Object.keys(PROBLEMS) as ProblemCode[])('%s has its status and its document', async (code) => {
    const answer = await failing(new Problem(code, 'because')).answer()
    const [status, title] = PROBLEMS[code]
    expect(answer.statusCode).toBe(status)
    expect(JSON.parse(answer.body)).toEqual({
      type: `https://scelle.health/problems/${code}`, title, status, code, detail: 'because',
    })
  })

  test.each([
    ['encoding-not-canonical', 'bad-encoding'], ['signature-invalid', 'bad-statement'],
    ['grant-revoked', 'grant-revoked'], ['grant-insufficient', 'not-permitted'], ['grant-expired', 'not-permitted'],
    ['share-invalid', 'bad-statement'],
  ] as const)('sealed material refused as %s is answered as %s, with the name', async (inside, outside) => {
    const answer = await failing(new SealError(inside, 'why')).answer()
    expect(problemCode(answer.body)).toBe(outside)
    expect(answer.body).toContain(`${inside}: why`)
  })

  test('a defect is answered and logged without its message', async () => {
    const { answer, lines, events } = failing(new RangeError('Mme Dupont, VIH'))
    const text = await answer()
    expect([text.statusCode, problemCode(text.body)]).toEqual([500, 'internal'])
    expect(text.body).not.toMatch(/Dupont|stack|\.ts/)
    expect(lines.join('')).not.toContain('Dupont')
    const fault = events().find(({ event }) => event === 'fault')
    expect(fault).toMatchObject({ kind: 'RangeError', request: text.headers['request-id'] })
    expect(String(fault?.['at'])).toContain('server.test.ts')
  })

  test('an edge may present them in its own form', async () => {
    const { server } = start({
      present: ({ code }, status) => ({
        type: 'application/fhir+json; charset=utf-8', body: JSON.stringify({ code, status }),
      }),
    })
    const answer = await server.inject('/none')
    expect([answer.statusCode, answer.headers['content-type'], JSON.parse(answer.body)])
      .toEqual([404, 'application/fhir+json; charset=utf-8', { code: 'not-found', status: 404 }])
  })
})

describe('logs', () => {
  test('a request leaves its pattern, status, duration and code, and no id', async () => {
    const site = start()
    site.server.route(echo)
    await ask(site, '/v1/echo/abcdef0123', { body: BODY, identity: stranger })
    const answer = await ask(site, '/v1/echo/abcdef0123?custodian=feed', { body: BODY })
    expect(site.lines.join('')).not.toMatch(/abcdef0123|feed/)
    expect(site.events()).toEqual([
      expect.objectContaining({ route: '/v1/echo/:vault', status: 401, code: 'principal-unknown' }),
      {
        time: new Date(START).toISOString(), event: 'request', request: answer.headers['request-id'],
        method: 'POST', route: '/v1/echo/:vault', status: 200, milliseconds: 0,
      },
    ])
    expect(site.lines.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true)
  })
})

test('close lets a request under way finish and takes no other', async () => {
  const site = start()
  const entered = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  site.server.route({
    method: 'GET', url: '/v1/slow', policy: 'public',
    handler: async () => {
      entered.resolve()
      await go.promise
      return { body: 'done' }
    },
  })
  const { url } = await site.server.listen({ host: '127.0.0.1', port: 0 })
  const slow = fetch(`${url}/v1/slow`)
  await entered.promise
  const closing = site.server.close()
  go.resolve()
  expect(await (await slow).text()).toBe('done')
  await closing
  await expect(fetch(`${url}/healthz`)).rejects.toThrow(/fetch failed/)
  expect(site.events().map(({ event }) => event)).toEqual(['started', 'stopping', 'request', 'stopped'])
  open.splice(0)
})
