/** Taking rights back: at the index, at every trustee, and by a new epoch. What is not done yet is remembered. */
import { createRevocation } from '@scelle/seal/grants'
import { rotateCategories } from '@scelle/seal/keys'
import { decode, encode, equalBytes, revokersOf, RIGHTS, toHex } from '@scelle/seal/verify'
import type { ProblemCode } from '@scelle/wire/errors'
import { RevocationNotice } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import type { Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { keptWord, wordOf } from './log/places.ts'
import type { PendingRevocation } from './state.ts'
import { pause } from './timers.ts'
import { partName, type VaultView } from './vault-view.ts'

/** Refusals that end by themselves: told again later. */
const PASSING: ReadonlySet<ProblemCode> = new Set(['overloaded', 'log-stopped', 'log-recovering'])

export interface RevocationState {
  /** Hex ids of the trustees that confirmed: they release nothing on this grant any more. */
  readonly acknowledged: readonly string[]
  /** Hex ids of those that did not yet. While two of them are missing, the grant could still be used. */
  readonly pending: readonly string[]
  /** True once the index refuses the grant. */
  readonly index: boolean
  /** `final` once all three trustees cosigned the log with it: no party can deny it, or forget it, after that. */
  readonly logged: 'pending' | 'final'
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
  if (!revokersOf(grant.grants).some((id) => equalBytes(id, identity.id))) {
    throw new SdkError(
      'not-custodian',
      'a grant is revoked by the custodian, or by who signed it or a grant above it; a keeper\'s right by the keeper',
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
  const index = one.indexKnows
    ? one.position
    : connection.record('/v1/revocations', revocation).catch((error: unknown) => {
        if (!(error instanceof SdkError) || (error.problem !== undefined && !PASSING.has(error.problem))) throw error
        connection.log('revocation-pending', { at: 'index', code: error.code })
        return undefined
      })
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
  const [position, ...missing] = await Promise.all([index, ...trustees])
  const indexKnows = one.indexKnows || position !== undefined
  return { ...one, indexKnows, trustees: missing.flat(), ...(position === undefined ? {} : { position }) }
}

/**
 * Looks whether the log holds them for good, for a moment where all trustees were reached. What cannot be seen now is
 * seen later; a lie of the index is thrown: `leaf-dropped`, `leaf-late`, `log-forked`, `log-rolled-back`.
 */
const confirmed = async (
  connection: Connection,
  told: readonly PendingRevocation[],
): Promise<PendingRevocation[]> => {
  const isOpen = ({ position, isFinal }: PendingRevocation): boolean => position !== undefined && isFinal !== true
  let now = [...told]
  for (let attempt = 1; now.some(isOpen); attempt++) {
    const open = now.filter(isOpen)
    const words = open.map(({ notice, position }) =>
      wordOf(keptWord(position as Uint8Array, decode(RevocationNotice, notice).revocation)))
    const states = await connection.logClient.confirm(words).catch((error: unknown) => {
      if (!(error instanceof SdkError) || error.evidence !== undefined) throw error
      connection.log('revocation-pending', { at: 'log', code: error.code })
      return undefined
    })
    now = now.map((one) => (states?.[open.indexOf(one)] === true ? { ...one, isFinal: true } : one))
    const isSoon = states !== undefined && now.every(({ trustees }) => trustees.length === 0)
    if (!isSoon || attempt >= SDK_LIMITS.finalAttempts) break
    if (now.some(isOpen)) await pause(connection.timers, SDK_LIMITS.finalPause * 2 ** (attempt - 1))
  }
  return now
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
      await connection.record('/v1/manifests', made.signed)
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
  const rotated = told.map((one) => (due.includes(one) ? { ...one, rotate: [] } : one))
  await memory.keepRevocations(vault, rotated)
  const now = await confirmed(connection, rotated)
  const isDone = (one: PendingRevocation): boolean =>
    one.indexKnows && one.trustees.length === 0 && one.rotate.length === 0 && one.isFinal === true
  const unfinished = now.filter((one) => !isDone(one))
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
          logged: one.isFinal === true ? 'final' : 'pending',
          rotated: (started[i] as PendingRevocation).rotate.length > 0 && one.rotate.length === 0,
        },
      ]
    }),
  )
}
