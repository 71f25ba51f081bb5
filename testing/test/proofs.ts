/** Proofs that a lying index makes anew: it knows every node of what it leaves out, so they are never at fault. */
import {
  capsuleLeaf, Commit, decode, equalBytes, merkleBottom, merkleInner, recordLeaf, Signed, siblingPlaces, toHex,
} from '@scelle/seal/verify'
import type { FeedCommit } from '@scelle/wire/messages'

const nameOf = (depth: number, place: number): string => `${depth}/${place}`

const leavesOf = ({ capsules, records }: FeedCommit): { place: number; leaf: Uint8Array }[] => [
  ...capsules.map(({ place, capsule }) => ({ place, leaf: capsuleLeaf(capsule) })),
  ...records.map(({ place, header, digest }) => ({ place, leaf: recordLeaf(header, digest) })),
]

/** Every node that an honest answer gives. */
const nodesOf = (served: FeedCommit, depth: number): Map<string, Uint8Array> => {
  const leaves = leavesOf(served)
  const nodes = new Map(leaves.map(({ place, leaf }) => [nameOf(0, place), merkleBottom(leaf)]))
  const places = siblingPlaces(2 ** depth, leaves.map(({ place }) => place))
  for (const [i, at] of places.entries()) nodes.set(nameOf(at.depth, at.place), served.siblings[i] as Uint8Array)
  for (let level = 0; level < depth; level++) {
    for (let place = 0; place < 2 ** (depth - level); place += 2) {
      const left = nodes.get(nameOf(level, place))
      const right = nodes.get(nameOf(level, place + 1))
      if (left !== undefined && right !== undefined) nodes.set(nameOf(level + 1, place / 2), merkleInner(left, right))
    }
  }
  return nodes
}

/** A changed commit with siblings that fit what is left of it, as far as the honest one has the nodes. */
const proven = (honest: FeedCommit, changed: FeedCommit): FeedCommit => {
  const { depth } = decode(Commit, decode(Signed, honest.commit).body)
  const nodes = nodesOf(honest, depth)
  const places = siblingPlaces(2 ** depth, leavesOf(changed).map(({ place }) => place))
  return { ...changed, siblings: places.flatMap((at) => nodes.get(nameOf(at.depth, at.place)) ?? []) }
}

/** Commits that were changed, proved anew where one of the honest ones is the same commit. */
export const provenAnew = (honest: readonly FeedCommit[], changed: readonly FeedCommit[]): FeedCommit[] => {
  const known = new Map(honest.map((one) => [toHex(one.commit), one]))
  return changed.map((one) => {
    const before = known.get(toHex(one.commit))
    const isSame = before === undefined
      || (before.siblings.length === one.siblings.length && leavesOf(before).length === leavesOf(one).length
        && leavesOf(before).every(({ leaf }, i) => equalBytes(leaf, leavesOf(one)[i]?.leaf ?? new Uint8Array())))
    return isSame ? one : proven(before, one)
  })
}
