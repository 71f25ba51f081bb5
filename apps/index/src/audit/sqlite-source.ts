/** The embedded engine's files, read beside a running index: both databases each in one snapshot, and the blobs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { toHex } from '@scelle/seal/verify'
import type { StoredCheckpoint } from '../log-store.ts'
import { openReader } from '../sqlite/schema.ts'
import { numberOf, preparer } from '../sqlite/statements.ts'
import { hashFile } from './blob-hash.ts'
import type { AuditSource, CommitRow, StatementRow, VaultRows } from './source.ts'

const STATEMENT = `SELECT s.sequence, s.vault AS no, v.id AS vault, s.id, s.time, s.key_version AS keyVersion,
  s.signature, s.statement, s.salt, s.subject FROM statements s LEFT JOIN vaults v ON v.no = s.vault`

const PART =
  'JOIN parts p ON p.no = t.part JOIN vaults v ON v.no = p.vault LEFT JOIN principals c ON c.no = p.custodian'

type Raw = Record<string, unknown>

/** Absent values are undefined, and what points nowhere has a name that nobody has. */
const NOBODY = new Uint8Array(0)
const clean = <T>(row: Raw): T => {
  const result: Raw = {}
  for (const [name, value] of Object.entries(row)) if (value !== null) result[name] = value
  if ('custodian' in row && row['custodian'] === null) result['custodian'] = NOBODY
  return result as T
}

const statementOf = (row: Raw): StatementRow => {
  const { no, ...rest } = clean<Raw & { no: number }>(row)
  return { ...rest, vault: no === 0 ? 'registry' : rest['vault'] } as StatementRow
}

export const openSqliteSource = (directory: string): AuditSource | undefined => {
  const [file, logFile] = [join(directory, 'index.sqlite'), join(directory, 'log.sqlite')]
  if (!existsSync(file)) return undefined
  const log = existsSync(logFile) ? openReader(logFile) : undefined
  const index = openReader(file)
  // The log first: what it published is in the statements by then. A read makes the snapshot.
  for (const database of [log, index]) database?.exec('BEGIN; SELECT count(*) FROM sqlite_schema')
  return sourceOf(index, log, join(directory, 'blobs'))
}

const sourceOf = (index: DatabaseSync, log: DatabaseSync | undefined, blobs: string): AuditSource => {
  const sql = preparer(index)
  const logSql = log === undefined ? undefined : preparer(log)
  // Long walks hold their statement open while others of the same text run, so each walk prepares its own.
  function* walk<T>(text: string, ...parameters: (number | Uint8Array)[]): Generator<T> {
    for (const row of index.prepare(text).iterate(...parameters)) yield clean<T>(row)
  }
  const all = <T>(text: string, ...parameters: (number | Uint8Array)[]): T[] =>
    sql(text).all(...parameters).map((row) => clean<T>(row as Raw))
  return {
    *statements() {
      for (const row of index.prepare(`${STATEMENT} ORDER BY s.sequence`).iterate()) yield statementOf(row)
    },
    keyRecords: () => walk(`SELECT coalesce(p.id, x'') AS principal, k.version, k.sequence
      FROM key_records k LEFT JOIN principals p ON p.no = k.principal`),
    keyChain: (principal) => all<{ statement: Uint8Array }>(`SELECT s.statement FROM key_records k
      JOIN principals p ON p.no = k.principal JOIN statements s ON s.sequence = k.sequence
      WHERE p.id = ? ORDER BY k.version`, principal).map(({ statement }) => statement),
    *vaults() {
      for (const { id } of walk<{ id: Uint8Array }>('SELECT id FROM vaults ORDER BY no')) yield id
    },
    sequences: (vault) => all<{ sequence: number }>(`SELECT s.sequence FROM statements s
      JOIN vaults v ON v.no = s.vault WHERE v.id = ? ORDER BY s.sequence`, vault).map(({ sequence }) => sequence),
    statement: (sequence) => {
      const row = sql(`${STATEMENT} WHERE s.sequence = ?`).get(sequence)
      return row === undefined ? undefined : statementOf(row)
    },
    bare: (leaf) => (sql(`SELECT entry FROM given_up WHERE leaf = ?1 UNION ALL
      SELECT entry FROM lost_leaves WHERE leaf = ?1`).get(leaf) as { entry: Uint8Array } | undefined)?.entry,
    givenUp: () => all<{ leaf: number }>('SELECT leaf FROM given_up ORDER BY leaf').map(({ leaf }) => leaf),
    losses: () => all<{ sequence: number }>('SELECT sequence FROM losses ORDER BY sequence')
      .map(({ sequence }) => sequence),
    vault: (vault) => vaultRows(all, walk, vault),
    commit: (sequence) => {
      const [row] = all<CommitRow & { capsule: number; record: number }>(`SELECT t.sequence, c.id AS custodian,
        a.id AS author, t.mask, t.capsule, t.capsules, t.record, t.records, t.leaves
        FROM commits t ${PART} LEFT JOIN principals a ON a.no = t.author WHERE t.sequence = ?`, sequence)
      if (row === undefined) return undefined
      const { capsule, record } = row
      return {
        ...row,
        items: {
          capsules: () => walk(`SELECT no, category, place, capsule FROM capsules WHERE no >= ? AND no < ?
            ORDER BY no`, capsule, capsule + row.capsules),
          records: () => walk(`SELECT no, category, place, header, size, digest, body FROM records
            WHERE no >= ? AND no < ? ORDER BY no`, record, record + row.records),
        },
      }
    },
    lost: () => walk('SELECT leaf, entry FROM lost_leaves ORDER BY leaf'),
    encapsulations: () => walk('SELECT id, bytes FROM encapsulations'),
    count: (table) => numberOf(index.prepare(`SELECT count(*) AS no FROM ${table}`).get()) ?? 0,
    checkpoint: () => logSql?.('SELECT size, root, note FROM checkpoint').get() as
      StoredCheckpoint | undefined,
    cosigned: () => (logSql?.('SELECT kind, size, note FROM cosigned').all() ?? []) as never,
    tile: (level, no) => (logSql?.('SELECT bytes FROM tiles WHERE level = ? AND no = ?').get(level, no) as
      { bytes: Uint8Array } | undefined)?.bytes,
    *tiles() {
      for (const row of log?.prepare('SELECT level, no AS "index" FROM tiles').iterate() ?? []) yield row as never
    },
    blob: (digest) => hashFile(join(blobs, toHex(digest).slice(0, 2), toHex(digest))),
    close: () => {
      index.close()
      log?.close()
    },
  }
}

type All = <T>(text: string, ...parameters: (number | Uint8Array)[]) => T[]
type Walk = <T>(text: string, ...parameters: (number | Uint8Array)[]) => Generator<T>

const vaultRows = (all: All, walk: Walk, vault: Uint8Array): VaultRows => ({
  sequence: all<{ sequence: number }>('SELECT sequence FROM vaults WHERE id = ?', vault)[0]?.sequence ?? 0,
  parts: all<{ custodian: Uint8Array }>(`SELECT c.id AS custodian FROM parts p JOIN vaults v ON v.no = p.vault
    LEFT JOIN principals c ON c.no = p.custodian WHERE v.id = ?`, vault).map(({ custodian }) => custodian),
  manifests: all(`SELECT c.id AS custodian, t.version, t.sequence, t.id FROM manifests t ${PART} WHERE v.id = ?
    ORDER BY t.part, t.version`, vault),
  categories: all(`SELECT c.id AS custodian, t.place, t.category, t.epoch, t.strict, t.access_log, t.closed
    FROM categories t ${PART} WHERE v.id = ? ORDER BY t.part, t.place`, vault),
  grants: all(`SELECT c.id AS custodian, t.sequence, t.id, t.parent, s.id AS signer, e.id AS grantee, t.mask, t.rights,
    t.purposes, t.not_before, t.expires, t.revoked, t.keys_sequence, t.keys_version FROM grants t
    JOIN vaults v ON v.no = t.vault LEFT JOIN parts p ON p.no = t.part AND p.vault = t.vault
    LEFT JOIN principals c ON c.no = p.custodian LEFT JOIN principals s ON s.no = t.signer
    LEFT JOIN principals e ON e.no = t.grantee WHERE v.id = ? ORDER BY t.sequence`, vault),
  capsuleStates: all(`SELECT c.id AS custodian, t.capsule, w.id AS writer, t.category, t.epoch, t.opened, t.sequence,
    t.closed, t.records FROM capsule_states t JOIN vaults v ON v.no = t.vault
    LEFT JOIN parts p ON p.no = t.part AND p.vault = t.vault LEFT JOIN principals c ON c.no = p.custodian
    LEFT JOIN principals w ON w.no = t.writer WHERE v.id = ?`, vault),
  capsuleHashes: all(`SELECT t.hash, t.capsule FROM capsule_hashes t JOIN vaults v ON v.no = t.vault
    WHERE v.id = ?`, vault),
  accesses: all(`SELECT c.id AS custodian, t.sequence, r.id AS reader FROM accesses t ${PART}
    LEFT JOIN principals r ON r.no = t.reader WHERE v.id = ? ORDER BY t.sequence`, vault),
  denials: all(`SELECT c.id AS custodian, t.sequence, r.id AS reader, t.access FROM denials t ${PART}
    LEFT JOIN principals r ON r.no = t.reader WHERE v.id = ? ORDER BY t.sequence`, vault),
  versions: () => walk(`SELECT c.id AS custodian, t.category, a.id AS author, t.handle, t.version
    FROM versions t ${PART} LEFT JOIN principals a ON a.no = t.author WHERE v.id = ?`, vault),
  blobPlaces: () => walk(`SELECT c.id AS custodian, t.digest, t.category FROM blob_places t ${PART}
    WHERE v.id = ?`, vault),
})
