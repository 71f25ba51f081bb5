/** Whole bodies sealed and opened in memory: C2SP chunked-encryption, profile Cobblestone-256. */
import { aeadKey, aeadOpen, aeadSealInto, roomFor } from '#aead'
import { SealError } from '../errors.ts'
import { chain, type Maybe, together } from '../maybe.ts'
import { equalBytes } from '../verify/bytes.ts'
import {
  type BodyKeys,
  bodyKeys,
  CHUNK,
  chunkNonce,
  openedLength,
  PREFIX,
  SALT,
  SEALED_CHUNK,
  sealedLength,
} from './chunks.ts'

const tampered = (): SealError =>
  new SealError('record-tampered', 'a body does not open under its key, header and capsule; fetch it again')

const required = (opened: Uint8Array | undefined): Uint8Array => {
  if (opened === undefined) throw tampered()
  return opened
}

/** A plaintext by its chunks: so that a large one need not be copied into one piece first. */
export interface ChunkedText {
  readonly length: number
  /** Chunk `i`, of 16 KiB but the last; it need not outlast the next call. */
  readonly chunk: (i: number) => Uint8Array
}

/** A plaintext that is in one piece. */
export const oneText = (text: Uint8Array): ChunkedText => ({
  length: text.length,
  chunk: (i) => text.subarray(i * CHUNK, (i + 1) * CHUNK),
})

/** Seals one body. `salt` is 24 bytes, random, never used twice under one input key. */
export const sealBody = (
  inputKey: Uint8Array,
  salt: Uint8Array,
  context: Uint8Array,
  plaintext: ChunkedText,
): Maybe<Uint8Array> => {
  const keys = bodyKeys(inputKey, salt, context)
  const body = roomFor(sealedLength(plaintext.length))
  body.set(salt)
  body.set(keys.commitment, SALT)
  const chunks = Math.floor(plaintext.length / CHUNK) + 1
  return chain(aeadKey(keys.key), (key) => {
    const written: Maybe<void>[] = []
    for (let i = 0; i < chunks; i++) {
      const place = PREFIX + i * SEALED_CHUNK
      written.push(aeadSealInto(body, place, key, chunkNonce(keys.nonce, i), plaintext.chunk(i)))
    }
    return chain(together(written), () => body)
  })
}

/** The keys of a body, its commitment checked before anything is opened. Throws `record-tampered`. */
export const committedKeys = (inputKey: Uint8Array, context: Uint8Array, prefix: Uint8Array): BodyKeys => {
  const keys = bodyKeys(inputKey, prefix.subarray(0, SALT), context)
  if (!equalBytes(keys.commitment, prefix.subarray(SALT, PREFIX))) throw tampered()
  return keys
}

/** Opens one body. Throws `record-truncated` or `record-tampered`. */
export const openBody = (inputKey: Uint8Array, context: Uint8Array, body: Uint8Array): Maybe<Uint8Array> => {
  const length = openedLength(body.length)
  const keys = committedKeys(inputKey, context, body)
  const chunks = Math.floor(length / CHUNK) + 1
  if (chunks === 1) {
    return chain(aeadKey(keys.key), (key) => chain(aeadOpen(key, keys.nonce, body.subarray(PREFIX)), required))
  }
  const plaintext = roomFor(length)
  return chain(aeadKey(keys.key), (key) => {
    const opened: Maybe<void>[] = []
    for (let i = 0; i < chunks; i++) {
      const start = PREFIX + i * SEALED_CHUNK
      const sealed = body.subarray(start, start + SEALED_CHUNK)
      opened.push(
        chain(aeadOpen(key, chunkNonce(keys.nonce, i), sealed), (piece) => {
          plaintext.set(required(piece), i * CHUNK)
        }),
      )
    }
    return chain(together(opened), () => plaintext)
  })
}
