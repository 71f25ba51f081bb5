/** The edge's own way to its servers answers as `fetch` does, and its reader can stop it. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { directFetch } from '../src/direct-fetch.ts'

let server: Server
let base: string
const seen: { method: string; body: string; length: string | undefined; socket: unknown }[] = []

beforeEach(async () => {
  seen.length = 0
  server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      seen.push({
        method: request.method ?? '', body: Buffer.concat(pieces).toString(),
        length: request.headers['content-length'], socket: request.socket,
      })
      if (request.url === '/never') return
      if (request.url === '/endless') {
        const more = (): void => { while (response.write(Buffer.alloc(65_536))); }
        response.on('drain', more)
        return more()
      }
      if (request.url === '/away') response.writeHead(302, { location: 'http://127.0.0.1:1/' })
      else response.writeHead(request.url === '/missing' ? 404 : 200, { 'x-one': 'two' })
      response.end('answer')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const CBOR = { accept: 'application/cbor' }

const textOf = async (response: Response): Promise<string> => {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += Buffer.from(next.value).toString()
  }
  return text
}

const PATHS = [['/', 200], ['/missing', 404], ['/away', 302]] as const
test.each(PATHS)('%s answers %i, with headers and body', async (path, status) => {
  const response = await directFetch()(`${base}${path}`, { headers: CBOR })
  expect([response.status, response.ok, response.headers.get('x-one')]).toEqual(
    [status, status === 200, status === 302 ? null : 'two'],
  )
  expect(response.headers.get('x-two')).toBeNull()
  expect(await textOf(response)).toBe('answer')
})

test('a body goes with its length, over one connection for requests in a row', async () => {
  const ask = directFetch()
  for (const text of ['one', 'two']) {
    const body = new TextEncoder().encode(text)
    expect(await textOf(await ask(base, { method: 'POST', headers: CBOR, body }))).toBe('answer')
  }
  expect(seen.map(({ method, body, length }) => [method, body, length])).toEqual(
    [['POST', 'one', '3'], ['POST', 'two', '3']],
  )
  expect(seen[0]?.socket).toBe(seen[1]?.socket)
})

test('nobody there, or given up: it rejects', async () => {
  await expect(directFetch()('http://127.0.0.1:1/', { headers: CBOR })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const stop = new AbortController()
  const asking = directFetch()(`${base}/never`, { headers: CBOR, signal: stop.signal })
  setTimeout(() => stop.abort(), 20)
  await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
})

test('an answer without end is stopped by whoever reads it', async () => {
  const response = await directFetch()(`${base}/endless`, { headers: CBOR })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let size = 0
  while (size < 500_000) size += (await reader.read()).value?.length ?? 0
  const { socket } = seen[0] as { socket: NodeJS.EventEmitter }
  const closed = new Promise((resolve) => { socket.on('error', () => undefined).on('close', () => resolve(true)) })
  await reader.cancel()
  expect(await closed).toBe(true)
})

test('a server that dies in the middle of an answer: its reader is told', async () => {
  const response = await directFetch()(`${base}/endless`, { headers: CBOR })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  server.closeAllConnections()
  await expect((async () => { while (!(await reader.read()).done); })()).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('what is streamed goes through the platform', async () => {
  const response = await directFetch()(base, { headers: { accept: 'application/octet-stream' } })
  expect(response).toBeInstanceOf(Response)
  expect(await response.text()).toBe('answer')
})
