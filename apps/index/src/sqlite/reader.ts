/** What the index answers from: queries on the connection that only reads. */
import type { DatabaseSync } from 'node:sqlite'
import { RIGHTS } from '@scelle/seal/verify'
import { servedSize } from '../feed-page.ts'
import { nameOf } from '../names.ts'
import type {
  AccessEntry, AccessQuery, CapsuleState, CategoryState, FeedCapsule, FeedEntry, FeedPage, FeedQuery, FeedRecord,
  GrantEntry, GrantsToQuery, HistoryEntry, StoredPosition,
} from '../store.ts'
import { capsuleByHash, categoriesOf, grantEntries, partNo, principalNo, vaultNo } from './rows.ts'
import { POSITION_COLUMNS, positionOf, type PositionRow, storedPosition } from './session.ts'
import { numberOf, type Prepare, preparer } from './statements.ts'

interface CommitRow {
  sequence: number; capsule: number; capsules: number; record: number; records: number; leaves: Uint8Array
  statement: Uint8Array
}

interface RecordRow extends Omit<FeedRecord, 'body' | 'digest'> { body: Uint8Array | null; digest: Uint8Array | null }

const ENTRY_COLUMNS = POSITION_COLUMNS.split(', ').map((column) => `t.${column}`).join(', ')

/** Commits of a part read from the database at once; more are asked for until the page is full. */
const FEED_STEP = 64

export class SqliteReader {
  readonly #sql: Prepare

  constructor(database: DatabaseSync) {
    this.#sql = preparer(database)
  }

  keyChain(principal: Uint8Array): Uint8Array[] {
    return this.#statements(
      `SELECT t.statement FROM principals p JOIN key_records k ON k.principal = p.no
       JOIN statements t ON t.sequence = k.sequence WHERE p.id = ? ORDER BY k.version`,
      principal,
    )
  }

  keyCount(principal: Uint8Array): number {
    return numberOf(
      this.#sql('SELECT count(*) AS no FROM principals p JOIN key_records k ON k.principal = p.no WHERE p.id = ?')
        .get(principal),
    ) ?? 0
  }

  position(statement: Uint8Array, vault?: Uint8Array): StoredPosition | undefined {
    // What is of no vault stands under 0, whoever's it is: an id names one statement.
    const no = vault === undefined ? 0 : vaultNo(this.#sql, vault) ?? 0
    return storedPosition(this.#sql, no, statement)
  }

  genesis(vault: Uint8Array): Uint8Array | undefined {
    return this.#statements(
      'SELECT t.statement FROM vaults v JOIN statements t ON t.sequence = v.sequence WHERE v.id = ?', vault,
    )[0]
  }

  custodians(vault: Uint8Array): Uint8Array[] {
    return (this.#sql(
      `SELECT c.id FROM vaults v JOIN parts p ON p.vault = v.no JOIN principals c ON c.no = p.custodian
       WHERE v.id = ? ORDER BY p.no`,
    ).all(vault) as { id: Uint8Array }[]).map(({ id }) => id)
  }

  manifests(vault: Uint8Array, custodian: Uint8Array): Uint8Array[] {
    return this.#statements(
      `SELECT t.statement FROM manifests m JOIN statements t ON t.sequence = m.sequence
       WHERE m.part = ? ORDER BY m.version`,
      this.#part(vault, custodian) ?? 0,
    )
  }

  categories(vault: Uint8Array, custodian: Uint8Array): CategoryState[] {
    const part = this.#part(vault, custodian)
    return part === undefined ? [] : categoriesOf(this.#sql, part)
  }

  grant(vault: Uint8Array, grant: Uint8Array): GrantEntry | undefined {
    return grantEntries(this.#sql, 'g.vault = ? AND g.id = ?', vaultNo(this.#sql, vault) ?? 0, grant)[0]
  }

  grants(vault: Uint8Array, only: { custodian?: Uint8Array; grantee?: Uint8Array } = {}): GrantEntry[] {
    const no = vaultNo(this.#sql, vault) ?? 0
    const part = only.custodian === undefined ? undefined : (partNo(this.#sql, no, only.custodian) ?? 0)
    const grantee = only.grantee === undefined ? undefined : (principalNo(this.#sql, only.grantee) ?? 0)
    const order = 'ORDER BY g.sequence'
    if (part !== undefined && grantee !== undefined) {
      return grantEntries(this.#sql, `g.part = ? AND g.grantee = ? ${order}`, part, grantee)
    }
    if (part !== undefined) return grantEntries(this.#sql, `g.part = ? ${order}`, part)
    if (grantee !== undefined) return grantEntries(this.#sql, `g.vault = ? AND g.grantee = ? ${order}`, no, grantee)
    return grantEntries(this.#sql, `g.vault = ? ${order}`, no)
  }

  grantsTo({ grantee, at, revokedSince, limit }: GrantsToQuery): GrantEntry[] {
    return grantEntries(
      this.#sql,
      `g.grantee = ? AND g.expires > ? AND
        (g.revoked = 0 OR (SELECT r.time FROM statements r WHERE r.sequence = g.revoked) >= ?)
       ORDER BY row_number() OVER (PARTITION BY g.signer ORDER BY g.sequence DESC), g.sequence DESC LIMIT ?`,
      principalNo(this.#sql, grantee) ?? 0, at, revokedSince, limit,
    )
  }

  mayWriteSomewhere(principal: Uint8Array, at: number): boolean {
    const no = principalNo(this.#sql, principal) ?? 0
    const found =
      this.#sql('SELECT 1 FROM parts WHERE custodian = ? LIMIT 1').get(no) ??
      this.#sql(`SELECT 1 FROM grants WHERE grantee = ? AND revoked = 0 AND (rights & ${RIGHTS.write}) <> 0
        AND not_before <= ? AND expires > ? LIMIT 1`).get(no, at, at)
    return found !== undefined
  }

  encapsulations(ids: readonly Uint8Array[]): Map<string, Uint8Array> {
    const one = this.#sql('SELECT bytes FROM encapsulations WHERE id = ?')
    const found = new Map<string, Uint8Array>()
    for (const id of ids) {
      const row = one.get(id) as { bytes: Uint8Array } | undefined
      if (row !== undefined) found.set(nameOf(id), row.bytes)
    }
    return found
  }

  feed(query: FeedQuery): FeedPage {
    const part = this.#part(query.vault, query.custodian)
    const commits: FeedEntry[] = []
    let last = query.after
    let size = 0
    for (;;) {
      const rows = part === undefined ? [] : this.#commits(part, query, last)
      for (const row of rows) {
        const entry = this.#entry(row, query.mask)
        commits.push(entry)
        last = row.sequence
        size += servedSize(entry)
        if (commits.length === query.limit || size >= query.maxBytes) {
          const more = this.#commits(part as number, query, last, 1).length > 0
          return { commits, last, more }
        }
      }
      if (rows.length < FEED_STEP) return { commits, last, more: false }
    }
  }

  #commits(part: number, query: FeedQuery, after: number, limit = FEED_STEP): CommitRow[] {
    return this.#sql(
      `SELECT c.sequence, c.capsule, c.capsules, c.record, c.records, c.leaves, t.statement
       FROM commits c JOIN statements t ON t.sequence = c.sequence
       WHERE c.part = ? AND c.sequence > ? AND (c.mask & ?) <> 0 ORDER BY c.sequence LIMIT ?`,
    ).all(part, after, query.mask, limit) as unknown as CommitRow[]
  }

  #entry(row: CommitRow, mask: number): FeedEntry {
    const capsules = row.capsules === 0 ? [] : this.#sql(
      `SELECT place, category, capsule AS bytes FROM capsules
       WHERE no >= ? AND no < ? AND ((1 << category) & ?) <> 0 ORDER BY no`,
    ).all(row.capsule, row.capsule + row.capsules, mask) as unknown as FeedCapsule[]
    const records = row.records === 0 ? [] : this.#sql(
      `SELECT place, category, header, size, digest, body FROM records
       WHERE no >= ? AND no < ? AND ((1 << category) & ?) <> 0 ORDER BY no`,
    ).all(row.record, row.record + row.records, mask) as unknown as RecordRow[]
    return {
      sequence: row.sequence,
      statement: row.statement,
      leaves: row.leaves,
      capsules,
      records: records.map((record) => ({
        ...record, body: record.body ?? undefined, digest: record.digest ?? undefined,
      })),
    }
  }

  anyCommit(query: { vault: Uint8Array; custodian: Uint8Array; mask: number; upTo: number }): boolean {
    const part = this.#part(query.vault, query.custodian)
    if (part === undefined) return false
    return this.#sql('SELECT 1 FROM commits WHERE part = ? AND sequence <= ? AND (mask & ?) <> 0 LIMIT 1')
      .get(part, query.upTo, query.mask) !== undefined
  }

  history(vault: Uint8Array, custodian: Uint8Array, author: Uint8Array | undefined, limit: number): HistoryEntry[] {
    const part = this.#part(vault, custodian) ?? 0
    const sql = (where: string) => this.#sql(
      `SELECT t.statement, t.salt, t.sequence FROM commits c JOIN statements t ON t.sequence = c.sequence
       WHERE c.part = ? ${where} ORDER BY c.sequence LIMIT ?`,
    )
    const rows = author === undefined
      ? sql('').all(part, limit)
      : sql('AND c.author = ?').all(part, principalNo(this.#sql, author) ?? 0, limit)
    return rows as unknown as HistoryEntry[]
  }

  accesses(vault: Uint8Array, custodian: Uint8Array): Uint8Array[] {
    return this.#statements(
      `SELECT t.statement FROM accesses a JOIN statements t ON t.sequence = a.sequence
       WHERE a.part = ? ORDER BY a.sequence`,
      this.#part(vault, custodian) ?? 0,
    )
  }

  accessEntries({ vault, custodian, after, limit }: AccessQuery): AccessEntry[] {
    const part = this.#part(vault, custodian) ?? 0
    const rows = this.#sql(
      `SELECT ${ENTRY_COLUMNS}, t.statement AS access, NULL AS denial
       FROM accesses a JOIN statements t ON t.sequence = a.sequence WHERE a.part = ?1 AND a.sequence > ?2
       UNION ALL SELECT ${ENTRY_COLUMNS}, d.access, t.statement AS denial
       FROM denials d JOIN statements t ON t.sequence = d.sequence WHERE d.part = ?1 AND d.sequence > ?2
       ORDER BY 1 LIMIT ?3`,
    ).all(part, after, limit) as unknown as (PositionRow & { access: Uint8Array; denial: Uint8Array | null })[]
    return rows.map((row) => ({ access: row.access, denial: row.denial ?? undefined, position: positionOf(row) }))
  }

  statementsAfter(sequence: number, limit: number): { sequence: number; statement: Uint8Array }[] {
    return this.#sql('SELECT sequence, statement FROM statements WHERE sequence > ? ORDER BY sequence LIMIT ?')
      .all(sequence, limit) as { sequence: number; statement: Uint8Array }[]
  }

  capsule(vault: Uint8Array, headerHash: Uint8Array): CapsuleState | undefined {
    return capsuleByHash(this.#sql, vaultNo(this.#sql, vault) ?? 0, headerHash)
  }

  blobPlaces(digest: Uint8Array): { vault: Uint8Array; custodian: Uint8Array; mask: number }[] {
    const rows = this.#sql(
      `SELECT v.id AS vault, c.id AS custodian, b.category FROM blob_places b JOIN parts p ON p.no = b.part
       JOIN vaults v ON v.no = p.vault JOIN principals c ON c.no = p.custodian WHERE b.digest = ?`,
    ).all(digest) as { vault: Uint8Array; custodian: Uint8Array; category: number }[]
    return rows.map(({ vault, custodian, category }) => ({ vault, custodian, mask: 1 << category }))
  }

  #part(vault: Uint8Array, custodian: Uint8Array): number | undefined {
    const no = vaultNo(this.#sql, vault)
    return no === undefined ? undefined : partNo(this.#sql, no, custodian)
  }

  #statements(sql: string, ...parameters: (number | Uint8Array)[]): Uint8Array[] {
    return (this.#sql(sql).all(...parameters) as { statement: Uint8Array }[]).map(({ statement }) => statement)
  }
}
