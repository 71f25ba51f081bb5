/** Grants and the sealed secrets that go with them. */
import type { Context } from '../context.ts'
import { decode, encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { openSealed, sealTo } from '../hpke/seal.ts'
import type { Identity } from '../identity.ts'
import { requireCategoryKey } from '../keys/manifest.ts'
import { labelBytes } from '../labels.ts'
import { CategorySecrets, Grant, GrantKeys, type Manifest, RIGHTS, SUITE } from '../statements.ts'
import { concatBytes, equalBytes, u32 } from '../verify/bytes.ts'
import { type PrincipalKeys, statementId } from '../verify/identity.ts'
import { categoryEntry } from '../verify/vault.ts'

export interface MadeGrant {
  readonly id: Uint8Array
  readonly grant: Grant
  readonly grantSigned: Uint8Array
  readonly keysSigned: Uint8Array
}

export interface KeysToGrant {
  /** The custodian for a root grant, the parent's grantee for a child. */
  readonly signer: Identity
  readonly grantee: PrincipalKeys
  /** At least those of the grant's categories; secrets go out only where the right is read. */
  readonly secrets: CategorySecrets
  /** Of the manifest whose epochs `secrets` are. */
  readonly manifestVersion: number
}

const grantInfo = (grant: Uint8Array, manifestVersion: number): Uint8Array =>
  concatBytes(labelBytes('grantSeal'), grant, u32(manifestVersion))

const includes = (list: readonly Uint8Array[], one: Uint8Array): boolean => list.some((other) => equalBytes(other, one))

const secretsFor = (grant: Grant, secrets: CategorySecrets): CategorySecrets => {
  const reads = (grant.rights & RIGHTS.read) !== 0
  const given = secrets.filter(({ category }) => includes(grant.categories, category))
  if (given.length !== grant.categories.length || (reads && given.some(({ secret }) => secret === undefined))) {
    throw new SealError('category-unknown', 'a granted category has no secret here')
  }
  return reads ? given : given.map(({ category, code, epoch }) => ({ category, code, epoch }))
}

/** Category secrets of a grant under the present epochs: at the grant, and again after each rotation. */
export const renewGrantKeys = async (
  from: KeysToGrant & { readonly grant: Grant; readonly grantId: Uint8Array },
): Promise<Uint8Array> => {
  const { grant, grantId, manifestVersion } = from
  if (!equalBytes(from.grantee.id, grant.grantee)) {
    throw new SealError('principal-mismatch', 'these are not the keys of the principal that the grant names')
  }
  const info = grantInfo(grantId, manifestVersion)
  const plaintext = encode(CategorySecrets, secretsFor(grant, from.secrets))
  const { enc, sealed } = await sealTo(from.grantee.current.sealingKey, info, plaintext)
  const body: GrantKeys = { suite: SUITE, grant: grantId, vault: grant.vault, manifestVersion, enc, sealed }
  return from.signer.sign('grant-keys', encode(GrantKeys, body))
}

/** Signs a grant and seals its category secrets. Whether the signer may give it is what every verifier checks. */
export const createGrant = async (
  from: KeysToGrant & { readonly grant: Omit<Grant, 'suite' | 'salt'> },
  context: Context,
): Promise<MadeGrant> => {
  const grant: Grant = { ...from.grant, suite: SUITE, salt: context.random(16) }
  const grantSigned = await from.signer.sign('grant', encode(Grant, grant))
  const id = statementId(grantSigned)
  return { id, grant, grantSigned, keysSigned: await renewGrantKeys({ ...from, grant, grantId: id }) }
}

export interface KeysToOpen {
  /** Body of the verified statement. */
  readonly keys: GrantKeys
  readonly grant: Grant
  readonly grantId: Uint8Array
  readonly grantee: Identity
  /** The verified manifest of `keys.manifestVersion`. */
  readonly manifest: Manifest
}

/**
 * Opens what a grant delivers. The signer may be any grantee up the chain, so every secret must yield the key that the
 * custodian published. Throws `grant-seal-invalid` or `category-key-mismatch`.
 */
export const openGrantKeys = async (from: KeysToOpen): Promise<CategorySecrets> => {
  const { keys, grant, manifest } = from
  const fits =
    equalBytes(keys.grant, from.grantId) &&
    equalBytes(keys.vault, grant.vault) &&
    equalBytes(manifest.vault, grant.vault) &&
    equalBytes(manifest.custodian, grant.custodian) &&
    manifest.version === keys.manifestVersion
  if (!fits) throw new SealError('grant-seal-invalid', 'these keys belong to another grant, vault or manifest')
  const seeds = from.grantee.secrets.map(({ sealing }) => sealing)
  const info = grantInfo(from.grantId, keys.manifestVersion)
  const secrets = await openSealed(seeds, info, keys.enc, keys.sealed).then(
    (plaintext) => decode(CategorySecrets, plaintext),
    (cause: unknown) => {
      throw new SealError('grant-seal-invalid', 'the keys of this grant do not open here; ask its signer again', {
        cause,
      })
    },
  )
  for (const { category, epoch, secret } of secrets) {
    const entry = categoryEntry(manifest, category)
    if (!includes(grant.categories, category) || entry.epoch !== epoch) {
      throw new SealError('grant-seal-invalid', 'the keys of this grant are for another category or epoch')
    }
    if (secret !== undefined) requireCategoryKey(entry, secret)
  }
  return secrets
}
