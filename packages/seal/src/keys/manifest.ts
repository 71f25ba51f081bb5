/** Manifests: a custodian's categories with their public keys, names and secrets sealed to itself. */
import { xwingPublicKey } from '#kem-public'
import type { Context } from '../context.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import { withHidden } from '../hidden.ts'
import type { Identity } from '../identity.ts'
import { labelBytes } from '../labels.ts'
import { type CategoryEntry, CategorySecrets, Manifest, SUITE } from '../statements.ts'
import { concatBytes, equalBytes, toHex, u32 } from '../verify/bytes.ts'
import { statementId } from '../verify/identity.ts'
import { categoryEntry, requireAccessLog } from '../verify/vault.ts'
import { wrapEarlier } from './wrap.ts'

export interface MadeManifest {
  /** The signed statement. */
  readonly signed: Uint8Array
  readonly id: Uint8Array
  readonly manifest: Manifest
  /** In no dump, no JSON and no copy by spread. */
  readonly secrets: CategorySecrets
}

/** Code of the category that takes what readers write about their own accesses. */
export const ACCESS_LOG = 'access-log'

/** A category's key pair. */
export interface CategoryKey {
  readonly secret: Uint8Array
  /** What `secret` yields: see {@link drawCategoryKey}. */
  readonly publicKey: Uint8Array
}

export interface NewCategory {
  /** What the category is called among those who may know; opaque outside. {@link ACCESS_LOG} is marked publicly. */
  readonly code: string
  readonly strict: boolean
  /** Drawn before, elsewhere in this process, because deriving it takes long; for this one category, and no other. */
  readonly key?: CategoryKey
}

/** Draws a category's secret and derives the key that writers seal to. */
export const drawCategoryKey = ({ random }: Pick<Context, 'random'>): CategoryKey => {
  const secret = random(32)
  return { secret, publicKey: xwingPublicKey(secret) }
}

/** Keys drawn before that stand in a manifest. Sharing one category would share every other with the same key. */
const spent = new WeakSet<CategoryKey>()

const onlyOnce = (key: CategoryKey): CategoryKey => {
  if (spent.has(key)) throw new SealError('category-key-mismatch', 'a category has a key of its own: draw another one')
  spent.add(key)
  return key
}

const manifestInfo = (vault: Uint8Array, custodian: Uint8Array, version: number): Uint8Array =>
  concatBytes(labelBytes('manifestSeal'), vault, custodian, u32(version))

const drawCategory = (
  { code, strict, key }: NewCategory,
  context: Context,
): { entry: CategoryEntry; secret: CategorySecrets[number] } => {
  const category = context.random(16)
  const { secret, publicKey } = key === undefined ? drawCategoryKey(context) : onlyOnce(key)
  return {
    entry: { category, epoch: 0, publicKey, strict, ...(code === ACCESS_LOG ? { accessLog: true } : {}) },
    secret: { category, code, epoch: 0, secret },
  }
}

const signManifest = async (
  fields: Omit<Manifest, 'suite' | 'custodian' | 'time' | 'enc' | 'sealed'>,
  custodian: Identity,
  secrets: CategorySecrets,
  context: Context,
): Promise<MadeManifest> => {
  requireAccessLog(fields.categories)
  const info = manifestInfo(fields.vault, custodian.id, fields.version)
  const { enc, sealed } = await sealTo(custodian.keys.current.sealingKey, info, encode(CategorySecrets, secrets))
  const time = Math.floor(context.now() / 1000)
  const manifest: Manifest = { ...fields, suite: SUITE, custodian: custodian.id, time, enc, sealed }
  const signed = await custodian.sign('manifest', encode(Manifest, manifest))
  return withHidden({ signed, id: statementId(signed), manifest }, { secrets })
}

/** A custodian's first manifest of a vault. */
export const createManifest = async (
  from: { vault: Uint8Array; custodian: Identity; categories: readonly NewCategory[] },
  context: Context,
): Promise<MadeManifest> => {
  const drawn = from.categories.map((category) => drawCategory(category, context))
  const fields = { vault: from.vault, version: 1, categories: drawn.map(({ entry }) => entry) }
  return signManifest(
    fields,
    from.custodian,
    drawn.map(({ secret }) => secret),
    context,
  )
}

/** Refuses a secret that does not yield the key that writers seal to (`category-key-mismatch`). */
export const requireCategoryKey = (entry: CategoryEntry, secret: Uint8Array): void => {
  if (!equalBytes(xwingPublicKey(secret), entry.publicKey)) {
    throw new SealError(
      'category-key-mismatch',
      'a category secret does not yield the published key; refuse the sender',
    )
  }
}

/** Opens a custodian's own manifest. Throws `seal-invalid`, `category-unknown` or `category-key-mismatch`. */
export const openManifest = async (manifest: Manifest, custodian: Identity): Promise<CategorySecrets> => {
  if (!equalBytes(manifest.custodian, custodian.id)) {
    throw new SealError('principal-mismatch', "this manifest is another custodian's")
  }
  const info = manifestInfo(manifest.vault, custodian.id, manifest.version)
  const seeds = custodian.secrets.map(({ sealing }) => sealing)
  const secrets = decode(CategorySecrets, await openSealed(seeds, info, manifest.enc, manifest.sealed))
  for (const { category, epoch, secret } of secrets) {
    const entry = categoryEntry(manifest, category)
    if (secret === undefined || epoch !== entry.epoch) {
      throw new SealError('category-key-mismatch', 'a manifest seals another epoch than it publishes')
    }
    requireCategoryKey(entry, secret)
  }
  if (secrets.length !== manifest.categories.length) {
    throw new SealError('manifest-invalid', 'a manifest does not hold a secret for each of its categories')
  }
  return secrets
}

export interface Rotation {
  readonly vault: Uint8Array
  readonly custodian: Identity
  readonly previousSigned: Uint8Array
  readonly previous: Manifest
  readonly secrets: CategorySecrets
  /** Categories that get a new epoch: removed readers cannot go forward. */
  readonly rotate: readonly Uint8Array[]
  readonly add?: readonly NewCategory[]
}

const nextEpoch = async (
  entry: CategoryEntry,
  old: CategorySecrets[number],
  vault: Uint8Array,
  context: Context,
): Promise<{ entry: CategoryEntry; secret: CategorySecrets[number] }> => {
  if (old.secret === undefined) throw new SealError('category-unknown', 'rotating a category takes its present secret')
  const { category } = entry
  const epoch = entry.epoch + 1
  const secret = context.random(32)
  const previous = await wrapEarlier(secret, { vault, category, epoch }, old.secret)
  return {
    entry: { ...entry, epoch, publicKey: xwingPublicKey(secret), previous },
    secret: { category, code: old.code, epoch, secret },
  }
}

/** The next manifest: new epochs for some categories, perhaps new categories. */
export const rotateCategories = async (from: Rotation, context: Context): Promise<MadeManifest> => {
  const rotate = new Set(from.rotate.map(toHex))
  const made: { entry: CategoryEntry; secret: CategorySecrets[number] }[] = []
  for (const entry of from.previous.categories) {
    const old = from.secrets.find(({ category }) => equalBytes(category, entry.category))
    if (old === undefined) throw new SealError('category-unknown', 'a category of the manifest has no secret here')
    const rotated = rotate.delete(toHex(entry.category))
    made.push(rotated ? await nextEpoch(entry, old, from.vault, context) : { entry, secret: old })
  }
  if (rotate.size > 0) throw new SealError('category-unknown', 'a category to rotate is not in the manifest')
  for (const category of from.add ?? []) made.push(drawCategory(category, context))
  const fields = {
    vault: from.vault,
    version: from.previous.version + 1,
    previous: statementId(from.previousSigned),
    categories: made.map(({ entry }) => entry),
  }
  return signManifest(
    fields,
    from.custodian,
    made.map(({ secret }) => secret),
    context,
  )
}
