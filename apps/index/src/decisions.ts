/**
 * What the stored state permits, apart from any engine: each engine loads the state, asks here, and stores the effect,
 * all in one transaction. So every engine refuses the same things for the same reasons.
 */
import { equalBytes, FORMAT_LIMITS, RIGHTS } from '@scelle/seal/verify'
import { INDEX_LIMITS } from './limits.ts'
import { nameOf } from './names.ts'
import type {
  AccessOperation, CapsuleState, CategoryIn, CategoryState, CommitOperation, GrantOperation, GrantState, Refusal,
} from './store.ts'

const refuse = (problem: Refusal['problem'], detail?: string, places?: readonly number[]): Refusal => ({
  problem,
  ...(detail === undefined ? {} : { detail }),
  ...(places === undefined ? {} : { places }),
})

export const isUsable = (grant: GrantState, right: number, at: number): boolean =>
  !grant.revoked && (grant.rights & right) !== 0 && at >= grant.notBefore && at < grant.expires

/** Categories, as bits, on which these grants give one of the rights now. */
export const grantedMask = (grants: readonly GrantState[], right: number, at: number): number =>
  grants.reduce((mask, grant) => (isUsable(grant, right, at) ? mask | grant.mask : mask), 0)

/** The bits of these categories; undefined where the part has no such category. */
export const maskOf = (categories: readonly CategoryState[], ids: readonly Uint8Array[]): number | undefined => {
  const places = new Map(categories.map((state, place) => [nameOf(state.category), place]))
  let mask = 0
  for (const id of ids) {
    const place = places.get(nameOf(id))
    if (place === undefined) return undefined
    mask |= 1 << place
  }
  return mask
}

/** A part's categories after a manifest. A new epoch closes what was open; categories stay at their places. */
export const nextCategories = (
  before: readonly CategoryState[], manifest: readonly CategoryIn[], sequence: number,
): CategoryState[] => {
  const named = new Map(manifest.map((entry) => [nameOf(entry.category), entry]))
  const kept = before.map((state) => {
    const entry = named.get(nameOf(state.category))
    named.delete(nameOf(state.category))
    const same = entry === undefined || entry.epoch === state.epoch
    return same ? state : { ...state, epoch: entry.epoch, closed: sequence }
  })
  return [...kept, ...[...named.values()].map((entry) => ({ ...entry, closed: 0 }))]
}

/** A version of a handle that a record would take. */
export interface AskedVersion {
  readonly place: number
  /** Place of its category in the part. */
  readonly category: number
  readonly handle: Uint8Array
  readonly version: number
}

export interface CommitState {
  readonly categories: readonly CategoryState[]
  /** The author's grants in this part. */
  readonly grants: readonly GrantState[]
  /** Stored capsules of this vault among those that the commit opens or names, by name of its id. */
  readonly capsules: ReadonlyMap<string, CapsuleState>
  /** Places of records whose version this commit's author wrote before: a handle is its author's own. */
  readonly taken: (records: readonly AskedVersion[]) => number[]
}

export interface CommitDecision {
  readonly mask: number
  /** Place of each item's category in the part, by the item's place in the tree. */
  readonly categoryAt: ReadonlyMap<number, number>
  /** How many records each capsule gains, by its id in hex. */
  readonly gains: ReadonlyMap<string, number>
}

interface OpenCapsule {
  readonly category: number
  readonly records: number
}

const newCapsules = (commit: CommitOperation, state: CommitState): Map<string, OpenCapsule> | Refusal => {
  const places = new Map(state.categories.map((category, place) => [nameOf(category.category), place]))
  const opened = new Map<string, OpenCapsule>()
  const unknown: number[] = []
  const stale: number[] = []
  const twice: number[] = []
  for (const capsule of commit.capsules) {
    const id = nameOf(capsule.capsule)
    const category = places.get(nameOf(capsule.category))
    if (category === undefined) unknown.push(capsule.place)
    else if (state.categories[category]?.epoch !== capsule.epoch) stale.push(capsule.place)
    else if (opened.has(id) || state.capsules.has(id)) twice.push(capsule.place)
    else opened.set(id, { category, records: 0 })
  }
  if (unknown.length > 0) return refuse('bad-statement', 'the custodian has no such category', unknown)
  if (stale.length > 0) return refuse('epoch-stale', undefined, stale)
  if (twice.length > 0) return refuse('already-exists', 'a capsule id is taken', twice)
  return opened
}

/** A stored capsule that still takes records of this commit's author; undefined for every other one, known or not. */
const stillOpen = (id: string, commit: CommitOperation, state: CommitState): OpenCapsule | undefined => {
  const capsule = state.capsules.get(id)
  if (capsule === undefined) return undefined
  const category = state.categories[capsule.category]
  const open =
    equalBytes(capsule.writer, commit.author) &&
    equalBytes(capsule.custodian, commit.custodian) &&
    !capsule.closed &&
    capsule.epoch === category?.epoch &&
    capsule.sequence > category.closed &&
    commit.at < capsule.opened + FORMAT_LIMITS.capsuleOpenSeconds
  return open ? { category: capsule.category, records: capsule.records } : undefined
}

/** The bit of the category that takes entries about accesses; 0 in a part without one. */
export const accessLogMask = (categories: readonly Pick<CategoryState, 'accessLog'>[]): number =>
  categories.reduce((mask, { accessLog }, place) => (accessLog ? mask | (1 << place) : mask), 0)

/** A reader writes down what it opened, also when the grant that it opened under was ended a moment ago. */
const mayEnter = (commit: CommitOperation, grants: readonly GrantState[]): boolean =>
  commit.records.length <= INDEX_LIMITS.entriesPerCommit &&
  grants.some(
    (grant) =>
      isUsable({ ...grant, revoked: false }, RIGHTS.read, commit.at) &&
      (grant.revokedAt === undefined || commit.at < grant.revokedAt + INDEX_LIMITS.entryAfterRevocation),
  )

const permitted = (commit: CommitOperation, state: CommitState, mask: number): Refusal | undefined => {
  const entries = accessLogMask(state.categories)
  if ((mask & entries) !== 0 && mask !== entries) {
    return refuse('bad-statement', 'what is written about accesses is committed by itself')
  }
  if (equalBytes(commit.author, commit.custodian)) return undefined
  const missing = mask & ~grantedMask(state.grants, RIGHTS.write, commit.at)
  if (missing === 0 || (missing === entries && mayEnter(commit, state.grants))) return undefined
  const revoked = state.grants.some(
    (grant) => grant.revoked && (grant.rights & RIGHTS.write) !== 0 && (grant.mask & missing) !== 0,
  )
  return refuse(revoked ? 'grant-revoked' : 'not-permitted')
}

/** Whether the stored state takes this commit, and what it changes. Unknown, foreign and closed capsules look alike. */
export const decideCommit = (commit: CommitOperation, state: CommitState): CommitDecision | Refusal => {
  const capsules = newCapsules(commit, state)
  if ('problem' in capsules) return capsules
  const categoryAt = new Map<number, number>()
  const gains = new Map<string, number>()
  const closed: number[] = []
  let mask = 0
  for (const capsule of commit.capsules) {
    const { category } = capsules.get(nameOf(capsule.capsule)) as OpenCapsule
    categoryAt.set(capsule.place, category)
    mask |= 1 << category
  }
  const asked = commit.records.map((record): AskedVersion => {
    const id = nameOf(record.capsule)
    const capsule = capsules.get(id) ?? stillOpen(id, commit, state)
    const gained = (gains.get(id) ?? 0) + 1
    gains.set(id, gained)
    if (capsule === undefined || capsule.records + gained > FORMAT_LIMITS.capsuleRecords) closed.push(record.place)
    else mask |= 1 << capsule.category
    categoryAt.set(record.place, capsule?.category ?? -1)
    return { place: record.place, category: capsule?.category ?? -1, handle: record.handle, version: record.version }
  })
  const refusal = permitted(commit, state, mask)
  if (refusal !== undefined) return refusal
  if (closed.length > 0) return refuse('capsule-closed', undefined, closed)
  const taken = [...new Set([...repeated(asked), ...state.taken(asked)])]
  if (taken.length > 0) return refuse('version-exists', undefined, taken.toSorted((a, b) => a - b))
  return { mask, categoryAt, gains }
}

/** One commit has one author, so a handle repeated in it is the same author's. */
const repeated = (records: readonly AskedVersion[]): number[] => {
  const seen = new Set<string>()
  return records.flatMap((record) => {
    const key = `${record.category}/${nameOf(record.handle)}/${record.version}`
    if (seen.has(key)) return [record.place]
    seen.add(key)
    return []
  })
}

/** The grants that an access names, root first, as stored; and the capsules it names, in its order. */
export interface AccessState {
  readonly categories: readonly CategoryState[]
  readonly chain: readonly (GrantState | undefined)[]
  readonly capsules: readonly (CapsuleState | undefined)[]
}

const chainHolds = (chain: readonly GrantState[], operation: AccessOperation): boolean => {
  const { access } = operation
  const last = chain.at(-1)
  if (last === undefined) return equalBytes(access.reader, access.custodian)
  const linked = chain.every((grant, link) => {
    const before = chain[link - 1]
    return (
      equalBytes(grant.custodian, access.custodian) &&
      (before === undefined
        ? grant.parent === undefined
        : grant.parent !== undefined && equalBytes(grant.parent, before.id))
    )
  })
  return (
    linked &&
    equalBytes(last.grantee, access.reader) &&
    last.purposes.includes(access.purpose) &&
    isUsable({ ...last, revoked: false }, RIGHTS.read, operation.at)
  )
}

/** Whether a reader may put this access on record. What it may not see and what does not exist look alike. */
export const decideAccess = (operation: AccessOperation, state: AccessState): Refusal | undefined => {
  const chain = state.chain.filter((grant) => grant !== undefined)
  if (chain.length !== state.chain.length || !chainHolds(chain, operation)) return refuse('not-permitted')
  if (chain.some((grant) => grant.revoked)) return refuse('grant-revoked')
  const mask = chain.at(-1)?.mask ?? -1
  const keeper = operation.access.purpose === 'legal' ? chain[0]?.grantee : undefined
  const visible = state.capsules.every(
    (capsule) =>
      capsule !== undefined &&
      equalBytes(capsule.custodian, operation.access.custodian) &&
      // A keeper's right, the one grant with that purpose, is on what the keeper wrote.
      (keeper === undefined || equalBytes(capsule.writer, keeper)) &&
      ((1 << capsule.category) & mask) !== 0,
  )
  return visible ? undefined : refuse('not-found', 'a capsule named is not there for this reader')
}

/** Whether a new grant can hang where it says. Its signatures and subsets were verified before. */
export const decideGrant = (
  operation: GrantOperation,
  state: { categories: readonly CategoryState[]; parent: GrantState | undefined; live: number },
): { mask: number } | Refusal => {
  const { grant } = operation
  const mask = maskOf(state.categories, grant.categories)
  if (mask === undefined || mask === 0) return refuse('bad-statement', 'the custodian has no such category')
  if (state.live >= INDEX_LIMITS.liveGrants) {
    return refuse('not-permitted', 'too many grants to this principal are in force')
  }
  if (grant.parent === undefined) return { mask }
  if (state.parent === undefined) return refuse('bad-statement', 'the parent grant is not here')
  return state.parent.revoked ? refuse('grant-revoked') : { mask }
}
