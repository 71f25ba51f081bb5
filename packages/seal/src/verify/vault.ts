/** A vault's genesis and manifests, back to the controller's keys: so that nobody else chooses what writers seal to. */
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { type CategoryEntry, Manifest, VaultGenesis } from '../statements.ts'
import { equalBytes, toHex } from './bytes.ts'
import { type PrincipalKeys, requireSuite, verifySigned } from './identity.ts'

export interface VerifiedVault {
  readonly vault: Uint8Array
  readonly genesis: VaultGenesis
}

/**
 * Three different trustees, none of them the controller: who holds a share must not also be whom everything is sealed
 * to. Throws `vault-mismatch`.
 */
export const requireTrustees = (genesis: Pick<VaultGenesis, 'trustees' | 'controller'>): void => {
  if (new Set([genesis.controller, ...genesis.trustees].map(toHex)).size !== 4 || genesis.trustees.length !== 3) {
    throw new SealError('vault-mismatch', 'a vault has three different trustees, and its controller is none of them')
  }
}

/** Checks a genesis against its controller's keys; the vault's id is the statement's. */
export const verifyGenesis = async (signedBytes: Uint8Array, controller: PrincipalKeys): Promise<VerifiedVault> => {
  const { body, id } = await verifySigned('vault-genesis', signedBytes, controller)
  const genesis = decode(VaultGenesis, body)
  requireSuite(genesis)
  if (!equalBytes(genesis.controller, controller.id)) {
    throw new SealError('principal-mismatch', 'a vault genesis names another controller than its signer')
  }
  requireTrustees(genesis)
  return { vault: id, genesis }
}

/** In an owner's vault the owner alone has categories; in custody every organisation answers for its own. */
export const mayBeCustodian = (genesis: VaultGenesis, custodian: PrincipalKeys): boolean =>
  genesis.mode === 'owner' ? equalBytes(genesis.controller, custodian.id) : custodian.kind === 'organisation'

/** One category at most takes entries about accesses, and its mark has one form. Throws `manifest-invalid`. */
export const requireAccessLog = (categories: readonly Pick<CategoryEntry, 'accessLog'>[]): void => {
  const marks = categories.flatMap(({ accessLog }) => accessLog ?? [])
  if (marks.length > 1 || marks.includes(false)) {
    throw new SealError('manifest-invalid', 'a manifest marks one access log at most, and marks nothing else')
  }
}

/** The category of a part that takes what readers write about their own accesses; undefined in parts without one. */
export const accessLogEntry = (manifest: Pick<Manifest, 'categories'>): CategoryEntry | undefined =>
  manifest.categories.find(({ accessLog }) => accessLog === true)

const requireSuccessor = (manifest: Manifest, before: Manifest | undefined): void => {
  if (before === undefined) return
  for (const old of before.categories) {
    const entry = manifest.categories.find((candidate) => equalBytes(candidate.category, old.category))
    const grows =
      entry !== undefined &&
      entry.strict === old.strict &&
      entry.accessLog === old.accessLog &&
      (entry.epoch === old.epoch
        ? equalBytes(entry.publicKey, old.publicKey)
        : entry.epoch === old.epoch + 1 && entry.previous !== undefined)
    if (!grows) {
      throw new SealError('manifest-invalid', 'a manifest drops, loosens, marks anew or skips an epoch of a category')
    }
  }
}

/** Once a custodian has signed under a newer key, an older one, which may be stolen, signs no further manifest. */
const requireNoOlderKey = (keyVersion: number, before: number): void => {
  if (keyVersion < before) throw new SealError('manifest-invalid', 'a manifest is signed under a replaced key')
}

/**
 * Checks all manifests of one custodian, oldest first. `known` is what this client saw before: an index that serves
 * fewer versions, or another one in that place, rolls back (`manifest-rolled-back`).
 */
export const verifyManifests = async (
  versions: readonly Uint8Array[],
  expected: VerifiedVault & { custodian: PrincipalKeys; known?: { version: number; id: Uint8Array } },
): Promise<{ manifests: Manifest[]; ids: Uint8Array[] }> => {
  const { vault, genesis, custodian, known } = expected
  if (!mayBeCustodian(genesis, custodian)) {
    throw new SealError('manifest-invalid', 'this principal may not be a custodian of this vault')
  }
  const manifests: Manifest[] = []
  const ids: Uint8Array[] = []
  let keyVersion = 0
  for (const [place, signedBytes] of versions.entries()) {
    const { signed, body, id } = await verifySigned('manifest', signedBytes, custodian)
    requireNoOlderKey(signed.keyVersion, keyVersion)
    keyVersion = signed.keyVersion
    const manifest = decode(Manifest, body)
    requireSuite(manifest)
    const previousId = ids.at(-1)
    const follows =
      manifest.version === place + 1 &&
      (previousId === undefined
        ? manifest.previous === undefined
        : manifest.previous !== undefined && equalBytes(manifest.previous, previousId))
    if (!follows || !equalBytes(manifest.vault, vault) || !equalBytes(manifest.custodian, custodian.id)) {
      throw new SealError('manifest-invalid', `manifest ${place + 1} does not follow its predecessor`)
    }
    if (new Set(manifest.categories.map((entry) => toHex(entry.category))).size !== manifest.categories.length) {
      throw new SealError('manifest-invalid', 'a manifest names a category twice')
    }
    requireAccessLog(manifest.categories)
    requireSuccessor(manifest, manifests.at(-1))
    manifests.push(manifest)
    ids.push(id)
  }
  const seen = known === undefined ? undefined : ids[known.version - 1]
  if (known !== undefined && (seen === undefined || !equalBytes(seen, known.id))) {
    throw new SealError('manifest-rolled-back', 'the index serves an older or other manifest than it did before')
  }
  return { manifests, ids }
}

/** The entry of a category in a manifest. Throws `category-unknown`. */
export const categoryEntry = (manifest: Manifest, category: Uint8Array): CategoryEntry => {
  const entry = manifest.categories.find((candidate) => equalBytes(candidate.category, category))
  if (entry === undefined) throw new SealError('category-unknown', 'the manifest has no such category')
  return entry
}
