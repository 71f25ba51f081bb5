/** Raw DEFLATE (RFC 1951) with a preset dictionary, through node:zlib. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'

const LEVEL = 6

export const deflate = (plain: Uint8Array, dictionary: Uint8Array | undefined): Uint8Array =>
  deflateRawSync(plain, { level: LEVEL, ...(dictionary === undefined ? {} : { dictionary }) })

/** The plaintext, or undefined where the stream is broken or would grow over `max` bytes. */
export const inflate = (
  compressed: Uint8Array, dictionary: Uint8Array | undefined, max: number,
): Uint8Array | undefined => {
  try {
    const plain = inflateRawSync(compressed, { maxOutputLength: max, ...(dictionary === undefined ? {} : { dictionary }) })
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length)
  } catch {
    return undefined
  }
}
