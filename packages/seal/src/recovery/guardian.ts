/** A guardian's side, and what a new device asks of it and hears. */
import { hkdfSha256 } from '#hash'
import type { Context } from '../context.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import { type Identity, identityFrom } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { Passkey, SUITE } from '../statements.ts'
import { concatBytes, equalBytes, hashOf, toHex } from '../verify/bytes.ts'
import { decodeSigned, type PrincipalKeys, requireSuite, verifyKeyChain } from '../verify/identity.ts'
import { readRecoverySet, recoveryCase, recoverySetId, shareCommitmentOf } from '../verify/recovery.ts'
import { GuardianAnswer, GuardianPacket, GuardianShare, Recovery, RecoveryAsk } from '../wraps.ts'

/** A share, and whose it is. */
export interface GivenShare {
  readonly by: Uint8Array
  readonly share: Uint8Array
}

export const packetInfo = (guardian: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('guardianPacket'), guardian)

const answerInfo = (recovery: Uint8Array, guardian: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('guardianAnswer'), recovery, guardian)

const seedsOf = ({ secrets }: Pick<Identity, 'secrets'>): Uint8Array[] => secrets.map(({ sealing }) => sealing)

/**
 * What a guardian was given. Throws `principal-mismatch` where it is another one's, `seal-invalid`, and `share-invalid`
 * where the owner dealt a share that it did not commit to: such a packet would fail on the day it is needed.
 */
export const openPacket = async (packet: Uint8Array, guardian: Identity): Promise<GuardianShare> => {
  const { suite, guardian: id, enc, sealed } = decode(GuardianPacket, packet)
  requireSuite({ suite })
  if (!equalBytes(id, guardian.id)) throw new SealError('principal-mismatch', 'this packet is for another guardian')
  const share = decode(GuardianShare, await openSealed(seedsOf(guardian), packetInfo(id), enc, sealed))
  requireSuite(share)
  const { guardians, shareCommitments, salt } = readRecoverySet(share.set)
  const place = guardians.findIndex((one) => equalBytes(one, id))
  const commitment = shareCommitments[place]
  const committed = shareCommitmentOf('guardianShare', salt, Math.max(place, 0), share.share)
  if (commitment === undefined || !equalBytes(committed, commitment)) {
    throw new SealError('share-invalid', 'the share in this packet is not the one that its owner committed to', {
      parties: [toHex(id)],
    })
  }
  return share
}

/** A new device asks. Its identity is for this recovery alone. */
export const askGuardians = (device: Identity, context: Context): Uint8Array => encode(RecoveryAsk, {
  suite: SUITE, device: device.chain[0] as Uint8Array, time: Math.floor(context.now() / 1000),
  nonce: context.random(16),
})

const askedIn = async (ask: Uint8Array): Promise<{ ask: RecoveryAsk; device: PrincipalKeys }> => {
  const decoded = decode(RecoveryAsk, ask)
  requireSuite(decoded)
  return { ask: decoded, device: await verifyKeyChain([decoded.device]) }
}

const spoken = (hash: Uint8Array): string => {
  const number = BigInt(`0x${toHex(hash)}`) % 10n ** 20n
  return (number.toString().padStart(20, '0').match(/.{4}/g) ?? []).join(' ')
}

/**
 * Twenty digits that owner and guardian compare by voice, before the guardian signs: whoever sends a guardian another
 * device's question has other digits. Of 66 bits, so that nobody draws questions until they agree.
 */
export const spokenCode = (ask: Uint8Array): string => spoken(hashOf('recoveryAsk', ask))

/**
 * Twenty digits of a guardian's principal, which the owner hears from the guardian before anything is sealed to it:
 * whoever hands on other key records, to have the share, has other digits.
 */
export const guardianCode = (id: Uint8Array): string => spoken(hashOf('guardianKey', id))

/**
 * The new device, of its passkey's PRF output: nothing has to lie anywhere for three days. `passkey` is bound in: who
 * hands on another one, for the new key record to say, has made another device, to which nobody answered.
 */
export const recoveryDevice = (prf: Uint8Array, passkey: Passkey, nonce: Uint8Array): Promise<Identity> => {
  const info = concatBytes(labelBytes('recoveryDevice'), encode(Passkey, passkey))
  const made = hkdfSha256(prf, nonce, info, 80)
  const secrets = { signing: made.slice(0, 32), sealing: made.slice(32, 64) }
  return identityFrom('person', secrets, { time: 0, salt: made.slice(64) })
}

/** A guardian who has compared the code answers: signs for this device, and seals its share to it. */
export const answerAsGuardian = async (
  ask: Uint8Array, kept: GuardianShare, guardian: Identity,
): Promise<Uint8Array> => {
  const { set } = kept
  const { ask: { time, nonce }, device } = await askedIn(ask)
  const { owner } = readRecoverySet(set)
  const body = encode(Recovery, { suite: SUITE, set: recoverySetId(set), owner, device: device.id, time, nonce })
  const content = encode(GuardianShare, kept)
  const sealed = await sealTo(device.current.sealingKey, answerInfo(recoveryCase(body), guardian.id), content)
  return encode(GuardianAnswer, {
    suite: SUITE, guardian: guardian.id, recovery: await guardian.sign('recovery', body), ...sealed,
  })
}

export interface HeardGuardian extends GivenShare {
  /** Signed. */
  readonly recovery: Uint8Array
  /** The case's id. */
  readonly id: Uint8Array
  readonly set: Uint8Array
  /** Of the wrap. */
  readonly place: { readonly locator: Uint8Array; readonly key: Uint8Array }
}

/** The new device reads an answer. Throws `seal-invalid` where it is to another device, or about another question. */
export const hearGuardian = async (answer: Uint8Array, device: Identity): Promise<HeardGuardian> => {
  const { suite, guardian: by, recovery, enc, sealed } = decode(GuardianAnswer, answer)
  requireSuite({ suite })
  const id = recoveryCase(decodeSigned('recovery', recovery).body)
  const { share, set, locator, key } = decode(
    GuardianShare, await openSealed(seedsOf(device), answerInfo(id, by), enc, sealed))
  return { by, share, recovery, id, set, place: { locator, key } }
}
