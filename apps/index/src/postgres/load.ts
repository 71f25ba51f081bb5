/** What operations of one vault need of it, under its lock: sent together, answered together. */
import type { PoolClient } from 'pg'
import { ZERO32 } from '@scelle/seal/verify'
import { INDEX_LIMITS } from '../limits.ts'
import { nameOf } from '../names.ts'
import { purposesOf, revokedAt } from '../grant-columns.ts'
import type { GrantOperation, Operation } from '../store.ts'
import { byteArrays, integers } from './arrays.ts'
import type { Elsewhere } from './apply.ts'
import { type CapsuleAt, type GrantIn, type Loaded, type PartState, versionName, type VersionRow } from './draft.ts'
import { unpackCategories } from './part-categories.ts'
import { prepared } from './prepared.ts'

const MAKE = prepared('INSERT INTO vaults (vault) VALUES ($1) ON CONFLICT DO NOTHING')
const LOCK = prepared<{ counter: number; parts: number; genesis: number | null }>(
  'SELECT counter, parts, genesis FROM vaults WHERE vault = $1 FOR UPDATE',
)
/**
 * Of four tables in one statement: most of it gives no rows, and each statement costs both sides the same. `kind` says
 * which columns a row has.
 */
const STATE = prepared<StateRow>(`
  SELECT 'statement' AS kind, id AS a, NULL::bytea AS b, NULL::bytea AS c, ARRAY[seq] AS n
    FROM statements WHERE vault = $1 AND id = ANY ($2::bytea[])
  UNION ALL SELECT 'part', custodian, CASE WHEN $4::boolean OR custodian = ANY ($3::bytea[]) THEN categories END,
      manifest, ARRAY[part, version]::bigint[]
    FROM parts WHERE vault = $1
  UNION ALL SELECT 'capsule', capsule, hash, writer, ARRAY[part, category, epoch, opened, seq, closed::integer, records]
    FROM capsule_states WHERE vault = $1 AND capsule = ANY ($5::bytea[])
  UNION ALL SELECT 'capsule', capsule, hash, writer, ARRAY[part, category, epoch, opened, seq, closed::integer, records]
    FROM capsule_states WHERE vault = $1 AND hash = ANY ($6::bytea[])
  UNION ALL SELECT 'version', v.handle, v.author, NULL, ARRAY[v.version, v.part, v.category]
    FROM unnest($7::bytea[], $8::bigint[]) AS asked (handle, version)
    JOIN versions v ON v.vault = $1 AND v.handle = asked.handle AND v.version = asked.version`)
interface StateRow {
  readonly kind: 'statement' | 'part' | 'capsule' | 'version'
  readonly a: Uint8Array
  readonly b: Uint8Array | null
  readonly c: Uint8Array | null
  readonly n: number[]
}

interface GrantRow {
  id: Uint8Array; seq: number; parent: Uint8Array | null; part: number; signer: Uint8Array; grantee: Uint8Array
  mask: number; rights: number; purposes: number; not_before: number; expires: number; revoked: number
  revoked_at: number | null; keys_seq: number; keys_version: number
}
const SELECT_GRANTS = `SELECT g.id, g.seq, g.parent, g.part, g.signer, g.grantee, g.mask, g.rights, g.purposes,
    g.not_before, g.expires, g.revoked, r.time AS revoked_at, g.keys_seq, g.keys_version
  FROM grants g LEFT JOIN positions r ON r.vault = g.vault AND r.seq = g.revoked WHERE g.vault = $1`
const GRANTS = prepared<GrantRow>(
  `${SELECT_GRANTS} AND (g.id = ANY ($2::bytea[]) OR g.grantee = ANY ($3::bytea[]))`,
)
const ALL_GRANTS = prepared<GrantRow>(SELECT_GRANTS)
const ELSEWHERE = prepared<{ live: number }>(
  `SELECT count(*) AS live FROM (SELECT 1 FROM grants WHERE grantee = $1 AND signer = $2 AND vault <> $3
     AND revoked = 0 AND expires > $4 LIMIT ${INDEX_LIMITS.liveGrants}) AS found`,
)
const KEY_RECORDS = prepared<{ records: number }>('SELECT count(*) AS records FROM key_records WHERE principal = $1')

/** The vault whose row an operation locks: of a key record or a notice, the principal's own. */
export const vaultOf = (operation: Operation): Uint8Array => {
  if (operation.kind === 'key-record') return operation.principal
  if (operation.kind === 'notice') return operation.signer
  if (operation.kind === 'vault') return operation.statement.id
  if (operation.kind === 'grant') return operation.grant.vault
  return operation.kind === 'access' ? operation.access.vault : operation.vault
}

/** What the operations name, each thing once. */
class Names {
  readonly ids = new Map<string, Uint8Array>()
  readonly custodians = new Map<string, Uint8Array>()
  readonly capsules = new Map<string, Uint8Array>()
  readonly hashes = new Map<string, Uint8Array>()
  readonly grants = new Map<string, Uint8Array>()
  readonly grantees = new Map<string, Uint8Array>()
  readonly handles: Uint8Array[] = []
  readonly versions: number[] = []
  /** All grants and all parts: what a revocation falls on is known only once they are read. */
  allGrants = false
  keyRecords = false
  /** A row is made for what may be new. */
  make = false

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      this.#add(this.ids, operation.statement.id)
      this.#of(operation)
    }
  }

  #add(to: Map<string, Uint8Array>, ...all: Uint8Array[]): void {
    for (const one of all) to.set(nameOf(one), one)
  }

  #of(operation: Operation): void {
    switch (operation.kind) {
      case 'key-record':
        this.keyRecords = this.make = true
        break
      case 'vault':
      case 'notice':
        this.make = true
        break
      case 'manifest':
      case 'denial':
        this.#add(this.custodians, operation.custodian)
        break
      case 'grant':
        this.#add(this.custodians, operation.grant.custodian)
        this.#add(this.grantees, operation.grant.grantee)
        if (operation.grant.parent !== undefined) this.#add(this.grants, operation.grant.parent)
        break
      case 'grant-keys':
        this.#add(this.grants, operation.grant)
        break
      case 'revocation':
        this.allGrants = true
        break
      case 'access':
        this.#add(this.custodians, operation.access.custodian)
        this.#add(this.hashes, ...operation.access.capsules)
        this.#add(this.grants, ...operation.access.chain)
        break
      case 'commit':
        this.#add(this.custodians, operation.custodian)
        if (nameOf(operation.author) !== nameOf(operation.custodian)) this.#add(this.grantees, operation.author)
        for (const { capsule } of operation.capsules) this.#add(this.capsules, capsule)
        for (const { capsule, handle, version } of operation.records) {
          this.#add(this.capsules, capsule)
          this.handles.push(handle)
          this.versions.push(version)
        }
        break
      case 'release':
      case 'loss':
        break
    }
  }
}

const packed = (names: ReadonlyMap<string, Uint8Array>): Buffer => byteArrays([...names.values()])

const grantIn = (vault: Uint8Array, custodians: ReadonlyMap<number, Uint8Array>, row: GrantRow): GrantIn => ({
  id: row.id,
  parent: row.parent ?? undefined,
  vault,
  custodian: custodians.get(row.part) ?? ZERO32,
  signer: row.signer,
  grantee: row.grantee,
  mask: row.mask,
  rights: row.rights,
  purposes: purposesOf(row.purposes),
  notBefore: row.not_before,
  expires: row.expires,
  revoked: row.revoked !== 0,
  revokedAt: revokedAt(row.revoked, row.revoked_at),
  part: row.part,
  seq: row.seq,
  revokedSeq: row.revoked,
  keysSeq: row.keys_seq,
  keysVersion: row.keys_version,
})

const capsuleAt = (custodians: ReadonlyMap<number, Uint8Array>, { a, b, c, n }: StateRow): CapsuleAt => {
  const [part, category, epoch, opened, sequence, closed, records] = n as [
    number, number, number, number, number, number, number,
  ]
  return {
    capsule: a, hash: b as Uint8Array, writer: c as Uint8Array, part, custodian: custodians.get(part) ?? ZERO32,
    category, epoch, opened, sequence, closed: closed === 1, records,
  }
}

const versionRow = ({ a, b, n }: StateRow): VersionRow => {
  const [version, part, category] = n as [number, number, number]
  return { handle: a, author: b as Uint8Array, version, part, category }
}

/** What was not read is not there: nothing can be written over it. */
const partEntry = ({ a, b, c, n }: StateRow): (readonly [string, PartState])[] => {
  if (b === null) return []
  const [part, version] = n as [number, number]
  return [[nameOf(a), { part, version, custodian: a, categories: unpackCategories(b), manifest: c as Uint8Array }]]
}

const NONE: Promise<never[]> = Promise.resolve([])

/** Starts the transaction, locks the vault's row and reads. Undefined where there is no such vault. */
export const loadVault = async (
  client: PoolClient, vault: Uint8Array, operations: readonly Operation[],
): Promise<Loaded | undefined> => {
  const names = new Names(operations)
  const some = names.grants.size + names.grantees.size > 0
  const [, , [row], state, grants, [keys]] = await Promise.all([
    client.query('BEGIN'),
    names.make ? MAKE(client, vault) : NONE,
    LOCK(client, vault),
    STATE(
      client, vault, packed(names.ids), packed(names.custodians), String(names.allGrants), packed(names.capsules),
      packed(names.hashes), byteArrays(names.handles), integers(names.versions),
    ),
    names.allGrants
      ? ALL_GRANTS(client, vault)
      : some ? GRANTS(client, vault, packed(names.grants), packed(names.grantees)) : NONE,
    names.keyRecords ? KEY_RECORDS(client, vault) : NONE,
  ])
  if (row === undefined) return undefined
  const of = (kind: StateRow['kind']): StateRow[] => state.filter((one) => one.kind === kind)
  const custodians = new Map(of('part').map(({ a, n }) => [n[0] as number, a]))
  const capsules = of('capsule').map((one) => capsuleAt(custodians, one))
  return {
    vault,
    counter: row.counter,
    parts: row.parts,
    genesis: row.genesis ?? undefined,
    known: new Map(of('statement').map(({ a, n }) => [nameOf(a), n[0] as number])),
    partStates: new Map(of('part').flatMap(partEntry)),
    capsules: new Map(capsules.map((capsule) => [nameOf(capsule.capsule), capsule])),
    hashes: new Map(capsules.map((capsule) => [nameOf(capsule.hash), nameOf(capsule.capsule)])),
    versions: new Set(of('version').map((one) => versionName(versionRow(one)))),
    grants: new Map(grants.map((grant) => [nameOf(grant.id), grantIn(vault, custodians, grant)])),
    keyRecords: keys?.records ?? 0,
  }
}

/** How many grants are in force elsewhere, for those operations that are bounded by that. */
export const loadElsewhere = async (
  client: PoolClient, vault: Uint8Array, operations: readonly Operation[],
): Promise<Elsewhere> => {
  const asked = operations.filter(
    (operation): operation is GrantOperation => operation.kind === 'grant' && operation.counted === 'in-all-vaults',
  )
  const counts = await Promise.all(asked.map(async (operation) => {
    const [row] = await ELSEWHERE(client, operation.grant.grantee, operation.signer, vault, operation.at)
    return [operation, row?.live ?? 0] as const
  }))
  const live = new Map(counts)
  return (operation) => live.get(operation) ?? 0
}
