/** Reads every new entry, authenticated, in bounded memory: is it an entry, and whose label does it carry. */
import { LOG_LIMITS, LogError, TileReader, type Tree } from '@scelle/log'
import { decode, LogEntry, SealError, toHex } from '@scelle/seal/verify'
import { CLI_LIMITS } from '../limits.ts'
import { tilesOf } from './look.ts'
import type { ReadLog } from './source.ts'

/** A control leaf with a label that is looked for. */
export interface LabelledLeaf {
  readonly leaf: number
  /** In hex. */
  readonly label: string
  readonly entry: Uint8Array
}

export interface ScanOptions {
  readonly read: ReadLog
  readonly tree: Tree
  /** Entries below this were read before. */
  readonly from: number
  /** Labels in hex. */
  readonly labels: ReadonlySet<string>
  /** Told of each bundle that was read. */
  readonly progress: (entries: number) => void
}

/** Throws LogError where an entry is not the tree's, or none at all, SourceError where one is not there. */
export const scan = async ({ read, tree, from, labels, progress }: ScanOptions): Promise<LabelledLeaf[]> => {
  const found: LabelledLeaf[] = []
  const { tileWidth } = LOG_LIMITS
  let reader = new TileReader(tree, tilesOf(read))
  for (let bundle = Math.floor(from / tileWidth), count = 0; bundle * tileWidth < tree.size; bundle++, count++) {
    // A reader keeps what it authenticated; a new one now and then keeps the memory bounded.
    if (count % CLI_LIMITS.logBundles === CLI_LIMITS.logBundles - 1) reader = new TileReader(tree, tilesOf(read))
    const entries = await reader.entries(bundle)
    for (const [i, bytes] of entries.entries()) {
      const leaf = bundle * tileWidth + i
      if (leaf < from) continue
      const label = subjectOf(bytes, leaf)
      if (label !== undefined && labels.has(label)) found.push({ leaf, label, entry: bytes })
    }
    progress(entries.length)
  }
  return found
}

const subjectOf = (bytes: Uint8Array, leaf: number): string | undefined => {
  try {
    const { subject } = decode(LogEntry, bytes)
    return subject === undefined ? undefined : toHex(subject)
  } catch (cause) {
    if (cause instanceof SealError) throw new LogError('entry-mismatch', `entry ${leaf} is no entry`, { cause })
    throw cause
  }
}
