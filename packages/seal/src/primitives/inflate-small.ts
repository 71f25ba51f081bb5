/**
 * Inflating small records into one buffer that is kept: allocating it, or a zlib context, would cost more than the
 * work.
 */
import { inflateSync } from 'fflate'

/** Compressed bytes up to which a record is small. */
export const SMALL_COMPRESSED = 16_384

const scratch = new Uint8Array(128 * 1024)

/** The plaintext, or why there is none: no DEFLATE stream, or one that grows over its bound. */
export type Inflated = Uint8Array | 'broken' | 'larger'

/** The library copies a stored block whole, so that one which crosses the buffer's end throws instead of being cut. */
export const overrun = (error: unknown): boolean => error instanceof RangeError

/**
 * The plaintext, `'larger'` where it does not fit. The library drops what a given
 * buffer cannot take, so a full buffer means that there may be more.
 */
export const inflateSmall = (compressed: Uint8Array, dictionary: Uint8Array | undefined): Inflated => {
  if (compressed.length === 0) return 'broken'
  try {
    const plain = inflateSync(compressed, { out: scratch, ...(dictionary === undefined ? {} : { dictionary }) })
    return plain.length < scratch.length ? plain.slice() : 'larger'
  } catch (error) {
    return overrun(error) ? 'larger' : 'broken'
  }
}
