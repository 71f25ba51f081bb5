/** Octets sent to this edge, in one request or in several: received, checked, and kept as a Binary. */
import { createSecretKey } from 'node:crypto'
import type { Readable } from 'node:stream'
import { isId } from '@scelle/fhir/validate'
import { type Timers, toHex } from '@scelle/sdk'
import { type FhirAnswer, locationOf, versionHeaders, writtenAnswer } from '../answers.ts'
import { type Call, requireRights } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { PlannedChange } from '../writes/planner.ts'
import { type Arrived, type Keeper, type Wanted } from './keeper.ts'
import { completeOf, lengthOf, offsetOf, wantedOf } from './requests.ts'
import type { Spool } from './spool.ts'
import { asSigned, received, type Turns } from './streams.ts'
import { arrivedAs, type Upload, type Uploads } from './uploads.ts'

/** Where uploads that may be resumed are, below the base. */
export const UPLOADS = '$scelle-upload'

export interface ReceiverOptions {
  readonly keeper: Keeper
  readonly uploads: Uploads
  readonly spool: Spool
  readonly turns: Turns
  readonly timers: Timers
  readonly newId: () => string
  readonly random: (length: number) => Uint8Array
}

/** A body as it comes, and the SHA-256 that the request's signature covers. */
export interface Body {
  readonly stream: Readable
  readonly digest: Uint8Array
}

/** Refusals after which the same octets would be refused again: nothing of the upload is kept. */
const FINAL: ReadonlySet<string> = new Set([
  'digest-mismatch', 'business-rule', 'precondition-failed', 'not-author', 'forbidden', 'too-large',
])

const LIMITS = `max-size=${EDGE_LIMITS.attachment}, max-append-size=${EDGE_LIMITS.attachment}`
  + `, max-age=${EDGE_LIMITS.uploadTime / 1000}`

export class Receiver {
  readonly #options: ReceiverOptions
  readonly #finishing = new Map<string, Promise<FhirAnswer>>()

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** `POST Binary` and `PUT Binary/id` with content that is not FHIR. */
  async create(call: Call, body: Body, id?: string): Promise<FhirAnswer> {
    requireRights(call, 'write')
    requireNoQuery(call)
    if (id !== undefined && !isId(id)) {
      throw new EdgeError('bad-value', 'an id is 1 to 64 of A-Z a-z 0-9 - .', 'http.path')
    }
    const wanted = wantedOf(call.headers, id ?? this.#options.newId())
    this.#options.keeper.check(wanted, [call.base])
    const complete = completeOf(call.headers)
    if ((offsetOf(call.headers) ?? 0) !== 0) throw new EdgeError('offset-mismatch')
    if (complete !== false) return this.#inOne(call, body, wanted)
    const upload = this.#options.uploads.begin(call.principal, wanted, lengthOf(call.headers))
    try {
      const after = await this.#append(call, upload.id, body, 0, false)
      return { status: 201, headers: { location: `${call.base}/${UPLOADS}/${upload.id}`, ...progressOf(after) } }
    } catch (error) {
      await this.#options.uploads.remove(upload.id)
      throw error
    }
  }

  /** How far an upload has come. */
  state(call: Call, id: string): FhirAnswer {
    requireRights(call, 'write')
    const upload = this.#options.uploads.get(call.principal, id)
    const { done, wanted } = upload
    const become = done === undefined ? {} : { 'content-location': `${call.base}/Binary/${wanted.id}/_history/${done}` }
    return { status: 204, headers: { ...progressOf(upload), ...become } }
  }

  /** The next piece of an upload; with the last one, it becomes a Binary. */
  async append(call: Call, id: string, body: Body): Promise<FhirAnswer> {
    requireRights(call, 'write')
    requireNoQuery(call)
    const { uploads } = this.#options
    const offset = offsetOf(call.headers)
    const complete = completeOf(call.headers)
    if (offset === undefined || complete === undefined) {
      throw new EdgeError('bad-request', 'a piece of an upload says Upload-Offset and Upload-Complete')
    }
    const upload = uploads.get(call.principal, id)
    if (!upload.complete) {
      const after = await this.#append(call, id, body, offset, complete)
      return complete ? this.#finish(call, after) : { status: 204, headers: progressOf(after) }
    }
    // All of it is here. Whoever did not hear how it ended asks again with nothing more to send.
    if (offset !== upload.octets || !complete) throw new EdgeError('offset-mismatch')
    for await (const piece of asSigned(this.#received(body), body.digest)) {
      if (piece.length > 0) throw new EdgeError('bad-request', 'this upload is complete')
    }
    return this.#finish(call, upload)
  }

  /** Gives an upload up. */
  async cancel(call: Call, id: string): Promise<FhirAnswer> {
    requireRights(call, 'write')
    this.#options.uploads.get(call.principal, id)
    if (this.#finishing.has(id)) throw new EdgeError('conflict', 'this upload is complete, and on its way')
    await this.#options.uploads.remove(id)
    return { status: 204 }
  }

  async #append(call: Call, id: string, body: Body, offset: number, complete: boolean): Promise<Upload> {
    const release = this.#options.turns.take()
    try {
      return await this.#options.uploads.append(call.principal, id, {
        source: (signal) => asSigned(this.#received(body, signal), body.digest), offset, complete,
      })
    } finally {
      release()
    }
  }

  #received({ stream }: Body, signal = new AbortController().signal): AsyncIterable<Uint8Array> {
    return received(stream, this.#options.timers, signal)
  }

  /** Nobody resumes it: its key is nowhere but here, and its file ends with the request. */
  async #inOne(call: Call, body: Body, wanted: Wanted): Promise<FhirAnswer> {
    const { keeper, spool, random, turns } = this.#options
    const length = lengthOf(call.headers)
    const release = turns.take()
    const name = toHex(random(16))
    const key = createSecretKey(random(32))
    try {
      const source = asSigned(this.#received(body), body.digest)
      const spooled = await spool.append(name, key, { octets: 0, bytes: 0 }, source, EDGE_LIMITS.attachment)
      if (length !== undefined && length !== spooled.octets) {
        throw new EdgeError('bad-request', 'the body does not end at its Upload-Length')
      }
      const arrived: Arrived = { name, key, ...spooled }
      return answerTo(call, await keeper.keep(arrived, wanted, [call.base], () => undefined))
    } finally {
      release()
      await spool.remove(name)
    }
  }

  /** Once, however often it is asked for meanwhile. */
  #finish(call: Call, upload: Upload): Promise<FhirAnswer> {
    const under = this.#finishing.get(upload.id)
    if (under !== undefined) return under
    const finishing = this.#complete(call, upload).finally(() => this.#finishing.delete(upload.id))
    this.#finishing.set(upload.id, finishing)
    return finishing
  }

  async #complete(call: Call, { id }: Upload): Promise<FhirAnswer> {
    const { uploads } = this.#options
    try {
      return await uploads.holding(call.principal, id, (upload) => this.#kept(call, upload))
    } catch (error) {
      if (error instanceof EdgeError && FINAL.has(error.code)) await uploads.remove(id)
      throw error
    }
  }

  async #kept(call: Call, upload: Upload): Promise<FhirAnswer> {
    const { keeper, uploads } = this.#options
    const { id, wanted } = upload
    const version = upload.done ?? keeper.versionKept(wanted.id, upload.records)
    if (version !== undefined) {
      await uploads.done(id, version)
      const place = `${call.base}/Binary/${wanted.id}/_history/${version}`
      return { status: 201, headers: { ...progressOf(upload), location: place, etag: `W/"${version}"` } }
    }
    const change = await keeper.keep(arrivedAs(upload), wanted, [call.base], (record) => uploads.sealedAs(id, record))
    await uploads.done(id, change.entry?.version ?? 1)
    const answer = answerTo(call, change)
    return { ...answer, headers: { ...answer.headers, ...progressOf(upload) } }
  }
}

const progressOf = ({ octets, complete, length }: Upload): Record<string, string> => ({
  'upload-offset': String(octets),
  'upload-complete': complete ? '?1' : '?0',
  'upload-limit': LIMITS,
  ...(length === undefined ? {} : { 'upload-length': String(length) }),
})

/** Whoever sent gigabytes wants no JSON back, unless it says so. */
const answerTo = (call: Call, { status, entry }: PlannedChange): FhirAnswer => {
  if (entry === undefined) throw new Error('a write leaves a version')
  const answer = writtenAnswer(status, entry, call.base, call.wishes.returns ?? 'minimal')
  return { ...answer, headers: { ...versionHeaders(entry), ...answer.headers, location: locationOf(call.base, entry) } }
}

const requireNoQuery = (call: Call): void => {
  if (call.wishes.query !== '') {
    throw new EdgeError('not-supported', 'this interaction takes no parameters', 'http.query')
  }
}
