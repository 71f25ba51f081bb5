/** What the paths of Binary hold while a body is on its way. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Answer, Server, StreamedRequest } from '@scelle/wire/server'
import { expect, test } from 'vitest'
import { addBinaryRoutes, type BinaryParts } from '../src/attachments/routes.ts'
import type { Call } from '../src/call.ts'
import { EdgeError } from '../src/errors.ts'
import type { Handling } from '../src/server.ts'

type Handler = (request: StreamedRequest) => Promise<Answer>

/** The handler of `POST Binary`, and what it asked of the door. */
const posting = (): { handler: Handler; asked: string[] } => {
  const asked: string[] = []
  let handler: Handler | undefined
  const server = {
    route: ({ method, url, handler: given }: { method: string; url: string; handler: Handler }) => {
      if (method === 'POST' && url.endsWith('/Binary')) handler = given
    },
  } as unknown as Server
  const door: Handling = {
    handle: async ({ body }) => {
      asked.push(`held, with ${body.length} bytes`)
      return { status: 201 }
    },
    answer: async (_, work) => {
      try {
        return { status: (await work({} as Call)).status }
      } catch (error) {
        return { status: error instanceof EdgeError ? 413 : 400 }
      }
    },
    serve: async (_, work) => {
      asked.push('held')
      return work({} as Call)
    },
  }
  const parts = { timers: { after: () => () => undefined } } as unknown as BinaryParts
  addBinaryRoutes(server, door, parts)
  return { handler: handler as Handler, asked }
}

const sending = (stream: Readable, digest: Uint8Array): StreamedRequest =>
  ({ stream, digest, headers: { 'content-type': 'application/fhir+json' }, params: {} }) as unknown as StreamedRequest

test('a Binary as JSON that comes slowly holds no session, and so no chart, before it is there', async () => {
  const { handler, asked } = posting()
  const stream = new Readable({ read: () => undefined })
  const answered = handler(sending(stream, createHash('sha256').update('{}').digest()))
  stream.push('{')
  await new Promise(setImmediate)
  expect(asked).toEqual([])
  stream.push('}')
  stream.push(null)
  expect(await answered).toEqual({ status: 201 })
  expect(asked).toEqual(['held, with 2 bytes'])
})

test('one that is not as it was signed reaches no handler', async () => {
  const { handler, asked } = posting()
  const answer = await handler(sending(Readable.from([Buffer.from('{}')]), createHash('sha256').update('{').digest()))
  expect([answer.status, asked]).toEqual([400, []])
})
