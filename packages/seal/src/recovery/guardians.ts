/**
 * Guardians, two of three, and trustees, two of three: the root is sealed under what both come to together. Guardians
 * alone have nothing, trustees alone have nothing; a share that is not the committed one is found, and named.
 */
import { combine, split } from 'shamir-secret-sharing'
import { aeadKey, aeadOpen, aeadSeal } from '#aead'
import { hkdfSha256 } from '#hash'
import type { Context } from '../context.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import { labelBytes } from '../labels.ts'
import { LIMITS } from '../limits.ts'
import { ZERO_NONCE } from '../shares/courier.ts'
import { SUITE } from '../statements.ts'
import { concatBytes, equalBytes, toHex } from '../verify/bytes.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import {
  partInfo, readRecoverySet, recoveryReleaseInfo, recoverySetId, shareCommitmentOf,
} from '../verify/recovery.ts'
import { GuardianPacket, GuardianShare, RecoverySet, type SealedShare, type Wrap } from '../wraps.ts'
import { type GivenShare, packetInfo } from './guardian.ts'
import { requireRoot } from './root.ts'
import { contentOf, wrapOf, type WrapPlace } from './wrap.ts'

const SECRET = 32

/** The root's key: neither half says anything of it. */
const rootKey = (guarded: Uint8Array, kept: Uint8Array, set: Uint8Array): Uint8Array =>
  hkdfSha256(concatBytes(guarded, kept), recoverySetId(set), labelBytes('recoveredRoot'), 32)

export interface ToGuard {
  readonly root: Uint8Array
  /** Principal id of whoever may object. */
  readonly owner: Uint8Array
  readonly guardians: readonly PrincipalKeys[]
  readonly trustees: readonly PrincipalKeys[]
  /** Of the wrap: drawn for this set. Guardians are told how to read it. */
  readonly place: Pick<WrapPlace, 'locator' | 'key'>
  /** Whom it is about, in words for the guardians. */
  readonly name: string
  /** Where given, what guardians answer is made of it: see {@link rehearsalOf}. Otherwise it is drawn. */
  readonly rehearsedBy?: Uint8Array | undefined
}

export interface Guarded {
  readonly wrap: Wrap
  /** An encoded {@link RecoverySet}. */
  readonly set: Uint8Array
  /** One for each guardian, in their order: to be handed over. */
  readonly packets: Uint8Array[]
  /** What each guardian answers once it has opened its packet. */
  readonly rehearsals: Uint8Array[]
}

/**
 * What a guardian answers once it has opened its packet, 16 bytes, by the root: the owner knows it again on another day
 * and device. Who has no root and opened no packet cannot say it.
 */
export const rehearsalOf = (root: Uint8Array, set: Uint8Array, guardian: Uint8Array): Uint8Array =>
  hkdfSha256(root, recoverySetId(set), concatBytes(labelBytes('guardianRehearsal'), guardian), 16)

const commit = (
  of: 'guardianShare' | 'recoveryPart', salt: Uint8Array, shares: readonly Uint8Array[],
): Uint8Array[] => shares.map((share, place) => shareCommitmentOf(of, salt, place, share))

const packetFor = async (
  share: Uint8Array, rehearsal: Uint8Array, { id, current }: PrincipalKeys,
  { set, place: { locator, key }, name }: Pick<ToGuard, 'place' | 'name'> & { readonly set: Uint8Array },
): Promise<Uint8Array> => {
  const content = encode(GuardianShare, { suite: SUITE, set, locator, key, share, rehearsal, name })
  const sealed = await sealTo(current.sealingKey, packetInfo(id), content)
  return encode(GuardianPacket, { suite: SUITE, guardian: id, ...sealed })
}

/** Deals a root. Throws `recovery-invalid` where the owner guards for itself, or somebody twice; `seal-invalid`. */
export const wrapByGuardians = async (from: ToGuard, context: Context): Promise<Guarded> => {
  const { root, owner, guardians, trustees } = from
  const [guarded, kept] = [context.random(SECRET), context.random(SECRET)]
  const shares = await split(guarded, LIMITS.guardians, LIMITS.guardiansNeeded)
  const parts = await split(kept, 3, 2)
  const salt = context.random(16)
  const set = encode(RecoverySet, {
    suite: SUITE, owner, guardians: guardians.map(({ id }) => id),
    shareCommitments: commit('guardianShare', salt, shares), trustees: trustees.map(({ id }) => id),
    partCommitments: commit('recoveryPart', salt, parts), time: Math.floor(context.now() / 1000), salt,
  })
  readRecoverySet(set)
  const { rehearsedBy } = from
  const rehearsals = guardians.map(({ id }) =>
    (rehearsedBy === undefined ? context.random(16) : rehearsalOf(rehearsedBy, set, id)))
  const packets = await Promise.all(guardians.map((guardian, place) =>
    packetFor(shares[place] as Uint8Array, rehearsals[place] as Uint8Array, guardian, { ...from, set })))
  const sealedParts = await Promise.all(trustees.map(({ id, current }, place) =>
    sealTo(current.sealingKey, partInfo(set, id), parts[place] as Uint8Array)))
  const sealed = await aeadSeal(await aeadKey(rootKey(guarded, kept, set)), ZERO_NONCE, root)
  const wrap = { ...wrapOf('guardians', root, context), guardians: { set, parts: sealedParts, sealed } }
  return { wrap, set, packets, rehearsals }
}

type Holds = (share: Uint8Array, place: number) => boolean

const holdsIn = (
  of: 'guardianShare' | 'recoveryPart', salt: Uint8Array, commitments: readonly Uint8Array[],
): Holds => (share, place) =>
  equalBytes(shareCommitmentOf(of, salt, place, share), commitments[place] ?? new Uint8Array(0))

/** Those who gave another share than the committed one, or have none. */
const wrongGivers = (given: readonly GivenShare[], holders: readonly Uint8Array[], holds: Holds): Uint8Array[] =>
  given.filter(({ by, share }) => {
    const place = holders.findIndex((id) => equalBytes(id, by))
    return place === -1 || !holds(share, place)
  }).map(({ by }) => by)

/** Guardians and trustees who gave a wrong share, whether or not the root came together without them. */
export const wrongShares = (
  wrap: Wrap, shares: readonly GivenShare[], parts: readonly GivenShare[],
): Uint8Array[] => {
  const set = readRecoverySet(contentOf(wrap, 'guardians', 'guardians').set)
  return [
    ...wrongGivers(shares, set.guardians, holdsIn('guardianShare', set.salt, set.shareCommitments)),
    ...wrongGivers(parts, set.trustees, holdsIn('recoveryPart', set.salt, set.partCommitments)),
  ]
}

/** Two committed shares of two places together. Throws `share-invalid` naming the giver, `shares-insufficient`. */
const together = async (
  given: readonly GivenShare[], holders: readonly Uint8Array[], holds: Holds,
): Promise<Uint8Array> => {
  const bad = wrongGivers(given, holders, holds)
  const good = new Map(given.filter(({ by }) => !bad.includes(by)).map(({ by, share }) => [toHex(by), share]))
  const two = [...good.values()].slice(0, 2)
  if (two.length === 2) return combine(two)
  if (bad.length > 0) {
    throw new SealError('share-invalid', 'a share is not the one that the owner committed to; ask another holder', {
      parties: bad.map(toHex),
    })
  }
  throw new SealError('shares-insufficient', 'it takes two of three guardians, and two of three trustees')
}

/**
 * The root, of two guardians' shares and two trustees' parts. A wrong one is left out where two others hold; otherwise
 * its giver is named. Throws `share-invalid`, `shares-insufficient`, `wrap-invalid`, `root-mismatch`.
 */
export const rootByGuardians = async (
  wrap: Wrap, shares: readonly GivenShare[], parts: readonly GivenShare[],
): Promise<Uint8Array> => {
  const { set, sealed } = contentOf(wrap, 'guardians', 'guardians')
  const { guardians, shareCommitments, trustees, partCommitments, salt } = readRecoverySet(set)
  const guarded = await together(shares, guardians, holdsIn('guardianShare', salt, shareCommitments))
  const kept = await together(parts, trustees, holdsIn('recoveryPart', salt, partCommitments))
  const root = await aeadOpen(await aeadKey(rootKey(guarded, kept, set)), ZERO_NONCE, sealed)
  if (root === undefined) throw new SealError('wrap-invalid', 'shares and parts do not open this wrap')
  return requireRoot(root, wrap)
}

/** A trustee's part, as the new device opens it. `recovery`: the case's id. Throws `seal-invalid`. */
export const openGivenPart = async (
  sealed: SealedShare, recovery: Uint8Array, trustee: Uint8Array, seeds: readonly Uint8Array[],
): Promise<GivenShare> =>
  ({ by: trustee, share: await openSealed(seeds, recoveryReleaseInfo(recovery, trustee), sealed.enc, sealed.sealed) })

/** Opens a stored packet's outside: whose it is. */
export const packetOf = (packet: Uint8Array): GuardianPacket => decode(GuardianPacket, packet)
