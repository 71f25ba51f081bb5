/** Who may say that a vault is a decoy: see `decoys.ts`. */
import {
  decode, Decoy, decodeSigned, equalBytes, type PrincipalKeys, requireCurrentKey, requireSuite, statementId,
  verifySigned,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { DecoyNotice } from '@scelle/wire/messages'
import type { ShownPrincipals } from '../shown.ts'
import { verifyVault } from '../vault.ts'
import type { Decoys } from './decoys.ts'

interface SignedNotice {
  readonly request: DecoyNotice
  readonly principals: ShownPrincipals
  /** Who signed the request, and must have signed the statement. */
  readonly signer: PrincipalKeys
}

/**
 * Keeps that a vault is a decoy: by the word of a listed register, or of one who may have a part in that vault. Throws
 * Problem `bad-statement` or the SealError of the rule that was broken.
 */
export const keepDecoy = async (
  { request: { decoy, genesis }, principals, signer }: SignedNotice, issuers: readonly Uint8Array[], decoys: Decoys,
): Promise<void> => {
  if (!equalBytes(decodeSigned('decoy', decoy).signer, signer.id)) {
    throw new Problem('bad-statement', 'The decoy is signed by somebody else than the request.')
  }
  const { body, signed } = await verifySigned('decoy', decoy, signer)
  requireCurrentKey(signed, signer)
  const { vault, suite } = decode(Decoy, body)
  requireSuite({ suite })
  const everyone = issuers.some((issuer) => equalBytes(issuer, signer.id))
  if (everyone) {
    if (!equalBytes(statementId(genesis), vault)) throw new Problem('bad-statement', 'The genesis is another vault\'s.')
  } else {
    await verifyVault(genesis, { vault, custodian: signer.id }, principals)
  }
  decoys.add({ vault, signer: signer.id, everyone })
}
