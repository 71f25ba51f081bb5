/** What the cases are made of. */
import { exportIdentity, type Identity } from '../../packages/seal/src/identity.ts'
import { decode, Signed, toHex } from '../../packages/seal/src/verify.ts'

/** A copy with one byte changed; `at` counts from the end where it is negative. */
export const changed = (bytes: Uint8Array, at: number, by = 1): Uint8Array => {
  const copy = new Uint8Array(bytes)
  copy[at < 0 ? copy.length + at : at]! ^= by
  return copy
}
export const bodyOf = (signed: Uint8Array): Uint8Array => decode(Signed, signed).body
export const chainOf = (identity: Identity): string[] => identity.chain.map(toHex)
export const stored = (identity: Identity): string => toHex(exportIdentity(identity))
