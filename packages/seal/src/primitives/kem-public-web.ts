/** X-Wing public keys from seeds (draft-connolly-cfrg-xwing-kem section 5.2) where there is no node:crypto. */
import { XWing } from '@noble/post-quantum/hybrid.js'

/** The 1,216-byte public key of a 32-byte seed. */
export const xwingPublicKey = (seed: Uint8Array): Uint8Array => XWing.keygen(seed).publicKey
