/** HPKE's three parts where there is no node:crypto: X-Wing native to the browser if it has it, from noble if not. */
import {
  AEAD_AES_256_GCM,
  CipherSuite,
  KDF_HKDF_SHA256,
  KEM_MLKEM768_X25519,
  type AEADFactory,
  type KDFFactory,
  type KEMFactory,
} from 'hpke'
import { KEM_MLKEM768_X25519 as NOBLE_KEM } from '@panva/hpke-noble'

const hasNative = async (): Promise<boolean> => {
  try {
    await new CipherSuite(KEM_MLKEM768_X25519, KDF_HKDF_SHA256, AEAD_AES_256_GCM).DeserializePrivateKey(
      new Uint8Array(32),
    )
    return true
  } catch {
    return false
  }
}

let picked: Promise<KEMFactory> | undefined

export const kemFactory = (): Promise<KEMFactory> => {
  picked ??= hasNative().then((native) => (native ? KEM_MLKEM768_X25519 : NOBLE_KEM))
  return picked
}

export const kdfFactory: KDFFactory = KDF_HKDF_SHA256
export const aeadFactory: AEADFactory = AEAD_AES_256_GCM
