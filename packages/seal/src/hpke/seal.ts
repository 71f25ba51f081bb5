/** Bytes sealed to a principal: HPKE's single-shot seal, RFC 9180 section 6.1, empty aad. */
import { SealError } from '../errors.ts'
import { badRecipient, hpkePrivateKey, hpkePublicKey, hpkeSuite } from './suite.ts'

/** Throws `seal-invalid` where the recipient's key, which it chose itself, is malformed. */
export const sealTo = async (
  publicKey: Uint8Array, info: Uint8Array, plaintext: Uint8Array,
): Promise<{ enc: Uint8Array; sealed: Uint8Array }> => {
  const suite = await hpkeSuite()
  try {
    const made = await suite.Seal(await hpkePublicKey(publicKey), plaintext, { info })
    return { enc: made.encapsulatedSecret, sealed: made.ciphertext }
  } catch (cause) {
    throw badRecipient(cause)
  }
}

/** Opens with whichever of the recipient's seeds fits, newest (last) first. Throws `seal-invalid`. */
export const openSealed = async (
  seeds: readonly Uint8Array[], info: Uint8Array, enc: Uint8Array, sealed: Uint8Array,
): Promise<Uint8Array> => {
  const suite = await hpkeSuite()
  let cause: unknown
  for (const seed of seeds.toReversed()) {
    try {
      return await suite.Open(await hpkePrivateKey(seed), enc, sealed, { info })
    } catch (refused) {
      cause = refused
    }
  }
  throw new SealError('seal-invalid', 'this was not sealed to these keys, or for another object', { cause })
}
