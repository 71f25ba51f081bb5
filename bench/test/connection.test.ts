import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpConnection } from '../src/load/connection.ts'

let server: Server
let url = ''
/** Pieces of the next answer, as they go over the wire. */
let pieces: string[] = []

const answer = async (socket: Socket): Promise<void> => {
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

beforeAll(async () => {
  server = createServer((socket) => socket.on('data', () => void answer(socket)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
})

test('an answer is whole however it is cut, and the next one is its own', async () => {
  const connection = await HttpConnection.open(url)
  pieces = ['HTTP/1.1 200 O', 'K\r\nContent-Length: 5\r', '\n\r\nab', 'cde']
  const first = await connection.send(Buffer.from('x'), true)
  expect([first.status, first.size, first.body?.toString()]).toEqual([200, 5, 'abcde'])
  pieces = ['HTTP/1.1 204 No Content\r\n\r\n']
  expect(await connection.send(Buffer.from('x'))).toEqual({ status: 204, size: 0, body: undefined })
  connection.close()
})

test('the body of a refusal is kept, so that a row that fails says why', async () => {
  const connection = await HttpConnection.open(url)
  pieces = ['HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nwhy']
  expect((await connection.send(Buffer.from('x'))).body?.toString()).toBe('why')
  connection.close()
})
