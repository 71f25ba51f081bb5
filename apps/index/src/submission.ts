/**
 * Checks one commit as submitted, apart from what the store decides. Everything here comes from a writer that may be
 * anybody: what a capsule, record or seal says of itself counts only where it agrees with what was signed.
 */
import {
  type Capsule, capsuleHeaderHash, capsuleLeaf, type CapsuleHeader, type Commit, type CourierSeal, decode,
  decodeCapsule, decodeSigned, encapsulationId, equalBytes, FORMAT_LIMITS, merkleRoot, type PrincipalKeys,
  RecordHeader, recordLeaf, requireCurrentKey, requireSuite, SealError, sha256, type VaultGenesis, verifyCommit,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { CommitSubmission } from '@scelle/wire/messages'
import { nameOf } from './names.ts'
import { decodeEncapsulation, type KnownEncapsulation, type Registry, requirePast } from './registry.ts'
import type { CapsuleIn, CommitOperation, RecordIn, StoredStatement } from './store.ts'

export interface SubmissionContext {
  readonly author: PrincipalKeys
  /** Seconds since 1970 UTC. */
  readonly at: number
  readonly genesisOf: (vault: Uint8Array) => Promise<VaultGenesis | undefined>
  readonly encapsulations: Pick<Registry, 'known' | 'stored'>
}

const require = (holds: boolean, message: string): void => {
  if (!holds) throw new SealError('commit-root-mismatch', message)
}

/** The signer of a submitted commit must be whoever sent it, before anything is answered about it. */
export const requireAuthor = (submission: CommitSubmission, author: PrincipalKeys): void => {
  if (!equalBytes(decodeSigned('commit', submission.commit).signer, author.id)) throw new Problem('not-permitted')
}

const splitLeaves = (leaves: Uint8Array): Uint8Array[] =>
  Array.from({ length: leaves.length / 32 }, (_, place) => leaves.subarray(place * 32, place * 32 + 32))

/** Each item stands at the place it claims, no two at one, and all leaves together are what the author signed. */
const requireTree = (submission: CommitSubmission, commit: Commit): void => {
  require(submission.leaves.length === 32 * 2 ** commit.depth, 'the leaves are not as many as the commit says')
  require(submission.capsules.length === commit.capsules, 'the capsules are not as many as the commit says')
  const leaves = splitLeaves(submission.leaves)
  const places = new Set<number>()
  const check = (place: number, leaf: Uint8Array): void => {
    const claimed = leaves[place]
    require(claimed !== undefined && !places.has(place), 'a place is outside the tree or taken twice')
    require(equalBytes(claimed as Uint8Array, leaf), 'an item is not the leaf at its place')
    places.add(place)
  }
  for (const { place, capsule } of submission.capsules) check(place, capsuleLeaf(capsule))
  for (const { place, header, digest } of submission.records) check(place, recordLeaf(header, digest))
  require(places.size > 0, 'a commit has at least one item')
  require(equalBytes(merkleRoot(leaves), commit.root), 'the leaves do not make the root that the author signed')
}

export const requireCapsule = (
  header: CapsuleHeader, capsule: Capsule, commit: Commit, context: { at: number; mode: VaultGenesis['mode'] },
): void => {
  const fits =
    equalBytes(header.vault, commit.vault) &&
    equalBytes(header.custodian, commit.custodian) &&
    equalBytes(header.writer, commit.author)
  if (!fits) throw new SealError('capsule-mismatch', 'a capsule and its commit name another vault, custodian or writer')
  if ((capsule.owner !== undefined) !== (context.mode === 'owner')) {
    throw new SealError('capsule-mismatch', 'a capsule is sealed to the owner where there is one, and only there')
  }
  requirePast(header.opened, context.at)
  if (context.at >= header.opened + FORMAT_LIMITS.capsuleOpenSeconds) {
    throw new Problem('capsule-closed', 'a capsule was opened over a day ago')
  }
}

interface NamedSeal {
  readonly seal: CourierSeal
  readonly recipient: Uint8Array
}

const capsuleSeals = (capsule: Capsule, genesis: VaultGenesis): NamedSeal[] => [
  ...capsule.shares.map((seal, i) => ({ seal, recipient: genesis.trustees[i] as Uint8Array })),
  ...(capsule.owner === undefined ? [] : [{ seal: capsule.owner, recipient: genesis.controller }]),
]

/** Every seal names an encapsulation by this author for that seal's recipient; what is sent along is named. */
const requireEncapsulations = async (
  sent: readonly Uint8Array[], seals: readonly NamedSeal[], context: SubmissionContext,
): Promise<CommitOperation['encapsulations']> => {
  const named = new Map(seals.map(({ seal }) => [nameOf(seal.encapsulation), seal.encapsulation]))
  const known = new Map<string, KnownEncapsulation>()
  const fresh: StoredStatement[] = []
  for (const bytes of sent) {
    const id = encapsulationId(bytes)
    const name = nameOf(id)
    if (!named.delete(name)) throw new SealError('capsule-mismatch', 'an encapsulation is sent that no seal names')
    const stored = context.encapsulations.known(name)
    if (stored === undefined) fresh.push({ id, bytes })
    known.set(name, stored ?? decodeEncapsulation(bytes))
  }
  for (const [name, found] of await context.encapsulations.stored(named)) known.set(name, found)
  for (const { seal, recipient } of seals) {
    const encapsulation = known.get(nameOf(seal.encapsulation))
    const fits =
      encapsulation !== undefined &&
      equalBytes(encapsulation.writer, context.author.id) &&
      equalBytes(encapsulation.recipient, recipient)
    if (!fits) throw new SealError('capsule-mismatch', 'a seal names an encapsulation that is missing or another\'s')
  }
  return fresh
}

const recordIn = (record: CommitSubmission['records'][number]): RecordIn => {
  const header = decode(RecordHeader, record.header)
  requireSuite(header)
  const { body } = record
  if (body !== undefined && (body.length !== record.size || !equalBytes(sha256(body), record.digest))) {
    throw new Problem('digest-mismatch')
  }
  return {
    place: record.place, header: record.header, capsule: header.capsule, handle: header.handle, version: header.version,
    size: record.size, body, digest: record.digest,
  }
}

/** The operation that a submission asks for. Throws SealError or Problem; nothing was stored. */
export const verifySubmission = async (
  submission: CommitSubmission, context: SubmissionContext,
): Promise<CommitOperation> => {
  // One that is stored already is found by its id and answered again.
  requireCurrentKey(decodeSigned('commit', submission.commit), context.author)
  const { commit, id } = await verifyCommit(submission.commit, context.author)
  const genesis = await context.genesisOf(commit.vault)
  if (genesis === undefined) throw new Problem('not-permitted')
  requirePast(commit.time, context.at)
  const seals: NamedSeal[] = [
    { seal: commit.linkSeal, recipient: genesis.mode === 'owner' ? genesis.controller : commit.custodian },
  ]
  const capsules = submission.capsules.map(({ place, capsule: bytes }): CapsuleIn => {
    const { capsule, header } = decodeCapsule(bytes)
    requireCapsule(header, capsule, commit, { at: context.at, mode: genesis.mode })
    seals.push(...capsuleSeals(capsule, genesis))
    return {
      place, bytes, capsule: header.capsule, headerHash: capsuleHeaderHash(capsule.header), category: header.category,
      epoch: header.epoch, opened: header.opened,
    }
  })
  const records = submission.records.map(recordIn)
  requireTree(submission, commit)
  return {
    kind: 'commit',
    statement: { id, bytes: submission.commit },
    vault: commit.vault,
    custodian: commit.custodian,
    author: commit.author,
    at: context.at,
    leaves: submission.leaves,
    capsules,
    records,
    encapsulations: await requireEncapsulations(submission.encapsulations, seals, context),
  }
}
