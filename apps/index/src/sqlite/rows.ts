/** Rows of the embedded engine as the contract's values: the same queries on either connection. */
import { nameOf } from '../names.ts'
import { purposesOf, revokedAt } from '../grant-columns.ts'
import type { CapsuleState, CategoryState, GrantEntry, GrantState } from '../store.ts'
import { numberOf, type Prepare } from './statements.ts'

const numberFor = (sql: Prepare, table: 'principals' | 'vaults', id: Uint8Array): number | undefined => {
  const name = `${table}/${nameOf(id)}`
  const known = sql.numbers.get(name)
  if (known !== undefined) return known
  const no = numberOf(sql(`SELECT no FROM ${table} WHERE id = ?`).get(id))
  if (no !== undefined) sql.numbers.set(name, no)
  return no
}

export const principalNo = (sql: Prepare, id: Uint8Array): number | undefined => numberFor(sql, 'principals', id)

export const vaultNo = (sql: Prepare, id: Uint8Array): number | undefined => numberFor(sql, 'vaults', id)

export const partNo = (sql: Prepare, vault: number, custodian: Uint8Array): number | undefined =>
  numberOf(sql('SELECT no FROM parts WHERE vault = ? AND custodian = ?').get(vault, principalNo(sql, custodian) ?? 0))

interface CategoryRow { category: Uint8Array; epoch: number; strict: number; access_log: number; closed: number }

export const categoriesOf = (sql: Prepare, part: number): CategoryState[] =>
  (sql('SELECT category, epoch, strict, access_log, closed FROM categories WHERE part = ? ORDER BY place').all(part) as
    unknown as CategoryRow[]).map(({ category, epoch, strict, access_log, closed }) => ({
    category, epoch, closed, strict: strict === 1, accessLog: access_log === 1,
  }))

interface GrantRow {
  id: Uint8Array; parent: Uint8Array | null; vault: Uint8Array; custodian: Uint8Array; signer: Uint8Array
  grantee: Uint8Array; mask: number; rights: number; purposes: number; not_before: number; expires: number
  revoked: number; revoked_at: number | null; statement: Uint8Array; keys: Uint8Array
}

const GRANT_COLUMNS = `g.id, g.parent, v.id AS vault, c.id AS custodian, s.id AS signer, e.id AS grantee, g.mask,
  g.rights, g.purposes, g.not_before, g.expires, g.revoked,
  (SELECT r.time FROM statements r WHERE r.sequence = g.revoked) AS revoked_at`
const GRANT_TABLES = `grants g JOIN vaults v ON v.no = g.vault JOIN parts p ON p.no = g.part
  JOIN principals c ON c.no = p.custodian JOIN principals s ON s.no = g.signer JOIN principals e ON e.no = g.grantee`
const STATEMENT_COLUMNS = 't.statement, k.statement AS keys'
const STATEMENT_TABLES =
  'JOIN statements t ON t.sequence = g.sequence JOIN statements k ON k.sequence = g.keys_sequence'

const grantState = (row: GrantRow): GrantState => ({
  id: row.id,
  parent: row.parent ?? undefined,
  vault: row.vault,
  custodian: row.custodian,
  signer: row.signer,
  grantee: row.grantee,
  mask: row.mask,
  rights: row.rights,
  purposes: purposesOf(row.purposes),
  notBefore: row.not_before,
  expires: row.expires,
  revoked: row.revoked !== 0,
  revokedAt: revokedAt(row.revoked, row.revoked_at),
})

type Parameter = number | Uint8Array

/** Grants with their statements. `where` is this file's callers' own text, never a request's. */
export const grantEntries = (sql: Prepare, where: string, ...parameters: Parameter[]): GrantEntry[] =>
  (sql(`SELECT ${GRANT_COLUMNS}, ${STATEMENT_COLUMNS} FROM ${GRANT_TABLES} ${STATEMENT_TABLES} WHERE ${where}`)
    .all(...parameters) as unknown as GrantRow[])
    .map((row) => ({ ...grantState(row), statement: row.statement, keys: row.keys }))

export const grantStates = (sql: Prepare, where: string, ...parameters: Parameter[]): GrantState[] =>
  (sql(`SELECT ${GRANT_COLUMNS} FROM ${GRANT_TABLES} WHERE ${where}`).all(...parameters) as unknown as GrantRow[])
    .map(grantState)

interface CapsuleRow {
  capsule: Uint8Array; custodian: Uint8Array; writer: Uint8Array; category: number; epoch: number
  opened: number; sequence: number; closed: number; records: number
}

const CAPSULE_COLUMNS = `s.capsule, c.id AS custodian, w.id AS writer, s.category, s.epoch, s.opened, s.sequence,
  s.closed, s.records`
const CAPSULE_TABLES =
  'JOIN parts p ON p.no = s.part JOIN principals c ON c.no = p.custodian JOIN principals w ON w.no = s.writer'

const capsuleState = (row: CapsuleRow): CapsuleState => ({
  capsule: row.capsule,
  custodian: row.custodian,
  writer: row.writer,
  category: row.category,
  epoch: row.epoch,
  opened: row.opened,
  sequence: row.sequence,
  closed: row.closed === 1,
  records: row.records,
})

export const capsuleById = (sql: Prepare, vault: number, capsule: Uint8Array): CapsuleState | undefined => {
  const row = sql(
    `SELECT ${CAPSULE_COLUMNS} FROM capsule_states s ${CAPSULE_TABLES} WHERE s.vault = ? AND s.capsule = ?`,
  ).get(vault, capsule) as unknown as CapsuleRow | undefined
  return row === undefined ? undefined : capsuleState(row)
}

export const capsuleByHash = (sql: Prepare, vault: number, hash: Uint8Array): CapsuleState | undefined => {
  const row = sql(
    `SELECT ${CAPSULE_COLUMNS} FROM capsule_hashes h JOIN capsule_states s
      ON s.vault = h.vault AND s.capsule = h.capsule ${CAPSULE_TABLES} WHERE h.vault = ? AND h.hash = ?`,
  ).get(vault, hash) as unknown as CapsuleRow | undefined
  return row === undefined ? undefined : capsuleState(row)
}
