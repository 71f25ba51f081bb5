/** Grants as the index lists them, each verified with its whole chain. */
import {
  decode,
  decodeSigned,
  equalBytes,
  Grant,
  GrantKeys,
  SealError,
  toHex,
  verifyGrantChain,
  verifySigned,
} from '@scelle/seal/verify'
import { GrantList } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import { inParallel } from './timers.ts'

/** A grant with everything that proves it. */
export interface ChainedGrant {
  readonly id: Uint8Array
  readonly grant: Grant
  /** Principal that signed it: the custodian, or the parent's grantee. */
  readonly signer: Uint8Array
  /** Signed grants, root first, this one last. */
  readonly chain: readonly Uint8Array[]
  readonly ids: readonly Uint8Array[]
  readonly grants: readonly Grant[]
  readonly keys: GrantKeys | undefined
  /** By the index's word. It may be a lie: a grant said to be revoked is missed, not abused. */
  readonly revoked: boolean
  /** True where now lies within the times of the whole chain. */
  readonly inForce: boolean
}

/** What a grant to this client says of itself. Nothing of it was opened: its keys may be anything. */
export interface GrantNotice {
  readonly id: Uint8Array
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  /** Principal that gave it. */
  readonly from: Uint8Array
  readonly categories: number
  /** Milliseconds since 1970 UTC at which it or a grant above it ends. */
  readonly until: number
  /** `revoked` by the index's word. */
  readonly state: 'in-force' | 'early' | 'expired' | 'revoked'
}

type Listed = GrantList[number]

const lastOf = (chain: readonly Uint8Array[]): Uint8Array => {
  const last = chain.at(-1)
  if (last === undefined) throw new SealError('grant-chain-broken', 'the index lists an empty chain')
  return last
}

/**
 * Time at which a chain is looked at: now, or a moment at which all its links held, so that expired ones are listed
 * too.
 */
const momentOf = (grants: readonly Grant[], now: number): { at: number; inForce: boolean } => {
  const start = Math.max(...grants.map(({ notBefore }) => notBefore))
  const end = Math.min(...grants.map(({ expires }) => expires))
  return now >= start && now < end ? { at: now, inForce: true } : { at: start, inForce: false }
}

const verifyKeys = async (
  connection: Connection,
  keysSigned: Uint8Array,
  signer: Uint8Array,
  id: Uint8Array,
): Promise<GrantKeys> => {
  const { keyVersion } = decodeSigned('grant-keys', keysSigned)
  const { keys } = await connection.directory.of(signer, keyVersion)
  const body = decode(GrantKeys, (await verifySigned('grant-keys', keysSigned, keys)).body)
  if (!equalBytes(body.grant, id))
    throw new SealError('grant-seal-invalid', 'the index serves the keys of another grant')
  return body
}

const verifyListed = async (connection: Connection, listed: Listed): Promise<ChainedGrant> => {
  const signedGrants = listed.chain.map((signed) => decodeSigned('grant', signed))
  const decoded = signedGrants.map(({ body }) => decode(Grant, body))
  const last = decode(Grant, decodeSigned('grant', lastOf(listed.chain)).body)
  const principals = await Promise.all(
    signedGrants.map(({ signer, keyVersion }) => connection.directory.of(signer, keyVersion)),
  )
  const keysOf = new Map(principals.map(({ keys }) => [toHex(keys.id), keys]))
  const { at, inForce } = momentOf(decoded, Math.floor(connection.context.now() / 1000))
  const { grants, ids } = await verifyGrantChain({
    chain: listed.chain,
    vault: last.vault,
    custodian: last.custodian,
    keysOf: (principal) => keysOf.get(toHex(principal)),
    at,
    need: { reader: last.grantee, categories: [], rights: 0 },
  })
  const signer = grants.at(-2)?.grantee ?? last.custodian
  const id = ids.at(-1) as Uint8Array
  const keys = listed.keys === undefined ? undefined : await verifyKeys(connection, listed.keys, signer, id)
  return { id, grant: last, signer, chain: listed.chain, ids, grants, keys, revoked: listed.revoked, inForce }
}

/**
 * Fetches and verifies a list. One bad entry refuses the list: an index that lies once is not asked to choose the
 * rest.
 */
export const loadGrants = async (connection: Connection, path: string): Promise<ChainedGrant[]> => {
  const served = decode(GrantList, await connection.askIndex({ method: 'GET', path }))
  const grants = await inParallel(served, SDK_LIMITS.lookupsAtOnce, (listed) => verifyListed(connection, listed))
  if (new Set(grants.map(({ id }) => toHex(id))).size !== grants.length) {
    throw new SealError('grant-chain-broken', 'the index lists a grant twice')
  }
  return grants
}

export const vaultGrants = (connection: Connection, vault: Uint8Array): Promise<ChainedGrant[]> =>
  loadGrants(connection, `/v1/vaults/${toHex(vault)}/grants`)

/**
 * Grants to this client, each verified by itself. Anybody may send one: those that do not hold are left out, and the
 * others are listed all the same.
 */
export const loadReceived = async (connection: Connection): Promise<ChainedGrant[]> => {
  const served = decode(GrantList, await connection.askIndex({ method: 'GET', path: '/v1/grants' }))
  const found = await inParallel(served, SDK_LIMITS.lookupsAtOnce, async (listed) => {
    try {
      const one = await verifyListed(connection, listed)
      return equalBytes(one.grant.grantee, connection.identity.id) ? one : undefined
    } catch (error) {
      // An index that does not answer is no fault of a grant.
      if (error instanceof SealError || (error instanceof SdkError && error.problem !== undefined)) return undefined
      throw error
    }
  })
  return found.filter((one) => one !== undefined)
}

/** What became of each grant to this client, its keys unopened. */
export const receivedNotices = async (connection: Connection): Promise<GrantNotice[]> => {
  const now = connection.context.now()
  return (await loadReceived(connection)).map(({ id, grant, signer, grants, revoked, inForce }) => {
    const until = Math.min(...grants.map(({ expires }) => expires)) * 1000
    const state = revoked ? 'revoked' : inForce ? 'in-force' : now >= until ? 'expired' : 'early'
    const { vault, custodian } = grant
    return { id, vault, custodian, from: signer, categories: grant.categories.length, until, state }
  })
}
