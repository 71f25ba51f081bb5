/** Public keys as key records hold them, out of browsers' SubjectPublicKeyInfo (RFC 5480, RFC 8410). */
import type { Passkey } from '@scelle/seal/verify'

/** COSE algorithm identifiers (RFC 9053) that a new passkey may have, the wished one first. */
export const COSE_ALGORITHMS = { ES256: -7, EdDSA: -8 } as const satisfies Record<Passkey['algorithm'], number>

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING, uncompressed point }. */
const P256 = Uint8Array.of(
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
  0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
)
/** SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING }. */
const ED25519 = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

const after = (head: Uint8Array, spki: Uint8Array, length: number): Uint8Array | undefined =>
  spki.length === head.length + length && head.every((byte, at) => spki[at] === byte)
    ? spki.slice(head.length)
    : undefined

/**
 * The key, and which algorithm it is of. Undefined for anything but the two: a browser that ignores what was asked of
 * it must not end up in a key record.
 */
export const rawPublicKey = (
  algorithm: number, spki: Uint8Array,
): Pick<Passkey, 'algorithm' | 'publicKey'> | undefined => {
  if (algorithm === COSE_ALGORITHMS.ES256) {
    const publicKey = after(P256, spki, 64)
    return publicKey === undefined ? undefined : { algorithm: 'ES256', publicKey }
  }
  if (algorithm !== COSE_ALGORITHMS.EdDSA) return undefined
  const publicKey = after(ED25519, spki, 32)
  return publicKey === undefined ? undefined : { algorithm: 'EdDSA', publicKey }
}
