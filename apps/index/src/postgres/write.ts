/** Stores a draft and ends its transaction: sent together, answered together. */
import type { PoolClient } from 'pg'
import { purposeMask } from '../grant-columns.ts'
import type { CommitOperation, Operation } from '../store.ts'
import { nameOf } from '../names.ts'
import { byteArrays, integers } from './arrays.ts'
import type { CapsuleAt, Draft, GrantIn } from './draft.ts'
import { packCategories } from './part-categories.ts'
import { prepared } from './prepared.ts'

const VAULT = prepared('UPDATE vaults SET counter = $2, parts = $3, genesis = $4 WHERE vault = $1')

/** Statement and leaf in one: the effect of the operation is in the same transaction. */
const STATEMENTS = prepared(`WITH s AS (
    SELECT * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[])
      AS s (seq, id, statement, salt, subject, time)),
  kept AS (INSERT INTO statements (vault, seq, id, statement, salt, subject, time) SELECT $1::bytea, s.* FROM s)
  INSERT INTO pending (vault, seq, id, salt, subject) SELECT $1::bytea, seq, id, salt, subject FROM s ORDER BY seq`)

const KEY_RECORDS = prepared(`INSERT INTO key_records (principal, version, seq, id)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[])`)

const PARTS = prepared(`INSERT INTO parts (vault, part, custodian, categories, manifest, version)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[])
  ON CONFLICT (vault, part) DO UPDATE
  SET categories = excluded.categories, manifest = excluded.manifest, version = excluded.version`)

const MANIFESTS = prepared(`INSERT INTO manifests (vault, part, version, seq)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])`)

const GRANTS = prepared(`INSERT INTO grants (vault, id, seq, parent, part, signer, grantee, mask, rights, purposes,
    not_before, expires, revoked, keys_seq, keys_version)
  SELECT $1::bytea, *
  FROM unnest($2::bytea[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])
  ON CONFLICT (vault, id) DO UPDATE
  SET revoked = excluded.revoked, keys_seq = excluded.keys_seq, keys_version = excluded.keys_version`)

const COMMITS = prepared(`INSERT INTO commits (vault, part, seq, author, mask, leaves)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[])`)

const CAPSULES = prepared(`INSERT INTO capsules (vault, seq, place, category, bytes)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])`)

const STATES = prepared(`INSERT INTO capsule_states (vault, capsule, hash, part, writer, category, epoch, opened, seq,
    closed, records)
  SELECT $1::bytea, capsule, hash, part, writer, category, epoch, opened, seq, closed <> 0, records
  FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[])
    AS s (capsule, hash, part, writer, category, epoch, opened, seq, closed, records)
  ON CONFLICT (vault, capsule) DO UPDATE SET closed = excluded.closed, records = excluded.records`)

const RECORDS = prepared(`INSERT INTO records (vault, seq, place, category, header, size, digest, body)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bytea[],
    $8::bytea[])`)

const VERSIONS = prepared(`INSERT INTO versions (vault, handle, version, part, category, author)
  SELECT $1::bytea, * FROM unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])`)

const BLOBS = prepared(`INSERT INTO blob_places (vault, part, category, digest)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) ON CONFLICT DO NOTHING`)

const ACCESSES = prepared(`INSERT INTO accesses (vault, part, seq, reader, refused)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[])`)

/** Columns of rows, each as one parameter. */
const column = {
  bytes: <T>(rows: readonly T[], of: (row: T) => Uint8Array | undefined): Buffer => byteArrays(rows.map(of)),
  numbers: <T>(rows: readonly T[], of: (row: T) => number | undefined): Buffer => integers(rows.map(of)),
}
const { bytes, numbers } = column

type Sent = Promise<unknown>

const writeStatements = (client: PoolClient, { state: { vault }, statements }: Draft): Sent =>
  STATEMENTS(
    client, vault, numbers(statements, ({ seq }) => seq), bytes(statements, ({ statement }) => statement.id),
    bytes(statements, ({ statement }) => statement.bytes), bytes(statements, ({ salt }) => salt),
    bytes(statements, ({ statement }) => statement.subject), numbers(statements, ({ time }) => time),
  )

const writeParts = (client: PoolClient, { state: { vault }, changedParts, manifests, keyRows }: Draft): Sent[] => {
  const parts = [...changedParts]
  return [
    ...(parts.length === 0 ? [] : [PARTS(
      client, vault, numbers(parts, ({ part }) => part), bytes(parts, ({ custodian }) => custodian),
      bytes(parts, ({ categories }) => packCategories(categories)), bytes(parts, ({ manifest }) => manifest),
      numbers(parts, ({ version }) => version),
    )]),
    ...(manifests.length === 0 ? [] : [MANIFESTS(
      client, vault, numbers(manifests, ({ part }) => part), numbers(manifests, ({ version }) => version),
      numbers(manifests, ({ seq }) => seq),
    )]),
    ...(keyRows.length === 0 ? [] : [KEY_RECORDS(
      client, vault, numbers(keyRows, ({ version }) => version), numbers(keyRows, ({ seq }) => seq),
      bytes(keyRows, ({ id }) => id),
    )]),
  ]
}

const writeGrants = (client: PoolClient, { state, changedGrants }: Draft): Sent[] => {
  const grants = [...changedGrants].map((name) => state.grants.get(name) as GrantIn)
  if (grants.length === 0) return []
  return [GRANTS(
    client, state.vault, bytes(grants, ({ id }) => id), numbers(grants, ({ seq }) => seq),
    bytes(grants, ({ parent }) => parent), numbers(grants, ({ part }) => part), bytes(grants, ({ signer }) => signer),
    bytes(grants, ({ grantee }) => grantee), numbers(grants, ({ mask }) => mask),
    numbers(grants, ({ rights }) => rights), numbers(grants, ({ purposes }) => purposeMask(purposes)),
    numbers(grants, ({ notBefore }) => notBefore), numbers(grants, ({ expires }) => expires),
    numbers(grants, ({ revokedSeq }) => revokedSeq), numbers(grants, ({ keysSeq }) => keysSeq),
    numbers(grants, ({ keysVersion }) => keysVersion),
  )]
}

const writeCommits = (client: PoolClient, { state: { vault }, commits, records, versions, blobs }: Draft): Sent[] => [
  ...(commits.length === 0 ? [] : [COMMITS(
    client, vault, numbers(commits, ({ part }) => part), numbers(commits, ({ seq }) => seq),
    bytes(commits, ({ author }) => author), numbers(commits, ({ mask }) => mask | 0),
    bytes(commits, ({ leaves }) => leaves),
  )]),
  ...(records.length === 0 ? [] : [
    RECORDS(
      client, vault, numbers(records, ({ seq }) => seq), numbers(records, ({ place }) => place),
      numbers(records, ({ category }) => category), bytes(records, ({ header }) => header),
      numbers(records, ({ size }) => size), bytes(records, ({ digest }) => digest), bytes(records, ({ body }) => body),
    ),
    VERSIONS(
      client, vault, bytes(versions, ({ handle }) => handle), numbers(versions, ({ version }) => version),
      numbers(versions, ({ part }) => part), numbers(versions, ({ category }) => category),
      bytes(versions, ({ author }) => author),
    ),
  ]),
  ...(blobs.length === 0 ? [] : [BLOBS(
    client, vault, numbers(blobs, ({ part }) => part), numbers(blobs, ({ category }) => category),
    bytes(blobs, ({ digest }) => digest),
  )]),
]

const writeCapsules = (client: PoolClient, { state, capsules, changedCapsules }: Draft): Sent[] => {
  const states = [...changedCapsules].map((name) => state.capsules.get(name) as CapsuleAt)
  return [
    ...(capsules.length === 0 ? [] : [CAPSULES(
      client, state.vault, numbers(capsules, ({ seq }) => seq), numbers(capsules, ({ place }) => place),
      numbers(capsules, ({ category }) => category), bytes(capsules, (capsule) => capsule.bytes),
    )]),
    ...(states.length === 0 ? [] : [STATES(
      client, state.vault, bytes(states, ({ capsule }) => capsule), bytes(states, ({ hash }) => hash),
      numbers(states, ({ part }) => part), bytes(states, ({ writer }) => writer),
      numbers(states, ({ category }) => category), numbers(states, ({ epoch }) => epoch),
      numbers(states, ({ opened }) => opened), numbers(states, ({ sequence }) => sequence),
      numbers(states, ({ closed }) => (closed ? 1 : 0)), numbers(states, (capsule) => capsule.records),
    )]),
  ]
}

const writeAccesses = (client: PoolClient, { state: { vault }, accesses }: Draft): Sent[] =>
  accesses.length === 0 ? [] : [ACCESSES(
    client, vault, numbers(accesses, ({ part }) => part), numbers(accesses, ({ seq }) => seq),
    bytes(accesses, ({ reader }) => reader), bytes(accesses, ({ refused }) => refused),
  )]

/** Resolves once all of it is on the disk. A failure of one statement fails the transaction. */
export const writeDraft = async (client: PoolClient, draft: Draft): Promise<void> => {
  const { state: { vault }, counter, parts, genesis } = draft
  const sent = [
    VAULT(client, vault, counter, parts, genesis ?? null),
    writeStatements(client, draft),
    ...writeParts(client, draft), ...writeGrants(client, draft), ...writeCommits(client, draft),
    ...writeCapsules(client, draft), ...writeAccesses(client, draft),
  ]
  const ended = client.query('COMMIT')
  // Sent already: after a statement that failed the server answers it with ROLLBACK.
  const [, { command }] = await Promise.all([Promise.all(sent), ended])
  if (command !== 'COMMIT') throw new Error('a transaction was rolled back')
}

const ENCAPSULATIONS = prepared(`INSERT INTO encapsulations (id, bytes)
  SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING`)

/**
 * Encapsulations are no vault's and are named by their content, so they are stored before. In the order of their ids:
 * two processes that store the same ones would wait for each other.
 */
export const writeEncapsulations = async (client: PoolClient, operations: readonly Operation[]): Promise<void> => {
  const commits = operations.filter((operation): operation is CommitOperation => operation.kind === 'commit')
  const named = new Map(
    commits.flatMap(({ encapsulations }) => encapsulations).map((one) => [nameOf(one.id), one]),
  )
  if (named.size === 0) return
  const all = [...named].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
  await ENCAPSULATIONS(client, bytes(all, ({ id }) => id), bytes(all, (one) => one.bytes))
}
