/** One commit: its items are the leaves that its author signed, and the rows that must follow from it are there. */
import {
  capsuleHeaderHash, capsuleLeaf, type Commit, decode, decodeCapsule, equalBytes, merkleRoot, RecordHeader, recordLeaf,
  sha256, type VaultGenesis,
} from '@scelle/seal/verify'
import { type CommitDecision, decideCommit } from '../decisions.ts'
import { nameOf } from '../names.ts'
import { requireCapsule } from '../submission.ts'
import type { CapsuleIn, CommitOperation, RecordIn } from '../store.ts'
import { AuditFault, type FaultPlace, inPlace, requireRow, requireThat } from './fault.ts'
import { blobName, type Replay, type ReplayedPart, versionName } from './replay.ts'
import type { AuditSource, CapsuleItemRow, CommitRow, RecordItemRow, Rows, StatementRow } from './source.ts'

export interface Counted {
  capsules: number
  records: number
}

interface Items {
  readonly capsules: (CapsuleIn & { readonly row: CapsuleItemRow })[]
  readonly records: (RecordIn & { readonly row: RecordItemRow })[]
}

/** Each item's leaf stands at its place; no place holds two. */
class Places {
  readonly #leaves: Uint8Array
  readonly #taken = new Set<number>()

  constructor(leaves: Uint8Array) {
    this.#leaves = leaves
  }

  require(place: number, leaf: Uint8Array, at: FaultPlace): void {
    const claimed = this.#leaves.subarray(place * 32, place * 32 + 32)
    requireThat(claimed.length === 32 && !this.#taken.has(place), { ...at, field: 'place' },
      'the place is outside the commit, or taken twice')
    requireThat(equalBytes(claimed, leaf), at, 'it is not the item that its author signed for that place')
    this.#taken.add(place)
  }
}

const capsulesOf = async (
  rows: Rows<CapsuleItemRow>, places: Places, commit: Commit,
  context: { at: number; mode: VaultGenesis['mode'] },
): Promise<Items['capsules']> => {
  const capsules: Items['capsules'] = []
  for await (const row of rows) {
    const at: FaultPlace = { table: 'capsules', row: `number ${row.no}`, field: 'capsule' }
    places.require(row.place, capsuleLeaf(row.capsule), at)
    await inPlace(at, () => {
      const { capsule, header } = decodeCapsule(row.capsule)
      requireCapsule(header, capsule, commit, context)
      capsules.push({
        row, place: row.place, bytes: row.capsule, capsule: header.capsule,
        headerHash: capsuleHeaderHash(capsule.header), category: header.category, epoch: header.epoch,
        opened: header.opened,
      })
    })
  }
  return capsules
}

const recordsOf = async (
  source: AuditSource, rows: Rows<RecordItemRow>, places: Places,
): Promise<Items['records']> => {
  const records: Items['records'] = []
  for await (const row of rows) {
    const at = (field: string): FaultPlace => ({ table: 'records', row: `number ${row.no}`, field })
    const { body } = row
    requireThat((body === undefined) !== (row.digest === undefined), at('digest'), 'a body stands here or as a blob')
    const digest = body === undefined ? row.digest as Uint8Array : sha256(body)
    places.require(row.place, recordLeaf(row.header, digest), at(body === undefined ? 'header or digest'
      : 'header or body'))
    const blob = body === undefined ? await source.blob(digest) : undefined
    const place: FaultPlace = { table: 'blobs', row: Buffer.from(digest).toString('hex'), field: 'octets' }
    requireThat(body !== undefined || blob !== undefined, place, 'the file is missing')
    requireThat(blob === undefined || equalBytes(blob.digest, digest), place, 'they do not hash to their name')
    requireThat(row.size === (body?.length ?? blob?.size), at('size'), 'it is not the length of the body')
    const header = await inPlace(at('header'), () => decode(RecordHeader, row.header))
    // What the body holds is of no use from here on, and would be held for the whole commit.
    records.push({
      row: { ...row, body: undefined }, place: row.place, header: row.header, capsule: header.capsule,
      handle: header.handle, version: header.version, size: row.size, digest,
      ...(body === undefined ? {} : { body: new Uint8Array(0) }),
    })
  }
  return records
}

/** The state before decides as it did when the commit came. */
const decisionOf = (replay: Replay, part: ReplayedPart, operation: CommitOperation): CommitDecision => {
  const taken = (records: readonly { category: number; handle: Uint8Array; version: number; place: number }[]) =>
    records.filter(({ category, handle, version }) =>
      part.versions.has(versionName({ category, author: operation.author, handle, version }))).map(({ place }) => place)
  const decision = decideCommit(operation, {
    categories: part.categories,
    grants: [...part.grants.values()].filter(({ grantee }) => equalBytes(grantee, operation.author)),
    capsules: new Map([...operation.capsules, ...operation.records].flatMap(({ capsule }) => {
      const known = replay.capsules.get(nameOf(capsule))
      const state = known?.part.capsules.get(nameOf(capsule))
      return state === undefined ? [] : [[nameOf(capsule), state] as const]
    })),
    taken,
  })
  if ('problem' in decision) {
    throw new AuditFault(
      { table: 'statements', row: `sequence ${replay.current}`, field: 'statement' },
      `the state before it refuses this commit: ${decision.problem}`,
    )
  }
  return decision
}

/** What the commit changes. */
const effect = (
  replay: Replay, part: ReplayedPart, items: Items, operation: CommitOperation, decision: CommitDecision,
): void => {
  const gains = new Map(decision.gains)
  for (const { capsule, headerHash, epoch, opened, place } of items.capsules) {
    const name = nameOf(capsule)
    const state = {
      capsule, custodian: part.custodian, writer: operation.author,
      category: decision.categoryAt.get(place) as number, epoch, opened, sequence: replay.current, closed: false,
      records: gains.get(name) ?? 0,
    }
    gains.delete(name)
    part.capsules.set(name, state)
    replay.capsules.set(name, { part, state })
    part.hashes.set(nameOf(headerHash), capsule)
  }
  for (const [name, gained] of gains) {
    const state = part.capsules.get(name)
    if (state !== undefined) part.capsules.set(name, { ...state, records: state.records + gained })
  }
  for (const { place, handle, version, digest, row } of items.records) {
    const category = decision.categoryAt.get(place) as number
    part.versions.add(versionName({ category, author: operation.author, handle, version }))
    if (row.digest !== undefined) part.blobs.add(blobName(digest, category))
  }
}

const requireCategories = (items: Items, { categoryAt }: CommitDecision): void => {
  for (const [table, rows] of [['capsules', items.capsules], ['records', items.records]] as const) {
    for (const { row } of rows) {
      requireThat(categoryAt.get(row.place) === row.category, { table, row: `number ${row.no}`, field: 'category' },
        'it is not the category that the capsule was made for')
    }
  }
}

const requireCommitRow = (
  row: CommitRow | undefined, part: ReplayedPart, commit: Commit, sequence: number,
): CommitRow => {
  const at = { table: 'commits', row: `sequence ${sequence}` }
  requireThat(row !== undefined, { ...at, field: '-' }, 'the row is missing')
  requireRow(at, { custodian: row.custodian, author: row.author, leaves: row.leaves.length, capsules: row.capsules }, {
    custodian: part.custodian, author: commit.author, leaves: 32 * 2 ** commit.depth, capsules: commit.capsules,
  })
  return row
}

/** Checks one commit whose statement holds, and plays it. */
export const playCommit = (source: AuditSource, counted: Counted) => async (
  replay: Replay, statement: StatementRow, part: ReplayedPart, commit: Commit,
): Promise<void> => {
  const { sequence } = statement
  const stored = await source.commit(sequence)
  const row = requireCommitRow(stored, part, commit, sequence)
  const at: FaultPlace = { table: 'commits', row: `sequence ${sequence}`, field: 'leaves' }
  const leaves = Array.from({ length: row.leaves.length / 32 }, (_, i) => row.leaves.subarray(i * 32, i * 32 + 32))
  requireThat(equalBytes(await inPlace(at, () => merkleRoot(leaves)), commit.root), at,
    'they do not make the root that the author signed')
  requireThat(commit.time <= statement.time + replay.skew, {
    table: 'statements', row: `sequence ${sequence}`, field: 'time',
  }, 'the commit came before it was made')
  const places = new Places(row.leaves)
  const context = { at: statement.time, mode: replay.genesis?.mode ?? 'custody' }
  const items: Items = {
    capsules: await capsulesOf(stored?.items.capsules() ?? [], places, commit, context),
    records: await recordsOf(source, stored?.items.records() ?? [], places),
  }
  requireRow({ table: 'commits', row: `sequence ${sequence}` },
    { capsule: items.capsules.length, record: items.records.length }, { capsule: row.capsules, record: row.records })
  const operation: CommitOperation = {
    kind: 'commit', statement: { id: statement.id, bytes: statement.statement }, vault: replay.vault,
    custodian: part.custodian, author: commit.author, at: statement.time, leaves: row.leaves,
    capsules: items.capsules, records: items.records, encapsulations: [],
  }
  const decision = decisionOf(replay, part, operation)
  requireCategories(items, decision)
  requireRow({ table: 'commits', row: `sequence ${sequence}` }, { mask: row.mask | 0 }, { mask: decision.mask | 0 })
  effect(replay, part, items, operation, decision)
  counted.capsules += items.capsules.length
  counted.records += items.records.length
}
