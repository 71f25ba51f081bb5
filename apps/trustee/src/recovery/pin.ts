/**
 * A PIN under its own key: this trustee answers a few tries, and counts each before it answers. Two of three are needed
 * for one guess, so n trustees of whom c are dishonest bear at most floor((n - c) x tries / (2 - c)) guesses.
 */
import { encode, equalBytes, pinSetId, type PrincipalKeys } from '@scelle/seal/verify'
import { evaluateBlinded, openPinShare } from '@scelle/seal/voprf'
import { Problem } from '@scelle/wire/errors'
import { PinEvaluation, type PinKnown, type PinTry } from '@scelle/wire/messages'
import type { Serving } from '../routes.ts'

/** Throws `not-permitted` where another device asks, `pin-locked`, or SealError. */
export const evaluatePin = async (
  { set, share: sealed, blinded }: PinTry, asker: PrincipalKeys, { identity, store, context }: Serving,
): Promise<Uint8Array> => {
  const { share, pin } = await openPinShare({ set, sealed }, identity)
  // The device's key alone may try: nobody else uses the tries up.
  if (!equalBytes(pin.asker, asker.id)) throw new Problem('not-permitted')
  // A point that is none costs nothing; one that is, costs before it is answered.
  const evaluation = evaluateBlinded(blinded, share, context)
  const left = store.recovery.tryPin(pinSetId(set), blinded)
  return encode(PinEvaluation, { trustee: identity.id, ...evaluation, left })
}

/** Throws `not-permitted` where the signer is not who the PIN makes, or SealError. */
export const knowPin = async (
  { set, share: sealed }: PinKnown, knower: PrincipalKeys, { identity, store }: Serving,
): Promise<void> => {
  const { pin } = await openPinShare({ set, sealed }, identity)
  if (!equalBytes(pin.knower, knower.id)) throw new Problem('not-permitted')
  store.recovery.forgetTries(pinSetId(set))
}
