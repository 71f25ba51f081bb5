/** Commits: a writer's signed batch, shuffled and padded, linked blindly to its previous one. */
import type { Context } from '../context.ts'
import { encode } from '../encoding/schema.ts'
import { SealError } from '../errors.ts'
import type { Identity } from '../identity.ts'
import { LIMITS } from '../limits.ts'
import { Capsule, Commit, type CourierSeal, SUITE } from '../statements.ts'
import { decode } from '../encoding/schema.ts'
import { concatBytes, toHex, ZERO32 } from '../verify/bytes.ts'
import { capsuleLeaf, commitLink, merkleRoot, recordLeaf } from '../verify/commit.ts'
import { type PrincipalKeys, statementId } from '../verify/identity.ts'
import type { Courier } from './courier.ts'
import { linkPayload } from './links.ts'

/** A record as it is committed: the body travels with the commit, or before it as a blob. */
export interface RecordToCommit {
  readonly headerBytes: Uint8Array
  readonly digest: Uint8Array
  /** Length of the body. */
  readonly size: number
  readonly body?: Uint8Array
}

export interface NewCommit {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly author: Identity
  /** Capsules as stored that this commit brings: each capsule once, in the first commit that uses it. */
  readonly capsules: readonly Uint8Array[]
  readonly records: readonly RecordToCommit[]
  /** Id of this author's previous commit to this vault and custodian; absent for the first. */
  readonly previous?: Uint8Array
  /** Who may check the link: the controller of an owner's vault, else the custodian. */
  readonly linkRecipient: PrincipalKeys
  /** True where the index surely has an encapsulation already; all are sent where absent. */
  readonly indexHas?: (encapsulation: Uint8Array) => boolean
}

/** Shaped as wire's `CommitSubmission`. Bodies over wire's inline limit are the caller's to move into blobs. */
export interface MadeCommit {
  readonly id: Uint8Array
  readonly statement: Commit
  readonly commit: Uint8Array
  readonly leaves: Uint8Array
  readonly capsules: { place: number; capsule: Uint8Array }[]
  readonly records: { place: number; header: Uint8Array; digest: Uint8Array; size: number; body?: Uint8Array }[]
  readonly encapsulations: Uint8Array[]
}

/** A uniform whole number below `bound`, which is at most 2^14: rejection keeps it unbiased. */
const drawBelow = (bound: number, context: Context): number => {
  const limit = 0x1_0000 - (0x1_0000 % bound)
  for (;;) {
    const [high = 0, low = 0] = context.random(2)
    const value = high * 256 + low
    if (value < limit) return value % bound
  }
}

/** A uniform permutation (Fisher-Yates): places must say nothing about which record came with which. */
const shuffledPlaces = (count: number, context: Context): number[] => {
  const places = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = drawBelow(i + 1, context)
    const held = places[i] as number
    places[i] = places[j] as number
    places[j] = held
  }
  return places
}

const namedEncapsulations = (from: NewCommit, linkSeal: CourierSeal, courier: Courier): Uint8Array[] => {
  const seals = from.capsules.flatMap((bytes) => {
    const { shares, owner } = decode(Capsule, bytes)
    return owner === undefined ? shares : [...shares, owner]
  })
  const ids = new Map([...seals, linkSeal].map(({ encapsulation }) => [toHex(encapsulation), encapsulation]))
  const encapsulations: Uint8Array[] = []
  for (const id of ids.values()) {
    if (from.indexHas?.(id) === true) continue
    const bytes = courier.bytesOf(id)
    if (bytes === undefined) {
      throw new SealError('capsule-mismatch', "a capsule was sealed through another courier than this commit's")
    }
    encapsulations.push(bytes)
  }
  return encapsulations
}

/**
 * Signs a batch. One commit goes to one vault and one custodian. Throws `commit-root-mismatch` where it is too large.
 */
export const createCommit = async (from: NewCommit, courier: Courier, context: Context): Promise<MadeCommit> => {
  const items = from.capsules.length + from.records.length
  if (items === 0 || items >= LIMITS.commitLeaves) {
    throw new SealError('commit-root-mismatch', `a commit has 1 to ${LIMITS.commitLeaves - 1} capsules and records`)
  }
  // One leaf at least is random, so that the root, which the link's key is bound to, never comes twice.
  const depth = Math.ceil(Math.log2(items + 1))
  const places = shuffledPlaces(2 ** depth, context)
  const leaves: Uint8Array[] = new Array(2 ** depth)
  const capsules = from.capsules.map((capsule, i) => ({ place: places[i] as number, capsule }))
  const records = from.records.map(({ headerBytes, digest, size, body }, i) => ({
    place: places[from.capsules.length + i] as number,
    header: headerBytes,
    digest,
    size,
    ...(body === undefined ? {} : { body }),
  }))
  for (const { place, capsule } of capsules) leaves[place] = capsuleLeaf(capsule)
  for (const { place, header, digest } of records) leaves[place] = recordLeaf(header, digest)
  for (const place of places.slice(items)) leaves[place] = context.random(32)
  const root = merkleRoot(leaves)
  const blind = context.random(32)
  const linked = linkPayload(blind, records.length)
  const linkSeal = await courier.sealTo(from.linkRecipient, 'link', root, linked)
  const statement: Commit = {
    suite: SUITE,
    vault: from.vault,
    author: from.author.id,
    root,
    depth,
    capsules: capsules.length,
    time: Math.floor(context.now() / 1000),
    link: commitLink(blind, from.previous ?? ZERO32),
    linkSeal,
    salt: context.random(16),
    custodian: from.custodian,
  }
  const commit = await from.author.sign('commit', encode(Commit, statement))
  const encapsulations = namedEncapsulations(from, linkSeal, courier)
  return {
    id: statementId(commit),
    statement,
    commit,
    leaves: concatBytes(...leaves),
    capsules,
    records,
    encapsulations,
  }
}
