/**
 * Octets of any size: sealed as they come, sent as they are sealed, opened where they are read. Never more than a few
 * parts of them are in memory, on either way.
 */
import {
  type BodySource, type CapsuleKey, type OpenCapsule, openStream, type OpenedStream, sealStream, type SealedStream,
} from '@scelle/seal/envelope'
import { type CapsuleHeader, type Context, giveBack, SealError, startSha256, toHex } from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { FeedRecord } from './feed.ts'
import { SDK_LIMITS } from './limits.ts'
import type { SealedAttachment } from './sealing.ts'

export interface AttachmentToSeal {
  /** Code of the category. */
  readonly category: string
  /** 16 bytes, and a version: as of any record. A random handle is as good as any. */
  readonly handle: Uint8Array
  readonly version: number
  readonly length: number
  /**
   * The octets, from the beginning: asked for twice, once for the digest that the upload is signed with, once for the
   * upload, and again where that fails. They must be the same each time.
   */
  readonly source: () => AsyncIterable<Uint8Array>
  readonly retention?: CapsuleHeader['retention']
  readonly signal?: AbortSignal
}

/** Octets of a chart, at any place. */
export interface Attachment {
  /** Code of the category. */
  readonly category: string
  /** Hex. */
  readonly author: string
  readonly length: number
  /**
   * From `start` to `end` (exclusive), piece by piece, each authenticated before it is given out. Throws `chart-closed`
   * once the chart is closed, SealError `record-tampered`, and as every request does.
   */
  readonly range: (start?: number, end?: number) => AsyncGenerator<Uint8Array>
}

const HOUR = 3_600

/** The same randomness each time: a body that is sealed twice is the same body. */
const repeatable = (context: Context): (() => Context) => {
  const drawn: Uint8Array[] = []
  return () => {
    let at = 0
    return {
      now: context.now,
      random: (length) => {
        const known = drawn[at] ?? context.random(length)
        drawn[at++] = known
        return known
      },
    }
  }
}

/** Seals for the digest; the body itself where it is small enough to travel with its commit. */
const digestOf = async (sealed: SealedStream): Promise<{ digest: Uint8Array; body?: Uint8Array }> => {
  const hash = startSha256()
  const inline = sealed.size <= WIRE_LIMITS.inlineBody
  const body = new Uint8Array(inline ? sealed.size : 0)
  let at = 0
  for await (const piece of sealed.body) {
    hash.update(piece)
    if (inline) body.set(piece, at)
    at += piece.length
    giveBack(piece)
  }
  return { digest: hash.digest(), ...(inline ? { body } : {}) }
}

/** Seals one attachment in a capsule of its own, and uploads it where it is large. */
export const sealAttachment = async (
  connection: Connection, capsule: OpenCapsule, attachment: AttachmentToSeal,
): Promise<SealedAttachment> => {
  const { category, handle, version, length, source, signal } = attachment
  const time = Math.floor(connection.context.now() / 1000 / HOUR) * HOUR
  const again = repeatable(connection.context)
  const seal = (): SealedStream => sealStream(capsule, { handle, version, time, length, source: source() }, again())
  const first = seal()
  const { digest, body } = await digestOf(first)
  const { header, headerBytes, size } = first
  if (body === undefined) {
    await connection.askIndex({
      method: 'PUT',
      path: `/v1/blobs/${toHex(digest)}`,
      streamed: { size, digest, read: () => seal().body },
      octets: true,
      signal,
      timeout: SDK_LIMITS.transferTimeout,
    })
  }
  return {
    category, handle, version, record: header.record, headerBytes, digest, size, capsule: capsule.capsuleBytes,
    ...(body === undefined ? {} : { body }),
  }
}

/** A sealed body at the index, by parts: the last few are held, and the one after them is on its way. */
class BlobParts implements BodySource {
  readonly size: number
  readonly #fetch: (part: number) => Promise<Uint8Array>
  readonly #parts = new Map<number, Promise<Uint8Array>>()

  constructor(size: number, fetch: (part: number) => Promise<Uint8Array>) {
    this.size = size
    this.#fetch = fetch
  }

  read = async (offset: number, length: number): Promise<Uint8Array> => {
    const first = Math.floor(offset / SDK_LIMITS.blobPart)
    const within = offset - first * SDK_LIMITS.blobPart
    if (within + length <= SDK_LIMITS.blobPart) {
      const part = (await this.#part(first)).subarray(within, within + length)
      if (part.length === length) return part
    }
    const whole = new Uint8Array(length)
    for (let done = 0; done < length;) {
      const number = Math.floor((offset + done) / SDK_LIMITS.blobPart)
      const part = await this.#part(number)
      const taken = part.subarray(offset + done - number * SDK_LIMITS.blobPart).subarray(0, length - done)
      if (taken.length === 0) throw new SealError('record-truncated', 'a body ends before its length; fetch it again')
      whole.set(taken, done)
      done += taken.length
    }
    return whole
  }

  #part(number: number): Promise<Uint8Array> {
    const part = this.#held(number)
    // Read in order, by the look of it: the next one travels while this one is opened.
    const isNext = this.#parts.has(number - 1)
    if (isNext && (number + 1) * SDK_LIMITS.blobPart < this.size) this.#held(number + 1).catch(() => {})
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size <= SDK_LIMITS.blobParts) break
      this.#parts.get(oldest)?.then(giveBack, () => {})
      this.#parts.delete(oldest)
    }
    return part
  }

  #held(number: number): Promise<Uint8Array> {
    const part = this.#parts.get(number) ?? this.#fetch(number)
    this.#parts.delete(number)
    this.#parts.set(number, part)
    part.catch(() => this.#parts.delete(number))
    return part
  }
}

/** A record's sealed body, wherever it is. */
export const sourceOf = (connection: Connection, record: FeedRecord, signal: AbortSignal | undefined): BodySource => {
  const { body, size, digest } = record
  if (body !== undefined) return { size, read: async (offset, length) => body.subarray(offset, offset + length) }
  return new BlobParts(size, async (part) => {
    const first = part * SDK_LIMITS.blobPart
    const last = Math.min(first + SDK_LIMITS.blobPart, size) - 1
    const bytes = await connection.askIndex({
      method: 'GET',
      path: `/v1/blobs/${toHex(digest)}`,
      octets: true,
      range: [first, last],
      signal,
      timeout: SDK_LIMITS.transferTimeout,
      attempts: SDK_LIMITS.partAttempts,
    })
    if (bytes.length !== last - first + 1) {
      throw new SealError('record-truncated', 'the index serves another part of a body than it was asked for')
    }
    return bytes
  })
}

/** Opens a record's octets under its capsule's key, for as long as `isOpen` holds. */
export const openAttachment = async (
  key: CapsuleKey, record: FeedRecord, source: BodySource, category: string, isOpen: () => boolean,
): Promise<Attachment> => {
  const opened = await openStream(key, record.headerBytes, source)
  return {
    category,
    author: toHex(record.capsule.header.writer),
    length: opened.length,
    range: (start, end) => whileOpen(opened, isOpen, start, end),
  }
}

async function* whileOpen(
  opened: OpenedStream, isOpen: () => boolean, start: number | undefined, end: number | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of opened.range(start, end)) {
    if (!isOpen()) throw new SdkError('chart-closed', 'the chart was closed while an attachment of it was being read')
    yield piece
  }
}
