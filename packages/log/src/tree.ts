/** The Merkle tree of RFC 6962 section 2.1. Nodes are named by level and index: leaves [i·2^level, (i+1)·2^level). */
import { sha256 } from '#sha256'
import { LogError } from './errors.ts'

/** Hash of a perfect subtree: the leaves from `index · 2^level`, `2^level` of them. */
export interface TreeNode {
  readonly level: number
  readonly index: number
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

/** `SHA-256(0x00 ‖ entry)`. */
export const leafHash = (entry: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(entry.length + 1)
  bytes.set(entry, 1)
  return sha256(bytes)
}

const pair = new Uint8Array(65)
pair[0] = 1

/** `SHA-256(0x01 ‖ left ‖ right)`. Throws `proof-malformed` unless both are hashes: `pair` still holds the last two. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  if (left.length !== 32 || right.length !== 32) throw new LogError('proof-malformed', 'a hash has 32 bytes')
  pair.set(left, 1)
  pair.set(right, 33)
  return sha256(pair)
}

/** The largest power of two that is less than `size` (at least 2). */
export const split = (size: number): number => {
  let half = 1
  while (half * 2 < size) half *= 2
  return half
}

export const requireSize = (size: number): void => {
  if (!Number.isSafeInteger(size) || size < 0) throw new LogError('size-invalid', 'a tree size is a whole number')
}

/** The perfect subtrees, left to right, that together are the leaves [start, end). `start` is a multiple of each. */
export const perfectNodes = (start: number, end: number): TreeNode[] => {
  const nodes: TreeNode[] = []
  let from = start
  while (from < end) {
    let level = 0
    let width = 1
    while (from % (width * 2) === 0 && from + width * 2 <= end) {
      level++
      width *= 2
    }
    nodes.push({ level, index: from / width })
    from += width
  }
  return nodes
}

/** Folds the hashes of {@link perfectNodes} into the root of their leaves. */
export const foldNodes = (hashes: readonly Uint8Array[]): Uint8Array => {
  const last = hashes.at(-1)
  if (last === undefined) return EMPTY_ROOT
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last)
}

/** Root over leaf hashes, all in memory: for tiles and small trees. */
export const rootOfLeaves = (leaves: readonly Uint8Array[]): Uint8Array => {
  const range = new CompactRange()
  for (const leaf of leaves) range.append(leaf)
  return range.root()
}

/** A tree's right edge: enough to append leaves and to tell the root, in O(log n) memory. */
export class CompactRange {
  #size = 0
  /** Hashes of `perfectNodes(0, size)`. */
  readonly #hashes: Uint8Array[] = []

  /** Goes on from a tree of that size, whose `perfectNodes(0, size)` have these hashes. */
  static from(size: number, hashes: readonly Uint8Array[]): CompactRange {
    requireSize(size)
    if (hashes.length !== perfectNodes(0, size).length || !hashes.every(({ length }) => length === 32)) {
      throw new LogError('size-invalid', 'a tree of that size has another number of hashes at its edge')
    }
    const range = new CompactRange()
    range.#size = size
    range.#hashes.push(...hashes)
    return range
  }

  get size(): number {
    return this.#size
  }

  get hashes(): readonly Uint8Array[] {
    return this.#hashes
  }

  /** Appends a leaf's hash. `made` is told of each perfect subtree that this completes, the leaf itself first. */
  append(leaf: Uint8Array, made?: (node: TreeNode, hash: Uint8Array) => void): void {
    if (leaf.length !== 32) throw new LogError('proof-malformed', 'a leaf is appended by its hash')
    let node: TreeNode = { level: 0, index: this.#size }
    let hash = leaf
    made?.(node, hash)
    for (; node.index % 2 === 1; made?.(node, hash)) {
      hash = nodeHash(this.#hashes.pop() as Uint8Array, hash)
      node = { level: node.level + 1, index: (node.index - 1) / 2 }
    }
    this.#hashes.push(hash)
    this.#size++
  }

  root(): Uint8Array {
    return foldNodes(this.#hashes)
  }
}
