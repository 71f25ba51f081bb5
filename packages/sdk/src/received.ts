/** Grants that this client received, named. */
import { RIGHTS, SealError, toHex } from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { type ChainedGrant, loadReceived } from './grant-list.ts'
import { openKeyring, type Purpose } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import type { Right } from './sharing.ts'
import { inParallel } from './timers.ts'
import { loadView, partName, partOf } from './vault-view.ts'

/** A grant as its receiver sees it. */
export interface ReceivedGrant {
  readonly id: Uint8Array
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Who signed it: the custodian, or somebody who may share on. */
  readonly from: Uint8Array
  /** Codes. */
  readonly categories: readonly string[]
  readonly rights: readonly Right[]
  readonly purposes: readonly Purpose[]
  /** Milliseconds since 1970. */
  readonly until: number
}

/** Names of the categories granted in one part; undefined where its vault or keys do not hold. */
const codesOf = async (
  connection: Connection,
  vault: Uint8Array,
  custodian: Uint8Array,
  grants: readonly ChainedGrant[],
): Promise<ReadonlyMap<string, string> | undefined> => {
  try {
    const part = await partOf(connection, await loadView(connection, vault), custodian)
    return (await openKeyring(connection, part, grants)).codes
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    connection.log('received-grant-refused', { code: error.code })
    return undefined
  }
}

/** See `Client.grants`. */
export const receivedGrants = async (connection: Connection): Promise<ReceivedGrant[]> => {
  const all = await loadReceived(connection)
  const mine = all.filter(({ revoked, inForce }) => !revoked && inForce)
  const parts = Map.groupBy(mine, ({ grant }) => partName(grant.vault, grant.custodian))
  const received = await inParallel([...parts.values()], SDK_LIMITS.lookupsAtOnce, async (grants) => {
    const { vault, custodian } = (grants[0] as (typeof grants)[number]).grant
    const codes = await codesOf(connection, vault, custodian, grants)
    if (codes === undefined) return []
    return grants.map(({ id, grant, signer }): ReceivedGrant => ({
      id,
      vault,
      custodian,
      from: signer,
      categories: grant.categories.flatMap((category) => codes.get(toHex(category)) ?? []),
      rights: (Object.keys(RIGHTS) as Right[]).filter((right) => (grant.rights & RIGHTS[right]) !== 0),
      purposes: grant.purposes,
      until: grant.expires * 1000,
    }))
  })
  return received.flat()
}
