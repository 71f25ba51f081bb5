/**
 * Octets of any size through the sidecar: cut into pieces of a few megabytes, each signed by itself, so that neither
 * the whole nor its digest is needed ahead. A piece whose answer does not come is asked after, and sent again where the
 * edge has not got it: a restart of the edge in the middle of an upload costs a pause.
 */
import type { IncomingMessage } from 'node:http'
import { collectedOctets } from '@scelle/wire/process'
import type { EdgeAnswer, EdgeClient } from '../edge-client.ts'
import { CLI_LIMITS } from '../limits.ts'

export interface OctetsRequest {
  readonly request: IncomingMessage
  /** Path and query. */
  readonly path: string
  /** What is passed on. */
  readonly headers: Readonly<Record<string, string>>
  readonly session: string | undefined
}

export interface OctetsContext {
  readonly edge: EdgeClient
  readonly sleep: (milliseconds: number) => Promise<void>
}

/** Told of octets as they pass in either direction. */
export const passed = collectedOctets()

const FHIR_JSON = /^\s*application\/(?:fhir\+)?json\s*(?:;|$)/i
const UPLOAD = /^\/fhir\/\$scelle-upload\/[0-9a-f]+$/

/** True where a body is octets, to be passed on in pieces. `resumes`: it says of itself that it is an upload. */
export const isOctets = (
  method: string, path: string, contentType: string | undefined, resumes = false,
): boolean => {
  if (method === 'PATCH') return UPLOAD.test(path)
  const creates = (method === 'POST' && /^\/fhir\/Binary$/.test(path)) || (method === 'PUT' && IS_BINARY.test(path))
  return creates && contentType !== undefined && (resumes || !FHIR_JSON.test(contentType))
}

const IS_BINARY = /^\/fhir\/Binary\/[^/?]+$/

const BINARY = /^\/fhir\/Binary\/[^/?]+(?:\/_history\/[^/?]+)?$/
const EXPORT_FILE = /^\/fhir\/\$export-file\/[^/?]+\/[^/?]+$/

/** True where an answer may be octets, or the lines of an export. */
export const mayBeOctets = (method: string, path: string): boolean =>
  (method === 'GET' || method === 'HEAD') && (BINARY.test(path) || EXPORT_FILE.test(path))

interface Piece {
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

/**
 * The body in pieces; at least one, which may be empty. All of them are the same bytes of memory, one after the other:
 * garbage of this size would pile up. Throws what the request throws where it breaks off.
 */
async function* piecesOf(request: IncomingMessage): AsyncGenerator<Piece> {
  const room = Buffer.allocUnsafeSlow(CLI_LIMITS.octetsPiece)
  let filled = 0
  // Without destroyOnReturn, a refusal could not be answered any more.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    passed(part.length)
    for (let done = 0; done < part.length;) {
      if (filled === room.length) {
        yield { bytes: room, isLast: false }
        filled = 0
      }
      const taken = part.copy(room, filled, done)
      filled += taken
      done += taken
    }
  }
  yield { bytes: room.subarray(0, filled), isLast: true }
}

class BadField extends Error {}

const flagOf = (complete: boolean): string => (complete ? '?1' : '?0')

/** What only the first request of an upload says. */
const startFields = (headers: OctetsRequest['headers'], length: string | undefined): Record<string, string> => {
  const { 'content-digest': content, ...fields } = headers
  const digest = fields['repr-digest'] ?? content
  const announced = fields['upload-length'] ?? length
  return {
    ...fields,
    ...(digest === undefined ? {} : { 'repr-digest': digest }),
    ...(announced === undefined ? {} : { 'upload-length': announced }),
  }
}

class Sending {
  readonly #context: OctetsContext
  readonly #octets: OctetsRequest
  /** Whether the client's own request ends the upload. */
  readonly #completes: boolean
  #place: string | undefined
  #offset = 0
  /** The upload was begun here, and its place told to nobody. */
  #isOurs = false

  constructor(context: OctetsContext, octets: OctetsRequest) {
    this.#context = context
    this.#octets = octets
    this.#completes = octets.headers['upload-complete'] !== '?0'
    if (octets.request.method !== 'PATCH') return
    this.#place = octets.path
    this.#offset = Number(octets.headers['upload-offset'] ?? Number.NaN)
    if (!Number.isSafeInteger(this.#offset)) throw new BadField('Upload-Offset is a whole number of bytes')
    if (octets.headers['content-digest'] !== undefined) {
      throw new BadField('Say the digest of the whole content when the upload begins: Repr-Digest')
    }
  }

  async run(): Promise<EdgeAnswer> {
    let isDone = false
    try {
      const answer = await this.#send()
      isDone = answer.status < 300
      return answer
    } finally {
      if (!isDone && this.#isOurs) await this.#giveUp()
    }
  }

  /** An upload that nobody can go on with would count among its application's for a day. */
  async #giveUp(): Promise<void> {
    const { session } = this.#octets
    const options = session === undefined ? {} : { session }
    await this.#context.edge('DELETE', this.#place ?? '', options).catch(() => undefined)
  }

  async #send(): Promise<EdgeAnswer> {
    let begun: EdgeAnswer | undefined
    for await (const { bytes, isLast } of piecesOf(this.#octets.request)) {
      const complete = isLast && this.#completes
      const isFirst = this.#place === undefined
      const answer = await (isFirst ? this.#begin(bytes, complete) : this.#append(bytes, complete))
      if (answer.status >= 300 || complete) return answer
      if (isLast) return begun === undefined ? answer : withProgress(begun, answer)
      begun ??= answer
    }
    throw new Error('a body ends with its last piece')
  }

  async #begin(bytes: Uint8Array, complete: boolean): Promise<EdgeAnswer> {
    const { request, path, headers, session } = this.#octets
    const fields = startFields(headers, request.headers['content-length'])
    const whole: Record<string, string> = complete ? fields : { ...fields, 'upload-complete': '?0' }
    const answer = await this.#context.edge(request.method ?? 'POST', path, {
      headers: whole, body: bytes, ...(session === undefined ? {} : { session }),
    })
    const location = answer.headers.get('location')
    if (!complete && answer.status < 300 && location !== null) {
      this.#place = new URL(location).pathname
      this.#offset = bytes.length
      this.#isOurs = true
    }
    return answer
  }

  async #append(bytes: Uint8Array, complete: boolean): Promise<EdgeAnswer> {
    let rest = bytes
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#once(rest, complete).catch(() => undefined)
      if (answer !== undefined && answer.status !== 503) {
        if (answer.status < 300) this.#offset += rest.length
        return answer
      }
      if (attempt >= CLI_LIMITS.octetsTries) return answer ?? Promise.reject(new Error('the edge does not answer'))
      await this.#context.sleep(CLI_LIMITS.octetsRetryDelay)
      const there = await this.#offsetThere()
      // The piece had arrived, its answer had not: nothing of it is left to send.
      if (there === this.#offset + rest.length) {
        this.#offset = there
        rest = new Uint8Array(0)
      }
    }
  }

  #once(bytes: Uint8Array, complete: boolean): Promise<EdgeAnswer> {
    const { session, headers } = this.#octets
    const { prefer } = headers
    return this.#context.edge('PATCH', this.#place ?? '', {
      headers: {
        'content-type': 'application/partial-upload',
        'upload-offset': String(this.#offset),
        'upload-complete': flagOf(complete),
        ...(prefer === undefined ? {} : { prefer }),
      },
      body: bytes,
      ...(session === undefined ? {} : { session }),
    })
  }

  async #offsetThere(): Promise<number | undefined> {
    const { session } = this.#octets
    const options = session === undefined ? {} : { session }
    const answer = await this.#context.edge('HEAD', this.#place ?? '', options).catch(() => undefined)
    const offset = answer?.status === 204 ? Number(answer.headers.get('upload-offset') ?? Number.NaN) : Number.NaN
    return Number.isSafeInteger(offset) ? offset : undefined
  }
}

/** The answer to the client's one request that was several: the first one's place, the last one's progress. */
const withProgress = (begun: EdgeAnswer, last: EdgeAnswer): EdgeAnswer => {
  const headers = new Headers(begun.headers)
  const offset = last.headers.get('upload-offset')
  if (offset !== null) headers.set('upload-offset', offset)
  return { ...begun, headers }
}

/** Sends a body of octets to the edge; its answer. Throws `BadField` for what the sidecar itself cannot pass on. */
export const sendOctets = (context: OctetsContext, octets: OctetsRequest): Promise<EdgeAnswer> =>
  new Sending(context, octets).run()

/** What was wrong with a field, for whoever sent it. */
export const fieldFault = (error: unknown): string | undefined =>
  error instanceof BadField ? error.message : undefined
