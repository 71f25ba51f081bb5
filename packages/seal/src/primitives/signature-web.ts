/** Ed25519 (RFC 8032) through WebCrypto. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

const view = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

const privateKey = (seed: Uint8Array, extractable: boolean): Promise<CryptoKey> => {
  const pkcs8 = new Uint8Array([...PKCS8, ...seed])
  return crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', extractable, ['sign'])
}

/** A signer over a 32-byte seed. The seed is not kept; the key is not extractable. */
export const ed25519Signer = (seed: Uint8Array): ((message: Uint8Array) => Promise<Uint8Array>) => {
  const key = privateKey(seed, false)
  return async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', await key, view(message)))
}

export const ed25519PublicKey = async (seed: Uint8Array): Promise<Uint8Array> => {
  const jwk = await crypto.subtle.exportKey('jwk', await privateKey(seed, true))
  const base64 = (jwk.x ?? '').replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
}

/** False on every malformed key or signature: both come from strangers. */
export const ed25519Verify = async (
  publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array,
): Promise<boolean> => {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    const key = await crypto.subtle.importKey('raw', view(publicKey), 'Ed25519', true, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, view(signature), view(message))
  } catch {
    return false
  }
}

/** Browsers verify on another thread anyway. */
export const ed25519VerifyAside = ed25519Verify

/** Half the order of P-256: of the two values of `s` that hold, the larger would be a second name of one gesture. */
const P256_HALF = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n

/**
 * ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4): key `x ‖ y`, signature `r ‖ s` with the smaller `s`. False on
 * every malformed key or signature.
 */
export const es256Verify = async (
  publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array,
): Promise<boolean> => {
  if (publicKey.length !== 64 || signature.length !== 64) return false
  const s = signature.subarray(32).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  if (s > P256_HALF) return false
  try {
    const curve = { name: 'ECDSA', namedCurve: 'P-256' }
    const key = await crypto.subtle.importKey('raw', new Uint8Array([4, ...publicKey]), curve, true, ['verify'])
    return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, view(signature), view(message))
  } catch {
    return false
  }
}
