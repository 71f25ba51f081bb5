/** Octets that leave this edge: as they are, whole or in part, or inside the JSON of their Binary. */
import { Readable } from 'node:stream'
import type { Binary } from '@medplum/fhirtypes'
import { isId } from '@scelle/fhir/validate'
import type { Answer } from '@scelle/wire/server'
import type { Attachment, Timers } from '@scelle/sdk'
import { type Call, requireRights } from '../call.ts'
import type { Charts } from '../charts.ts'
import { bytesOf, type Entry, textOf } from '../entry.ts'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import { Locks } from '../locks.ts'
import { header, isKnown } from '../negotiation.ts'
import type { Repository } from '../repository.ts'
import { claimsOctets, dataOf, measured, octetsNamedIn } from './octets.ts'
import { MEDIA_TYPE } from './requests.ts'
import { isSame, type Range, rangeOf, requireAcceptable } from './ranges.ts'
import { sentWithin, type Turns } from './streams.ts'

export interface ReaderOptions {
  readonly repository: Repository
  readonly charts: Charts
  readonly turns: Turns
  readonly timers: Timers
  /** Told of octets as they leave. */
  readonly passed: (octets: number) => void
}

/** Octets of one version of a Binary, not opened yet. */
interface Content {
  readonly length: number
  /** Hex. */
  readonly sha256: string
  readonly range: (from: Range) => Promise<AsyncIterable<Uint8Array>>
}

const unopened = (): EdgeError =>
  new EdgeError('chart-unavailable', 'the octets of this Binary cannot be opened now')

export class Reader {
  readonly #options: ReaderOptions
  /** One session's octets are put into JSON one after the other: a batch may ask for thousands. */
  readonly #locks = new Locks()

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** `GET Binary/id`, or a version of it, under its own media type. */
  async serve(call: Call, id: string, version: string | undefined, accept: string | undefined): Promise<Answer> {
    requireRights(call, 'read')
    if (!isId(id)) throw new EdgeError('not-found')
    if (call.wishes.query !== '') {
      throw new EdgeError('not-supported', 'this interaction takes no parameters', 'http.query')
    }
    const { repository } = this.#options
    const entry = version === undefined
      ? await repository.read(call.session, 'Binary', id)
      : await repository.version(call.session, 'Binary', id, version)
    const binary = JSON.parse(textOf(entry)) as Binary
    requireAcceptable(accept, typeOf(binary))
    const content = this.#contentOf(call.session, entry, binary)
    const headers = headersOf(entry, binary, content)
    const conditions = {
      ifNoneMatch: header(call.headers, 'if-none-match'), ifModifiedSince: header(call.headers, 'if-modified-since'),
    }
    if (isKnown(conditions, entry)) return { status: 304, headers: { etag: headers['etag'] as string } }
    return this.#answer(call, content, headers)
  }

  async #answer(call: Call, content: Content, headers: Record<string, string>): Promise<Answer> {
    const { length } = content
    const wanted = header(call.headers, 'range')
    const isFresh = isSame(header(call.headers, 'if-range'), headers['etag'] ?? '', headers['last-modified'] ?? '')
    const range = isFresh ? rangeOf(wanted, length) : undefined
    const { start, end } = range ?? { start: 0, end: length }
    const told = {
      ...headers,
      'content-length': String(end - start),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${length}` }),
    }
    const status = range === undefined ? 200 : 206
    if (call.method === 'HEAD' || start === end) return { status, headers: told }
    const release = this.#options.turns.take()
    try {
      // The first piece is opened before anything is promised: what does not open is refused, not cut off.
      const pieces = (await content.range({ start, end }))[Symbol.asyncIterator]()
      const first = await pieces.next()
      const body = Readable.from(following(first, pieces, this.#options.passed), { objectMode: false })
      return { status, headers: told, body: sentWithin(body, this.#options.timers, release) }
    } catch (error) {
      release()
      throw readFault(error)
    }
  }

  /** The JSON of a Binary with its octets inside, where they are not too many. Any other entry as it is. */
  async whole(session: string, entry: Entry): Promise<Entry> {
    if (entry.type !== 'Binary' || entry.deleted) return entry
    const text = textOf(entry)
    const binary = JSON.parse(text) as Binary
    if (octetsNamedIn(binary) === undefined) return entry
    const content = this.#contentOf(session, entry, binary)
    if (content.length > EDGE_LIMITS.binaryJson) {
      throw new EdgeError('not-acceptable', 'too many octets for JSON: ask for the Binary\'s own media type, or */*')
    }
    const data = await this.#locks.with([session], () => base64Of(content))
    return { ...entry, bytes: data === '' ? entry.bytes : bytesOf(`${text.trimEnd().slice(0, -1)},"data":"${data}"}`) }
  }

  #contentOf(session: string, entry: Entry, binary: Binary): Content {
    const named = octetsNamedIn(binary)
    if (named === undefined) {
      if (claimsOctets(binary)) throw unopened()
      const data = dataOf(binary)
      const { length, sha256 } = measured(data)
      return { length, sha256, range: async ({ start, end }) => Readable.from([data.subarray(start, end)]) }
    }
    return {
      length: named.length,
      sha256: named.sha256,
      range: async ({ start, end }) => {
        const octets = await this.#open(session, entry, named.record)
        // Its author says how many there are, in both places: whoever asks for a range relies on it.
        if (octets.length !== named.length) throw unopened()
        return octets.range(start, end)
      },
    }
  }

  async #open(session: string, entry: Entry, record: string): Promise<Attachment> {
    const { charts, repository } = this.#options
    const { vault } = await repository.locate('Binary', entry.id)
    for (let attempt = 0; ; attempt++) {
      const opening = await charts.use(session, vault)
      try {
        const found = await opening.attachment(entry.author, record)
        if (found === undefined) throw unopened()
        return found
      } catch (error) {
        // Closed meanwhile, or over its time at the sdk: opened anew, by an access of its own.
        if ((error as { code?: unknown } | null)?.code !== 'chart-closed' || attempt > 0) throw error
      }
    }
  }
}

const base64Of = async ({ length, range }: Content): Promise<string> => {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of await range({ start: 0, end: length })) pieces.push(piece)
  } catch (error) {
    throw readFault(error)
  }
  return Buffer.concat(pieces).toString('base64')
}

/** What went wrong on the way from the index, for whoever asked. */
const readFault = (error: unknown): EdgeError =>
  error instanceof EdgeError ? error
    : new EdgeError('chart-unavailable', 'the octets of this Binary cannot be opened now', undefined, { cause: error })

async function* following(
  first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>, passed: ReaderOptions['passed'],
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) {
      passed(next.value.length)
      yield next.value
    }
  } finally {
    await rest.return?.()
  }
}

/** A code of R4 is any text: what is no media type is in no field of an answer. */
const typeOf = ({ contentType }: Binary): string =>
  MEDIA_TYPE.test(contentType) ? contentType : 'application/octet-stream'

/**
 * Somebody else chose these octets and their type, and a browser may be what asks: it shows none of them as a page of
 * this origin.
 */
const headersOf = (entry: Entry, binary: Binary, { sha256 }: Content): Record<string, string> => ({
  'content-type': typeOf(binary),
  'content-disposition': 'attachment',
  'content-security-policy': "default-src 'none'; sandbox",
  'accept-ranges': 'bytes',
  'etag': `"${entry.version}"`,
  'last-modified': new Date(entry.updated).toUTCString(),
  'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
  'vary': 'accept',
})
