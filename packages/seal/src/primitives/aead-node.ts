/**
 * AES-256-GCM (NIST SP 800-38D) through node:crypto, synchronous, 16-byte tags, 12-byte nonces.
 * Keys are KeyObjects: createCipheriv parses a raw key at three times the cost.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'

const TAG = 16

export type AeadKey = KeyObject

export const aeadKey = (raw: Uint8Array): AeadKey => createSecretKey(raw)

/** Ciphertext followed by the tag. */
export const aeadSeal = (key: AeadKey, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array): Uint8Array => {
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  if (aad !== undefined) cipher.setAAD(aad)
  const body = cipher.update(plaintext)
  cipher.final()
  const sealed = new Uint8Array(body.length + TAG)
  sealed.set(body)
  sealed.set(cipher.getAuthTag(), body.length)
  return sealed
}

/** The plaintext, or undefined where the tag does not hold. */
export const aeadOpen = (
  key: AeadKey, nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array,
): Uint8Array | undefined => {
  if (sealed.length < TAG) return undefined
  const end = sealed.length - TAG
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
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
