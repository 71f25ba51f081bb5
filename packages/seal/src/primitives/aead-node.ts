/**
 * AES-256-GCM (NIST SP 800-38D) through node:crypto, synchronous, 16-byte tags, 12-byte nonces.
 * Keys are KeyObjects: createCipheriv parses a raw key at three times the cost.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { giveBack } from '../verify/bytes.ts'

const TAG = 16
/** Above this, memory that is not needed any more is given back at once. */
const LARGE = 4_096
const OPTIONS = { authTagLength: TAG }

export type AeadKey = KeyObject

/** Room that the caller overwrites whole: zeroing megabytes first would cost as much as a tenth of encrypting them. */
export const roomFor = (length: number): Uint8Array => {
  const room = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(room.buffer, room.byteOffset, length)
}

export const aeadKey = (raw: Uint8Array): AeadKey => createSecretKey(raw)

/** Ciphertext followed by the tag. */
export const aeadSeal = (key: AeadKey, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Uint8Array => {
  const sealed = new Uint8Array(plaintext.length + TAG)
  aeadSealInto(sealed, 0, key, nonce, plaintext, aad)
  return sealed
}

/** Writes ciphertext and tag into `target` at `offset`. */
export const aeadSealInto = (
  target: Uint8Array, offset: number, key: AeadKey, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array,
): void => {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (aad !== undefined) cipher.setAAD(aad)
  const encrypted = cipher.update(plaintext)
  target.set(encrypted, offset)
  if (encrypted.length > LARGE) giveBack(encrypted)
  cipher.final()
  target.set(cipher.getAuthTag(), offset + plaintext.length)
}

/** The plaintext, or undefined where the tag does not hold. */
export const aeadOpen = (
  key: AeadKey, nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array,
): Uint8Array | undefined => {
  if (sealed.length < TAG) return undefined
  const end = sealed.length - TAG
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, OPTIONS)
  decipher.setAuthTag(sealed.subarray(end))
  if (aad !== undefined) decipher.setAAD(aad)
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length)
}
