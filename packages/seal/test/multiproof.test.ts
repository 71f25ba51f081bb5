/** Proofs of several leaves at once: what the index may choose is the places and siblings, and neither helps it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Commit, leafPath, merkleLevels, merklePath, merkleRoot, merkleSiblings, SealError, sha256, u32, verifyLeaves,
  verifyPath,
} from '../src/verify.ts'

const leavesOf = (depth: number): Uint8Array[] => Array.from({ length: 2 ** depth }, (_, i) => sha256(u32(i)))

const commitOf = (depth: number): Pick<Commit, 'depth' | 'root'> => ({ depth, root: merkleRoot(leavesOf(depth)) })

const placed = (leaves: readonly Uint8Array[], places: readonly number[]) =>
  places.map((place) => ({ place, leaf: leaves[place] as Uint8Array }))

const codeOf = (work: () => void): string => {
  try {
    work()
    return 'nothing was thrown'
  } catch (error) {
    return error instanceof SealError ? error.code : String(error)
  }
}

const scenes = fc.integer({ min: 0, max: 7 }).chain((depth) =>
  fc.record({
    depth: fc.constant(depth),
    places: fc.uniqueArray(fc.nat({ max: 2 ** depth - 1 }), { minLength: 1, maxLength: 2 ** depth }),
    seed: fc.nat(),
  }),
)

describe('several leaves under one root', () => {
  test('are proved by their siblings, in whatever order they come', () => {
    fc.assert(fc.property(scenes, ({ depth, places }) => {
      const leaves = leavesOf(depth)
      verifyLeaves(placed(leaves, places), merkleSiblings(leaves, places), commitOf(depth) as Commit)
    }))
  })

  test('need what their paths hold that is not among themselves, and no more', () => {
    fc.assert(fc.property(scenes, ({ depth, places }) => {
      const leaves = leavesOf(depth)
      const levels = merkleLevels(leaves)
      const onPaths = new Set(places.flatMap((place) => merklePath(levels, place).map((node) => node.toString())))
      const siblings = merkleSiblings(leaves, places)
      expect(siblings.every((node) => onPaths.has(node.toString()))).toBe(true)
      if (places.length === leaves.length) expect(siblings).toEqual([])
      if (places.length === 1) expect(siblings).toEqual(merklePath(levels, places[0] as number))
    }))
  })

  test('each give the path that proves it alone, and none gives that of a leaf that is not shown', () => {
    fc.assert(fc.property(scenes, ({ depth, places }) => {
      const leaves = leavesOf(depth)
      const levels = merkleLevels(leaves)
      const commit = commitOf(depth) as Commit
      const pathOf = (place: number) =>
        leafPath(placed(leaves, places), merkleSiblings(leaves, places), commit, place)
      for (const place of places) {
        expect(pathOf(place)).toEqual(merklePath(levels, place))
        verifyPath(leaves[place] as Uint8Array, place, pathOf(place), commit)
      }
      const hidden = leaves.findIndex((_, place) => !places.includes(place))
      if (hidden >= 0) expect(codeOf(() => pathOf(hidden))).toBe('commit-proof-invalid')
    }))
  })

  test('are refused with another leaf, place, sibling or number of siblings', () => {
    fc.assert(fc.property(scenes, ({ depth, places, seed }) => {
      const leaves = leavesOf(depth)
      const commit = commitOf(depth) as Commit
      const shown = placed(leaves, places)
      const siblings = merkleSiblings(leaves, places)
      const at = seed % shown.length
      const other = sha256(u32(1_000_000))
      const refused: (() => void)[] = [
        () => verifyLeaves(shown.with(at, { ...shown[at]!, leaf: other }), siblings, commit),
        () => verifyLeaves(shown.with(at, { ...shown[at]!, place: shown[at]!.place + 2 ** depth }), siblings, commit),
        () => verifyLeaves([...shown, shown[at]!], siblings, commit),
        () => verifyLeaves(shown, [...siblings, other], commit),
        () => verifyLeaves([], siblings, commit),
        ...siblings.map((_, i) => () => verifyLeaves(shown, siblings.with(i, other), commit)),
        ...(siblings.length === 0 ? [] : [() => verifyLeaves(shown, siblings.slice(1), commit)]),
        ...(shown.length < 2 ? [] : [() => verifyLeaves(shown.toSpliced(at, 1), siblings, commit)]),
      ]
      for (const attempt of refused) expect(codeOf(attempt)).toBe('commit-proof-invalid')
    }))
  })

  test('swapped with one another are refused', () => {
    const leaves = leavesOf(3)
    const shown = [{ place: 2, leaf: leaves[5]! }, { place: 5, leaf: leaves[2]! }]
    const siblings = merkleSiblings(leaves, [2, 5])
    expect(codeOf(() => verifyLeaves(shown, siblings, commitOf(3) as Commit))).toBe('commit-proof-invalid')
  })
})
