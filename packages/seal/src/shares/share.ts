/**
 * A trustee's part: opens its own share under the header it was made for, and seals it again to a reader's one-time
 * key.
 */
import { aeadKey, aeadSeal } from '#aead'
import { hkdfSha256 } from '#hash'
import { SealError } from '../errors.ts'
import { sendExport } from '../hpke/export.ts'
import { labelBytes } from '../labels.ts'
import type { CourierSeal } from '../statements.ts'
import { concatBytes, equalBytes } from '../verify/bytes.ts'
import { capsuleHeaderHash, decodeCapsuleHeader, shareCommitment } from '../verify/commit.ts'
import { type CourierKey, ZERO_NONCE } from './courier.ts'

/** A share is 33 bytes, the last one its x-coordinate. */
export const SHARE_BYTES = 33

/** True where a share is the one that the capsule's writer committed to in this place. */
export const shareHolds = (
  header: { capsule: Uint8Array; shareCommitments: readonly Uint8Array[] }, index: number, share: Uint8Array,
): boolean => {
  const commitment = header.shareCommitments[index]
  return (
    share.length === SHARE_BYTES &&
    commitment !== undefined &&
    equalBytes(shareCommitment(header.capsule, index, share), commitment)
  )
}

export interface ShareToOpen {
  readonly headerBytes: Uint8Array
  readonly seal: CourierSeal
  /** The trustee's place in the vault's genesis: 0, 1 or 2. */
  readonly index: number
  /** Of the encapsulation that `seal` names. */
  readonly courierKey: CourierKey
}

/**
 * Opens one share. Everything comes from the reader and the index, so: the encapsulation must be the named one and by
 * the capsule's writer (`capsule-mismatch`), the share must open under exactly this header (`seal-invalid`: a share
 * moved to another capsule or vault ends here), and must be the committed one (`share-invalid`).
 */
export const openShare = async (from: ShareToOpen): Promise<Uint8Array> => {
  const header = decodeCapsuleHeader(from.headerBytes)
  const { courierKey } = from
  if (!equalBytes(from.seal.encapsulation, courierKey.id)) {
    throw new SealError('capsule-mismatch', 'the share names another encapsulation than the one shown')
  }
  if (!equalBytes(courierKey.encapsulation.writer, header.writer)) {
    throw new SealError('capsule-mismatch', 'the share was sealed by somebody else than the capsule\'s writer')
  }
  const share = await courierKey.open('share', capsuleHeaderHash(from.headerBytes), from.seal.sealed)
  if (!shareHolds(header, from.index, share)) {
    throw new SealError('share-invalid', `share ${from.index} is not the one that the capsule commits to`)
  }
  return share
}

/** What a release is bound to: spec/format.md, Access and release. */
export const releaseInfo = (accessId: Uint8Array, trustee: Uint8Array): Uint8Array =>
  concatBytes(labelBytes('releaseSeal'), accessId, trustee)

/** The single-use key of one released share. */
export const releaseKey = (secret: Uint8Array, headerHash: Uint8Array, info: Uint8Array): Uint8Array =>
  hkdfSha256(secret, headerHash, info, 32)

export interface ReleaseToSeal {
  /** Statement id of the access. */
  readonly accessId: Uint8Array
  /** The trustee's own principal id. */
  readonly trustee: Uint8Array
  /** The access's one-time public key. */
  readonly oneTimeKey: Uint8Array
  readonly shares: readonly { readonly headerHash: Uint8Array; readonly share: Uint8Array }[]
}

/** Seals shares to the one-time key of an access; `sealed` is in the order of `shares`, 49 bytes each. */
export const sealRelease = async (release: ReleaseToSeal): Promise<{ enc: Uint8Array; sealed: Uint8Array[] }> => {
  const info = releaseInfo(release.accessId, release.trustee)
  const { enc, secret } = await sendExport(release.oneTimeKey, info)
  const sealed: Uint8Array[] = []
  for (const { headerHash, share } of release.shares) {
    const key = await aeadKey(releaseKey(secret, headerHash, info))
    sealed.push(await aeadSeal(key, ZERO_NONCE, share, headerHash))
  }
  return { enc, sealed }
}
