/** What the PostgreSQL engine alone keeps: counts, and names of what stands elsewhere. Queries find what is wrong. */
import { type FaultPlace, AuditFault, shortName } from './fault.ts'
import type { PostgresSession } from './postgres-session.ts'

interface Check {
  readonly table: string
  readonly field: string
  readonly message: string
  /** Selects `vault` and `at` of a row that does not fit. */
  readonly wrong: string
}

const CHECKS: readonly Check[] = [
  {
    table: 'log_head', field: 'size', message: 'it is not the number of leaves',
    wrong: 'SELECT size AS at FROM log_head WHERE size <> (SELECT coalesce(max(sequence), 0) FROM leaves)',
  },
  {
    table: 'log_head', field: 'checkpoint', message: 'there is a size without a checkpoint, or the other way round',
    wrong: `SELECT checkpoint AS at FROM log_head
      WHERE (checkpoint = 0) <> (note IS NULL) OR (note IS NULL) <> (root IS NULL)`,
  },
  {
    table: 'statements', field: 'vault', message: 'it has no leaf, and none is to come',
    wrong: `SELECT t.vault, t.seq AS at FROM statements t
      WHERE NOT EXISTS (SELECT FROM leaves l WHERE l.vault = t.vault AND l.seq = t.seq)
      AND NOT EXISTS (SELECT FROM pending w WHERE w.vault = t.vault AND w.seq = t.seq)`,
  },
  {
    table: 'leaves', field: 'seq', message: 'the statements of its vault stand in another order in the log',
    wrong: `SELECT a.vault, a.seq AS at FROM leaves a JOIN leaves b ON b.vault = a.vault AND b.seq = a.seq + 1
      WHERE b.sequence < a.sequence`,
  },
  {
    table: 'vaults', field: 'counter', message: 'it is not the number of the vault\'s statements',
    wrong: `SELECT v.vault, v.counter AS at FROM vaults v WHERE v.counter <>
      (SELECT count(*) FROM statements t WHERE t.vault = v.vault AND t.seq BETWEEN 1 AND v.counter)`,
  },
  {
    table: 'vaults', field: 'parts', message: 'it is not the number of the vault\'s parts',
    wrong: `SELECT v.vault, v.parts AS at FROM vaults v
      WHERE v.parts <> (SELECT count(*) FROM parts p WHERE p.vault = v.vault)`,
  },
  {
    table: 'vaults', field: 'genesis', message: 'neither a vault nor a principal has begun there',
    wrong: `SELECT v.vault, 0 AS at FROM vaults v WHERE v.genesis IS NULL
      AND NOT EXISTS (SELECT FROM key_records k WHERE k.principal = v.vault)`,
  },
  {
    table: 'parts', field: 'manifest or version', message: 'it is not that of the newest manifest',
    wrong: `SELECT p.vault, p.part AS at FROM parts p
      LEFT JOIN manifests m ON m.vault = p.vault AND m.part = p.part AND m.version = p.version
      LEFT JOIN statements t ON t.vault = m.vault AND t.seq = m.seq
      WHERE t.id IS DISTINCT FROM p.manifest
      OR EXISTS (SELECT FROM manifests n WHERE n.vault = p.vault AND n.part = p.part AND n.version > p.version)`,
  },
  {
    table: 'parts', field: 'categories', message: 'they are cut off',
    wrong: 'SELECT vault, part AS at FROM parts WHERE length(categories) % 33 <> 0',
  },
  {
    table: 'key_records', field: 'id', message: 'it is not that of the record',
    wrong: `SELECT k.principal AS vault, k.version AS at FROM key_records k
      LEFT JOIN statements t ON t.vault = k.principal AND t.seq = k.seq WHERE t.id IS DISTINCT FROM k.id`,
  },
  {
    table: 'positions', field: 'seq', message: 'no statement stands there',
    wrong: `SELECT n.vault, n.seq AS at FROM positions n
      LEFT JOIN statements t ON t.vault = n.vault AND t.seq = n.seq WHERE t.seq IS NULL`,
  },
]

/** Throws AuditFault. */
export const requireOwn = async (session: PostgresSession): Promise<void> => {
  for (const { table, field, message, wrong } of CHECKS) {
    const row = await session.first<{ vault?: Uint8Array; at: number }>(`${wrong} LIMIT 1`)
    if (row === undefined) continue
    const of = row.vault === undefined ? '' : `vault ${shortName(row.vault)}, `
    const place: FaultPlace = { table, row: `${of}${row.at}`, field }
    throw new AuditFault(place, message)
  }
}
