/**
 * The one HPKE suite: X-Wing (0x647A), HKDF-SHA-256 (0x0001), AES-256-GCM (0x0002), base mode (RFC 9180,
 * draft-ietf-hpke-pq). Parsed keys are remembered as long as the caller keeps the bytes they came from.
 */
import { CipherSuite, type Key } from 'hpke'
import { SealError } from '../errors.ts'
import { aeadFactory, kdfFactory, kemFactory } from '#kem'

let made: Promise<CipherSuite> | undefined

export const hpkeSuite = (): Promise<CipherSuite> => {
  made ??= (async () => new CipherSuite(await kemFactory(), kdfFactory, aeadFactory))()
  return made
}

const publicKeys = new WeakMap<Uint8Array, Promise<Key>>()
const privateKeys = new WeakMap<Uint8Array, Promise<Key>>()

const remembered = (
  keys: WeakMap<Uint8Array, Promise<Key>>, raw: Uint8Array, parse: (suite: CipherSuite) => Promise<Key>,
): Promise<Key> => {
  const known = keys.get(raw)
  if (known !== undefined) return known
  const key = hpkeSuite().then(parse)
  keys.set(raw, key)
  return key
}

/** What sealing to a key that is none comes to: the recipient's fault, so that callers go on with the others. */
export const badRecipient = (cause: unknown): SealError =>
  new SealError('seal-invalid', 'the public sealing key of a recipient is malformed; nothing can be sealed to it', {
    cause,
  })

/** `raw` is 1,216 bytes and must not be changed afterwards. */
export const hpkePublicKey = (raw: Uint8Array): Promise<Key> =>
  remembered(publicKeys, raw, (suite) => suite.DeserializePublicKey(raw))

/** `seed` is 32 bytes and must not be changed afterwards. */
export const hpkePrivateKey = (seed: Uint8Array): Promise<Key> =>
  remembered(privateKeys, seed, (suite) => suite.DeserializePrivateKey(seed))
