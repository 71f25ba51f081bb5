/** Taking rights back: at the index, at every trustee, and by a new epoch. What is not done yet is remembered. */
import { createRevocation } from '@scelle/seal/grants'
import { rotateCategories } from '@scelle/seal/keys'
import { decode, encode, equalBytes, RIGHTS, statementId, toHex } from '@scelle/seal/verify'
import { RevocationNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import type { Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import type { PendingRevocation } from './state.ts'
import { partName, type VaultView } from './vault-view.ts'

export interface RevocationState {
  /** Hex ids of the trustees that confirmed: they release nothing on this grant any more. */
  readonly acknowledged: readonly string[]
  /** Hex ids of those that did not yet. While two of them are missing, the grant could still be used. */
  readonly pending: readonly string[]
  /** True once the index refuses the grant. */
  readonly index: boolean
  /** True once later records are sealed to keys that the grant never gave. */
  readonly rotated: boolean
}

const noticeOf = async (
  connection: Connection,
  view: VaultView,
  grant: ChainedGrant,
  revocation: Uint8Array,
): Promise<Uint8Array> => {
  const ids = [
    view.genesis.controller,
    grant.grant.custodian,
    ...grant.grants.map(({ grantee }) => grantee),
    connection.identity.id,
  ]
  const unique = new Map(ids.map((id) => [toHex(id), id]))
  const principals = await Promise.all([...unique.values()].map((id) => connection.directory.of(id)))
  return encode(RevocationNotice, {
    revocation,
    genesis: view.genesisSigned,
    chain: [...grant.chain],
    keys: principals.map(({ chain }) => [...chain]),
  })
}

/** Signs a revocation and remembers it before anybody is told. */
export const beginRevocation = async (
  connection: Connection,
  view: VaultView,
  grant: ChainedGrant,
  rotate: boolean,
): Promise<void> => {
  const { identity, memory } = connection
  const revokers = [grant.grant.custodian, ...grant.grants.slice(0, -1).map(({ grantee }) => grantee)]
  if (!revokers.some((id) => equalBytes(id, identity.id))) {
    throw new SdkError(
      'not-custodian',
      'a grant is revoked by the custodian, or by who signed it or a grant above it',
    )
  }
  const vault = toHex(view.vault)
  const { signed } = await createRevocation(
    { vault: view.vault, grant: grant.id, signer: identity },
    connection.context,
  )
  const rotates = rotate && equalBytes(grant.grant.custodian, identity.id) && (grant.grant.rights & RIGHTS.read) !== 0
  const pending: PendingRevocation = {
    notice: await noticeOf(connection, view, grant, signed),
    grant: grant.id,
    custodian: grant.grant.custodian,
    indexKnows: false,
    trustees: [...view.genesis.trustees],
    rotate: rotates ? [...grant.grant.categories] : [],
  }
  const others = (await memory.pendingRevocations(vault)).filter((one) => !equalBytes(one.grant, grant.id))
  await memory.keepRevocations(vault, [...others, pending])
  const revoked = await memory.revokedGrants(vault)
  if (!revoked.some((id) => equalBytes(id, grant.id))) await memory.keepRevoked(vault, [...revoked, grant.id])
}

/** Tells index and trustees what they do not know yet. What cannot be told stays to be told. */
const tell = async (connection: Connection, one: PendingRevocation): Promise<PendingRevocation> => {
  const { revocation } = decode(RevocationNotice, one.notice)
  const index =
    one.indexKnows ||
    connection.record('/v1/revocations', revocation, statementId(revocation)).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof SdkError) || (error.problem !== undefined && error.problem !== 'overloaded'))
          throw error
        connection.log('revocation-pending', { at: 'index', code: error.code })
        return false
      },
    )
  const trustees = one.trustees.map(async (id): Promise<Uint8Array[]> => {
    try {
      const { target } = await connection.trustee(id)
      await connection.transport.ask(target, {
        method: 'POST',
        path: '/v1/revocations',
        body: one.notice,
        attempts: 2,
      })
      return []
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      connection.log('revocation-pending', { at: 'trustee', code: error.problem ?? error.code })
      return [id]
    }
  })
  const [indexKnows, ...missing] = await Promise.all([index, ...trustees])
  return { ...one, indexKnows, trustees: missing.flat() }
}

/** New epochs for some categories. Throws `index-problem` where another device of the custodian keeps winning. */
export const rotateEpochs = async (
  connection: Connection,
  reload: () => Promise<{ view: VaultView; keyring: Keyring }>,
  categories: readonly Uint8Array[],
): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const { view, keyring } = await reload()
    const { part, ownSecrets } = keyring
    if (ownSecrets === undefined) throw new SdkError('not-custodian', 'only its custodian gives a category new keys')
    const made = await rotateCategories(
      {
        vault: view.vault,
        custodian: connection.identity,
        previousSigned: part.signed.at(-1) as Uint8Array,
        previous: part.newest,
        secrets: ownSecrets,
        rotate: categories,
      },
      connection.context,
    )
    try {
      await connection.record('/v1/manifests', made.signed, made.id)
      const seen = { version: made.manifest.version, id: made.id }
      await connection.memory.sawManifest(partName(view.vault, connection.identity.id), seen)
      return
    } catch (error) {
      const conflict = error instanceof SdkError && error.problem === 'manifest-conflict'
      if (!conflict || attempt >= SDK_LIMITS.writeAttempts) throw error
    }
  }
}

/**
 * Goes on with every revocation of a vault that is not finished; the state of each, by the hex id of its grant.
 * `rotate` gives categories new epochs and delivers the new keys to who remains.
 */
export const continueRevocations = async (
  connection: Connection,
  view: VaultView,
  rotate: (categories: readonly Uint8Array[]) => Promise<void>,
): Promise<Map<string, RevocationState>> => {
  const { memory } = connection
  const vault = toHex(view.vault)
  const trustees = view.genesis.trustees.map(toHex)
  const started = await memory.pendingRevocations(vault)
  const told: PendingRevocation[] = []
  for (const one of started) told.push(await tell(connection, one))
  await memory.keepRevocations(vault, told)
  const due = told.filter(({ indexKnows, rotate: categories }) => indexKnows && categories.length > 0)
  const categories = new Map(due.flatMap((one) => one.rotate).map((id) => [toHex(id), id]))
  if (categories.size > 0) await rotate([...categories.values()])
  const now = told.map((one) => (due.includes(one) ? { ...one, rotate: [] } : one))
  const unfinished = now.filter((one) => !one.indexKnows || one.trustees.length > 0 || one.rotate.length > 0)
  await memory.keepRevocations(vault, unfinished)
  return new Map(
    now.map((one, i) => {
      const pending = one.trustees.map(toHex)
      return [
        toHex(one.grant),
        {
          acknowledged: trustees.filter((id) => !pending.includes(id)),
          pending,
          index: one.indexKnows,
          rotated: (started[i] as PendingRevocation).rotate.length > 0 && one.rotate.length === 0,
        },
      ]
    }),
  )
}
