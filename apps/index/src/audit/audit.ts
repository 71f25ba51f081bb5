/**
 * Derives everything that an index stores anew, from the statements that were signed: the tree from the leaves, every
 * vault's state from its history, every root from its items. Read-only; memory grows with one vault, not with all.
 */
import {
  encapsulationId, equalBytes, type PrincipalKeys, statementId, verifyKeyChain,
} from '@scelle/seal/verify'
import { Cache } from '../cache.ts'
import { INDEX_LIMITS } from '../limits.ts'
import { nameOf } from '../names.ts'
import { decodeEncapsulation } from '../registry.ts'
import { playCommit } from './commit.ts'
import { AuditFault, type FaultPlace, inPlace, requireThat, shortName } from './fault.ts'
import { checkLeaves, type NoticeCounts } from './leaves.ts'
import { Replay } from './replay.ts'
import { type Counts, requireRows } from './rows.ts'
import type { AuditSource } from './source.ts'
import { openSqliteSource } from './sqlite-source.ts'

export interface AuditOptions {
  /** Keys of the index whose database it is. */
  readonly index: PrincipalKeys
  readonly progress?: (step: 'statements' | 'vaults', done: number, total: number) => void
}

export interface Audit {
  readonly statements: number
  /** Leaves of a restored index whose statements nobody brought back yet. */
  readonly lost: number
  /** Statements for trustees, which nobody else reads, by what they are about. */
  readonly notices: NoticeCounts
  readonly vaults: number
  readonly records: number
}

type KeysOf = (principal: Uint8Array) => Promise<PrincipalKeys | undefined>

const cachedKeys = (source: AuditSource): KeysOf => {
  const known = new Cache<PrincipalKeys>(INDEX_LIMITS.cachedPrincipals)
  return async (principal) => {
    const found = known.get(nameOf(principal))
    if (found !== undefined) return found
    const chain = await source.keyChain(principal)
    if (chain.length === 0) return undefined
    const place: FaultPlace = { table: 'key_records', row: `principal ${shortName(principal)}`, field: 'sequence' }
    const keys = await inPlace(place, () => verifyKeyChain(chain))
    requireThat(equalBytes(keys.id, principal), { table: 'principals', row: shortName(principal), field: 'id' },
      'it is not the hash of its genesis')
    known.set(nameOf(principal), keys)
    return keys
  }
}

/** Every row of the key directory names a key record, and every key record has its row. */
const checkKeyRecords = async (source: AuditSource, keysOf: KeysOf): Promise<number> => {
  let rows = 0
  for await (const { principal, version, sequence } of source.keyRecords()) {
    const place: FaultPlace = {
      table: 'key_records', row: `principal ${shortName(principal)}, version ${version}`, field: 'sequence',
    }
    const row = await source.statement(sequence)
    requireThat(row?.vault === 'registry', place, 'no key record stands there')
    const keys = await keysOf(principal)
    const chain = await source.keyChain(principal)
    const own = keys !== undefined && chain[version] !== undefined && equalBytes(statementId(chain[version]), row.id)
    requireThat(own, { ...place, field: 'version' }, 'it is not that record of its chain')
    rows++
  }
  return rows
}

const checkEncapsulations = async (source: AuditSource): Promise<void> => {
  for await (const { id, bytes } of source.encapsulations()) {
    const place: FaultPlace = { table: 'encapsulations', row: shortName(id), field: 'bytes' }
    requireThat(equalBytes(encapsulationId(bytes), id), place, 'they do not hash to their id')
    await inPlace(place, () => decodeEncapsulation(bytes))
  }
}

const checkVault = async (
  vault: Uint8Array, source: AuditSource, keysOf: KeysOf, counts: Counts,
): Promise<{ statements: number; commits: number; capsules: number; records: number }> => {
  const counted = { capsules: 0, records: 0 }
  let commits = 0
  const play = playCommit(source, counted)
  const replay = new Replay(vault, {
    source, keysOf,
    commit: async (...of) => {
      commits++
      await play(...of)
    },
  })
  const sequences = await source.sequences(vault)
  for (const sequence of sequences) {
    const row = await source.statement(sequence)
    if (row !== undefined) await replay.play(row)
  }
  await requireRows(replay, await source.vault(vault), counts)
  return { statements: sequences.length, commits, ...counted }
}

const add = (counts: Counts, table: string, rows: number): void => {
  counts.set(table, (counts.get(table) ?? 0) + rows)
}

/** Tables whose rows all belong to somebody. */
const COUNTED = [
  'vaults', 'parts', 'manifests', 'categories', 'grants', 'commits', 'capsules', 'capsule_states', 'capsule_hashes',
  'records', 'versions', 'blob_places', 'accesses', 'denials', 'key_records', 'statements',
] as const

const walk = async (source: AuditSource, options: AuditOptions): Promise<Audit> => {
  const { index, progress = () => undefined } = options
  const keysOf = cachedKeys(source)
  const counts: Counts = new Map()
  const total = await source.count('statements')
  const { statements, lost, notices } = await checkLeaves({
    source, index, keysOf, progress: (done) => progress('statements', done, total),
  })
  const keyRecords = await checkKeyRecords(source, keysOf)
  add(counts, 'key_records', keyRecords)
  add(counts, 'statements', keyRecords)
  add(counts, 'statements', (await source.losses()).length)
  add(counts, 'statements', Object.values(notices).reduce((sum, count) => sum + count, 0))
  await checkEncapsulations(source)
  const vaults = await source.count('vaults')
  let done = 0
  for await (const vault of source.vaults()) {
    const of = await checkVault(vault, source, keysOf, counts)
    for (const table of ['statements', 'commits', 'capsules', 'records'] as const) add(counts, table, of[table])
    progress('vaults', ++done, vaults)
  }
  await source.own?.()
  for (const table of COUNTED) {
    const [stored, expected] = [await source.count(table), counts.get(table) ?? 0]
    requireThat(stored === expected, { table, row: '-', field: '-' },
      `there are ${stored} rows, and ${expected} belong to something`)
  }
  return { statements, lost, notices, vaults: done, records: counts.get('records') ?? 0 }
}

/** Throws AuditFault at the first place that does not fit. Closes the source. */
export const auditSource = async (source: AuditSource, options: AuditOptions): Promise<Audit> => {
  try {
    return await walk(source, options)
  } finally {
    await source.close()
  }
}

/**
 * Audits an index's data directory, beside it. `database`: where it keeps what the directory does not hold. Undefined
 * where there is no database. Throws where one cannot be reached.
 */
export const auditDirectory = async (
  directory: string, options: AuditOptions, database?: string,
): Promise<Audit | undefined> => {
  const source = openSqliteSource(directory)
  if (source !== undefined) return auditSource(source, options)
  if (database === undefined) return undefined
  // Loaded where it is used: an embedded index needs no client of a server.
  const { openPostgresSource } = await import('./postgres-source.ts')
  return auditSource(await openPostgresSource(database, directory), options)
}

export { AuditFault }
