/** Bodies that strangers send: what a server takes of them before it knows who signed. */
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { verifyKeyChain, decode, encode } from '@scelle/seal/verify'
import { signRequest } from '../src/http.ts'
import { SERVER_LIMITS } from '../src/limits.ts'
import { KeyChain } from '../src/messages.ts'
import { createServer, type Server } from '../src/server.ts'
import type { UnsignedBounds } from '../src/server-bodies.ts'
import { clock, identityOf, seeded } from './requests.ts'

const server0 = await identityOf('server')
const stranger = await identityOf('stranger')
const nonces = seeded('nonces')
const time = clock()
const BODY = encode(KeyChain, [...stranger.chain])

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await server.close()
})

const start = async (unsigned?: UnsignedBounds): Promise<{ port: number; certified: () => number }> => {
  let certified = 0
  const server = createServer({
    role: 'index', chain: server0.chain, log: () => {}, now: time.now, random: seeded('server'),
    keyOf: () => undefined, readiness: () => true, ...(unsigned === undefined ? {} : { unsigned }),
  })
  server.route({
    method: 'POST', url: '/v1/principals', policy: 'self-certifying', maxBody: 100_000,
    certify: async (body) => {
      certified++
      return { keys: await verifyKeyChain(decode(KeyChain, body)), value: undefined }
    },
    handler: () => ({ status: 204 }),
  })
  servers.push(server)
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { port, certified: () => certified }
}

const headOf = async (port: number, length: number, path = '/v1/principals', signed = true): Promise<string> => {
  const url = `http://127.0.0.1:${port}${path}`
  const request = { method: 'POST', url, body: BODY, identity: stranger, now: time.now, random: nonces }
  const fields = Object.entries(signed ? await signRequest(request) : {})
  return [
    `POST ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, 'content-type: application/cbor', `content-length: ${length}`,
    ...fields.map(([name, value]) => `${name}: ${value}`), '', '',
  ].join('\r\n')
}

/** Sends a head, and as much of the body as is given, and no more. */
const send = async (port: number, head: string, part: Uint8Array = new Uint8Array()): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(Buffer.concat([Buffer.from(head), part]))
  return socket
}

const answerOf = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])
const ROOMY = { count: 8, bytes: 1 << 20, time: 15_000 }

describe('refused by the head, while the body never comes', () => {
  test('an unknown route', async () => {
    const { port } = await start()
    const socket = await send(port, await headOf(port, 30_000_000, '/nowhere', false))
    expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 404 [^]*connection: close/)
    await once(socket, 'close')
  })

  test('a self-certifying route without a signature, or with an old one', async () => {
    const { port, certified } = await start()
    const unsigned = await send(port, await headOf(port, 90_000, '/v1/principals', false))
    expect(await answerOf(unsigned)).toMatch(/^HTTP\/1.1 401 [^]*signature-missing/)
    const head = await headOf(port, 90_000)
    const old = head.replace(/created=\d+/, 'created=1793000')
    expect(await answerOf(await send(port, old))).toMatch(/^HTTP\/1.1 401 [^]*signature-expired/)
    const answer = await answerOf(await send(port, head.replace('127.0.0.1', 'elsewhere')))
    expect(answer).toMatch(/ 401 [^]*signature-invalid/)
    expect(certified()).toBe(0)
  })

  test('a body announced over the limit', async () => {
    const { port } = await start()
    expect(await answerOf(await send(port, await headOf(port, 100_001)))).toMatch(/^HTTP\/1.1 413/)
  })
})

describe('room for bodies under way', () => {
  test('by count: one more is told to wait, and room comes back', async () => {
    const { port } = await start({ ...ROOMY, count: 1 })
    const slow = await send(port, await headOf(port, BODY.length), BODY.subarray(0, 1))
    await expect.poll(async () => answerOf(await send(port, await headOf(port, BODY.length), BODY)))
      .toMatch(/^HTTP\/1.1 503 [^]*overloaded/)
    slow.write(BODY.subarray(1))
    expect(await answerOf(slow)).toMatch(/^HTTP\/1.1 204/)
    expect(await answerOf(await send(port, await headOf(port, BODY.length), BODY))).toMatch(/^HTTP\/1.1 204/)
  })

  test('by bytes received, not by bytes announced', async () => {
    const { port } = await start({ ...ROOMY, bytes: BODY.length + 1_000 })
    await send(port, await headOf(port, 100_000))
    expect(await answerOf(await send(port, await headOf(port, BODY.length), BODY))).toMatch(/^HTTP\/1.1 204/)
    const much = await send(port, await headOf(port, 100_000), new Uint8Array(BODY.length + 1_001))
    expect(await answerOf(much)).toMatch(/^HTTP\/1.1 503 [^]*overloaded/)
    expect(await answerOf(await send(port, await headOf(port, BODY.length), BODY))).toMatch(/^HTTP\/1.1 204/)
  })

  test('one that stalls is cut off, and its room comes back', async () => {
    const { port } = await start({ ...ROOMY, count: 1, time: 50 })
    await once(await send(port, await headOf(port, BODY.length), BODY.subarray(0, 1)), 'close')
    expect(await answerOf(await send(port, await headOf(port, BODY.length), BODY))).toMatch(/^HTTP\/1.1 204/)
  })
})

test('what strangers may hold together is bounded', () => {
  expect(SERVER_LIMITS.unsignedBytes).toBeLessThanOrEqual(64 * 1024 * 1024)
  expect(SERVER_LIMITS.unsignedTime).toBeLessThanOrEqual(15_000)
})
