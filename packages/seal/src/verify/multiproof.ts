/**
 * Many leaves of one commit proved at once: the nodes that the shown leaves do not give, and no others. A commit shown
 * whole costs each of its nodes one hash, on the reader's side alone; by single paths each leaf would cost its depth.
 */
import { SealError } from '../errors.ts'
import type { Commit } from '../statements.ts'
import { equalBytes } from './bytes.ts'
import { merkleBottom, merkleInner } from './commit.ts'

/** A leaf and where it stands. */
export interface PlacedLeaf {
  readonly place: number
  readonly leaf: Uint8Array
}

const broken = (): SealError =>
  new SealError('commit-proof-invalid', 'what the index served is not what the author signed')

/** The node over the `2 ** depth` leaves from `first`. */
const nodeOver = (leaves: readonly Uint8Array[], first: number, depth: number): Uint8Array => {
  if (depth === 0) return merkleBottom(leaves[first] as Uint8Array)
  const half = 2 ** (depth - 1)
  return merkleInner(nodeOver(leaves, first, depth - 1), nodeOver(leaves, first + half, depth - 1))
}

/** Where the siblings stand that prove the leaves at `places` of a tree of `size` leaves, in the order of a proof. */
export const siblingPlaces = (size: number, places: readonly number[]): { depth: number, place: number }[] => {
  const siblings: { depth: number, place: number }[] = []
  let known = [...new Set(places)].toSorted((a, b) => a - b)
  for (let depth = 0; 2 ** depth < size; depth++) {
    const above: number[] = []
    for (let i = 0; i < known.length; i++) {
      const place = known[i] as number
      if (known[i + 1] === (place ^ 1)) i++
      else siblings.push({ depth, place: place ^ 1 })
      above.push(place >> 1)
    }
    known = above
  }
  return siblings
}

/**
 * The siblings that prove the leaves at `places`: from the bottom level up, each level from left to right. `leaves` are
 * all of the commit's, a power of two.
 */
export const merkleSiblings = (leaves: readonly Uint8Array[], places: readonly number[]): Uint8Array[] =>
  siblingPlaces(leaves.length, places).map(({ depth, place }) => nodeOver(leaves, place * 2 ** depth, depth))

/** Meets each inner node on the way up: the two it is made of, the known one first, and the depth they stand at. */
type Meet = (depth: number, place: number, node: Uint8Array, sibling: Uint8Array) => void

const climb = (
  shown: readonly PlacedLeaf[], siblings: readonly Uint8Array[], commit: Commit, meet?: Meet,
): void => {
  let level = shown
    .map(({ place, leaf }) => ({ place, node: merkleBottom(leaf) }))
    .toSorted((a, b) => a.place - b.place)
  const isInside = level.every(({ place }, i) => place < 2 ** commit.depth && place !== level[i + 1]?.place)
  if (level.length === 0 || !isInside) throw broken()
  let used = 0
  for (let depth = 0; depth < commit.depth; depth++) {
    const above: typeof level = []
    for (let i = 0; i < level.length; i++) {
      const { place, node } = level[i] as (typeof level)[number]
      const next = level[i + 1]
      const isPair = next !== undefined && next.place === (place ^ 1)
      const sibling = isPair ? next.node : siblings[used++]
      if (sibling === undefined) throw broken()
      if (isPair) i++
      meet?.(depth, place, node, sibling)
      const parent = (place & 1) === 0 ? merkleInner(node, sibling) : merkleInner(sibling, node)
      above.push({ place: place >> 1, node: parent })
    }
    level = above
  }
  if (used !== siblings.length || !equalBytes((level[0] as (typeof level)[number]).node, commit.root)) throw broken()
}

/**
 * Checks leaves against a commit's root. Throws `commit-proof-invalid`: places and siblings come from the index, so a
 * place twice, one outside the tree, and a sibling too few or too many are refused as well.
 */
export const verifyLeaves = (shown: readonly PlacedLeaf[], siblings: readonly Uint8Array[], commit: Commit): void =>
  climb(shown, siblings, commit)

/**
 * The path of one of the shown leaves by itself, as `verifyPath` takes it: what is handed on tells nothing of the
 * leaves beside it. Throws as `verifyLeaves`.
 */
export const leafPath = (
  shown: readonly PlacedLeaf[], siblings: readonly Uint8Array[], commit: Commit, place: number,
): Uint8Array[] => {
  if (!shown.some((leaf) => leaf.place === place)) throw broken()
  const path: Uint8Array[] = []
  climb(shown, siblings, commit, (depth, at, node, sibling) => {
    if (at === place >> depth) path.push(sibling)
    else if ((at ^ 1) === place >> depth) path.push(node)
  })
  return path
}
