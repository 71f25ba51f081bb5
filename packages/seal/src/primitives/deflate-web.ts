/**
 * Raw DEFLATE (RFC 1951) with a preset dictionary: small records by our own means, larger content through fflate
 * (CompressionStream takes no dictionary).
 */
import { deflateSync, inflateSync } from 'fflate'
import { deflateSmall, SMALL } from './deflate-small.ts'
import { type Inflated, inflateSmall, overrun, SMALL_COMPRESSED } from './inflate-small.ts'

const LEVEL = 6
const GROWTH = 8

/** The compressed bytes, which the next call may overwrite: copy them at once. */
export const deflate = (plain: Uint8Array, dictionary: Uint8Array | undefined): Uint8Array =>
  dictionary !== undefined && plain.length <= SMALL
    ? deflateSmall(plain, dictionary)
    : deflateSync(plain, { level: LEVEL, ...(dictionary === undefined ? {} : { dictionary }) })

/** The plaintext; `'larger'` where it would have more than `max` bytes. */
export const inflate = (compressed: Uint8Array, dictionary: Uint8Array | undefined, max: number): Inflated => {
  if (compressed.length <= SMALL_COMPRESSED) {
    const small = inflateSmall(compressed, dictionary)
    if (small !== 'larger') return typeof small !== 'string' && small.length > max ? 'larger' : small
  }
  for (let room = Math.min(max, compressed.length * GROWTH) + 1; ; room = Math.min(max + 1, room * GROWTH)) {
    const out = new Uint8Array(room)
    try {
      const plain = inflateSync(compressed, { out, ...(dictionary === undefined ? {} : { dictionary }) })
      if (plain.length < room) return plain.slice()
    } catch (error) {
      if (!overrun(error)) return 'broken'
    }
    if (room > max) return 'larger'
  }
}
