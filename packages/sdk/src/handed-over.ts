/** What a custodian's grant to the patient who claimed looks like, and what it means for the grants before it. */
import { equalBytes, type Grant, PURPOSES, RIGHTS } from '@scelle/seal/verify'
import type { ChainedGrant } from './grant-list.ts'
import { SDK_LIMITS } from './limits.ts'
import type { ShareOptions } from './sharing.ts'

/** Everything but a legal duty, which is the keeper's alone. */
export const HAND_OVER: Required<Pick<ShareOptions, 'rights' | 'purposes' | 'basis' | 'depth'>> = {
  rights: ['read', 'shareOn'], purposes: PURPOSES.filter((purpose) => purpose !== 'legal'), basis: 'consent',
  depth: SDK_LIMITS.handedOverDepth,
}

export const isHandOverGrant = ({ parent, rights, purposes, basis, depth }: Grant): boolean =>
  parent === undefined && basis === 'consent' && rights === (RIGHTS.read | RIGHTS.shareOn) &&
  depth === HAND_OVER.depth && purposes.length === HAND_OVER.purposes.length &&
  HAND_OVER.purposes.every((purpose) => purposes.includes(purpose))

/**
 * A custodian's grants from before it first handed its part over: by its own signatures, so that another device of it,
 * or one that lost its memory, delivers them no newer keys either.
 */
export const givenBefore = (grants: readonly ChainedGrant[], custodian: Uint8Array): ChainedGrant[] => {
  const own = grants.filter(({ signer, grant }) =>
    equalBytes(signer, custodian) && equalBytes(grant.custodian, custodian))
  const first = Math.min(...own.filter(({ grant }) => isHandOverGrant(grant)).map(({ grant }) => grant.notBefore))
  return Number.isFinite(first) ? own.filter(({ grant }) => grant.notBefore < first) : []
}
