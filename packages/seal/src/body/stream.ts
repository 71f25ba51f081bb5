/**
 * Bodies too large for memory: sealed as they come, opened in order or at any place. Same format as `cobblestone.ts`.
 */
import { aeadKey, aeadOpen, aeadSealInto, roomFor } from '#aead'
import { SealError } from '../errors.ts'
import { bodyKeys, CHUNK, chunkNonce, openedLength, PREFIX, SEALED_CHUNK, TAG } from './chunks.ts'
import { committedKeys } from './cobblestone.ts'

/** Random access to a sealed body, wherever it is. */
export interface BodySource {
  /** Length of the sealed body in bytes. */
  readonly size: number
  /** Exactly `length` bytes from `offset`. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>
}

/**
 * Cuts what comes in pieces of any size into pieces of 16 KiB; the last one is shorter, and may be empty. All of them
 * are the same bytes of memory, one after the other.
 */
async function* chunked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK)
  let filled = 0
  for await (const piece of source) {
    for (let offset = 0; offset < piece.length; ) {
      const taken = piece.subarray(offset, offset + CHUNK - filled)
      buffer.set(taken, filled)
      filled += taken.length
      offset += taken.length
      if (filled === CHUNK) {
        yield buffer
        filled = 0
      }
    }
  }
  yield buffer.subarray(0, filled)
}

/** Chunks that are given out together: memory by the gigabyte in small pieces costs more than sealing them. */
const TOGETHER = 16

/** Seals a body piece by piece: salt and commitment first, then chunks. */
export async function* sealBodyStream(
  inputKey: Uint8Array, salt: Uint8Array, context: Uint8Array, plaintext: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const keys = bodyKeys(inputKey, salt, context)
  const key = await aeadKey(keys.key)
  yield salt
  yield keys.commitment
  let room = roomFor(TOGETHER * SEALED_CHUNK)
  let filled = 0
  let chunk = 0
  for await (const piece of chunked(plaintext)) {
    if (filled === room.length) {
      yield room
      room = roomFor(TOGETHER * SEALED_CHUNK)
      filled = 0
    }
    await aeadSealInto(room, filled, key, chunkNonce(keys.nonce, chunk++), piece)
    filled += piece.length + TAG
  }
  yield room.subarray(0, filled)
}

/**
 * Opens single chunks of a body. The last chunk is authenticated first: so `length` cannot be cut by whoever stores
 * it.
 */
export class BodyReader {
  readonly length: number
  readonly #open: (chunk: number) => Promise<Uint8Array>

  private constructor(length: number, open: (chunk: number) => Promise<Uint8Array>) {
    this.length = length
    this.#open = open
  }

  static async start(inputKey: Uint8Array, context: Uint8Array, source: BodySource): Promise<BodyReader> {
    const length = openedLength(source.size)
    const keys = committedKeys(inputKey, context, await source.read(0, PREFIX))
    const key = await aeadKey(keys.key)
    const open = async (chunk: number): Promise<Uint8Array> => {
      const offset = PREFIX + chunk * SEALED_CHUNK
      const sealed = await source.read(offset, Math.min(SEALED_CHUNK, source.size - offset))
      const opened = await aeadOpen(key, chunkNonce(keys.nonce, chunk), sealed)
      if (opened === undefined) throw new SealError('record-tampered', 'a part of a body does not open; fetch it again')
      return opened
    }
    await open(Math.floor(length / CHUNK))
    return new BodyReader(length, open)
  }

  /** Bytes `start` to `end` (exclusive) of the plaintext, chunk by chunk. */
  async *range(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let chunk = Math.floor(start / CHUNK); chunk * CHUNK < end; chunk++) {
      const opened = await this.#open(chunk)
      yield opened.subarray(Math.max(0, start - chunk * CHUNK), end - chunk * CHUNK)
    }
  }
}
