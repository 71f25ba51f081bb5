/** Which categories an opening is about. The access log grows with every opening, so it is opened by its name alone. */
import { accessLogEntry, equalBytes, toHex } from '@scelle/seal/verify'
import { SdkError } from './errors.ts'
import type { Reach } from './feed.ts'
import type { Keyring } from './keyring.ts'
import { isRetired } from './retired.ts'

/** Hex id of the part's access log. */
const logOf = (keyring: Keyring): string | undefined => {
  const entry = accessLogEntry(keyring.part.newest)
  return entry === undefined ? undefined : toHex(entry.category)
}

/** Whether a category of the part is its access log. */
export const isLog = (keyring: Keyring, category: Uint8Array): boolean => {
  const entry = accessLogEntry(keyring.part.newest)
  return entry !== undefined && equalBytes(entry.category, category)
}

/** Throws `no-grant` where a category asked for cannot be read: an empty answer would look like "nothing there". */
const requireReadable = (
  keyring: Keyring,
  readable: ReadonlySet<string>,
  codes: readonly string[],
): Set<string> => {
  const chosen = new Set<string>()
  for (const code of codes) {
    const category = keyring.categories.get(code)
    if (category === undefined || !readable.has(toHex(category.id))) {
      throw new SdkError('no-grant', `nothing gives this principal the right to read ${code} for this purpose`)
    }
    chosen.add(toHex(category.id))
  }
  return chosen
}

/**
 * The access log under a name that no custodian can give to another category, since it is too long: by its public mark
 * alone, whatever this reader was told of names. Throws `category-unknown`.
 */
export const withEntries = (keyring: Keyring, vault: Uint8Array): { keyring: Keyring; code: string } => {
  const entries = accessLogEntry(keyring.part.newest)
  if (entries === undefined) throw new SdkError('category-unknown', 'this part of the vault has no access log')
  const code = `entries of ${toHex(vault)}`
  const { category: id, epoch, strict } = entries
  const categories = new Map([...keyring.categories, [code, { id, epoch, strict, readable: false }] as const])
  return { keyring: { ...keyring, categories }, code }
}

/** Hex ids of the categories to open, and how much of the feed that takes. Throws `no-grant`. */
export const choose = (
  keyring: Keyring, readable: ReadonlySet<string>, codes: readonly string[] | undefined,
): { readonly chosen: ReadonlySet<string>; readonly reach: Reach } => {
  const log = logOf(keyring)
  if (codes === undefined) {
    const isCurrent = (category: string): boolean => !isRetired(keyring.codes.get(category) ?? '')
    const chosen = new Set([...readable].filter((category) => category !== log && isCurrent(category)))
    return { chosen, reach: log === undefined ? 'all' : 'records' }
  }
  const chosen = requireReadable(keyring, readable, codes)
  if (log === undefined) return { chosen, reach: 'all' }
  if (!chosen.has(log)) return { chosen, reach: 'records' }
  return { chosen, reach: chosen.size === 1 ? 'entries' : 'all' }
}

/** Of some categories (hex ids), those that a feed of this reach shows. */
export const within = (categories: ReadonlySet<string>, keyring: Keyring, reach: Reach): ReadonlySet<string> => {
  const log = logOf(keyring)
  if (reach === 'all') return categories
  return new Set([...categories].filter((category) => (category === log) === (reach === 'entries')))
}
