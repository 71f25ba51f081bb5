/** What a record says, packed for its body: compressed, its length in front, padded. */
import { deflate, inflate } from '#deflate'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { dictionaryOf, NO_DICTIONARY } from '../dictionary/table.ts'
import type { RecordHeader } from '../statements.ts'
import { CHUNK } from './chunks.ts'
import { type ChunkedText, oneText } from './cobblestone.ts'
import { padmeLength } from './padding.ts'

export const LENGTH_PREFIX = 4
const encoder = new TextEncoder()
const EMPTY = new Uint8Array(0)

/** Short texts are encoded into one buffer that is kept: what comes out is consumed before the next one. */
const SHORT = 16_384
const scratch = new Uint8Array(SHORT * 3)

const utf8 = (text: string): Uint8Array =>
  text.length > SHORT ? encoder.encode(text) : scratch.subarray(0, encoder.encodeInto(text, scratch).written)

const tooLarge = (): SealError =>
  new SealError(
    'record-too-large',
    `a record holds at most ${LIMITS.recordPlaintext} bytes; stream it as an attachment`,
  )

const BLOCK = 0xffff

/** DEFLATE without compression, RFC 1951 section 3.2.4: blocks of a last-block bit, LEN, NLEN, the bytes. */
const stored = (content: Uint8Array): Uint8Array => {
  const blocks = Math.max(1, Math.ceil(content.length / BLOCK))
  const whole = new Uint8Array(content.length + blocks * 5)
  for (let block = 0, at = 0; block < blocks; block++) {
    const piece = content.subarray(block * BLOCK, (block + 1) * BLOCK)
    const view = new DataView(whole.buffer, at)
    view.setUint8(0, block === blocks - 1 ? 1 : 0)
    view.setUint16(1, piece.length, true)
    view.setUint16(3, piece.length ^ 0xffff, true)
    whole.set(piece, at + 5)
    at += 5 + piece.length
  }
  return whole
}

/** What of a header says how content is packed. */
type Packed = Pick<RecordHeader, 'contentType' | 'dictionary'>

const compressed = (header: Packed, content: Uint8Array): Uint8Array => {
  if (header.contentType === 'tombstone') {
    if (content.length > 0) throw new SealError('record-mismatch', 'a tombstone has no content')
    return EMPTY
  }
  if (header.contentType === 'octets') return content
  const packed = deflate(content, dictionaryOf(header.dictionary).bytes)
  // A flat line of a monitor repeats itself more than readers let a stream grow: it is stored, larger and openable.
  return content.length > packed.length * LIMITS.inflateFactor ? stored(content) : packed
}

const piece = new Uint8Array(CHUNK)

/** `u32(length) ‖ octets ‖ zeros`, put together chunk by chunk. */
const octetsText = (octets: Uint8Array): ChunkedText => ({
  length: padmeLength(LENGTH_PREFIX + octets.length),
  chunk(i) {
    const room = piece.subarray(0, Math.min(CHUNK, this.length - i * CHUNK))
    const start = i * CHUNK - LENGTH_PREFIX
    const part = octets.subarray(Math.max(0, start), start + room.length)
    const offset = i === 0 ? LENGTH_PREFIX : 0
    if (i === 0) new DataView(piece.buffer).setUint32(0, octets.length)
    room.set(part, offset)
    return room.fill(0, offset + part.length)
  },
})

/**
 * `u32(length) ‖ compressed ‖ zeros`, padded as a whole. Octets are not compressed, so that any place can be reached.
 */
export const packContent = (header: Packed, content: Uint8Array | string): ChunkedText => {
  const bytes = typeof content === 'string' ? utf8(content) : content
  if (bytes.length > LIMITS.recordPlaintext) throw tooLarge()
  if (header.contentType === 'octets' && bytes.length > SHORT) return octetsText(bytes)
  const packed = compressed(header, bytes)
  const whole = new Uint8Array(padmeLength(LENGTH_PREFIX + packed.length))
  new DataView(whole.buffer).setUint32(0, packed.length)
  whole.set(packed, LENGTH_PREFIX)
  return oneText(whole)
}

const requireZeros = (padding: Uint8Array): void => {
  for (const byte of padding)
    if (byte !== 0) throw new SealError('padding-invalid', 'padding is not zero; refuse the writer')
}

/** Opens {@link packContent}. The writer chose every byte, so its lengths, padding and growth are checked. */
export const unpackContent = (header: Packed, whole: Uint8Array): Uint8Array => {
  const length = whole.length < LENGTH_PREFIX ? Infinity : new DataView(whole.buffer, whole.byteOffset).getUint32(0)
  const end = LENGTH_PREFIX + length
  if (end > whole.length || padmeLength(end) !== whole.length) {
    throw new SealError('padding-invalid', 'a body is not padded as its length says; refuse the writer')
  }
  requireZeros(whole.subarray(end))
  const packed = whole.subarray(LENGTH_PREFIX, end)
  if (header.contentType !== 'fhir+json' && header.dictionary !== NO_DICTIONARY) {
    throw new SealError('record-mismatch', 'what is not compressed has no dictionary; refuse the writer')
  }
  if (header.contentType === 'tombstone') {
    if (length > 0) throw new SealError('record-mismatch', 'a tombstone has content; refuse the writer')
    return EMPTY
  }
  if (header.contentType === 'octets') return packed
  const max = Math.min(LIMITS.recordPlaintext, length * LIMITS.inflateFactor)
  const plain = inflate(packed, dictionaryOf(header.dictionary).bytes, max)
  if (plain === 'larger') throw new SealError('record-too-large', 'a body grows over its limit; refuse the writer')
  if (plain === 'broken')
    throw new SealError('record-mismatch', 'a body is not what its header says; refuse the writer')
  return plain
}
