/** What this client may do in one custodian's part of a vault, and the category keys it holds for it. */
import { openGrantKeys } from '@scelle/seal/grants'
import { earlierSecrets, type EpochSecrets, openManifest } from '@scelle/seal/keys'
import {
  type Access,
  type CategorySecrets,
  equalBytes,
  PURPOSES,
  RIGHTS,
  SealError,
  toHex,
} from '@scelle/seal/verify'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import type { ChainedGrant } from './grant-list.ts'
import type { Part, VaultView } from './vault-view.ts'

export type Purpose = Access['purpose']

export interface CategoryInfo {
  readonly id: Uint8Array
  readonly epoch: number
  /** Free text and the like: more closely watched. */
  readonly strict: boolean
  /** True where this client holds the newest epoch's key. */
  readonly readable: boolean
}

/** A grant in force with what it delivered. */
export interface HeldGrant extends ChainedGrant {
  readonly secrets: CategorySecrets
  readonly manifestVersion: number
}

export interface Keyring {
  readonly part: Part
  /** True for the custodian's own part. */
  readonly own: boolean
  readonly categories: ReadonlyMap<string, CategoryInfo>
  /** Codes by the hex of the category's id. */
  readonly codes: ReadonlyMap<string, string>
  readonly held: readonly HeldGrant[]
  /** The custodian's own secrets under the newest manifest. */
  readonly ownSecrets: CategorySecrets | undefined
  readonly secrets: EpochSecrets
}

const openHeld = async (connection: Connection, part: Part, grant: ChainedGrant): Promise<HeldGrant> => {
  const { keys } = grant
  const manifest = keys === undefined ? undefined : part.manifests[keys.manifestVersion - 1]
  if (keys === undefined) return { ...grant, secrets: [], manifestVersion: 0 }
  if (manifest === undefined) {
    throw new SealError(
      'manifest-rolled-back',
      'the keys of a grant are newer than every manifest that the index serves',
    )
  }
  const secrets = await openGrantKeys({
    keys,
    grant: grant.grant,
    grantId: grant.id,
    grantee: connection.identity,
    manifest,
  })
  return { ...grant, secrets, manifestVersion: keys.manifestVersion }
}

/**
 * Names by the grants that delivered them. A second name for a category, or a second category for a name, is left
 * out.
 */
const nameCategories = (
  part: Part,
  known: readonly CategorySecrets[],
  secrets: EpochSecrets,
): Pick<Keyring, 'categories' | 'codes'> => {
  const categories = new Map<string, CategoryInfo>()
  const codes = new Map<string, string>()
  for (const { category, code } of known.flat()) {
    const entry = part.newest.categories.find((candidate) => equalBytes(candidate.category, category))
    if (entry === undefined || categories.has(code) || codes.has(toHex(category))) continue
    const readable = secrets(category, entry.epoch) !== undefined
    categories.set(code, { id: category, epoch: entry.epoch, strict: entry.strict, readable })
    codes.set(toHex(category), code)
  }
  return { categories, codes }
}

/** The custodian's keyring, of secrets that yield the keys of its newest manifest: drawn for it, or opened from it. */
export const keyringOfOwn = async (part: Part, ownSecrets: CategorySecrets): Promise<Keyring> => {
  const secrets = await earlierSecrets(part.manifests, ownSecrets, 'checked')
  return { part, own: true, held: [], ownSecrets, secrets, ...nameCategories(part, [ownSecrets], secrets) }
}

/** The custodian's keyring: opens its own manifest. */
const ownKeyring = async (connection: Connection, part: Part): Promise<Keyring> =>
  keyringOfOwn(part, await openManifest(part.newest, connection.identity))

/** A grantee's keyring: opens what its grants in force deliver. Throws `no-grant` where there is none. */
const grantedKeyring = async (
  connection: Connection,
  part: Part,
  grants: readonly ChainedGrant[],
): Promise<Keyring> => {
  const mine = grants.filter(
    ({ grant, revoked, inForce }) =>
      equalBytes(grant.grantee, connection.identity.id) &&
      equalBytes(grant.custodian, part.custodian.keys.id) &&
      !revoked &&
      inForce,
  )
  if (mine.length === 0)
    throw new SdkError('no-grant', 'no grant in force gives this principal anything in this vault')
  // The custodian's own word first: a delegate may not rename what the custodian named.
  const ordered = mine.toSorted((a, b) => a.chain.length - b.chain.length)
  const opened = await Promise.allSettled(ordered.map((grant) => openHeld(connection, part, grant)))
  const held = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refused = opened.find((one) => one.status === 'rejected')
  // One grant whose keys are garbage must not take away what another one gives.
  if (refused !== undefined && held.length === 0) throw refused.reason
  if (refused !== undefined) connection.log('grant-keys-refused', { grants: opened.length - held.length })
  const reaching = await Promise.all(held.map((grant) => earlierSecrets(part.manifests, grant.secrets)))
  const secrets: EpochSecrets = (category, epoch) => {
    for (const one of reaching) {
      const secret = one(category, epoch)
      if (secret !== undefined) return secret
    }
    return undefined
  }
  const named = nameCategories(
    part,
    held.map((grant) => grant.secrets),
    secrets,
  )
  return { part, own: false, held, ownSecrets: undefined, secrets, ...named }
}

export const openKeyring = (connection: Connection, part: Part, grants: readonly ChainedGrant[]): Promise<Keyring> =>
  equalBytes(part.custodian.keys.id, connection.identity.id)
    ? ownKeyring(connection, part)
    : grantedKeyring(connection, part, grants)

/** Whose part is meant where the caller does not say: one's own, or the only one granted. */
export const defaultCustodian = (
  connection: Connection,
  view: VaultView,
  grants: readonly ChainedGrant[],
): Uint8Array => {
  const own = view.parts.get(toHex(connection.identity.id))
  if (own !== undefined) return own.custodian.keys.id
  const granting = new Map(
    grants
      .filter(
        ({ grant, revoked, inForce }) => equalBytes(grant.grantee, connection.identity.id) && !revoked && inForce,
      )
      .map(({ grant }) => [toHex(grant.custodian), grant.custodian]),
  )
  const [only, ...others] = granting.values()
  if (only === undefined)
    throw new SdkError('no-grant', 'no grant in force gives this principal anything in this vault')
  if (others.length > 0) throw new SdkError('bad-input', 'several custodians granted parts of this vault; name one')
  return only
}

const covers = (grant: HeldGrant, category: Uint8Array, rights: number, purpose?: Purpose): boolean =>
  (grant.grant.rights & rights) === rights &&
  grant.grant.categories.some((one) => equalBytes(one, category)) &&
  (purpose === undefined || grant.grant.purposes.includes(purpose))

/** The grant that gives some rights on a category, for a purpose; undefined for the custodian, who needs none. */
export const grantFor = (
  keyring: Keyring,
  category: Uint8Array,
  rights: number,
  purpose?: Purpose,
): HeldGrant | undefined => {
  if (keyring.own) return undefined
  const grant = keyring.held.find((one) => covers(one, category, rights, purpose))
  if (grant === undefined) {
    throw new SdkError(
      'no-grant',
      `no grant in force gives this right on ${keyring.codes.get(toHex(category)) ?? 'this category'}`,
    )
  }
  return grant
}

/** Hex ids of the categories that may be opened for a purpose, at least in an earlier epoch. */
export const readableFor = (keyring: Keyring, purpose: Purpose): Set<string> =>
  new Set(
    [...keyring.categories.values()]
      .filter(({ id }) => keyring.own || keyring.held.some((grant) => covers(grant, id, RIGHTS.read, purpose)))
      .map(({ id }) => toHex(id)),
  )

/** Whether a capsule may be opened for a purpose by who wrote it: a legal duty reaches what its keeper wrote alone. */
export const isWithin = ({ own, held }: Keyring, purpose: Purpose, writer: Uint8Array): boolean =>
  own || purpose !== 'legal' ||
  held.some(({ grants: [root] }) => root?.basis === 'legal-duty' && equalBytes(root.grantee, writer))

/** Hex ids of the categories that the index shows this client: the feed of these must never shrink. */
export const visibleIn = (keyring: Keyring): Set<string> =>
  new Set(
    [...keyring.categories.values()]
      .filter(
        ({ id }) =>
          keyring.own ||
          // A keeper is shown what it wrote, and that alone.
          [RIGHTS.read, RIGHTS.relay].some((right) =>
            keyring.held.some((grant) => grant.grant.basis !== 'legal-duty' && covers(grant, id, right))),
      )
      .map(({ id }) => toHex(id)),
  )

/** Treatment where that is allowed, else the first purpose that any grant allows. A legal duty is never supposed. */
export const defaultPurpose = (keyring: Keyring): Purpose =>
  keyring.own
    ? 'treatment'
    : (PURPOSES.find((purpose) => purpose !== 'legal' && readableFor(keyring, purpose).size > 0) ?? 'treatment')

/** The category of a name. Throws `category-unknown`. */
export const categoryOf = (keyring: Keyring, code: string): CategoryInfo => {
  const category = keyring.categories.get(code)
  if (category === undefined) {
    throw new SdkError('category-unknown', `there is no category "${code}" here, or no grant names it`)
  }
  return category
}
