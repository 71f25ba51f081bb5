/** Revocations that the log holds, which reach every trustee that cosigns, whether or not their signer asked it. */
import { decodeSigned, type Grant, SealError, verifyRevocation } from '@scelle/seal/verify'
import type { ShownPrincipals } from '../shown.ts'
import type { MirrorStore } from './mirror-store.ts'

interface Chain {
  readonly grants: readonly Grant[]
  readonly ids: readonly Uint8Array[]
}

/** Whoever may revoke the last grant of the chain is its custodian or one of its grantees, all of whom are shown. */
const counts = async (statement: Uint8Array, chain: Chain, principals: ShownPrincipals): Promise<boolean> => {
  const revoker = principals.find(decodeSigned('revocation', statement).signer)
  if (revoker === undefined) return false
  try {
    await verifyRevocation(statement, revoker, chain)
    return true
  } catch (error) {
    // A stranger's, which an index may have let in: it ends nothing.
    if (error instanceof SealError) return false
    throw error
  }
}

/** Checks a verified chain against the log, link by link. Throws `grant-revoked`, naming the link. */
export const requireNotRevoked = async (
  { grants, ids }: Chain, principals: ShownPrincipals, log: Pick<MirrorStore, 'loggedRevocations'>,
): Promise<void> => {
  for (const [link, id] of ids.entries()) {
    const upTo = { grants: grants.slice(0, link + 1), ids: ids.slice(0, link + 1) }
    for (const statement of log.loggedRevocations(id)) {
      if (await counts(statement, upTo, principals)) throw new SealError('grant-revoked', `link ${link} was revoked`)
    }
  }
}
