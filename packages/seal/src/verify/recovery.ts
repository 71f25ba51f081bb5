/** Recovery as everybody checks it: what names a set, a case, a share, and who may ask or object. */
import { concatBytes, equalBytes, hashOf, toHex, u8 } from './bytes.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { labelBytes } from '../labels.ts'
import { Objection, PinSet, Recovery, RecoverySet } from '../wraps.ts'
import {
  decodeSigned, type PrincipalKeys, requireCurrentKey, requireSuite, type VerifiedStatement, verifySigned,
} from './identity.ts'

/** What names a set of guardians and trustees: of its encoding. */
export const recoverySetId = (set: Uint8Array): Uint8Array => hashOf('recoverySet', set)

/** What names a recovery, whoever of the guardians signed it: of its body. */
export const recoveryCase = (body: Uint8Array): Uint8Array => hashOf('recoveryCase', body)

/** What names a PIN's key. */
export const pinSetId = (set: Uint8Array): Uint8Array => hashOf('pinSet', set)

/** Of a guardian's share, or of a trustee's part, in its place (from 0) of a set with that salt. */
export const shareCommitmentOf = (
  of: 'guardianShare' | 'recoveryPart', salt: Uint8Array, place: number, share: Uint8Array,
): Uint8Array => hashOf(of, salt, u8(place), share)

/** What the seal of a trustee's part is bound to, and a PIN's scalar likewise. */
export const partInfo = (set: Uint8Array, trustee: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('recoveryPartSeal'), recoverySetId(set), trustee)
export const pinShareInfo = (set: Uint8Array, trustee: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('pinShareSeal'), pinSetId(set), trustee)

/** What a part given back is bound to: one case, one trustee. */
export const recoveryReleaseInfo = (recovery: Uint8Array, trustee: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('recoveryRelease'), recovery, trustee)

const invalid = (what: string): SealError => new SealError('recovery-invalid', `a recovery does not hold: ${what}`)

const distinct = (ids: readonly Uint8Array[]): boolean => new Set(ids.map(toHex)).size === ids.length

/** Three guardians, none of them the owner, and three trustees. Throws `recovery-invalid`, `encoding-…`. */
export const readRecoverySet = (encoded: Uint8Array): RecoverySet => {
  const set = decode(RecoverySet, encoded)
  requireSuite(set)
  const { guardians, shareCommitments, trustees, partCommitments, owner } = set
  const whole = [guardians, shareCommitments].every((one) => one.length === LIMITS.guardians) &&
    [trustees, partCommitments].every((one) => one.length === 3)
  if (!whole || !distinct(guardians) || !distinct(trustees)) throw invalid('its set has other than three and three')
  // An owner that guards for itself is lost with everything else of its own.
  if (guardians.some((id) => equalBytes(id, owner))) throw invalid('an owner is no guardian of its own')
  return set
}

/** Throws `recovery-invalid`, `encoding-…`. */
export const readPinSet = (encoded: Uint8Array): PinSet => {
  const set = decode(PinSet, encoded)
  requireSuite(set)
  if (set.trustees.length !== 3 || set.publicShares.length !== 3 || !distinct(set.trustees)) {
    throw invalid('a PIN has a share at each of three trustees')
  }
  return set
}

export interface VerifiedRecovery {
  /** See `recoveryCase`. */
  readonly id: Uint8Array
  readonly recovery: Recovery
  readonly set: RecoverySet
  readonly guardians: readonly Uint8Array[]
}

/**
 * That two guardians of the set signed the same recovery, each under its newest key shown: one who was robbed of an old
 * key is no guardian by it. `keysOf` finds verified keys. Throws `recovery-invalid`, or as `verifySigned`.
 */
export const verifyRecovery = async (
  signed: readonly Uint8Array[], setBytes: Uint8Array, keysOf: (id: Uint8Array) => PrincipalKeys | undefined,
): Promise<VerifiedRecovery> => {
  const set = readRecoverySet(setBytes)
  const bodies = new Map<string, Uint8Array>()
  for (const one of signed) {
    const { signer } = decodeSigned('recovery', one)
    const keys = set.guardians.some((id) => equalBytes(id, signer)) ? keysOf(signer) : undefined
    if (keys === undefined) throw invalid('it is signed by nobody who guards for this owner')
    const { body, signed: statement } = await verifySigned('recovery', one, keys)
    requireCurrentKey(statement, keys)
    bodies.set(toHex(signer), body)
  }
  const [body] = bodies.values()
  if (body === undefined || bodies.size < LIMITS.guardiansNeeded) throw invalid('two different guardians sign it')
  if (![...bodies.values()].every((other) => equalBytes(other, body))) throw invalid('its guardians do not agree')
  const recovery = decode(Recovery, body)
  requireSuite(recovery)
  if (!equalBytes(recovery.set, recoverySetId(setBytes)) || !equalBytes(recovery.owner, set.owner)) {
    throw invalid('it is of another set or owner')
  }
  const guardians = set.guardians.filter((id) => bodies.has(toHex(id)))
  return { id: recoveryCase(encode(Recovery, recovery)), recovery, set, guardians }
}

/** The owner's word against a recovery or a set, under its newest key shown. Throws as `verifySigned`. */
export const verifyObjection = async (
  signed: Uint8Array, owner: PrincipalKeys,
): Promise<VerifiedStatement & { readonly objection: Objection }> => {
  const verified = await verifySigned('objection', signed, owner)
  requireCurrentKey(verified.signed, owner)
  const objection = decode(Objection, verified.body)
  requireSuite(objection)
  if (!equalBytes(objection.owner, owner.id)) {
    throw new SealError('principal-mismatch', 'an objection is by somebody else than the owner whom it names')
  }
  return { ...verified, objection }
}
