/** The vault that a request is about, and this trustee's place in it. */
import {
  decodeSigned, equalBytes, mayBeCustodian, type PrincipalKeys, SealError, verifyGenesis, type VerifiedVault,
} from '@scelle/seal/verify'
import type { ShownPrincipals } from './shown.ts'

export interface VaultWithCustodian extends VerifiedVault {
  readonly custodian: PrincipalKeys
}

/**
 * Checks the genesis against its controller's keys, that it is the vault named, and that the custodian may be one.
 * Throws SealError `vault-mismatch`, `manifest-invalid` or what `verifyGenesis` throws.
 */
export const verifyVault = async (
  genesisSigned: Uint8Array, expected: { vault: Uint8Array; custodian: Uint8Array }, principals: ShownPrincipals,
): Promise<VaultWithCustodian> => {
  const controller = principals.need(decodeSigned('vault-genesis', genesisSigned).signer, 'vault\'s controller')
  const verified = await verifyGenesis(genesisSigned, controller)
  if (!equalBytes(verified.vault, expected.vault)) {
    throw new SealError('vault-mismatch', 'the genesis shown is another vault\'s')
  }
  const custodian = principals.need(expected.custodian, 'custodian')
  if (!mayBeCustodian(verified.genesis, custodian)) {
    throw new SealError('manifest-invalid', 'this principal may not be a custodian of this vault')
  }
  return { ...verified, custodian }
}

/** This trustee's share index in the vault: 0, 1 or 2. Throws `vault-mismatch` where the vault names others. */
export const shareIndex = ({ genesis }: VerifiedVault, trustee: Uint8Array): number => {
  const index = genesis.trustees.findIndex((id) => equalBytes(id, trustee))
  if (index < 0) throw new SealError('vault-mismatch', 'this vault names other trustees')
  return index
}
