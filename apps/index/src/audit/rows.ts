/** The rows stored about a vault, against what its history makes of it: none missing, none more, none other. */
import { equalBytes, statementId } from '@scelle/seal/verify'
import { purposeMask } from '../grant-columns.ts'
import { nameOf } from '../names.ts'
import { type FaultPlace, requireRow, requireThat, shortName } from './fault.ts'
import { blobName, type Replay, type ReplayedPart, versionName } from './replay.ts'
import type { Rows, VaultRows } from './source.ts'

/** Rows counted by table, to be compared with how many there are: a row that nothing leads to belongs to nothing. */
export type Counts = Map<string, number>

const count = (counts: Counts, table: string, rows: number): void => {
  counts.set(table, (counts.get(table) ?? 0) + rows)
}

const requireNumber = (table: string, of: Replay, stored: number, expected: number): void => {
  const place: FaultPlace = { table, row: `vault ${shortName(of.vault)}`, field: '-' }
  requireThat(stored === expected, place, `there are ${stored} rows, ${expected} follow from the statements`)
}

const ofPart = <T extends { readonly custodian: Uint8Array }>(rows: readonly T[], part: ReplayedPart): T[] =>
  rows.filter(({ custodian }) => equalBytes(custodian, part.custodian))

const requireManifests = (rows: VaultRows, part: ReplayedPart): number => {
  const stored = ofPart(rows.manifests, part)
  for (const [i, statement] of part.manifests.entries()) {
    const row = stored.find(({ version }) => version === i + 1)
    requireRow({ table: 'manifests', row: `part ${shortName(part.custodian)}, version ${i + 1}` }, row && {
      sequence: row.sequence, id: row.id,
    }, { sequence: part.manifestSequences[i] as number, id: statementId(statement) })
  }
  return part.manifests.length
}

const requireCategories = (rows: VaultRows, part: ReplayedPart): number => {
  const stored = ofPart(rows.categories, part)
  for (const [place, { category, epoch, strict, accessLog, closed }] of part.categories.entries()) {
    const row = stored.find((one) => one.place === place)
    requireRow({ table: 'categories', row: `part ${shortName(part.custodian)}, place ${place}` }, row && {
      category: row.category, epoch: row.epoch, strict: row.strict, access_log: row.access_log, closed: row.closed,
    }, { category, epoch, strict: strict ? 1 : 0, access_log: accessLog ? 1 : 0, closed })
  }
  return part.categories.length
}

const requireGrants = (rows: VaultRows, part: ReplayedPart): number => {
  for (const grant of part.grants.values()) {
    const row = rows.grants.find(({ sequence }) => sequence === grant.sequence)
    requireRow({ table: 'grants', row: `sequence ${grant.sequence}` }, row && { ...row, mask: row.mask | 0 }, {
      sequence: grant.sequence, id: grant.id, parent: grant.parent, custodian: part.custodian, signer: grant.signer,
      grantee: grant.grantee, mask: grant.mask | 0, rights: grant.rights, purposes: purposeMask(grant.purposes),
      not_before: grant.notBefore, expires: grant.expires, revoked: grant.revokedBy, keys_sequence: grant.keysSequence,
      keys_version: grant.keysVersion,
    })
  }
  return part.grants.size
}

const requireCapsules = (
  stored: ReadonlyMap<string, VaultRows['capsuleStates'][number]>, part: ReplayedPart,
): number => {
  for (const [name, state] of part.capsules) {
    requireRow({ table: 'capsule_states', row: `capsule ${shortName(state.capsule)}` }, stored.get(name), {
      custodian: part.custodian, capsule: state.capsule, writer: state.writer, category: state.category,
      epoch: state.epoch, opened: state.opened, sequence: state.sequence, closed: state.closed ? 1 : 0,
      records: state.records,
    })
  }
  return part.capsules.size
}

const requireHashes = (stored: ReadonlyMap<string, Uint8Array>, part: ReplayedPart): number => {
  for (const [hash, capsule] of part.hashes) {
    const row = stored.get(hash)
    requireRow({ table: 'capsule_hashes', row: `capsule ${shortName(capsule)}` }, row && { capsule: row }, { capsule })
  }
  return part.hashes.size
}

const requireAccesses = (rows: VaultRows, part: ReplayedPart): void => {
  for (const { sequence, reader } of part.accesses) {
    requireRow({ table: 'accesses', row: `sequence ${sequence}` },
      rows.accesses.find((row) => row.sequence === sequence), { sequence, reader, custodian: part.custodian })
  }
  for (const { sequence, reader, access } of part.denials) {
    requireRow({ table: 'denials', row: `sequence ${sequence}` },
      rows.denials.find((row) => row.sequence === sequence), { sequence, reader, access, custodian: part.custodian })
  }
}

/** A set of rows, streamed: each is expected, and as many as are expected. */
const requireSet = async <T extends { readonly custodian: Uint8Array }>(
  table: string, of: Replay, stored: Rows<T>, check: (part: ReplayedPart, row: T) => boolean,
): Promise<number> => {
  let seen = 0
  for await (const row of stored) {
    const part = of.part(row.custodian)
    const place: FaultPlace = { table, row: `vault ${shortName(of.vault)}, row ${seen + 1}`, field: '-' }
    requireThat(part !== undefined && check(part, row), place, 'the row follows from no statement')
    seen++
  }
  return seen
}

const sum = (of: Replay, size: (part: ReplayedPart) => number): number =>
  [...of.parts.values()].reduce((total, part) => total + size(part), 0)

const requireSets = async (of: Replay, rows: VaultRows, counts: Counts): Promise<void> => {
  const versions = await requireSet('versions', of, rows.versions(), (part, { category, author, handle, version }) =>
    author !== undefined && part.versions.has(versionName({ category, author, handle, version })))
  requireNumber('versions', of, versions, sum(of, (part) => part.versions.size))
  const blobs = await requireSet('blob_places', of, rows.blobPlaces(), (part, { digest, category }) =>
    part.blobs.has(blobName(digest, category)))
  requireNumber('blob_places', of, blobs, sum(of, (part) => part.blobs.size))
  count(counts, 'versions', versions)
  count(counts, 'blob_places', blobs)
}

/** Compares everything stored about a vault with its replay, and counts the rows. */
export const requireRows = async (of: Replay, rows: VaultRows, counts: Counts): Promise<void> => {
  requireRow({ table: 'vaults', row: `vault ${shortName(of.vault)}` }, { sequence: rows.sequence }, {
    sequence: of.genesisSequence,
  })
  const states = new Map(rows.capsuleStates.map((row) => [nameOf(row.capsule), row]))
  const hashes = new Map(rows.capsuleHashes.map(({ hash, capsule }) => [nameOf(hash), capsule]))
  const expected = { manifests: 0, categories: 0, grants: 0, capsule_states: 0, capsule_hashes: 0 }
  for (const part of of.parts.values()) {
    const known = rows.parts.some((custodian) => equalBytes(custodian, part.custodian))
    requireThat(known, { table: 'parts', row: `vault ${shortName(of.vault)}`, field: 'custodian' }, 'a part is missing')
    expected.manifests += requireManifests(rows, part)
    expected.categories += requireCategories(rows, part)
    expected.grants += requireGrants(rows, part)
    expected.capsule_states += requireCapsules(states, part)
    expected.capsule_hashes += requireHashes(hashes, part)
    requireAccesses(rows, part)
  }
  const stored = {
    manifests: rows.manifests, categories: rows.categories, grants: rows.grants, capsule_states: rows.capsuleStates,
    capsule_hashes: rows.capsuleHashes,
  }
  for (const [table, number] of Object.entries(expected)) {
    requireNumber(table, of, stored[table as keyof typeof stored].length, number)
    count(counts, table, number)
  }
  for (const [table, all, size] of [
    ['parts', rows.parts, of.parts.size],
    ['accesses', rows.accesses, sum(of, (part) => part.accesses.length)],
    ['denials', rows.denials, sum(of, (part) => part.denials.length)],
  ] as const) {
    requireNumber(table, of, all.length, size)
    count(counts, table, size)
  }
  await requireSets(of, rows, counts)
  count(counts, 'vaults', 1)
}
