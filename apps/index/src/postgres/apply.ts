/** Applies operations to a draft: look, decide, note what is to be written. A refused operation has noted nothing. */
import { equalBytes } from '@scelle/seal/verify'
import { decideAccess, decideGrant, nextCategories } from '../decisions.ts'
import { revokedAt } from '../grant-columns.ts'
import { nameOf } from '../names.ts'
import type {
  AccessOperation, CapsuleState, DenialOperation, GrantKeysOperation, GrantOperation, KeyRecordOperation,
  ManifestOperation, NoticeOperation, Operation, ReleaseOperation, RevocationOperation, VaultOperation,
} from '../store.ts'
import { applyCommit } from './apply-commit.ts'
import type { Applied, Draft, GrantIn, PartState } from './draft.ts'

const applyKeyRecord = (draft: Draft, { statement, version }: KeyRecordOperation): Applied => {
  const known = draft.before(statement)
  if (known !== undefined) return known
  if (draft.keyRecords !== version) {
    return { problem: 'already-exists', detail: 'the key record does not come next' }
  }
  const seq = draft.add(statement)
  draft.keyRecords++
  draft.keyRows.push({ version, seq, id: statement.id })
  return { seq }
}

const applyVault = (draft: Draft, { statement, manifest }: VaultOperation): Applied => {
  if (draft.isVault) return draft.before(statement) ?? { problem: 'already-exists' }
  const seq = draft.add(statement)
  draft.genesis = seq
  writeManifest(draft, manifest, newPart(draft, manifest), seq)
  return { seq }
}

const newPart = (draft: Draft, { custodian, statement }: ManifestOperation): PartState => {
  const part = { part: draft.parts++, custodian, categories: [], manifest: statement.id, version: 0 }
  draft.state.partStates.set(nameOf(custodian), part)
  return part
}

const writeManifest = (
  draft: Draft, { statement, version, categories }: ManifestOperation, part: PartState, follows?: number,
): number => {
  const seq = draft.add(statement, follows === undefined ? {} : { follows })
  part.categories = nextCategories(part.categories, categories, seq)
  part.manifest = statement.id
  part.version = version
  draft.changedParts.add(part)
  draft.manifests.push({ part: part.part, version, seq })
  return seq
}

const applyManifest = (draft: Draft, operation: ManifestOperation): Applied => {
  if (!draft.isVault) return { problem: 'not-found' }
  const known = draft.before(operation.statement)
  if (known !== undefined) return known
  const part = draft.part(operation.custodian)
  const follows = part === undefined
    ? operation.version === 1 && operation.previous === undefined
    : operation.version === part.version + 1 &&
      operation.previous !== undefined && equalBytes(operation.previous, part.manifest)
  if (!follows) return { problem: 'manifest-conflict' }
  return { seq: writeManifest(draft, operation, part ?? newPart(draft, operation)) }
}

/** Grants in force from a signer to a grantee, counted over all vaults when the vault was loaded. */
export type Elsewhere = (operation: GrantOperation) => number

/** This one not yet among them. In other vaults they may grow meanwhile: the limit is a bound on a flood, no more. */
const liveGrants = (draft: Draft, operation: GrantOperation, elsewhere: Elsewhere): number => {
  const { signer, grant, at, counted } = operation
  const here = [...draft.state.grants.values()].filter((one) =>
    !one.revoked && one.expires > at && equalBytes(one.signer, signer) && equalBytes(one.grantee, grant.grantee))
  return counted === 'in-vault' ? here.length : here.length + elsewhere(operation)
}

const applyGrant = (draft: Draft, operation: GrantOperation, elsewhere: Elsewhere): Applied => {
  const { grant, keys, statement, signer } = operation
  const part = draft.part(grant.custodian)
  if (part === undefined) return { problem: 'not-found' }
  const known = draft.before(statement)
  if (known !== undefined) return known
  const parent = grant.parent === undefined ? undefined : draft.state.grants.get(nameOf(grant.parent))
  const live = liveGrants(draft, operation, elsewhere)
  const decision = decideGrant(operation, { categories: part.categories, parent, live })
  if ('problem' in decision) return decision
  const seq = draft.add(statement)
  draft.setGrant({
    ...grant, id: statement.id, parent: grant.parent, signer, mask: decision.mask, revoked: false,
    revokedAt: undefined, part: part.part, seq, revokedSeq: 0, keysSeq: draft.add(keys.statement, { follows: seq }),
    keysVersion: keys.manifestVersion,
  })
  return { seq }
}

const applyGrantKeys = (draft: Draft, operation: GrantKeysOperation): Applied => {
  const grant = draft.state.grants.get(nameOf(operation.grant))
  if (grant === undefined) return { problem: 'not-found' }
  const known = draft.before(operation.statement)
  if (known !== undefined) return known
  if (grant.revoked) return { problem: 'grant-revoked' }
  if (operation.manifestVersion < grant.keysVersion) return { problem: 'manifest-conflict' }
  const seq = draft.add(operation.statement)
  draft.setGrant({ ...grant, keysSeq: seq, keysVersion: operation.manifestVersion })
  return { seq }
}

/** The grant and all below it. */
const below = (draft: Draft, top: GrantIn): Set<string> => {
  const children = new Map<string, string[]>()
  for (const [name, { parent }] of draft.state.grants) {
    if (parent === undefined) continue
    const siblings = children.get(nameOf(parent))
    if (siblings === undefined) children.set(nameOf(parent), [name])
    else siblings.push(name)
  }
  const found = new Set([nameOf(top.id)])
  for (const name of found) for (const child of children.get(name) ?? []) found.add(child)
  return found
}

/** Revokes the grant and all below it, and closes what is open in its categories. */
const applyRevocation = (draft: Draft, operation: RevocationOperation): Applied => {
  const top = draft.state.grants.get(nameOf(operation.grant))
  if (top === undefined) return { problem: 'not-found' }
  const known = draft.before(operation.statement)
  if (known !== undefined) return known
  const seq = draft.add(operation.statement)
  for (const name of below(draft, top)) {
    const grant = draft.state.grants.get(name) as GrantIn
    if (!grant.revoked) draft.setGrant({ ...grant, revoked: true, revokedAt: revokedAt(seq, null), revokedSeq: seq })
  }
  const part = draft.part(top.custodian)
  if (part === undefined) throw new Error('a grant of a part that was not read')
  part.categories = part.categories.map((state, place) =>
    ((1 << place) & top.mask) === 0 ? state : { ...state, closed: seq })
  draft.changedParts.add(part)
  return { seq }
}

const capsuleByHash = (draft: Draft, hash: Uint8Array): CapsuleState | undefined =>
  draft.state.capsules.get(draft.state.hashes.get(nameOf(hash)) ?? '')

const applyAccess = (draft: Draft, operation: AccessOperation): Applied => {
  const { access, statement } = operation
  const part = draft.part(access.custodian)
  if (part === undefined) return { problem: 'not-found' }
  const known = draft.before(statement)
  if (known !== undefined) return known
  const refusal = decideAccess(operation, {
    categories: part.categories,
    chain: access.chain.map((id) => draft.state.grants.get(nameOf(id))),
    capsules: access.capsules.map((hash) => capsuleByHash(draft, hash)),
  })
  if (refusal !== undefined) return refusal
  const seq = draft.add(statement)
  for (const hash of access.capsules) {
    const capsule = draft.state.capsules.get(draft.state.hashes.get(nameOf(hash)) ?? '')
    if (capsule?.closed === false) draft.setCapsule({ ...capsule, closed: true })
  }
  draft.accesses.push({ part: part.part, seq, reader: access.reader, refused: undefined })
  return { seq }
}

const applyDenial = (draft: Draft, { statement, custodian, reader, access }: DenialOperation): Applied => {
  const part = draft.part(custodian)
  if (part === undefined) return { problem: 'not-found' }
  const known = draft.before(statement)
  if (known !== undefined) return known
  const seq = draft.add(statement)
  draft.accesses.push({ part: part.part, seq, reader, refused: access })
  return { seq }
}

const applyRelease = (draft: Draft, { statement }: ReleaseOperation): Applied => {
  if (!draft.isVault) return { problem: 'not-found' }
  return draft.before(statement) ?? { seq: draft.add(statement) }
}

const applyNotice = (draft: Draft, { statement }: NoticeOperation): Applied =>
  draft.before(statement) ?? { seq: draft.add(statement) }

type Kind = Operation['kind']

const OPERATIONS: {
  [K in Kind]: (draft: Draft, operation: Extract<Operation, { kind: K }>, elsewhere: Elsewhere) => Applied
} = {
  'key-record': applyKeyRecord,
  vault: applyVault,
  manifest: applyManifest,
  grant: applyGrant,
  'grant-keys': applyGrantKeys,
  revocation: applyRevocation,
  commit: applyCommit,
  access: applyAccess,
  denial: applyDenial,
  release: applyRelease,
  notice: applyNotice,
  // This engine takes nothing back, so it has nothing to give up either.
  loss: () => ({ problem: 'not-found' }),
}

export const applyOperation = (draft: Draft, operation: Operation, elsewhere: Elsewhere): Applied => {
  const apply = OPERATIONS[operation.kind] as (draft: Draft, operation: Operation, elsewhere: Elsewhere) => Applied
  return apply(draft, operation, elsewhere)
}
