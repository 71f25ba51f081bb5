/** Stores a draft and ends its transaction: sent together, answered together. */
import type { PoolClient } from 'pg'
import { purposeMask } from '../grant-columns.ts'
import type { CommitOperation, Operation } from '../store.ts'
import { nameOf } from '../names.ts'
import { bytes, numbers } from './arrays.ts'
import type { Draft, GrantIn } from './draft.ts'
import { packCategories } from './part-categories.ts'
import { prepared } from './prepared.ts'
import {
  INSERT_STATEMENTS, insertStates, statementValues, stateValues, UPDATE_VAULT, writeCommits,
} from './write-commits.ts'

/** Statement and leaf in one: the effect of the operation is in the same transaction. */
const STATEMENTS = prepared(`${INSERT_STATEMENTS} ${UPDATE_VAULT}`)

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

const STATES = prepared(`INSERT INTO capsule_states ${insertStates(2)}`)

const ACCESSES = prepared(`INSERT INTO accesses (vault, part, seq, reader, refused)
  SELECT $1::bytea, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[])`)

type Sent = Promise<unknown>

const writeStatements = (client: PoolClient, draft: Draft): Sent =>
  STATEMENTS(client, ...statementValues(draft))

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

/** Where commits are written, capsules are written with them. */
const writeClosed = (client: PoolClient, draft: Draft): Sent[] =>
  draft.commits.length > 0 || draft.changedCapsules.size === 0
    ? []
    : [STATES(client, draft.state.vault, ...stateValues(draft))]

const writeAccesses = (client: PoolClient, { state: { vault }, accesses }: Draft): Sent[] =>
  accesses.length === 0 ? [] : [ACCESSES(
    client, vault, numbers(accesses, ({ part }) => part), numbers(accesses, ({ seq }) => seq),
    bytes(accesses, ({ reader }) => reader), bytes(accesses, ({ refused }) => refused),
  )]

/** Resolves once all of it is on the disk. A failure of one statement fails the transaction. */
export const writeDraft = async (client: PoolClient, draft: Draft): Promise<void> => {
  const sent = [
    draft.commits.length === 0 ? writeStatements(client, draft) : writeCommits(client, draft),
    ...writeParts(client, draft), ...writeGrants(client, draft), ...writeClosed(client, draft),
    ...writeAccesses(client, draft),
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
