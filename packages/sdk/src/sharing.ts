/** Giving others rights, and their keys. */
import { createGrant, renewGrantKeys } from '@scelle/seal/grants'
import {
  type BASES,
  type CategorySecrets,
  encode,
  equalBytes,
  type Grant,
  PURPOSES,
  RIGHTS,
  SealError,
  statementId,
  toHex,
  verifyGrantChain,
} from '@scelle/seal/verify'
import { NewGrant } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import { type Id, idBytes } from './ids.ts'
import { categoryOf, type HeldGrant, type Keyring, type Purpose } from './keyring.ts'
import { SDK_LIMITS } from './limits.ts'
import { inParallel } from './timers.ts'
import type { VaultView } from './vault-view.ts'

export type Right = keyof typeof RIGHTS
export type Basis = (typeof BASES)[number]

export interface ShareOptions {
  /** Who gets the rights. */
  readonly to: Id
  /** Codes. */
  readonly categories: readonly string[]
  /**
   * `read` where absent, of a keeper `shareOn` too. `shareOn` lets the receiver give narrower grants on.
   */
  readonly rights?: readonly Right[]
  /** Milliseconds since 1970; now where absent. */
  readonly from?: number
  readonly until: number
  /** `treatment` where absent, a keeper's `legal`. */
  readonly purposes?: readonly Purpose[]
  /**
   * The parent grant's, else `consent` by an owner and `care-team` by a custodian, where absent. A care team opens only
   * with a fact about the patient and the team's organisation: a custodian that has the patient's consent says so.
   * `legal-duty` is the keeper's right: an author goes on opening what it wrote, and that alone, with two of its
   * officers. No revocation of the custodian's ends it.
   */
  readonly basis?: Basis
  /** Good only with a fact. Always so for a care team, and below a standing grant. */
  readonly standing?: boolean
  /** How many further hands it may pass through; 0 unless `shareOn`, then 1. */
  readonly depth?: number
  /** The grant under which this one is given, for those who are not the custodian; found where absent. */
  readonly parent?: Id
  /** The signed ticket under which a vendor is let in; the parent's is kept where absent. */
  readonly ticket?: Uint8Array
  /** Codes of `categories` that open in an emergency without a colleague: of a grant to the emergency key. */
  readonly summary?: readonly string[]
  /** Distinct patients a day that the receiver is expected to open at most. */
  readonly patientsPerDay?: number
}

/** Clocks differ: a grant that is used at once must not look as if it began in the future. */
const CLOCK_TOLERANCE = 120

interface Source {
  readonly parent: HeldGrant | undefined
  readonly secrets: CategorySecrets
  readonly manifestVersion: number
}

const bitsOf = (rights: readonly Right[]): number => rights.reduce((bits, right) => bits | RIGHTS[right], 0)

const isKeepers = ({ basis }: ShareOptions): boolean => basis === 'legal-duty'

const rightsOf = (options: ShareOptions, parent?: HeldGrant): readonly Right[] =>
  options.rights ?? (isKeepers(options) && parent === undefined ? ['read', 'shareOn'] : ['read'])

const purposesOf = (options: ShareOptions): readonly Purpose[] =>
  options.purposes ?? (isKeepers(options) ? ['legal'] : ['treatment'])

const sourceOf = (keyring: Keyring, ids: readonly Uint8Array[], options: ShareOptions): Source => {
  if (keyring.ownSecrets !== undefined) {
    return { parent: undefined, secrets: keyring.ownSecrets, manifestVersion: keyring.part.newest.version }
  }
  const wanted = options.parent === undefined ? undefined : idBytes(options.parent)
  const needed = bitsOf(options.rights ?? ['read']) | RIGHTS.shareOn
  const purposes = purposesOf(options)
  const parent = keyring.held.find(
    ({ id, grant }) =>
      (wanted === undefined
        ? (grant.rights & needed) === needed && purposes.every((purpose) => grant.purposes.includes(purpose))
        : equalBytes(id, wanted)) &&
      ids.every((category) => grant.categories.some((one) => equalBytes(one, category))),
  )
  if (parent === undefined)
    throw new SdkError('no-grant', 'sharing on takes a grant with shareOn for these categories and rights')
  return { parent, secrets: parent.secrets, manifestVersion: parent.manifestVersion }
}

const ticketOf = ({ ticket }: ShareOptions, parent: HeldGrant | undefined): Pick<Grant, 'ticket'> => {
  const id = ticket === undefined ? parent?.grant.ticket : statementId(ticket)
  return id === undefined ? {} : { ticket: id }
}

const basisOf = (
  options: ShareOptions, parent: HeldGrant | undefined, mode: 'owner' | 'custody',
): Pick<Grant, 'basis' | 'standing'> => {
  const basis = options.basis ?? parent?.grant.basis ?? (mode === 'owner' ? 'consent' : 'care-team')
  const standing = basis === 'care-team' || options.standing === true || parent?.grant.standing === true
  return { basis, ...(standing ? { standing } : {}) }
}

const summaryOf = ({ summary }: ShareOptions, keyring: Keyring): Pick<Grant, 'summary'> =>
  summary === undefined ? {} : { summary: summary.map((code) => categoryOf(keyring, code).id) }

const beginningOf = ({ from }: ShareOptions, now: number): number =>
  from === undefined ? now - CLOCK_TOLERANCE : Math.floor(from / 1000)

const grantOf = (
  connection: Connection,
  view: VaultView,
  keyring: Keyring,
  options: ShareOptions,
  parent: HeldGrant | undefined,
): Omit<Grant, 'suite' | 'salt'> => {
  const now = Math.floor(connection.context.now() / 1000)
  const rights = rightsOf(options, parent)
  const depth = options.depth ?? (rights.includes('shareOn') ? 1 : 0)
  const categories = options.categories.map((code) => categoryOf(keyring, code))
  const strict = categories.filter((category) => category.strict).map(({ id }) => id)
  return {
    vault: view.vault,
    custodian: keyring.part.custodian.keys.id,
    grantee: idBytes(options.to),
    ...(parent === undefined ? {} : { parent: parent.id }),
    categories: categories.map(({ id }) => id),
    ...(strict.length === 0 ? {} : { strict }),
    rights: bitsOf(rights),
    purposes: PURPOSES.filter((purpose) => purposesOf(options).includes(purpose)),
    ...basisOf(options, parent, view.genesis.mode),
    notBefore: Math.max(beginningOf(options, now), parent?.grant.notBefore ?? 0),
    expires: Math.floor(options.until / 1000),
    depth,
    ...ticketOf(options, parent),
    ...summaryOf(options, keyring),
    ...(options.patientsPerDay === undefined ? {} : { patientsPerDay: options.patientsPerDay }),
  }
}

/** Checks what is about to be given as everybody else will. */
const verifyOwn = async (
  connection: Connection,
  view: VaultView,
  grant: Grant,
  chain: readonly Uint8Array[],
  parent: HeldGrant | undefined,
): Promise<void> => {
  const signers = [grant.custodian, ...(parent?.grants ?? []).map(({ grantee }) => grantee)]
  const known = await Promise.all(signers.map((id) => connection.directory.of(id)))
  const keys = new Map(known.map((one) => [toHex(one.keys.id), one.keys]))
  await verifyGrantChain({
    chain,
    vault: view.vault,
    custodian: grant.custodian,
    keysOf: (id) => keys.get(toHex(id)),
    // One that is made ahead is looked at as it will be.
    at: Math.max(Math.floor(connection.context.now() / 1000), grant.notBefore),
    need: { reader: grant.grantee, categories: grant.categories, rights: grant.rights },
  })
}

/**
 * Throws `no-grant`, `category-unknown`, or SealError `grant-not-subset`, `grant-basis-invalid`, `grant-expired`,
 * `category-unknown`.
 */
export const shareWith = async (
  connection: Connection,
  view: VaultView,
  keyring: Keyring,
  options: ShareOptions,
): Promise<{ grant: Uint8Array }> => {
  if (options.categories.length === 0) throw new SdkError('bad-input', 'name the categories to share')
  const ids = options.categories.map((code) => categoryOf(keyring, code).id)
  const { parent, secrets, manifestVersion } = sourceOf(keyring, ids, options)
  const { keys: grantee } = await connection.directory.of(idBytes(options.to))
  const made = await createGrant(
    {
      signer: connection.identity,
      grantee,
      secrets,
      manifestVersion,
      grant: grantOf(connection, view, keyring, options, parent),
    },
    connection.context,
  )
  await verifyOwn(connection, view, made.grant, [...(parent?.chain ?? []), made.grantSigned], parent)
  const body = encode(NewGrant, { grant: made.grantSigned, keys: made.keysSigned })
  await connection.record('/v1/grants', body, { signed: made.grantSigned, along: made.keysSigned })
  return { grant: made.id }
}

/** Where a grant's secrets come from now: the newest manifest, or what its parent delivered last. */
const renewalSource = (keyring: Keyring, grant: ChainedGrant): Source | undefined => {
  if (keyring.ownSecrets !== undefined) {
    return { parent: undefined, secrets: keyring.ownSecrets, manifestVersion: keyring.part.newest.version }
  }
  const parent = keyring.held.find(({ id }) => grant.grant.parent !== undefined && equalBytes(id, grant.grant.parent))
  return parent === undefined
    ? undefined
    : { parent, secrets: parent.secrets, manifestVersion: parent.manifestVersion }
}

/** A keeper that may not write any more keeps what it wrote: later epochs hold nothing of it. */
const isWithoutWork = (
  { grant, grants: [root] }: ChainedGrant, all: readonly ChainedGrant[], gone: ReadonlySet<string>,
): boolean =>
  grant.basis === 'legal-duty' && root !== undefined && !all.some(({ id, grant: { grantee, rights } }) =>
    !gone.has(toHex(id)) && equalBytes(grantee, root.grantee) && (rights & RIGHTS.write) !== 0)

/**
 * Delivers the newest keys to the receivers of grants that this client signed. `revoked` holds hex ids that this client
 * knows to be revoked, whatever the index says: it might want a removed reader to get the new keys.
 */
export const renewGrants = async (
  connection: Connection,
  keyring: Keyring,
  grants: readonly ChainedGrant[],
  revoked: ReadonlySet<string>,
): Promise<number> => {
  const gone = new Set([...revoked, ...grants.filter((one) => one.revoked).map(({ id }) => toHex(id))])
  const now = Math.floor(connection.context.now() / 1000)
  const stale = grants.flatMap((grant) => {
    const source = equalBytes(grant.signer, connection.identity.id) ? renewalSource(keyring, grant) : undefined
    const due =
      source !== undefined &&
      (grant.keys?.manifestVersion ?? 0) < source.manifestVersion &&
      grant.grant.expires > now &&
      !isWithoutWork(grant, grants, gone) &&
      !grant.ids.some((id) => gone.has(toHex(id)))
    return due ? [{ grant, source }] : []
  })
  const renewed = await inParallel(stale, SDK_LIMITS.lookupsAtOnce, async ({ grant, source }) => {
    const { keys: grantee } = await connection.directory.of(grant.grant.grantee)
    try {
      const keysSigned = await renewGrantKeys({
        signer: connection.identity,
        grantee,
        secrets: source.secrets,
        manifestVersion: source.manifestVersion,
        grant: grant.grant,
        grantId: grant.id,
      })
      await connection.record('/v1/grant-keys', keysSigned)
      return true
    } catch (error) {
      // A grantee that registered a key nobody can seal to harms itself: the others' keys are renewed all the same.
      if (!(error instanceof SealError)) throw error
      connection.log('grant-renewal-refused', { code: error.code })
      return false
    }
  })
  return renewed.filter(Boolean).length
}
