/**
 * Without a PRF: a key that the browser does not give out, and a PIN. What the PIN is good for, two of three trustees
 * evaluate, and count: a thief of the device tries a few, and no more.
 */
import { aeadKey, aeadOpen, aeadSeal } from '#aead'
import { hkdfSha256 } from '#hash'
import type { Context } from '../context.ts'
import { SealError } from '../errors.ts'
import { type Identity, identityFrom } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { ZERO_NONCE } from '../shares/courier.ts'
import { concatBytes } from '../verify/bytes.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import { pinSetId, readPinSet } from '../verify/recovery.ts'
import { dealPin } from '../voprf/pin.ts'
import type { Wrap } from '../wraps.ts'
import { requireRoot } from './root.ts'
import { contentOf, wrapOf, wrapPlace, wrapWriter } from './wrap.ts'

/** What is evaluated: the PIN as people type it, whichever keyboard. Throws `pin-invalid`. */
export const pinInput = (pin: string, salt: Uint8Array): Uint8Array => {
  const typed = pin.normalize('NFKC')
  if (typed.length < LIMITS.pinLeast || typed.length > LIMITS.pinMost) {
    throw new SealError('pin-invalid', `a PIN has ${LIMITS.pinLeast} to ${LIMITS.pinMost} characters`)
  }
  return concatBytes(labelBytes('pinInput'), salt, new TextEncoder().encode(typed))
}

/** Whoever has evaluated the right PIN. Trustees forget its tries. */
export const pinKnower = (output: Uint8Array, salt: Uint8Array): Promise<Identity> => {
  const made = hkdfSha256(output, salt, labelBytes('pinSecrets'), 80)
  const secrets = { signing: made.slice(0, 32), sealing: made.slice(32, 64) }
  return identityFrom('person', secrets, { time: 0, salt: made.slice(64) })
}

/** The root's key takes what the PIN evaluates to and what the device's key does: neither is enough. */
const rootKey = (output: Uint8Array, device: Uint8Array, set: Uint8Array): Uint8Array =>
  hkdfSha256(concatBytes(output, device), pinSetId(set), labelBytes('recoveredRoot'), 32)

export interface ToPin {
  readonly root: Uint8Array
  readonly pin: string
  /** 32 bytes that the device's key makes; the secret of the wrap's place as well. */
  readonly device: Uint8Array
  readonly trustees: readonly PrincipalKeys[]
}

/** Throws `pin-invalid`, `seal-invalid`. */
export const wrapByPin = async ({ root, pin, device, trustees }: ToPin, context: Context): Promise<Wrap> => {
  const asker = await wrapWriter(wrapPlace(device))
  const { set, shares, output } = await dealPin({
    trustees, asker: asker.id,
    inputOf: (salt) => pinInput(pin, salt),
    knowerOf: async (evaluated, salt) => (await pinKnower(evaluated, salt)).id,
  }, context)
  const sealed = await aeadSeal(await aeadKey(rootKey(output, device, set)), ZERO_NONCE, root)
  return { ...wrapOf('device', root, context), pin: { set, shares, sealed } }
}

/** `output`: of two trustees' evaluations. Throws `pin-invalid` where the PIN was another one, `root-mismatch`. */
export const rootByPin = async (wrap: Wrap, output: Uint8Array, device: Uint8Array): Promise<Uint8Array> => {
  const { set, sealed } = contentOf(wrap, 'device', 'pin')
  readPinSet(set)
  const root = await aeadOpen(await aeadKey(rootKey(output, device, set)), ZERO_NONCE, sealed)
  if (root === undefined) throw new SealError('pin-invalid', 'this is not the PIN, or not the device\'s key')
  return requireRoot(root, wrap)
}
