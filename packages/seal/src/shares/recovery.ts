/** What a trustee does for a recovery: opens its own part, and seals it to a new device. */
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { equalBytes, toHex } from '../verify/bytes.ts'
import type { PrincipalKeys } from '../verify/identity.ts'
import { partInfo, readRecoverySet, recoveryReleaseInfo, shareCommitmentOf } from '../verify/recovery.ts'
import type { SealedShare } from '../wraps.ts'

type Holder = Pick<Identity, 'id' | 'secrets'>

const seedsOf = ({ secrets }: Holder): Uint8Array[] => secrets.map(({ sealing }) => sealing)

export interface PartToOpen {
  /** The encoded set, as it is shown by a stranger. */
  readonly set: Uint8Array
  readonly sealed: SealedShare
}

export interface OpenedPart {
  readonly part: Uint8Array
  readonly place: number
}

/**
 * This trustee's part. It opens under the very set that it was made for: whoever shows other guardians, or another
 * owner, ends here. Throws `seal-invalid`, `share-invalid`, `principal-mismatch`, `recovery-invalid`.
 */
export const openPart = async ({ set, sealed }: PartToOpen, trustee: Holder): Promise<OpenedPart> => {
  const { trustees, partCommitments, salt } = readRecoverySet(set)
  const place = trustees.findIndex((one) => equalBytes(one, trustee.id))
  if (place === -1) throw new SealError('principal-mismatch', 'this trustee has no part in what it is shown')
  const part = await openSealed(seedsOf(trustee), partInfo(set, trustee.id), sealed.enc, sealed.sealed)
  const commitment = partCommitments[place] as Uint8Array
  if (!equalBytes(shareCommitmentOf('recoveryPart', salt, place, part), commitment)) {
    throw new SealError('share-invalid', 'a part is not the one that its owner committed to', {
      parties: [toHex(trustee.id)],
    })
  }
  return { part, place }
}

/** Seals a part to a new device, for one recovery. Throws `seal-invalid` where the device's key is malformed. */
export const sealPart = (
  part: Uint8Array, recovery: Uint8Array, trustee: Uint8Array, device: PrincipalKeys,
): Promise<SealedShare> =>
  sealTo(device.current.sealingKey, recoveryReleaseInfo(recovery, trustee), part)
