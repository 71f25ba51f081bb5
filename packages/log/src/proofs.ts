/** Inclusion and consistency proofs, RFC 6962 sections 2.1.1 and 2.1.2: made from stored nodes, checked alone. */
import { equalBytes } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import { EMPTY_ROOT, foldNodes, nodeHash, perfectNodes, requireSize, split, type TreeNode } from './tree.ts'

/** Hashes of perfect subtrees, in the order asked for. */
export type ReadNodes = (nodes: readonly TreeNode[]) => Promise<readonly Uint8Array[]>

interface Range {
  readonly start: number
  readonly end: number
}

const inclusionRanges = (index: number, size: number): Range[] => {
  const ranges: Range[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.toReversed()
}

const consistencyRanges = (from: number, to: number): Range[] => {
  const ranges: Range[] = []
  let start = 0
  let end = to
  // SUBPROOF: `whole` while the old tree is still a complete subtree of what is looked at from its left edge.
  let whole = true
  while (end !== from || !whole) {
    if (from === end) {
      ranges.push({ start, end })
      break
    }
    const middle = start + split(end - start)
    if (from <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
      whole = false
    }
  }
  return ranges.toReversed()
}

const readRanges = async (ranges: readonly Range[], read: ReadNodes): Promise<Uint8Array[]> => {
  const nodes = ranges.map(({ start, end }) => perfectNodes(start, end))
  const hashes = await read(nodes.flat())
  let at = 0
  return nodes.map(({ length }) => foldNodes(hashes.slice(at, (at += length))))
}

/** The proof that leaf `index` is in the tree of that size. Throws `size-invalid`. */
export const inclusionProof = async (index: number, size: number, read: ReadNodes): Promise<Uint8Array[]> => {
  requireSize(size)
  requireSize(index)
  if (index >= size) throw new LogError('size-invalid', 'the tree has no such leaf')
  return readRanges(inclusionRanges(index, size), read)
}

/** The proof that the tree of size `to` begins with that of size `from`; empty for 0 and for equal sizes. */
export const consistencyProof = async (from: number, to: number, read: ReadNodes): Promise<Uint8Array[]> => {
  requireSize(from)
  requireSize(to)
  if (from > to) throw new LogError('size-invalid', 'the older tree is the smaller one')
  return from === 0 || from === to ? [] : readRanges(consistencyRanges(from, to), read)
}

/** The root of a tree of that size, from stored nodes. */
export const treeRoot = async (size: number, read: ReadNodes): Promise<Uint8Array> => {
  requireSize(size)
  return foldNodes(size === 0 ? [] : await read(perfectNodes(0, size)))
}

/** The root that an inclusion proof leads to. Throws `inclusion-invalid` where it has not the length it must have. */
export const rootFromInclusion = (
  leaf: Uint8Array, place: { index: number; size: number }, proof: readonly Uint8Array[],
): Uint8Array => {
  const { index, size } = place
  requireSize(size)
  requireSize(index)
  const invalid = (): LogError => new LogError('inclusion-invalid', 'an inclusion proof does not fit its tree size')
  if (index >= size || leaf.length !== 32 || proof.length > LOG_LIMITS.proofHashes) throw invalid()
  const ranges = inclusionRanges(index, size)
  if (ranges.length !== proof.length || !proof.every((hash) => hash.length === 32)) throw invalid()
  return ranges.reduce(
    (hash, { start }, i) => {
      const sibling = proof[i] as Uint8Array
      return start > index ? nodeHash(hash, sibling) : nodeHash(sibling, hash)
    },
    leaf,
  )
}

/** Throws `inclusion-invalid` unless the leaf with this hash stands at `index` in the tree of that size and root. */
export const verifyInclusion = (
  leaf: Uint8Array, place: { index: number; size: number; root: Uint8Array }, proof: readonly Uint8Array[],
): void => {
  if (!equalBytes(rootFromInclusion(leaf, place, proof), place.root)) {
    throw new LogError('inclusion-invalid', 'the leaf is not in the tree at that place')
  }
}

/**
 * Both roots that a consistency proof leads to, `older` being the root claimed for the smaller tree (it may be part of
 * the path). Throws `consistency-invalid` where the proof has not the length it must have, `from` is 0 or not below
 * `to`.
 */
export const rootsFromConsistency = (
  sizes: { from: number; to: number }, older: Uint8Array, proof: readonly Uint8Array[],
): { from: Uint8Array; to: Uint8Array } => {
  const { from, to } = sizes
  requireSize(from)
  requireSize(to)
  const invalid = (): LogError => new LogError('consistency-invalid', 'a consistency proof does not fit its tree sizes')
  if (from < 1 || from >= to || older.length !== 32 || proof.length > LOG_LIMITS.proofHashes) throw invalid()
  const ranges = consistencyRanges(from, to)
  if (ranges.length !== proof.length || !proof.every((hash) => hash.length === 32)) throw invalid()
  // Where the old tree is a perfect subtree at the left edge, its root is not part of the proof.
  const seeded = ranges[0]?.end === from
  let oldHash = seeded ? (proof[0] as Uint8Array) : older
  let newHash = oldHash
  for (const [i, { start }] of ranges.entries()) {
    if (seeded && i === 0) continue
    const sibling = proof[i] as Uint8Array
    if (start >= from) newHash = nodeHash(newHash, sibling)
    else {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
    }
  }
  return { from: oldHash, to: newHash }
}

export interface Tree {
  readonly size: number
  readonly root: Uint8Array
}

/**
 * Throws `consistency-invalid` unless `to` begins with the leaves of `from`. Every tree begins with the empty one, so
 * a witness may first hear of a log at any size: that proof is empty, as is the one from a tree to itself.
 */
export const verifyConsistency = (from: Tree, to: Tree, proof: readonly Uint8Array[]): void => {
  const invalid = (): LogError => new LogError('consistency-invalid', 'the newer tree does not begin with the older')
  if (from.size > to.size || from.root.length !== 32 || to.root.length !== 32) throw invalid()
  if (from.size === 0 || from.size === to.size) {
    const same = from.size === 0 ? equalBytes(from.root, EMPTY_ROOT) : equalBytes(from.root, to.root)
    const empty = to.size !== 0 || equalBytes(to.root, EMPTY_ROOT)
    if (proof.length > 0 || !same || !empty) throw invalid()
    return
  }
  const roots = rootsFromConsistency({ from: from.size, to: to.size }, from.root, proof)
  if (!equalBytes(roots.from, from.root) || !equalBytes(roots.to, to.root)) throw invalid()
}
