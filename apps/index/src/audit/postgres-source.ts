/** The database of the PostgreSQL engine and the blobs beside it, read while index processes run, all of one moment. */
import { join } from 'node:path'
import { toHex } from '@scelle/seal/verify'
import { hashFile } from './blob-hash.ts'
import { AuditFault } from './fault.ts'
import { requireOwn } from './postgres-own.ts'
import { PostgresSession } from './postgres-session.ts'
import { LEAVES, postgresCommit, postgresVault } from './postgres-vault.ts'
import type { AuditSource, StatementRow } from './source.ts'

/** Where a table of the audit is not a table of this engine. */
const COUNTS: Readonly<Record<string, string>> = {
  vaults: 'vaults WHERE genesis IS NOT NULL',
  categories: '(SELECT generate_series(1, length(categories) / 33) FROM parts) AS each',
  capsule_hashes: 'capsule_states',
  accesses: 'accesses WHERE refused IS NULL',
  denials: 'accesses WHERE refused IS NOT NULL',
}

interface Row {
  readonly sequence: number
  readonly vault: Uint8Array
  readonly isVault: boolean
  readonly known: boolean
  readonly agrees?: boolean
  readonly id?: Uint8Array
  readonly salt?: Uint8Array
  readonly subject?: Uint8Array
  readonly statement?: Uint8Array
  readonly time?: number
  readonly signed?: number
  readonly keyVersion?: number
  readonly signature?: Uint8Array
}

const STATEMENT = `SELECT l.sequence, l.vault, v.genesis IS NOT NULL AS "isVault", v.vault IS NOT NULL AS known,
    t.id = l.id AND t.salt = l.salt AND t.subject IS NOT DISTINCT FROM l.subject AS agrees,
    t.id, t.salt, t.subject, t.statement, t.time, n.time AS signed, n.key_version AS "keyVersion", n.signature
  FROM ${LEAVES} l LEFT JOIN vaults v ON v.vault = l.vault
  LEFT JOIN statements t ON t.vault = l.vault AND t.seq = l.seq
  LEFT JOIN positions n ON n.vault = l.vault AND n.seq = l.seq`

const NOTHING = new Uint8Array(0)

const statementOf = (row: Row): StatementRow => {
  const { sequence, vault, isVault, known, id = NOTHING, salt = NOTHING, subject, statement = NOTHING } = row
  const { time, signed, keyVersion = 0, signature = NOTHING } = row
  return {
    sequence, id, salt, subject, statement, keyVersion, signature,
    vault: isVault ? vault : known ? 'registry' : undefined,
    time: signed ?? time ?? 0,
    ...(signed === undefined && time === undefined ? { untold: true } : {}),
  }
}

/** The leaf as it stands in the log's own table. */
const requireLeaf = ({ sequence, agrees }: Row): void => {
  if (agrees === true) return
  throw new AuditFault({ table: 'leaves', row: `sequence ${sequence}`, field: 'id, salt or subject' },
    'it is not that of the statement')
}

export const openPostgresSource = async (database: string, directory: string): Promise<AuditSource> => {
  const session = await PostgresSession.open(database)
  const sequencesOf = (text: string, ...values: Uint8Array[]): Promise<number[]> =>
    session.all<{ sequence: number }>(text, ...values).then((rows) => rows.map(({ sequence }) => sequence))
  return {
    async *statements() {
      for await (const row of session.walk<Row>(`${STATEMENT} ORDER BY l.sequence`)) {
        yield statementOf(row)
        requireLeaf(row)
      }
    },
    keyRecords: () => session.walk(`SELECT k.principal, k.version, coalesce(l.sequence, 0) AS sequence
      FROM key_records k LEFT JOIN ${LEAVES} l ON l.vault = k.principal AND l.seq = k.seq`),
    keyChain: async (principal) => (await session.all<{ statement: Uint8Array }>(`SELECT t.statement FROM key_records k
      JOIN statements t ON t.vault = k.principal AND t.seq = k.seq WHERE k.principal = $1 ORDER BY k.version`,
    principal)).map(({ statement }) => statement),
    async *vaults() {
      const walk = session.walk<{ vault: Uint8Array }>(
        'SELECT vault FROM vaults WHERE genesis IS NOT NULL ORDER BY vault')
      for await (const { vault } of walk) yield vault
    },
    sequences: (vault) => sequencesOf(`SELECT sequence FROM ${LEAVES} l WHERE vault = $1 ORDER BY sequence`, vault),
    statement: async (sequence) => {
      const row = await session.first<Row>(`${STATEMENT} WHERE l.sequence = $1`, sequence)
      return row === undefined ? undefined : statementOf(row)
    },
    // This engine takes nothing back, so nothing is missing from it or given up.
    bare: () => undefined,
    givenUp: () => [],
    losses: () => [],
    lost: () => [],
    vault: (vault) => postgresVault(session, vault),
    commit: (sequence) => postgresCommit(session, sequence),
    encapsulations: () => session.walk('SELECT id, bytes FROM encapsulations'),
    count: async (table) =>
      (await session.first<{ rows: number }>(`SELECT count(*) AS rows FROM ${COUNTS[table] ?? table}`))?.rows ?? 0,
    checkpoint: () => session.first('SELECT checkpoint AS size, root, note FROM log_head WHERE note IS NOT NULL'),
    cosigned: () => session.walk('SELECT kind, size, note FROM cosigned'),
    tile: async (level, no) => (await session.first<{ bytes: Uint8Array }>(
      'SELECT bytes FROM tiles WHERE level = $1 AND no = $2', level, no))?.bytes,
    tiles: () => session.walk('SELECT level, no AS index FROM tiles'),
    blob: (digest) => hashFile(join(directory, 'blobs', toHex(digest).slice(0, 2), toHex(digest))),
    own: () => requireOwn(session),
    close: () => session.close(),
  }
}
