/** Revocations and accesses: what a custodian, a grantor or a reader signs. */
import { xwingPublicKey } from '#kem-public'
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { withHidden } from '../hidden.ts'
import type { Identity, IdentitySecrets } from '../identity.ts'
import { Access, Revocation, SUITE } from '../statements.ts'
import { statementId } from '../verify/identity.ts'

/** Takes a grant back, for what comes: what was already opened stays known. */
export const createRevocation = async (
  from: { readonly vault: Uint8Array; readonly grant: Uint8Array; readonly signer: Identity }, context: Context,
): Promise<{ signed: Uint8Array; id: Uint8Array }> => {
  const body: Revocation = {
    suite: SUITE,
    vault: from.vault,
    grant: from.grant,
    time: Math.floor(context.now() / 1000),
    salt: context.random(16),
  }
  const signed = await from.signer.sign('revocation', encode(Revocation, body))
  return { signed, id: statementId(signed) }
}

export interface NewAccess {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly reader: Identity
  /** Header hashes of the capsules about to be opened, each once, in the order in which trustees answer. */
  readonly capsules: readonly Uint8Array[]
  /** Ids of the grants from the custodian's to the reader's; empty where the custodian itself reads. */
  readonly chain: readonly Uint8Array[]
  readonly purpose: Access['purpose']
  /** Seconds since 1970: made ahead of time, to be opened until then by the reader's own sealing key. */
  readonly until?: number
}

export interface MadeAccess {
  readonly signed: Uint8Array
  readonly id: Uint8Array
  readonly access: Access
  /**
   * Opens the trustees' answers, and nothing else: drop it after. Of an access made ahead, the reader's sealing seed.
   * In no dump, no JSON and no copy by spread.
   */
  readonly oneTimeSecret: Uint8Array
}

/** Says what is about to be opened and why, under a one-time key; ahead of time, under the reader's own. */
export const createAccess = async (from: NewAccess, context: Context): Promise<MadeAccess> => {
  const { until, reader: { secrets, session } } = from
  const oneTimeSecret = until === undefined ? context.random(32) : (secrets.at(-1) as IdentitySecrets).sealing
  const access: Access = {
    suite: SUITE,
    access: context.random(16),
    vault: from.vault,
    custodian: from.custodian,
    reader: from.reader.id,
    capsules: [...from.capsules],
    chain: [...from.chain],
    purpose: from.purpose,
    oneTimeKey: xwingPublicKey(oneTimeSecret),
    time: Math.floor(context.now() / 1000),
    ...(session === undefined ? {} : { session: session.id }),
    ...(until === undefined ? {} : { until }),
  }
  const signed = await from.reader.sign('access', encode(Access, access))
  return withHidden({ signed, id: statementId(signed), access }, { oneTimeSecret })
}
