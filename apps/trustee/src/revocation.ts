/** Revocations: honoured from the moment they are answered, whatever the index does. */
import {
  decode, decodeSigned, Grant, type PrincipalKeys, SealError, statementId, verifyGrantChain, verifyRevocation,
} from '@scelle/seal/verify'
import type { RevocationNotice } from '@scelle/wire/messages'
import type { ShownPrincipals } from './shown.ts'
import type { TrusteeStore } from './store.ts'
import { shareIndex, verifyVault } from './vault.ts'

export interface SignedRevocation {
  readonly notice: RevocationNotice
  readonly principals: ShownPrincipals
  /** Who signed the request, and must have signed the revocation. */
  readonly revoker: PrincipalKeys
}

export interface Keeper {
  /** This trustee. */
  readonly trustee: Pick<PrincipalKeys, 'id'>
  readonly store: TrusteeStore
  readonly now: () => number
}

/** The revoked grant, as the last of the chain shown. Its signature is not checked yet. */
const lastGrant = (chain: readonly Uint8Array[]): Grant => {
  const last = chain.at(-1)
  if (last === undefined) throw new SealError('grant-chain-broken', 'a revocation shows the chain of the grant it ends')
  return decode(Grant, decodeSigned('grant', last).body)
}

/**
 * Checks that the revoker may revoke, and keeps it on disk before returning. Idempotent.
 * Throws Problem `bad-statement` or the SealError of the rule that was broken.
 */
export const revoke = async (
  { notice, principals, revoker }: SignedRevocation, { trustee, store, now }: Keeper,
): Promise<void> => {
  const grant = lastGrant(notice.chain)
  const vault = await verifyVault(notice.genesis, grant, principals)
  // A vault of other trustees is not ours to remember: anybody can make one.
  shareIndex(vault, trustee.id)
  const chain = await verifyGrantChain({
    chain: notice.chain,
    vault: vault.vault,
    custodian: vault.custodian.id,
    keysOf: principals.find,
    // Within every link's time, since each lies within its parent's: a grant can be revoked before it begins.
    at: grant.notBefore,
    need: { reader: grant.grantee, categories: grant.categories, rights: grant.rights },
  })
  const revocation = await verifyRevocation(notice.revocation, revoker, chain)
  store.keepRevocation(revocation.grant, statementId(notice.revocation), Math.floor(now() / 1000), principals.heads)
}
