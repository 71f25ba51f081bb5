/** Records: what is sealed, and opened again, under a capsule's key. */
import { openBody, sealBody } from '../body/cobblestone.ts'
import { SALT, sealedLength } from '../body/chunks.ts'
import { LENGTH_PREFIX, packContent, unpackContent } from '../body/content.ts'
import { padmeLength } from '../body/padding.ts'
import { BodyReader, type BodySource, sealBodyStream } from '../body/stream.ts'
import type { Context } from '../context.ts'
import { dictionaryOf, FHIR_DICTIONARY, NO_DICTIONARY } from '../dictionary/table.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { chain, type Maybe, together } from '../maybe.ts'
import { RecordHeader, SUITE } from '../statements.ts'
import { concatBytes, equalBytes } from '../verify/bytes.ts'
import { sha256 } from '#hash'
import { requireSuite } from '../verify/identity.ts'
import { type CapsuleKey, capsuleSecret, type OpenCapsule } from './capsule.ts'

export interface RecordToSeal {
  /** 16 bytes, random; drawn where absent. */
  readonly record?: Uint8Array
  /** 16 bytes: see `handleOf`. */
  readonly handle: Uint8Array
  /** Of the resource: 1, 2, 3… */
  readonly version: number
  /** Coarse, in seconds: the index sees it. */
  readonly time: number
  readonly contentType: RecordHeader['contentType']
  /** UTF-8 JSON, or octets; empty for a tombstone. */
  readonly content: Uint8Array | string
}

export interface SealedRecord {
  readonly header: RecordHeader
  readonly headerBytes: Uint8Array
  readonly body: Uint8Array
  /** SHA-256 of the body. */
  readonly digest: Uint8Array
}

export interface OpenedRecord {
  readonly header: RecordHeader
  readonly content: Uint8Array
}

/** The body's context: capsule, dictionary and header, so that a body opens in one place only. */
const recordContext = (key: CapsuleKey, header: RecordHeader, headerBytes: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('recordContext'), key.headerHash, dictionaryOf(header.dictionary).hash, headerBytes)

/** Bytes to draw for one record: its salt, then its id. */
const DRAWN = SALT + 16

const headerOf = (capsule: CapsuleKey, item: Omit<RecordToSeal, 'content'>, drawn: Uint8Array): RecordHeader => ({
  suite: SUITE,
  capsule: capsule.header.capsule,
  record: item.record ?? drawn.slice(SALT, DRAWN),
  handle: item.handle,
  version: item.version,
  time: item.time,
  contentType: item.contentType,
  dictionary: item.contentType === 'fhir+json' ? FHIR_DICTIONARY : NO_DICTIONARY,
})

const sealOne = (capsule: CapsuleKey, item: RecordToSeal, drawn: Uint8Array): Maybe<SealedRecord> => {
  const header = headerOf(capsule, item, drawn)
  const headerBytes = encode(RecordHeader, header)
  const plaintext = packContent(header, item.content)
  const context = recordContext(capsule, header, headerBytes)
  const sealed = sealBody(capsuleSecret(capsule), drawn.subarray(0, SALT), context, plaintext)
  return chain(sealed, (body) => ({ header, headerBytes, body, digest: sha256(body) }))
}

/**
 * Seals a batch under one capsule. Throws `capsule-full`, `capsule-closed` or `record-too-large`; then nothing is
 * sealed.
 */
export const sealRecords = async (
  capsule: OpenCapsule, items: readonly RecordToSeal[], context: Context,
): Promise<SealedRecord[]> => {
  capsule.add(items.length, context.now())
  const drawn = context.random(items.length * DRAWN)
  return together(items.map((item, i) => sealOne(capsule, item, drawn.subarray(i * DRAWN, (i + 1) * DRAWN))))
}

export const sealRecord = async (
  capsule: OpenCapsule, item: RecordToSeal, context: Context,
): Promise<SealedRecord> => {
  capsule.add(1, context.now())
  return sealOne(capsule, item, context.random(DRAWN))
}

/** Decodes a record header and checks that it names this capsule. Throws `record-mismatch`. */
const requireHeader = (key: CapsuleKey, headerBytes: Uint8Array): RecordHeader => {
  const header = decode(RecordHeader, headerBytes)
  requireSuite(header)
  if (!equalBytes(header.capsule, key.header.capsule)) {
    throw new SealError('record-mismatch', 'a record names another capsule than the one it is opened under')
  }
  return header
}

const openOne = (key: CapsuleKey, headerBytes: Uint8Array, body: Uint8Array): Maybe<OpenedRecord> => {
  const header = requireHeader(key, headerBytes)
  const opened = openBody(capsuleSecret(key), recordContext(key, header, headerBytes), body)
  return chain(opened, (whole) => ({ header, content: unpackContent(header, whole) }))
}

/**
 * Opens one record. Throws `record-mismatch`, `record-truncated`, `record-tampered` (a body with another header,
 * capsule, handle or version ends here), `padding-invalid`, `record-too-large` or `dictionary-unknown`.
 */
export const openRecord = async (
  key: CapsuleKey, headerBytes: Uint8Array, body: Uint8Array,
): Promise<OpenedRecord> => openOne(key, headerBytes, body)

const errorOf = (error: unknown): SealError => {
  if (error instanceof SealError) return error
  throw error
}

/**
 * Opens a batch of one capsule. What cannot be opened is answered by its error, so that one bad record hides no other.
 */
export const openRecords = async (
  key: CapsuleKey, items: readonly { readonly headerBytes: Uint8Array; readonly body: Uint8Array }[],
): Promise<(OpenedRecord | SealError)[]> =>
  together(items.map(({ headerBytes, body }): Maybe<OpenedRecord | SealError> => {
    try {
      const opened = openOne(key, headerBytes, body)
      return opened instanceof Promise ? opened.catch(errorOf) : opened
    } catch (error) {
      return errorOf(error)
    }
  }))

async function* attachment(length: number, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const prefix = new Uint8Array(LENGTH_PREFIX)
  new DataView(prefix.buffer).setUint32(0, length)
  yield prefix
  let rest = length
  for await (const piece of source) {
    rest -= piece.length
    if (rest < 0) break
    yield piece
  }
  if (rest !== 0) throw new SealError('record-mismatch', `an attachment has not the ${length} bytes announced`)
  const zeros = new Uint8Array(LIMITS.streamPiece)
  const total = LENGTH_PREFIX + length
  for (let left = padmeLength(total) - total; left > 0; left -= zeros.length) yield zeros.subarray(0, left)
}

export interface SealedStream {
  readonly header: RecordHeader
  readonly headerBytes: Uint8Array
  /** Bytes of the whole body. */
  readonly size: number
  readonly body: AsyncGenerator<Uint8Array>
}

/** Seals octets of a known length as they come. The caller hashes what it sends: SHA-256 of the body is its digest. */
export const sealStream = (
  capsule: OpenCapsule,
  item: Omit<RecordToSeal, 'content' | 'contentType'> & {
    readonly length: number
    readonly source: AsyncIterable<Uint8Array>
  },
  context: Context,
): SealedStream => {
  if (item.length > LIMITS.attachment) {
    throw new SealError('record-too-large', `an attachment has at most ${LIMITS.attachment} bytes`)
  }
  capsule.add(1, context.now())
  const drawn = context.random(DRAWN)
  const header = headerOf(capsule, { ...item, contentType: 'octets' }, drawn)
  const headerBytes = encode(RecordHeader, header)
  const body = sealBodyStream(
    capsuleSecret(capsule), drawn.subarray(0, SALT), recordContext(capsule, header, headerBytes),
    attachment(item.length, item.source),
  )
  return { header, headerBytes, size: sealedLength(padmeLength(LENGTH_PREFIX + item.length)), body }
}

/** Octets of a sealed attachment, at any place. */
export interface OpenedStream {
  readonly header: RecordHeader
  /** Bytes of the content. */
  readonly length: number
  /** Content from `start` to `end` (exclusive; the content's end where absent), chunk by chunk. */
  readonly range: (start?: number, end?: number) => AsyncGenerator<Uint8Array>
}

/** Opens an attachment for random access: fetches its first and last chunk, then what is asked for. */
export const openStream = async (
  key: CapsuleKey, headerBytes: Uint8Array, source: BodySource,
): Promise<OpenedStream> => {
  const header = requireHeader(key, headerBytes)
  if (header.contentType !== 'octets') throw new SealError('record-mismatch', 'only octets are opened as a stream')
  const reader = await BodyReader.start(capsuleSecret(key), recordContext(key, header, headerBytes), source)
  const prefix = new Uint8Array(LENGTH_PREFIX)
  for await (const piece of reader.range(0, LENGTH_PREFIX)) prefix.set(piece)
  const length = new DataView(prefix.buffer).getUint32(0)
  if (padmeLength(LENGTH_PREFIX + length) !== reader.length) {
    throw new SealError('padding-invalid', 'a body is not padded as its length says; refuse the writer')
  }
  return {
    header,
    length,
    range: (start = 0, end = length) => reader.range(LENGTH_PREFIX + start, LENGTH_PREFIX + Math.min(end, length)),
  }
}
