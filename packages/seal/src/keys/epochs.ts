/** From a category's newest secret that one holds down to the first: readers reach back, not forward. */
import { SealError } from '../errors.ts'
import type { CategoryEntry, CategorySecrets, Manifest } from '../statements.ts'
import { equalBytes, toHex } from '../verify/bytes.ts'
import { requireCategoryKey } from './manifest.ts'
import { unwrapEarlier } from './wrap.ts'

/** The secret of a category's epoch, or undefined where one does not hold it. */
export type EpochSecrets = (category: Uint8Array, epoch: number) => Uint8Array | undefined

const entriesByEpoch = (manifests: readonly Manifest[], category: Uint8Array): Map<number, CategoryEntry> => {
  const entries = new Map<number, CategoryEntry>()
  for (const manifest of manifests) {
    const entry = manifest.categories.find((candidate) => equalBytes(candidate.category, category))
    if (entry !== undefined) entries.set(entry.epoch, entry)
  }
  return entries
}

/**
 * All secrets that follow from those held, each checked against the manifest that published its key.
 * `manifests` are verified, all versions, oldest first. Throws `category-key-mismatch` where a wrap lies. `newest`:
 * `checked` where the caller drew the secrets, or had them from `openManifest`, which compares each with its key.
 */
export const earlierSecrets = async (
  manifests: readonly Manifest[],
  secrets: CategorySecrets,
  newest: 'checked' | 'unchecked' = 'unchecked',
): Promise<EpochSecrets> => {
  const held = new Map<string, Uint8Array>()
  const name = (category: Uint8Array, epoch: number): string => `${toHex(category)}/${epoch}`
  const vault = manifests[0]?.vault
  for (const { category, epoch, secret } of secrets) {
    if (secret === undefined || vault === undefined) continue
    const entries = entriesByEpoch(manifests, category)
    let current: Uint8Array = secret
    for (let at = epoch; ; at--) {
      const entry = entries.get(at)
      if (entry === undefined)
        throw new SealError('category-unknown', `no manifest publishes epoch ${at} of a category`)
      if (at < epoch || newest === 'unchecked') requireCategoryKey(entry, current)
      held.set(name(category, at), current)
      if (at === 0) break
      const earlier = entry.previous && (await unwrapEarlier(current, { vault, category, epoch: at }, entry.previous))
      if (earlier === undefined) throw new SealError('category-key-mismatch', 'an epoch does not hold its predecessor')
      current = earlier
    }
  }
  return (category, epoch) => held.get(name(category, epoch))
}
