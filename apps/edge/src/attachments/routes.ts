/** The paths of Binary, where bodies are streams; what is FHIR JSON there goes the way of every other resource. */
import { isId } from '@scelle/fhir/validate'
import type { Timers } from '@scelle/sdk'
import { requireDigest } from '@scelle/wire/http'
import type { Answer, Server, SignedRequest, StreamedRequest } from '@scelle/wire/server'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { FHIR_TYPES, header } from '../negotiation.ts'
import { BASE, type Handling } from '../server.ts'
import { wantsFhir } from './ranges.ts'
import type { Reader } from './reader.ts'
import { type Receiver, UPLOADS } from './receiver.ts'
import { collected, received } from './streams.ts'

export interface BinaryParts {
  readonly reader: Reader
  readonly receiver: Receiver
  readonly timers: Timers
}

export const addBinaryRoutes = (server: Server, door: Handling, parts: BinaryParts): void => {
  const { receiver } = parts
  addReads(server, door, parts.reader)
  for (const [method, url] of [['POST', `${BASE}/Binary`], ['PUT', `${BASE}/Binary/:id`]] as const) {
    server.route({
      policy: 'signed-stream', method, url, maxBody: EDGE_LIMITS.attachment,
      handler: (request) => write(door, parts, request),
    })
  }
  const upload = `${BASE}/${UPLOADS}/:upload`
  const idIn = (request: SignedRequest): string => request.params['upload'] ?? ''
  server.route({
    policy: 'signed-stream', method: 'PATCH', url: upload, maxBody: EDGE_LIMITS.attachment,
    handler: (request) => streamed(door, request, (call) => {
      if (header(call.headers, 'content-type') !== 'application/partial-upload') {
        throw new EdgeError('media-type', 'send application/partial-upload')
      }
      return receiver.append(call, idIn(request), request)
    }),
  })
  server.route({
    policy: 'signed', method: ['GET', 'HEAD'], url: upload,
    handler: (request) => door.answer(request, async (call) => receiver.state(call, idIn(request))),
  })
  server.route({
    policy: 'signed', method: 'DELETE', url: upload,
    handler: (request) => door.answer(request, (call) => receiver.cancel(call, idIn(request))),
  })
}

const addReads = (server: Server, door: Handling, reader: Reader): void => {
  for (const url of [`${BASE}/Binary/:id`, `${BASE}/Binary/:id/_history/:version`]) {
    server.route({
      policy: 'signed-or-token', method: ['GET', 'HEAD'], url,
      handler: (request) => {
        // Scopes are held against interactions: as FHIR JSON it is one.
        if ('token' in request) return door.handle(request)
        const { id = '', version } = request.params
        const accept = request.headers['accept']
        const isPlain = typeof accept !== 'object' && isId(id) && !/[?&]_format=/.test(request.target)
        if (!isPlain || wantsFhir(accept)) return door.handle(request)
        const { accept: _, ...headers } = request.headers
        return door.serve({ ...request, headers }, (call) => reader.serve(call, id, version, accept))
      },
    })
  }
}

/** A Binary as FHIR JSON is small, and read whole; anything else is octets, and is not. */
const write = async (door: Handling, parts: BinaryParts, request: StreamedRequest): Promise<Answer> => {
  const type = (String(request.headers['content-type'] ?? '').split(';')[0] ?? '').trim().toLowerCase()
  if (!(FHIR_TYPES as readonly string[]).includes(type) || request.headers['upload-complete'] !== undefined) {
    return streamed(door, request, (call) => parts.receiver.create(call, request, request.params['id']))
  }
  let body: Uint8Array | undefined
  // Read before anything of the session is held: however slowly it comes, it keeps no chart from being overwritten.
  const refused = await streamed(door, request, async () => {
    const whole = await collected(received(request.stream, parts.timers, new AbortController().signal))
    requireDigest(request.digest, whole)
    body = whole
    return { status: 204 }
  })
  return body === undefined ? refused : door.handle({ ...request, body })
}

/** What is left of a body that was refused is not worth receiving. */
const streamed = async (
  door: Handling, request: StreamedRequest, work: Parameters<Handling['answer']>[1],
): Promise<Answer> => {
  const answer = await door.answer(request, work)
  const rest = request.stream.readableEnded ? {} : { connection: 'close' }
  return { ...answer, headers: { ...answer.headers, ...rest } }
}
