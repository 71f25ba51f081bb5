/** Commits: leaves, root, paths. RFC 6962 section 2.1 hashing over leaves that say nothing by themselves. */
import { sha256 } from '#hash'
import { decode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import { LIMITS } from '../limits.ts'
import { Capsule, CapsuleHeader, Commit, Position, Positions } from '../statements.ts'
import { equalBytes, hashOf, u8 } from './bytes.ts'
import { type PrincipalKeys, requireSuite, verifySigned } from './identity.ts'

export const capsuleHeaderHash = (headerBytes: Uint8Array): Uint8Array => hashOf('headerHash', headerBytes)

/** Decodes a capsule and its header. Three share commitments and three sealed shares, or it is refused. */
export const decodeCapsule = (capsuleBytes: Uint8Array): { capsule: Capsule; header: CapsuleHeader } => {
  const capsule = decode(Capsule, capsuleBytes)
  const header = decodeCapsuleHeader(capsule.header)
  if (capsule.shares.length !== 3) throw new SealError('capsule-mismatch', 'a capsule has three sealed shares')
  return { capsule, header }
}

export const decodeCapsuleHeader = (headerBytes: Uint8Array): CapsuleHeader => {
  const header = decode(CapsuleHeader, headerBytes)
  requireSuite(header)
  if (header.shareCommitments.length !== 3) {
    throw new SealError('capsule-mismatch', 'a capsule commits to three shares')
  }
  return header
}

export const releaseCommitment = (capsule: Uint8Array, secret: Uint8Array): Uint8Array =>
  hashOf('releaseCommitment', capsule, secret)

export const shareCommitment = (capsule: Uint8Array, index: number, share: Uint8Array): Uint8Array =>
  hashOf('shareCommitment', capsule, u8(index), share)

export const encapsulationId = (encapsulationBytes: Uint8Array): Uint8Array =>
  hashOf('encapsulationId', encapsulationBytes)

export const recordLeaf = (headerBytes: Uint8Array, digest: Uint8Array): Uint8Array =>
  hashOf('leafRecord', sha256(headerBytes), digest)

export const capsuleLeaf = (capsuleBytes: Uint8Array): Uint8Array => hashOf('leafCapsule', sha256(capsuleBytes))

export const merkleBottom = (leaf: Uint8Array): Uint8Array => sha256(u8(0), leaf)
export const merkleInner = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(u8(1), left, right)

const requirePowerOfTwo = (leaves: readonly Uint8Array[]): void => {
  const size = leaves.length
  if (size === 0 || size > LIMITS.commitLeaves || (size & (size - 1)) !== 0) {
    throw new SealError('commit-root-mismatch', `a commit has a power of two of leaves, at most ${LIMITS.commitLeaves}`)
  }
}

/** All levels of the tree, bottom first: compute once where several paths are needed. */
export const merkleLevels = (leaves: readonly Uint8Array[]): Uint8Array[][] => {
  requirePowerOfTwo(leaves)
  const levels = [leaves.map(merkleBottom)]
  for (let level = levels[0] as Uint8Array[]; level.length > 1; level = levels.at(-1) as Uint8Array[]) {
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) next.push(merkleInner(level[i] as Uint8Array, level[i + 1] as Uint8Array))
    levels.push(next)
  }
  return levels
}

export const merkleRoot = (leaves: readonly Uint8Array[]): Uint8Array =>
  (merkleLevels(leaves).at(-1) as Uint8Array[])[0] as Uint8Array

/** The siblings of the leaf at `place`, from the bottom up. */
export const merklePath = (levels: readonly Uint8Array[][], place: number): Uint8Array[] => {
  const path: Uint8Array[] = []
  for (let depth = 0; depth < levels.length - 1; depth++) {
    path.push((levels[depth] as Uint8Array[])[(place >> depth) ^ 1] as Uint8Array)
  }
  return path
}

/** Checks one leaf against a commit's root. Throws `commit-proof-invalid`: the path comes from the index. */
export const verifyPath = (leaf: Uint8Array, place: number, path: readonly Uint8Array[], commit: Commit): void => {
  let node = merkleBottom(leaf)
  if (path.length !== commit.depth || place >= 2 ** commit.depth) {
    throw new SealError('commit-proof-invalid', 'a path has another length than its commit')
  }
  for (const [depth, sibling] of path.entries()) {
    node = ((place >> depth) & 1) === 0 ? merkleInner(node, sibling) : merkleInner(sibling, node)
  }
  if (!equalBytes(node, commit.root)) {
    throw new SealError('commit-proof-invalid', 'what the index served is not what the author signed')
  }
}

/** Checks a commit against its author's keys. */
export const verifyCommit = async (
  signedBytes: Uint8Array,
  author: PrincipalKeys,
): Promise<{ commit: Commit; id: Uint8Array }> => {
  const { body, id } = await verifySigned('commit', signedBytes, author)
  const commit = decode(Commit, body)
  requireSuite(commit)
  if (!equalBytes(commit.author, author.id)) {
    throw new SealError('principal-mismatch', 'a commit names another author than its signer')
  }
  return { commit, id }
}

/** Checks the index's word about one statement. */
export const verifyPosition = async (
  signedBytes: Uint8Array,
  index: PrincipalKeys,
  statement: Uint8Array,
): Promise<Position> => {
  const { body } = await verifySigned('position', signedBytes, index)
  const position = decode(Position, body)
  requireSuite(position)
  if (!equalBytes(position.index, index.id) || !equalBytes(position.statement, statement)) {
    throw new SealError('release-mismatch', 'the position is about another statement')
  }
  return position
}

/** Checks the index's word about exactly these statements, in this order: one signature for all of them. */
export const verifyPositions = async (
  signedBytes: Uint8Array,
  index: PrincipalKeys,
  statements: readonly Uint8Array[],
): Promise<Positions['held']> => {
  const { body } = await verifySigned('positions', signedBytes, index)
  const positions = decode(Positions, body)
  requireSuite(positions)
  const fits =
    equalBytes(positions.index, index.id) &&
    positions.held.length === statements.length &&
    positions.held.every(({ statement }, place) => equalBytes(statement, statements[place] as Uint8Array))
  if (!fits) throw new SealError('release-mismatch', 'the positions are about other statements')
  return positions.held
}

/** The link of a commit to its author's previous one; `previous` is 32 zero bytes for the first. */
export const commitLink = (blind: Uint8Array, previous: Uint8Array): Uint8Array => hashOf('commitLink', blind, previous)

/** The next head of a feed: what a client remembers of what it was shown. */
export const feedHead = (head: Uint8Array, commit: Uint8Array): Uint8Array => hashOf('feedHead', head, commit)
