/** Raw DEFLATE (RFC 1951) with a preset dictionary, through fflate: CompressionStream takes no dictionary. */
import { deflateSync, inflateSync } from 'fflate'

const LEVEL = 6
const FIRST_GUESS = 8

export const deflate = (plain: Uint8Array, dictionary: Uint8Array | undefined): Uint8Array =>
  deflateSync(plain, { level: LEVEL, ...(dictionary === undefined ? {} : { dictionary }) })

/**
 * The plaintext, or undefined where the stream is broken or would grow over `max` bytes. The library fills a given buffer
 * and drops what does not fit, so a full buffer means "maybe more": it is tried again with a larger one.
 */
export const inflate = (
  compressed: Uint8Array, dictionary: Uint8Array | undefined, max: number,
): Uint8Array | undefined => {
  for (let room = Math.min(max, compressed.length * FIRST_GUESS) + 1; ; room = Math.min(max + 1, room * FIRST_GUESS)) {
    const out = new Uint8Array(room)
    let plain: Uint8Array
    try {
      plain = inflateSync(compressed, { out, ...(dictionary === undefined ? {} : { dictionary }) })
    } catch {
      return undefined
    }
    if (plain.length < room) return plain.slice()
    if (room > max) return undefined
  }
}
