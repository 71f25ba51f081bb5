/**
 * Raw DEFLATE (RFC 1951) with a preset dictionary: small records by our own means, larger content through node:zlib.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { deflateSmall, SMALL } from './deflate-small.ts'
import { type Inflated, inflateSmall, SMALL_COMPRESSED } from './inflate-small.ts'

const LEVEL = 6

/** The compressed bytes, which the next call may overwrite: copy them at once. */
export const deflate = (plain: Uint8Array, dictionary: Uint8Array | undefined): Uint8Array =>
  dictionary !== undefined && plain.length <= SMALL
    ? deflateSmall(plain, dictionary)
    : deflateRawSync(plain, { level: LEVEL, ...(dictionary === undefined ? {} : { dictionary }) })

/** The plaintext; `'larger'` where it would have more than `max` bytes. */
export const inflate = (compressed: Uint8Array, dictionary: Uint8Array | undefined, max: number): Inflated => {
  if (compressed.length <= SMALL_COMPRESSED) {
    const small = inflateSmall(compressed, dictionary)
    if (small !== 'larger') return typeof small !== 'string' && small.length > max ? 'larger' : small
  }
  try {
    const plain = inflateRawSync(compressed, {
      maxOutputLength: max,
      ...(dictionary === undefined ? {} : { dictionary }),
    })
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length)
  } catch (error) {
    return error instanceof RangeError ? 'larger' : 'broken'
  }
}
