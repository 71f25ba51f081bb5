/** The hot path: one commit into the open transaction. */
import { equalBytes } from '@scelle/seal/verify'
import { type CommitDecision, decideCommit } from '../decisions.ts'
import { nameOf } from '../names.ts'
import type { CapsuleState, CommitOperation } from '../store.ts'
import { capsuleById, categoriesOf, grantStates, partNo, principalNo, vaultNo } from './rows.ts'
import type { Applied, Session } from './session.ts'

const VERSION_TAKEN =
  'SELECT 1 FROM versions WHERE part = ? AND category = ? AND author = ? AND handle = ? AND version = ?'

const storedCapsules = (to: Session, vault: number, commit: CommitOperation): Map<string, CapsuleState> => {
  const found = new Map<string, CapsuleState>()
  const asked = new Set<string>()
  for (const { capsule } of [...commit.capsules, ...commit.records]) {
    const id = nameOf(capsule)
    if (asked.has(id)) continue
    asked.add(id)
    const state = capsuleById(to.sql, vault, capsule)
    if (state !== undefined) found.set(id, state)
  }
  return found
}

const authorGrants = (to: Session, part: number, { author, custodian }: CommitOperation) => {
  // A custodian needs none, and is the one that writes most.
  const grantee = equalBytes(author, custodian) ? undefined : principalNo(to.sql, author)
  return grantee === undefined ? [] : grantStates(to.sql, 'g.part = ? AND g.grantee = ?', part, grantee)
}

export const applyCommit = (to: Session, commit: CommitOperation): Applied => {
  const vault = vaultNo(to.sql, commit.vault)
  const part = vault === undefined ? undefined : partNo(to.sql, vault, commit.custodian)
  if (vault === undefined || part === undefined) return { problem: 'not-permitted' }
  const known = to.before(vault, commit.statement.id)
  if (known !== undefined) return known
  const decision = decideCommit(commit, {
    categories: categoriesOf(to.sql, part),
    grants: authorGrants(to, part, commit),
    capsules: storedCapsules(to, vault, commit),
    taken: (records) => {
      const taken = to.sql(VERSION_TAKEN)
      const author = principalNo(to.sql, commit.author) ?? 0
      return records
        .filter(({ category, handle, version }) => taken.get(part, category, author, handle, version) !== undefined)
        .map(({ place }) => place)
    },
  })
  return 'problem' in decision ? decision : writeCommit(to, commit, { vault, part, decision })
}

interface Target {
  readonly vault: number
  readonly part: number
  readonly decision: CommitDecision
}

const writeCommit = (to: Session, commit: CommitOperation, target: Target): Applied => {
  const { vault, part, decision } = target
  const author = to.principal(commit.author)
  const sequence = to.sequence(vault, commit.statement, { time: commit.at })
  for (const { id, bytes } of commit.encapsulations) {
    to.sql('INSERT OR IGNORE INTO encapsulations (id, bytes) VALUES (?, ?)').run(id, bytes)
  }
  const capsule = writeCapsules(to, commit, { ...target, author, sequence })
  const record = writeRecords(to, commit, { ...target, author })
  to.sql(`INSERT INTO commits (sequence, part, author, mask, capsule, capsules, record, records, leaves)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(
      sequence, part, author, decision.mask, capsule, commit.capsules.length, record, commit.records.length,
      commit.leaves,
    )
  return { sequence }
}

/** The number of the first capsule written, 0 for none. */
const writeCapsules = (
  to: Session, commit: CommitOperation, target: Target & { author: number; sequence: number },
): number => {
  const { vault, part, decision, author, sequence } = target
  const row = to.sql('INSERT INTO capsules (no, category, place, capsule) VALUES (?, ?, ?, ?)')
  const state = to.sql(`INSERT INTO capsule_states
    (vault, capsule, part, writer, category, epoch, opened, sequence, closed, records)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)`)
  const hash = to.sql('INSERT INTO capsule_hashes (vault, hash, capsule) VALUES (?, ?, ?)')
  const gains = new Map(decision.gains)
  let first = 0
  for (const capsule of commit.capsules) {
    const id = nameOf(capsule.capsule)
    const category = decision.categoryAt.get(capsule.place) as number
    const no = to.take('capsule')
    first ||= no
    row.run(no, category, capsule.place, capsule.bytes)
    state.run(
      vault, capsule.capsule, part, author, category, capsule.epoch, capsule.opened, sequence, gains.get(id) ?? 0,
    )
    hash.run(vault, capsule.headerHash, capsule.capsule)
    gains.delete(id)
  }
  const grow = to.sql('UPDATE capsule_states SET records = records + ? WHERE vault = ? AND capsule = ?')
  for (const [id, gained] of gains) grow.run(gained, vault, Buffer.from(id, 'latin1'))
  return first
}

/** The number of the first record written, 0 for none. */
const writeRecords = (
  to: Session, commit: CommitOperation, { part, decision, author }: Target & { author: number },
): number => {
  const row = to.sql(
    'INSERT INTO records (no, category, place, header, size, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const version = to.sql('INSERT INTO versions (part, category, author, handle, version) VALUES (?, ?, ?, ?, ?)')
  const blob = to.sql('INSERT OR IGNORE INTO blob_places (digest, part, category) VALUES (?, ?, ?)')
  let first = 0
  for (const record of commit.records) {
    const category = decision.categoryAt.get(record.place) as number
    const no = to.take('record')
    first ||= no
    const { body } = record
    row.run(
      no, category, record.place, record.header, record.size, body === undefined ? record.digest : null, body ?? null,
    )
    version.run(part, category, author, record.handle, record.version)
    if (body === undefined) blob.run(record.digest, part, category)
  }
  return first
}
