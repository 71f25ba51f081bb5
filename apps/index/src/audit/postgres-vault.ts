/** What the PostgreSQL engine stores about a vault. It counts statements by vault; an audit knows them by the log. */
import { unpackCategories } from '../postgres/part-categories.ts'
import type { PostgresSession } from './postgres-session.ts'
import type {
  AccessRow, CapsuleStateRow, CategoryRow, DenialRow, GrantRow, ManifestRow, StoredCommit, VaultRows, VersionRow,
} from './source.ts'

/**
 * Leaves with their numbers, and those that wait with the numbers that they will get: a database is read as if the
 * leader had come to them.
 */
export const LEAVES = `(SELECT sequence, vault, seq, id, salt, subject FROM leaves UNION ALL
  SELECT (SELECT size FROM log_head) + row_number() OVER (ORDER BY no), vault, seq, id, salt, subject FROM pending)`

/** What points nowhere has a name that nobody has. */
const NOBODY = new Uint8Array(0)

interface PartRow { readonly part: number; readonly custodian: Uint8Array; readonly categories: Uint8Array }

type Raw<T> = Omit<T, 'custodian' | 'sequence'> & { readonly part: number; readonly seq: number }

class Vault {
  readonly #parts: ReadonlyMap<number, Uint8Array>
  readonly #sequences: ReadonlyMap<number, number>

  constructor(parts: readonly PartRow[], sequences: ReadonlyMap<number, number>) {
    this.#parts = new Map(parts.map(({ part, custodian }) => [part, custodian]))
    this.#sequences = sequences
  }

  custodian(part: number): Uint8Array {
    return this.#parts.get(part) ?? NOBODY
  }

  /** Of a statement by its place in the vault: 0 for none, a number that nobody has where there is none such. */
  sequence(seq: number): number {
    return seq === 0 ? 0 : this.#sequences.get(seq) ?? -seq
  }

  of<T>(row: Raw<T>): T {
    return { ...row, custodian: this.custodian(row.part), sequence: this.sequence(row.seq) } as T
  }
}

const categoriesOf = (parts: readonly PartRow[], vault: Vault): CategoryRow[] =>
  parts.flatMap(({ custodian, categories }) =>
    unpackCategories(categories).map(({ category, epoch, strict, accessLog, closed }, place) => ({
      custodian, place, category, epoch, strict: strict ? 1 : 0, access_log: accessLog ? 1 : 0,
      closed: vault.sequence(closed),
    })))

type GrantIn = Omit<GrantRow, 'custodian' | 'sequence' | 'keys_sequence'> & {
  readonly part: number; readonly seq: number; readonly keys_seq: number
}

export const postgresVault = async (session: PostgresSession, id: Uint8Array): Promise<VaultRows> => {
  const parts = await session.all<PartRow>('SELECT part, custodian, categories FROM parts WHERE vault = $1', id)
  const places = await session.all<{ seq: number; sequence: number }>(
    `SELECT seq, sequence FROM ${LEAVES} l WHERE vault = $1`, id)
  const vault = new Vault(parts, new Map(places.map(({ seq, sequence }) => [seq, sequence])))
  const of = async <T>(text: string): Promise<T[]> =>
    (await session.all<Raw<T>>(text, id)).map((row) => vault.of<T>(row))
  const states = await of<CapsuleStateRow & { hash: Uint8Array }>(`SELECT part, capsule, hash, writer, category, epoch,
    opened, seq, closed::integer, records FROM capsule_states WHERE vault = $1`)
  const genesis = await session.first<{ genesis: number }>('SELECT genesis FROM vaults WHERE vault = $1', id)
  const grants = await session.all<GrantIn>(`SELECT part, seq, id, parent, signer, grantee, mask, rights, purposes,
    not_before, expires, revoked, keys_seq, keys_version FROM grants WHERE vault = $1`, id)
  async function* walk<T>(text: string): AsyncGenerator<T> {
    for await (const row of session.walk<Raw<T>>(text, id)) yield vault.of<T>({ ...row, seq: 0 })
  }
  return {
    sequence: vault.sequence(genesis?.genesis ?? 0),
    parts: parts.map(({ custodian }) => custodian),
    manifests: await of<ManifestRow>(`SELECT m.part, m.version, m.seq, t.id FROM manifests m
      JOIN statements t ON t.vault = m.vault AND t.seq = m.seq WHERE m.vault = $1`),
    categories: categoriesOf(parts, vault),
    grants: grants.map(({ keys_seq: keys, revoked, ...row }) => ({
      ...vault.of<GrantRow>(row as never), revoked: vault.sequence(revoked), keys_sequence: vault.sequence(keys),
    })),
    capsuleStates: states,
    capsuleHashes: states,
    accesses: await of<AccessRow>('SELECT part, seq, reader FROM accesses WHERE vault = $1 AND refused IS NULL'),
    denials: await of<DenialRow>(`SELECT part, seq, reader, refused AS access FROM accesses
      WHERE vault = $1 AND refused IS NOT NULL`),
    versions: () => walk<VersionRow>('SELECT part, category, author, handle, version FROM versions WHERE vault = $1'),
    blobPlaces: () => walk('SELECT part, category, digest FROM blob_places WHERE vault = $1'),
  }
}

interface CommitIn {
  readonly vault: Uint8Array; readonly seq: number; readonly custodian?: Uint8Array; readonly author: Uint8Array
  readonly mask: number; readonly leaves: Uint8Array; readonly capsules: number; readonly records: number
}

export const postgresCommit = async (
  session: PostgresSession, sequence: number,
): Promise<StoredCommit | undefined> => {
  const row = await session.first<CommitIn>(`SELECT c.vault, c.seq, p.custodian, c.author, c.mask, c.leaves,
      (SELECT count(*) FROM capsules k WHERE k.vault = c.vault AND k.seq = c.seq) AS capsules,
      (SELECT count(*) FROM records r WHERE r.vault = c.vault AND r.seq = c.seq) AS records
    FROM ${LEAVES} l JOIN commits c ON c.vault = l.vault AND c.seq = l.seq
    LEFT JOIN parts p ON p.vault = c.vault AND p.part = c.part WHERE l.sequence = $1`, sequence)
  if (row === undefined) return undefined
  const { vault, seq, custodian = NOBODY, author, mask, leaves, capsules, records } = row
  const no = `'${sequence}/' || place AS no`
  return {
    sequence, custodian, author, mask, leaves, capsules, records,
    items: {
      capsules: () => session.walk(`SELECT ${no}, category, place, bytes AS capsule FROM capsules
        WHERE vault = $1 AND seq = $2 ORDER BY place`, vault, seq),
      records: () => session.walk(`SELECT ${no}, category, place, header, size, digest, body FROM records
        WHERE vault = $1 AND seq = $2 ORDER BY place`, vault, seq),
    },
  }
}
