/** AES-256-GCM (NIST SP 800-38D) through WebCrypto, 16-byte tags, 12-byte nonces. */
export type AeadKey = CryptoKey

const view = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => bytes as Uint8Array<ArrayBuffer>

const parameters = (nonce: Uint8Array, aad?: Uint8Array): AesGcmParams => ({
  name: 'AES-GCM', iv: view(nonce), ...(aad === undefined ? {} : { additionalData: view(aad) }),
})

/** Room that the caller overwrites whole. */
export const roomFor = (length: number): Uint8Array => new Uint8Array(length)

export const aeadKey = (raw: Uint8Array): Promise<AeadKey> =>
  crypto.subtle.importKey('raw', view(raw), 'AES-GCM', false, ['encrypt', 'decrypt'])

/** Ciphertext followed by the tag. */
export const aeadSeal = async (
  key: AeadKey, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array,
): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.encrypt(parameters(nonce, aad), key, view(plaintext)))

/** Writes ciphertext and tag into `target` at `offset`. */
export const aeadSealInto = async (
  target: Uint8Array, offset: number, key: AeadKey, nonce: Uint8Array, plaintext: Uint8Array, aad?: Uint8Array,
): Promise<void> => target.set(await aeadSeal(key, nonce, plaintext, aad), offset)

/** The plaintext, or undefined where the tag does not hold. */
export const aeadOpen = async (
  key: AeadKey, nonce: Uint8Array, sealed: Uint8Array, aad?: Uint8Array,
): Promise<Uint8Array | undefined> => {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(parameters(nonce, aad), key, view(sealed)))
  } catch {
    return undefined
  }
}
