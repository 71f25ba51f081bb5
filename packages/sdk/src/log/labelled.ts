/** Control leaves by their labels: entries are read, each against the tree, in bounded memory. */
import { LOG_LIMITS, type TileReader, type Tree } from '@scelle/log'
import { decode, equalBytes, LogEntry } from '@scelle/seal/verify'
import { SDK_LIMITS } from '../limits.ts'

export interface LabelledLeaf {
  readonly leaf: number
  readonly entry: Uint8Array
}

export interface Labelled {
  /** Leaves below this were read. */
  readonly size: number
  /** Seconds since 1970 UTC at which the tree was cosigned. */
  readonly time: number
  readonly leaves: readonly LabelledLeaf[]
}

/** Throws LogError where an entry is not the tree's, SealError `encoding-…` where it is none. */
export const labelledLeaves = async (
  tree: Tree, readerOf: (tree: Tree) => TileReader, label: Uint8Array, from: number,
): Promise<LabelledLeaf[]> => {
  const { tileWidth } = LOG_LIMITS
  const found: LabelledLeaf[] = []
  let reader = readerOf(tree)
  for (let bundle = Math.floor(from / tileWidth), count = 1; bundle * tileWidth < tree.size; bundle++, count++) {
    for (const [i, entry] of (await reader.entries(bundle)).entries()) {
      const leaf = bundle * tileWidth + i
      if (leaf < from) continue
      const { subject } = decode(LogEntry, entry)
      if (subject !== undefined && equalBytes(subject, label)) found.push({ leaf, entry })
    }
    if (count % SDK_LIMITS.logBundles === 0) reader = readerOf(tree)
  }
  return found
}
