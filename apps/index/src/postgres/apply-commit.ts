/** The hot path: one commit into a draft. */
import { equalBytes } from '@scelle/seal/verify'
import { type CommitDecision, decideCommit } from '../decisions.ts'
import { nameOf } from '../names.ts'
import type { CommitOperation } from '../store.ts'
import { type Applied, type CapsuleAt, type Draft, type PartState, versionName } from './draft.ts'

const authorGrants = (draft: Draft, part: PartState, { author, custodian }: CommitOperation) =>
  equalBytes(author, custodian)
    ? []
    : [...draft.state.grants.values()].filter((grant) => grant.part === part.part && equalBytes(grant.grantee, author))

export const applyCommit = (draft: Draft, commit: CommitOperation): Applied => {
  const part = draft.part(commit.custodian)
  if (part === undefined) return { problem: 'not-permitted' }
  const known = draft.before(commit.statement)
  if (known !== undefined) return known
  const { author } = commit
  const decision = decideCommit(commit, {
    categories: part.categories,
    grants: authorGrants(draft, part, commit),
    capsules: draft.state.capsules,
    taken: (records) =>
      records
        .filter(({ category, handle, version }) =>
          draft.state.versions.has(versionName({ part: part.part, category, author, handle, version })))
        .map(({ place }) => place),
  })
  if ('problem' in decision) return decision
  const seq = draft.add(commit.statement, { time: commit.at })
  const { part: no } = part
  draft.commits.push({ part: no, seq, author, mask: decision.mask, leaves: commit.leaves })
  writeCapsules(draft, commit, { part: no, seq, decision })
  writeRecords(draft, commit, { part: no, seq, decision })
  return { seq }
}

interface Target {
  readonly part: number
  readonly seq: number
  readonly decision: CommitDecision
}

const writeCapsules = (draft: Draft, commit: CommitOperation, { part, seq, decision }: Target): void => {
  const gains = new Map(decision.gains)
  for (const { place, bytes, capsule, headerHash, epoch, opened } of commit.capsules) {
    const category = decision.categoryAt.get(place) as number
    const id = nameOf(capsule)
    draft.capsules.push({ seq, place, category, bytes })
    draft.setCapsule({
      capsule, hash: headerHash, part, custodian: commit.custodian, writer: commit.author, category, epoch, opened,
      sequence: seq, closed: false, records: gains.get(id) ?? 0,
    })
    gains.delete(id)
  }
  for (const [id, gained] of gains) {
    const capsule = draft.state.capsules.get(id) as CapsuleAt
    draft.setCapsule({ ...capsule, records: capsule.records + gained })
  }
}

const writeRecords = (draft: Draft, commit: CommitOperation, { part, seq, decision }: Target): void => {
  for (const { place, header, size, digest, body, handle, version } of commit.records) {
    const category = decision.categoryAt.get(place) as number
    const taken = { handle, version, part, category, author: commit.author }
    draft.records.push({ seq, place, category, header, size, digest: body === undefined ? digest : undefined, body })
    draft.versions.push(taken)
    draft.state.versions.add(versionName(taken))
    if (body === undefined) draft.blobs.push({ part, category, digest })
  }
}
