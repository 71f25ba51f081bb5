/**
 * A VOPRF key for one PIN alone. Whoever chooses the PIN draws the key, deals it to three trustees, and forgets it: a
 * key of its own for each PIN, so that tries are counted where they are made, and nobody tries identities under it.
 */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { SUITE } from '../statements.ts'
import { equalBytes, toHex } from '../verify/bytes.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import { pinShareInfo, readPinSet } from '../verify/recovery.ts'
import { PinSet, type SealedScalar } from '../wraps.ts'
import { blindInput, type KeyShare } from './evaluation.ts'
import { BASE, decodeScalar, randomScalar, Scalar } from './group.ts'

export interface PinToDeal {
  /** Keys of the three trustees, in the order of their places. */
  readonly trustees: readonly PrincipalKeys[]
  /** What is evaluated, made of the PIN and the salt. */
  readonly inputOf: (salt: Uint8Array) => Uint8Array
  /** Principal id of the device's key. */
  readonly asker: Uint8Array
  /** Principal id of whoever knows the PIN, made of what it evaluates to. */
  readonly knowerOf: (output: Uint8Array, salt: Uint8Array) => Promise<Uint8Array>
}

export interface DealtPin {
  /** An encoded {@link PinSet}. */
  readonly set: Uint8Array
  readonly shares: SealedScalar[]
  /** What the PIN evaluates to, 64 bytes: what two trustees together would answer. */
  readonly output: Uint8Array
}

/** Draws a key and deals it. Throws `seal-invalid` where a trustee's key is malformed. */
export const dealPin = async (from: PinToDeal, context: Context): Promise<DealtPin> => {
  const [value, slope] = [randomScalar(context), randomScalar(context)]
  const salt = context.random(16)
  const blinding = blindInput(from.inputOf(salt), context)
  const evaluated = ristretto255_oprf.oprf.blindEvaluate(Scalar.toBytes(value), blinding.blinded)
  const output = ristretto255_oprf.oprf.finalize(blinding.input, blinding.blind, evaluated)
  const scalars = from.trustees.map((_, place) => Scalar.add(value, Scalar.mul(slope, BigInt(place + 1))))
  const set = encode(PinSet, {
    suite: SUITE, trustees: from.trustees.map(({ id }) => id),
    publicShares: scalars.map((scalar) => BASE.multiply(scalar).toBytes()),
    asker: from.asker, knower: await from.knowerOf(output, salt), salt,
  })
  const shares = await Promise.all(from.trustees.map(({ id, current }, place) =>
    sealTo(current.sealingKey, pinShareInfo(set, id), Scalar.toBytes(scalars[place] as bigint))))
  return { set, shares, output }
}

export interface PinShareToOpen {
  /** The encoded set, as it is shown by a stranger. */
  readonly set: Uint8Array
  readonly sealed: SealedScalar
}

/**
 * A trustee's own share of a PIN's key, which opens under the very set that it was dealt with: nobody names another
 * asker. Throws `seal-invalid`, `share-invalid`, `principal-mismatch`, `recovery-invalid`, `discovery-point-invalid`.
 */
export const openPinShare = async (
  { set, sealed }: PinShareToOpen, { id, secrets }: Pick<Identity, 'id' | 'secrets'>,
): Promise<{ readonly share: KeyShare; readonly pin: PinSet }> => {
  const pin = readPinSet(set)
  const place = pin.trustees.findIndex((one) => equalBytes(one, id))
  if (place === -1) throw new SealError('principal-mismatch', 'this trustee has no share of the key of this PIN')
  const seeds = secrets.map(({ sealing }) => sealing)
  const secret = await openSealed(seeds, pinShareInfo(set, id), sealed.enc, sealed.sealed)
  const publicShare = pin.publicShares[place] as Uint8Array
  const scalar = decodeScalar(secret)
  if (scalar === 0n || !equalBytes(BASE.multiply(scalar).toBytes(), publicShare)) {
    throw new SealError('share-invalid', 'a share of a PIN\'s key is not the public one\'s', { parties: [toHex(id)] })
  }
  return { share: { secret, publicShare }, pin }
}
