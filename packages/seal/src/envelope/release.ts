/** The reading side of a release: two trustees' answers to an access become the release secrets of its capsules. */
import { aeadKey, aeadOpen } from '#aead'
import { SealError } from '../errors.ts'
import { receiveExport } from '../hpke/export.ts'
import { ZERO_NONCE } from '../shares/courier.ts'
import { releaseInfo, releaseKey, shareHolds } from '../shares/share.ts'
import type { CapsuleHeader, VaultGenesis } from '../statements.ts'
import { equalBytes, toHex } from '../verify/bytes.ts'
import { capsuleHeaderHash, decodeCapsuleHeader } from '../verify/commit.ts'
import { combineShares } from './capsule.ts'

/** A trustee's answer, as wire's `ReleaseAnswer`. */
export interface TrusteeAnswer {
  readonly trustee: Uint8Array
  readonly access: Uint8Array
  readonly enc: Uint8Array
  /** One per capsule of the access, in its order. */
  readonly sealed: readonly Uint8Array[]
}

export interface ReleaseToOpen {
  readonly answers: readonly TrusteeAnswer[]
  /** Statement id of the access. */
  readonly accessId: Uint8Array
  readonly oneTimeSecret: Uint8Array
  /** Header bytes of the access's capsules, in its order. */
  readonly headers: readonly Uint8Array[]
  readonly genesis: VaultGenesis
}

/** A trustee that did not answer as it had to. */
export interface Refusal {
  readonly trustee: Uint8Array
  readonly error: SealError
}

export interface OpenedRelease {
  /** Release secrets by the hex of the capsule's header hash. */
  readonly releases: Map<string, Uint8Array>
  /** Trustees whose answers were bad; the release went on without them. */
  readonly refused: Refusal[]
}

interface Place {
  readonly header: CapsuleHeader
  readonly headerHash: Uint8Array
  readonly shares: Map<number, Uint8Array>
}

const requireAnswer = (answer: TrusteeAnswer, from: ReleaseToOpen): number => {
  const index = from.genesis.trustees.findIndex((id) => equalBytes(id, answer.trustee))
  if (index < 0) throw new SealError('share-invalid', 'the answer is by nobody that the vault names as trustee')
  if (!equalBytes(answer.access, from.accessId) || answer.sealed.length !== from.headers.length) {
    throw new SealError('share-invalid', `trustee ${toHex(answer.trustee)} answered another access`)
  }
  return index
}

const takeShares = async (answer: TrusteeAnswer, from: ReleaseToOpen, places: readonly Place[]): Promise<void> => {
  const index = requireAnswer(answer, from)
  const info = releaseInfo(from.accessId, answer.trustee)
  const secret = await receiveExport(from.oneTimeSecret, answer.enc, info)
  const shares: Uint8Array[] = []
  for (const [i, { header, headerHash }] of places.entries()) {
    const key = await aeadKey(releaseKey(secret, headerHash, info))
    const share = await aeadOpen(key, ZERO_NONCE, answer.sealed[i] as Uint8Array, headerHash)
    if (share === undefined || !shareHolds(header, index, share)) {
      throw new SealError('share-invalid', `trustee ${toHex(answer.trustee)} answered with a bad share; report it`)
    }
    shares.push(share)
  }
  for (const [i, place] of places.entries()) place.shares.set(index, shares[i] as Uint8Array)
}

/**
 * Opens the answers to one access. An answer with any bad share is left out whole, and its trustee named in `refused`.
 * With fewer than two good answers: throws `share-invalid` (somebody lied, named in the message) or
 * `shares-insufficient`.
 */
export const openRelease = async (from: ReleaseToOpen): Promise<OpenedRelease> => {
  const places = from.headers.map((headerBytes): Place => ({
    header: decodeCapsuleHeader(headerBytes), headerHash: capsuleHeaderHash(headerBytes), shares: new Map(),
  }))
  const refused: Refusal[] = []
  for (const answer of from.answers) {
    try {
      await takeShares(answer, from, places)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      refused.push({ trustee: answer.trustee, error })
    }
  }
  const releases = new Map<string, Uint8Array>()
  for (const { header, headerHash, shares } of places) {
    if (shares.size < 2) {
      throw refused[0]?.error ?? new SealError('shares-insufficient', 'two trustees have to answer; ask another one')
    }
    releases.set(toHex(headerHash), await combineShares(header, [...shares.values()].slice(0, 2)))
  }
  return { releases, refused }
}
