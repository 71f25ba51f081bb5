/**
 * Secrets known to one sender and one recipient: HPKE's single-shot export, RFC 9180 section 6.2, empty context, 32
 * bytes.
 */
import { SealError } from '../errors.ts'
import { badRecipient, hpkePrivateKey, hpkePublicKey, hpkeSuite } from './suite.ts'

const EMPTY = new Uint8Array(0)

/**
 * Draws an encapsulation to a 1,216-byte public key; the library draws its own randomness. Throws `seal-invalid` where
 * the key, which its holder chose, is malformed.
 */
export const sendExport = async (
  publicKey: Uint8Array, info: Uint8Array,
): Promise<{ enc: Uint8Array; secret: Uint8Array }> => {
  const suite = await hpkeSuite()
  try {
    const sent = await suite.SendExport(await hpkePublicKey(publicKey), EMPTY, 32, { info })
    return { enc: sent.encapsulatedSecret, secret: sent.exportedSecret }
  } catch (cause) {
    throw badRecipient(cause)
  }
}

/**
 * The secret behind an encapsulation. One made for another key gives another secret, not an error: whatever it protects
 * has to say so. Throws `seal-invalid` where the encapsulation is malformed.
 */
export const receiveExport = async (seed: Uint8Array, enc: Uint8Array, info: Uint8Array): Promise<Uint8Array> => {
  const suite = await hpkeSuite()
  try {
    return await suite.ReceiveExport(await hpkePrivateKey(seed), enc, EMPTY, 32, { info })
  } catch (cause) {
    throw new SealError('seal-invalid', 'a key encapsulation is malformed', { cause })
  }
}
