/**
 * Invisible restriction (EHDS, article 8): some records are kept from some readers, who cannot tell them from records
 * that never were.
 *
 * Leaving records out of a feed would not do: commits, capsules, versions and cursors that a reader saw before would be
 * missing, and it could open what it kept. So everything moves. What the readers may go on reading is sealed again into
 * a successor of the category, which takes its name over; what is kept from some goes into another new category; the
 * old one is read by nobody but the custodian. Every grant on it is replaced. The reader sees a category that begins
 * now, in one commit by the custodian: the same whether much was left out of it, or nothing (`handles: []`).
 */
import { rotateCategories } from '@scelle/seal/keys'
import { concatBytes, equalBytes, fromHex, FORMAT_LIMITS, RIGHTS, sha256, toHex } from '@scelle/seal/verify'
import type { OpenedRecord } from './bodies.ts'
import type { Chart } from './chart.ts'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import { type Id, idBytes } from './ids.ts'
import { categoryOf, type Keyring } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { isLog } from './reach.ts'
import { hiddenCode, isRetired, restrictedFrom, retiredCode, successorOf } from './retired.ts'
import type { RevocationState } from './revoking.ts'
import type { WriteItem } from './sealing.ts'
import type { Right, ShareOptions } from './sharing.ts'
import { partName, type VaultView } from './vault-view.ts'

export interface Restriction {
  /** Code of the category that the records are in. */
  readonly category: string
  /**
   * The resources (16 bytes each), whoever wrote under these handles; all of the category where absent. None (`[]`)
   * keeps nothing back, and looks to every reader as if something were.
   */
  readonly handles?: readonly Uint8Array[]
  /** Readers who must not tell that they exist. Everybody else who reads the category goes on reading all of it. */
  readonly from: readonly Id[]
}

export interface Restricted {
  /** Code of the category in which they are now. */
  readonly category: string
  /** Records put aside, each version counted. */
  readonly records: number
  /** Hex ids of grants that ended and were not given again: vendors' under a ticket, those of before a hand-over. */
  readonly ended: readonly string[]
  /** Hex ids of trustees that could not be told yet of a grant's end: `Vault.retryRevocations` tells them. */
  readonly pending: readonly string[]
}

/** What restricting asks its vault for. */
export interface RestrictingVault {
  /** As the index has it now. */
  readonly target: () => Promise<{ readonly view: VaultView; readonly keyring: Keyring }>
  readonly open: (code: string) => Promise<Chart>
  readonly write: (items: readonly WriteItem[]) => Promise<unknown>
  readonly grants: () => Promise<readonly ChainedGrant[]>
  readonly share: (options: ShareOptions) => Promise<{ readonly grant: Uint8Array }>
  readonly revoke: (grant: Uint8Array) => Promise<RevocationState>
  /** Hex ids of grants from before the part was handed over to its patient: they get nothing new. */
  readonly closed: () => Promise<ReadonlySet<string>>
}

interface Succession {
  readonly hidden: string
}

/** Throws `not-custodian`, `category-unknown`, `bad-input`. */
const requireRestrictable = (keyring: Keyring, code: string): void => {
  if (keyring.ownSecrets === undefined) {
    throw new SdkError('not-custodian', 'only owner or custodian restrict what is in their part of a vault')
  }
  if (isRetired(code) || isLog(keyring, categoryOf(keyring, code).id)) {
    throw new SdkError('bad-input', 'an access log, and what is retired already, are not restricted')
  }
  if (keyring.part.newest.categories.length + 2 > FORMAT_LIMITS.categories) {
    throw new SdkError('bad-input', 'this part has no room for two more categories; restrict several records at once')
  }
}

/** The next manifest: the category under another name, its successor, and one for what is put aside. */
const succeed = async (connection: Connection, vault: RestrictingVault, code: string): Promise<Succession> => {
  for (let attempt = 1; ; attempt++) {
    const { view, keyring: { part, ownSecrets = [], categories } } = await vault.target()
    const version = part.newest.version + 1
    const hidden = hiddenCode(code, version)
    const strict = categories.get(code)?.strict ?? true
    const made = await rotateCategories({
      vault: view.vault,
      custodian: connection.identity,
      previousSigned: part.signed.at(-1) as Uint8Array,
      previous: part.newest,
      secrets: ownSecrets.map((one) => (one.code === code ? { ...one, code: retiredCode(code, version) } : one)),
      rotate: [],
      add: [{ code, strict }, { code: hidden, strict }],
    }, connection.context)
    try {
      await connection.record('/v1/manifests', made.signed)
      const seen = { version: made.manifest.version, id: made.id }
      await connection.memory.sawManifest(partName(view.vault, connection.identity.id), seen)
      await vault.target()
      return { hidden }
    } catch (error) {
      const conflict = error instanceof SdkError && error.problem === 'manifest-conflict'
      if (!conflict || attempt >= SDK_LIMITS.writeAttempts) throw error
    }
  }
}

/** Everything is the custodian's from now on, so two authors' records under one handle get two. */
class Handles {
  readonly #authors = new Map<string, string>()

  of({ author, handle }: OpenedRecord): Uint8Array {
    const first = this.#authors.get(handle) ?? author
    this.#authors.set(handle, first)
    const bytes = fromHex(handle) as Uint8Array
    return first === author ? bytes : sha256(concatBytes(fromHex(author) as Uint8Array, bytes)).subarray(0, 16)
  }
}

const itemOf = (record: OpenedRecord, category: string, handles: Handles): WriteItem => {
  const { version, content, contentType, time, retention = 'care' } = record
  return { category, handle: handles.of(record), version, content, contentType, time, retention }
}

/** Stands in what is put aside, whether anything is or not: the log has a leaf of it, and its number tells nothing. */
const cover = (connection: Connection, category: string): WriteItem => ({
  category, handle: connection.context.random(16), version: 1, content: '', contentType: 'tombstone',
})

const writeAll = async (vault: RestrictingVault, items: readonly WriteItem[]): Promise<void> => {
  for (let done = 0; done < items.length; done += SDK_LIMITS.resealedAtOnce) {
    await vault.write(items.slice(done, done + SDK_LIMITS.resealedAtOnce))
  }
}

const rightsOf = (bits: number): Right[] =>
  (Object.keys(RIGHTS) as Right[]).filter((right) => (bits & RIGHTS[right]) !== 0)

/** The same as before in every other field, over the successors; with what is put aside, for those who may see it. */
const successorGrant = (
  { grant }: ChainedGrant, keyring: Keyring, put: { code: string; hidden: string; from: readonly Uint8Array[] },
): ShareOptions => {
  const codes = grant.categories.flatMap((id) => keyring.codes.get(toHex(id)) ?? [])
  const successors = codes.map(successorOf)
  const sees = successors.some((code, at) => code === put.code && code !== codes[at]) &&
    !put.from.some((id) => equalBytes(id, grant.grantee))
  return {
    to: grant.grantee, categories: [...new Set([...successors, ...(sees ? [put.hidden] : [])])],
    rights: rightsOf(grant.rights), from: grant.notBefore * 1000, until: grant.expires * 1000,
    purposes: grant.purposes, basis: grant.basis, standing: grant.standing === true, depth: grant.depth,
    ...(grant.patientsPerDay === undefined ? {} : { patientsPerDay: grant.patientsPerDay }),
  }
}

/** Ends every grant on something retired, and gives it again over the successor. Never the other way round. */
const replaceGrants = async (
  connection: Connection, vault: RestrictingVault, put: { code: string; hidden: string; from: readonly Uint8Array[] },
): Promise<Pick<Restricted, 'ended' | 'pending'>> => {
  const given = await vault.grants()
  const { keyring } = await vault.target()
  const closed = await vault.closed()
  const now = Math.floor(connection.context.now() / 1000)
  const ended: string[] = []
  const pending = new Set<string>()
  const onRetired = ({ grant, revoked }: ChainedGrant): boolean =>
    !revoked && grant.expires > now && grant.parent === undefined &&
    equalBytes(grant.custodian, keyring.part.custodian.keys.id) &&
    grant.categories.some((id) => isRetired(keyring.codes.get(toHex(id)) ?? ''))
  for (const one of given.filter(onRetired)) {
    const state = await vault.revoke(one.id)
    for (const trustee of state.pending) pending.add(trustee)
    // A ticket is not here to be shown again.
    const again = one.grant.ticket === undefined && !closed.has(toHex(one.id))
    if (again) await vault.share(successorGrant(one, keyring, put))
    else ended.push(toHex(one.id))
  }
  return { ended, pending: [...pending] }
}

/**
 * Throws `not-custodian`, `category-unknown`, `bad-input`, and as reading, writing and revoking do. Where it throws
 * half-way, readers see what they saw before or less, never more; called again, it goes on.
 */
export const restrictIn = async (
  connection: Connection, vault: RestrictingVault, { category: code, handles, from }: Restriction,
): Promise<Restricted> => {
  requireRestrictable((await vault.target()).keyring, code)
  const chosen = handles === undefined ? undefined : new Set(handles.map(toHex))
  const isHidden = ({ handle }: OpenedRecord): boolean => chosen?.has(handle) ?? true
  const chart = await vault.open(code)
  try {
    if (chart.holdsAttachments) {
      throw new SdkError('bad-input', 'attachments cannot be moved: revoke the grant on this category instead')
    }
    if (chart.problems.some(({ what }) => what !== 'trustee')) {
      throw new SdkError('bad-input', 'what does not open in this category would be lost to its readers')
    }
    const names = new Handles()
    const { hidden } = await succeed(connection, vault, code)
    const move = async (records: readonly OpenedRecord[], covered: WriteItem[]): Promise<number> => {
      const aside = records.filter(isHidden)
      // Each by itself: a reader is shown of a commit how many capsules it opened, and the next power of two.
      await writeAll(vault, records.filter((one) => !isHidden(one)).map((one) => itemOf(one, code, names)))
      await writeAll(vault, [...aside.map((one) => itemOf(one, hidden, names)), ...covered])
      return aside.length
    }
    const moved = await move(chart.opened(), [cover(connection, hidden)])
    const replaced = await replaceGrants(connection, vault, { code, hidden, from: from.map(idBytes) })
    // What somebody wrote meanwhile, under a grant that has ended now.
    const late = await move(await chart.refresh(), [])
    return { category: hidden, records: moved + late, ...replaced }
  } finally {
    chart.close()
  }
}

/**
 * Gives what was put aside to a reader of the category that it was put aside from, as that is granted.
 * Throws `category-unknown`, `no-grant`.
 */
export const unrestrictIn = async (
  vault: RestrictingVault, { category: hidden, to }: { readonly category: string; readonly to: Id },
): Promise<void> => {
  const { keyring } = await vault.target()
  const code = restrictedFrom(hidden)
  if (code === undefined) throw new SdkError('category-unknown', 'this category holds nothing that was restricted')
  const { id } = categoryOf(keyring, code)
  const grant = (await vault.grants()).find(({ grant: one, revoked, inForce }) =>
    !revoked && inForce && one.parent === undefined && equalBytes(one.grantee, idBytes(to)) &&
    one.categories.some((category) => equalBytes(category, id)))
  if (grant === undefined) throw new SdkError('no-grant', `this reader is granted nothing of ${code}: share it instead`)
  const options = successorGrant(grant, keyring, { code, hidden, from: [] })
  await vault.share({ ...options, categories: [hidden] })
}
