/** New vaults. */
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import type { Identity } from '../identity.ts'
import { SUITE, VaultGenesis } from '../statements.ts'
import { statementId } from '../verify/identity.ts'
import { requireTrustees } from '../verify/vault.ts'
import { createManifest, type MadeManifest, type NewCategory } from './manifest.ts'

export interface NewVaultFields {
  readonly mode: VaultGenesis['mode']
  /** The owner, or the first custodian. */
  readonly controller: Identity
  /** Principal ids of the three trustees, in share order. */
  readonly trustees: readonly Uint8Array[]
  readonly categories: readonly NewCategory[]
}

export interface MadeVault {
  /** The vault's id: that of its signed genesis. */
  readonly vault: Uint8Array
  readonly genesis: VaultGenesis
  readonly genesisSigned: Uint8Array
  readonly manifest: MadeManifest
}

/** A vault with its controller's first manifest. */
export const createVault = async (from: NewVaultFields, context: Context): Promise<MadeVault> => {
  requireTrustees({ controller: from.controller.id, trustees: [...from.trustees] })
  const genesis: VaultGenesis = {
    suite: SUITE,
    controller: from.controller.id,
    mode: from.mode,
    trustees: [...from.trustees],
    time: Math.floor(context.now() / 1000),
    salt: context.random(16),
  }
  const genesisSigned = await from.controller.sign('vault-genesis', encode(VaultGenesis, genesis))
  const vault = statementId(genesisSigned)
  const { controller: custodian, categories } = from
  return { vault, genesis, genesisSigned, manifest: await createManifest({ vault, custodian, categories }, context) }
}
