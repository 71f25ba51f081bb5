/** C2SP chunked-encryption: lengths, keys and nonces of profile Cobblestone-256 (SHA-512, AES-256-GCM). */
import { hkdfExpandSha512 } from '#hash'
import { SealError } from '../errors.ts'

export const CHUNK = 16_384
export const TAG = 16
export const SALT = 24
export const COMMITMENT = 32
/** Salt and commitment stand before the first chunk. */
export const PREFIX = SALT + COMMITMENT
export const SEALED_CHUNK = CHUNK + TAG

const KEY = 32
const NONCE = 12
const INFO = new TextEncoder().encode('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0')

export interface BodyKeys {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly commitment: Uint8Array
}

/** `key ‖ base nonce ‖ commitment = HKDF-Expand(input key, "c2sp.org/…" ‖ salt ‖ context)`. */
export const bodyKeys = (inputKey: Uint8Array, salt: Uint8Array, context: Uint8Array): BodyKeys => {
  const info = new Uint8Array(INFO.length + SALT + context.length)
  info.set(INFO)
  info.set(salt, INFO.length)
  info.set(context, INFO.length + SALT)
  const derived = hkdfExpandSha512(inputKey, info, KEY + NONCE + COMMITMENT)
  return {
    key: derived.subarray(0, KEY),
    nonce: derived.subarray(KEY, KEY + NONCE),
    commitment: derived.subarray(KEY + NONCE, KEY + NONCE + COMMITMENT),
  }
}

/** The base nonce XOR the chunk's number as a big-endian integer. */
export const chunkNonce = (base: Uint8Array, chunk: number): Uint8Array => {
  if (chunk === 0) return base
  const nonce = base.slice()
  for (let i = NONCE - 1, rest = chunk; rest > 0; i--, rest = Math.floor(rest / 256)) {
    nonce[i] = (nonce[i] as number) ^ (rest & 0xff)
  }
  return nonce
}

/** The sealed length of a plaintext: the last chunk is always short, and may be empty. */
export const sealedLength = (plaintext: number): number =>
  PREFIX + plaintext + (Math.floor(plaintext / CHUNK) + 1) * TAG

/** The plaintext length of a sealed body, of which not every length is possible. Throws `record-truncated`. */
export const openedLength = (sealed: number): number => {
  const rest = sealed - PREFIX
  const last = rest % SEALED_CHUNK
  if (rest < TAG || last < TAG) {
    throw new SealError('record-truncated', 'a body has a length that no whole body has; fetch it again')
  }
  return Math.floor(rest / SEALED_CHUNK) * CHUNK + last - TAG
}
