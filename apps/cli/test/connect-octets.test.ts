/** Octets through the door, before an edge that says what the test wants: as they are, and nothing left behind. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '@scelle/sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { tokenDigest } from '../src/connect/door.ts'
import { startSidecar } from '../src/connect/sidecar.ts'
import { edgeClient } from '../src/edge-client.ts'
import { CLI_LIMITS } from '../src/limits.ts'

const TOKEN = 'A'.repeat(43)
const PLACE = '/fhir/$scelle-upload/0a1b'

let edge: Server
let door: Server
let base = ''
let edgeUrl = ''
let answer: (request: IncomingMessage, response: ServerResponse) => void
let asked: string[]

beforeEach(async () => {
  asked = []
  edge = createServer((message, response) => {
    asked.push(`${message.method} ${message.url}`)
    message.resume()
    message.once('end', () => answer(message, response))
  })
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve))
  edgeUrl = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
  const identity = await createIdentity('machine', { now: Date.now, random })
  ;({ server: door, base } = await startSidecar({
    edge: edgeClient(edgeUrl, identity, { now: Date.now, random }), edgeBase: `${edgeUrl}/fhir`,
    tokens: new Map([[tokenDigest(TOKEN), 'files']]), sessions: new Map(), origins: new Set(),
  }, 0))
})
afterEach(() => {
  for (const server of [door, edge]) {
    server.closeAllConnections()
    server.close()
  }
})

const authorization = `Bearer ${TOKEN}`

describe('what comes back', () => {
  test.each(['application/dicom+json', 'application/fhir+json', 'application/json', 'text/plain'])(
    'as octets of %s is not touched', async (type) => {
      const octets = Buffer.concat([Buffer.from(`{"url":"${edgeUrl}/fhir/Patient/1"}`), Buffer.from([0xff, 0xfe])])
      answer = (_, response) => response.setHeader('content-type', type).setHeader('accept-ranges', 'bytes').end(octets)
      const got = await fetch(`${base}/Binary/1`, { headers: { authorization } })
      expect(Buffer.from(await got.arrayBuffer()).equals(octets)).toBe(true)
    })

  test('as FHIR names the door', async () => {
    answer = (_, response) => response.setHeader('content-type', 'application/fhir+json; charset=utf-8')
      .end(JSON.stringify({ url: `${edgeUrl}/fhir/Binary/1` }))
    const got = await fetch(`${base}/Binary/1`, { headers: { authorization } })
    expect(await got.json()).toEqual({ url: `${base}/Binary/1` })
  })

  test('of an export comes as it is made, however much it is', async () => {
    const held = Promise.withResolvers<ServerResponse>()
    answer = (_, response) => {
      response.setHeader('content-type', 'application/fhir+ndjson').write('{"id":"1"}\n')
      held.resolve(response)
    }
    const got = await fetch(`${base}/$export-file/job/0`, { headers: { authorization } })
    const reader = got.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('{"id":"1"}\n')
    ;(await held.promise).end()
    expect((await reader?.read())?.done).toBe(true)
  }, 5_000)
})

describe('an upload that the door cut into pieces', () => {
  const pieces = (count: number): Buffer => Buffer.alloc(count * CLI_LIMITS.octetsPiece, 1)
  const begun = (response: ServerResponse): void => {
    response.writeHead(201, { location: `${edgeUrl}${PLACE}`, 'upload-offset': CLI_LIMITS.octetsPiece }).end()
  }
  const outcomes = (patch: number) => (message: IncomingMessage, response: ServerResponse): void => {
    if (message.method === 'POST') begun(response)
    else response.writeHead(message.method === 'PATCH' ? patch : 204).end()
  }
  const post = (body: Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${base}/Binary`, {
      method: 'POST', headers: { authorization, 'content-type': 'application/dicom', ...headers },
      body: new Uint8Array(body),
    })

  test('and whose sender breaks off is given up: nobody else knows of it', async () => {
    answer = outcomes(204)
    const outgoing = request(`${base}/Binary`, {
      method: 'POST', headers: { authorization, 'content-type': 'application/dicom' },
    })
    outgoing.on('error', () => undefined)
    outgoing.write(pieces(3))
    await expect.poll(() => asked).toContain(`PATCH ${PLACE}`)
    outgoing.destroy()
    await expect.poll(() => asked.at(-1)).toBe(`DELETE ${PLACE}`)
  })

  test('and that the edge refuses is given up', async () => {
    answer = outcomes(413)
    expect((await post(pieces(3))).status).toBe(413)
    expect(asked).toEqual(['POST /fhir/Binary', `PATCH ${PLACE}`, `DELETE ${PLACE}`])
  })

  test('stays where it was brought to its end, or where its sender goes on with it', async () => {
    answer = outcomes(201)
    expect((await post(pieces(2))).status).toBe(201)
    answer = outcomes(204)
    expect((await post(pieces(2), { 'upload-complete': '?0' })).status).toBe(201)
    expect(asked.some((each) => each.startsWith('DELETE'))).toBe(false)
  })
})
