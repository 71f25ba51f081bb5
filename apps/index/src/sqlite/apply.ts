/** Applies operations inside the open transaction: look, decide, write. A refused operation has written nothing. */
import { equalBytes } from '@scelle/seal/verify'
import { decideAccess, decideGrant, nextCategories } from '../decisions.ts'
import { purposeMask } from '../grant-columns.ts'
import type {
  AccessOperation, DenialOperation, GrantKeysOperation, GrantOperation, KeyRecordOperation, LossOperation,
  ManifestOperation, NoticeOperation, Operation, ReleaseOperation, RevocationOperation, VaultOperation,
} from '../store.ts'
import { applyCommit } from './apply-commit.ts'
import { capsuleByHash, categoriesOf, grantStates, partNo, principalNo, vaultNo } from './rows.ts'
import type { Applied, Session } from './session.ts'
import { numberOf } from './statements.ts'

const REGISTRY = 0

const applyKeyRecord = (to: Session, operation: KeyRecordOperation): Applied => {
  const known = to.before(REGISTRY, operation.statement.id)
  if (known !== undefined) return known
  const principal = to.principal(operation.principal)
  const count = numberOf(to.sql('SELECT count(*) AS no FROM key_records WHERE principal = ?').get(principal))
  if (count !== operation.version) return { problem: 'already-exists', detail: 'the key record does not come next' }
  const sequence = to.sequence(REGISTRY, operation.statement)
  to.sql('INSERT INTO key_records (principal, version, sequence) VALUES (?, ?, ?)')
    .run(principal, operation.version, sequence)
  return { sequence }
}

const applyVault = (to: Session, operation: VaultOperation): Applied => {
  const existing = vaultNo(to.sql, operation.statement.id)
  if (existing !== undefined) return to.before(existing, operation.statement.id) ?? { problem: 'already-exists' }
  const vault = Number(
    to.sql('INSERT INTO vaults (id, sequence) VALUES (?, 0)').run(operation.statement.id).lastInsertRowid,
  )
  const sequence = to.sequence(vault, operation.statement)
  to.sql('UPDATE vaults SET sequence = ? WHERE no = ?').run(sequence, vault)
  const part = newPart(to, vault, operation.manifest.custodian)
  writeManifest(to, operation.manifest, { vault, part, follows: sequence })
  return { sequence }
}

const newPart = (to: Session, vault: number, custodian: Uint8Array): number =>
  Number(
    to.sql('INSERT INTO parts (vault, custodian) VALUES (?, ?)').run(vault, to.principal(custodian)).lastInsertRowid,
  )

const writeManifest = (
  to: Session, operation: ManifestOperation, { vault, part, ...of }: { vault: number; part: number; follows?: number },
): number => {
  const sequence = to.sequence(vault, operation.statement, of)
  const before = categoriesOf(to.sql, part)
  for (const [place, state] of nextCategories(before, operation.categories, sequence).entries()) {
    if (state === before[place]) continue
    to.sql(`INSERT OR REPLACE INTO categories (part, place, category, epoch, strict, access_log, closed)
      VALUES (?, ?, ?, ?, ?, ?, ?)`)
      .run(part, place, state.category, state.epoch, state.strict ? 1 : 0, state.accessLog ? 1 : 0, state.closed)
  }
  to.sql('INSERT INTO manifests (part, version, sequence, id) VALUES (?, ?, ?, ?)')
    .run(part, operation.version, sequence, operation.statement.id)
  return sequence
}

const applyManifest = (to: Session, operation: ManifestOperation): Applied => {
  const vault = vaultNo(to.sql, operation.vault)
  if (vault === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  const part = partNo(to.sql, vault, operation.custodian)
  const newest = part === undefined
    ? undefined
    : to.sql('SELECT version, id FROM manifests WHERE part = ? ORDER BY version DESC LIMIT 1').get(part) as
        unknown as { version: number; id: Uint8Array }
  const follows = newest === undefined
    ? operation.version === 1 && operation.previous === undefined
    : operation.version === newest.version + 1 &&
      operation.previous !== undefined && equalBytes(operation.previous, newest.id)
  if (!follows) return { problem: 'manifest-conflict' }
  const into = { vault, part: part ?? newPart(to, vault, operation.custodian) }
  return { sequence: writeManifest(to, operation, into) }
}

const grantState = (to: Session, vault: number, id: Uint8Array) =>
  grantStates(to.sql, 'g.vault = ? AND g.id = ?', vault, id)[0]

/** Grants in force from its signer to its grantee, this one not yet among them. */
const liveGrants = (to: Session, { signer, grant, at, counted }: GrantOperation, vault: number): number => {
  const [from, grantee] = [principalNo(to.sql, signer) ?? 0, principalNo(to.sql, grant.grantee) ?? 0]
  const live = `SELECT count(*) AS no FROM grants WHERE grantee = ? AND signer = ? AND revoked = 0 AND expires > ?`
  return numberOf(counted === 'in-all-vaults'
    ? to.sql(live).get(grantee, from, at)
    : to.sql(`${live} AND vault = ?`).get(grantee, from, at, vault)) ?? 0
}

const applyGrant = (to: Session, operation: GrantOperation): Applied => {
  const { grant, keys } = operation
  const vault = vaultNo(to.sql, grant.vault)
  const part = vault === undefined ? undefined : partNo(to.sql, vault, grant.custodian)
  if (vault === undefined || part === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  const parent = grant.parent === undefined ? undefined : grantState(to, vault, grant.parent)
  const live = liveGrants(to, operation, vault)
  const decision = decideGrant(operation, { categories: categoriesOf(to.sql, part), parent, live })
  if ('problem' in decision) return decision
  const sequence = to.sequence(vault, operation.statement)
  to.sql(`INSERT INTO grants (sequence, vault, id, parent, part, signer, grantee, mask, rights, purposes, not_before,
      expires, revoked, keys_sequence, keys_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`)
    .run(
      sequence, vault, operation.statement.id, grant.parent ?? null, part, to.principal(operation.signer),
      to.principal(grant.grantee), decision.mask, grant.rights, purposeMask(grant.purposes), grant.notBefore,
      grant.expires, to.sequence(vault, keys.statement, { follows: sequence }), keys.manifestVersion,
    )
  return { sequence }
}

const applyGrantKeys = (to: Session, operation: GrantKeysOperation): Applied => {
  const vault = vaultNo(to.sql, operation.vault)
  const grant = vault === undefined ? undefined : grantState(to, vault, operation.grant)
  if (vault === undefined || grant === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  if (grant.revoked) return { problem: 'grant-revoked' }
  const newest = numberOf(
    to.sql('SELECT keys_version AS no FROM grants WHERE vault = ? AND id = ?').get(vault, operation.grant),
  )
  if (newest !== undefined && operation.manifestVersion < newest) return { problem: 'manifest-conflict' }
  const sequence = to.sequence(vault, operation.statement)
  to.sql('UPDATE grants SET keys_sequence = ?, keys_version = ? WHERE vault = ? AND id = ?')
    .run(sequence, operation.manifestVersion, vault, operation.grant)
  return { sequence }
}

/** Revokes the grant and all below it, and closes what is open in its categories. */
const applyRevocation = (to: Session, operation: RevocationOperation): Applied => {
  const vault = vaultNo(to.sql, operation.vault)
  const grant = vault === undefined ? undefined : grantState(to, vault, operation.grant)
  if (vault === undefined || grant === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  const sequence = to.sequence(vault, operation.statement)
  to.sql(`WITH RECURSIVE below (id) AS (
      SELECT ?2 UNION SELECT g.id FROM grants g JOIN below b ON g.parent = b.id WHERE g.vault = ?1)
    UPDATE grants SET revoked = ?3 WHERE vault = ?1 AND revoked = 0 AND id IN (SELECT id FROM below)`)
    .run(vault, operation.grant, sequence)
  const part = partNo(to.sql, vault, grant.custodian) as number
  to.sql('UPDATE categories SET closed = ? WHERE part = ? AND ((1 << place) & ?) <> 0')
    .run(sequence, part, grant.mask >>> 0)
  return { sequence }
}

const applyAccess = (to: Session, operation: AccessOperation): Applied => {
  const { access } = operation
  const vault = vaultNo(to.sql, access.vault)
  const part = vault === undefined ? undefined : partNo(to.sql, vault, access.custodian)
  if (vault === undefined || part === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  const capsules = access.capsules.map((hash) => capsuleByHash(to.sql, vault, hash))
  const refusal = decideAccess(operation, {
    categories: categoriesOf(to.sql, part),
    chain: access.chain.map((id) => grantState(to, vault, id)),
    capsules,
  })
  if (refusal !== undefined) return refusal
  const sequence = to.sequence(vault, operation.statement)
  const close = to.sql('UPDATE capsule_states SET closed = 1 WHERE vault = ? AND capsule = ?')
  for (const capsule of capsules) if (capsule?.closed === false) close.run(vault, capsule.capsule)
  to.sql('INSERT INTO accesses (sequence, part, reader) VALUES (?, ?, ?)')
    .run(sequence, part, to.principal(access.reader))
  return { sequence }
}

const applyDenial = (to: Session, operation: DenialOperation): Applied => {
  const vault = vaultNo(to.sql, operation.vault)
  const part = vault === undefined ? undefined : partNo(to.sql, vault, operation.custodian)
  if (vault === undefined || part === undefined) return { problem: 'not-found' }
  const known = to.before(vault, operation.statement.id)
  if (known !== undefined) return known
  const sequence = to.sequence(vault, operation.statement)
  to.sql('INSERT INTO denials (sequence, part, reader, access) VALUES (?, ?, ?, ?)')
    .run(sequence, part, to.principal(operation.reader), operation.access)
  return { sequence }
}

const applyRelease = (to: Session, operation: ReleaseOperation): Applied => {
  const vault = vaultNo(to.sql, operation.vault)
  if (vault === undefined) return { problem: 'not-found' }
  return to.before(vault, operation.statement.id) ?? { sequence: to.sequence(vault, operation.statement) }
}

const applyNotice = (to: Session, { statement }: NoticeOperation): Applied =>
  to.before(REGISTRY, statement.id) ?? { sequence: to.sequence(REGISTRY, statement) }

const applyLoss = (to: Session, { statement }: LossOperation): Applied => {
  const known = to.before(REGISTRY, statement.id)
  if (known !== undefined) return known
  const sequence = to.sequence(REGISTRY, statement)
  to.sql('INSERT INTO losses (sequence) VALUES (?)').run(sequence)
  return { sequence }
}

const OPERATIONS: { [K in Operation['kind']]: (to: Session, operation: Extract<Operation, { kind: K }>) => Applied } = {
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
  loss: applyLoss,
}

export const applyOperation = (to: Session, operation: Operation): Applied => {
  const apply = OPERATIONS[operation.kind] as (to: Session, operation: Operation) => Applied
  return apply(to, operation)
}
