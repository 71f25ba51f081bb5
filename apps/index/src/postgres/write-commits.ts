/**
 * The hot path: all that commits store, in one statement, because each statement costs both sides as much as its rows.
 */
import type { PoolClient } from 'pg'
import { bytes, numbers } from './arrays.ts'
import type { CapsuleAt, Draft } from './draft.ts'
import { type Parameter, prepared } from './prepared.ts'

/** Parameters 1 to 10, see `statementValues`. */
export const INSERT_STATEMENTS = `WITH s AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[])
      AS s (seq, id, statement, salt, subject, time)),
  kept AS (INSERT INTO statements (vault, seq, id, statement, salt, subject, time) SELECT $1::bytea, s.* FROM s),
  unnumbered AS (
    INSERT INTO pending (vault, seq, id, salt, subject) SELECT $1::bytea, seq, id, salt, subject FROM s ORDER BY seq)`
export const UPDATE_VAULT = 'UPDATE vaults SET counter = $8, parts = $9, genesis = $10 WHERE vault = $1::bytea'

/** What follows `INSERT INTO capsule_states`, with ten parameters from that one on: see `stateValues`. */
export const insertStates = (first: number): string => {
  const [capsule, hash, part, writer, ...numbered] = Array.from({ length: 10 }, (_, i) => `$${first + i}`)
  return `(vault, capsule, hash, part, writer, category, epoch, opened, seq, closed, records)
    SELECT $1::bytea, capsule, hash, part, writer, category, epoch, opened, seq, closed <> 0, records
    FROM unnest(${capsule}::bytea[], ${hash}::bytea[], ${part}::bigint[], ${writer}::bytea[],
      ${numbered.map((parameter) => `${parameter}::bigint[]`).join(', ')})
      AS u (capsule, hash, part, writer, category, epoch, opened, seq, closed, records)
    ON CONFLICT (vault, capsule) DO UPDATE SET closed = excluded.closed, records = excluded.records`
}

const COMMITS = prepared(`${INSERT_STATEMENTS},
  c AS (INSERT INTO commits (vault, part, seq, author, mask, leaves)
    SELECT $1::bytea, * FROM unnest($11::bigint[], $12::bigint[], $13::bytea[], $14::bigint[], $15::bytea[])),
  u AS (INSERT INTO capsule_states ${insertStates(16)}),
  k AS (INSERT INTO capsules (vault, seq, place, category, bytes)
    SELECT $1::bytea, * FROM unnest($26::bigint[], $27::bigint[], $28::bigint[], $29::bytea[])),
  r AS (INSERT INTO records (vault, seq, place, category, header, size, digest, body)
    SELECT $1::bytea, * FROM unnest($30::bigint[], $31::bigint[], $32::bigint[], $33::bytea[], $34::bigint[],
      $35::bytea[], $36::bytea[])),
  v AS (INSERT INTO versions (vault, handle, version, part, category, author)
    SELECT $1::bytea, * FROM unnest($37::bytea[], $38::bigint[], $39::bigint[], $40::bigint[], $41::bytea[])),
  b AS (INSERT INTO blob_places (vault, part, category, digest)
    SELECT $1::bytea, * FROM unnest($42::bigint[], $43::bigint[], $44::bytea[]) ON CONFLICT DO NOTHING)
  ${UPDATE_VAULT}`)

export const statementValues = ({ state: { vault }, statements, counter, parts, genesis }: Draft): Parameter[] => [
  vault,
  numbers(statements, ({ seq }) => seq),
  bytes(statements, ({ statement }) => statement.id),
  bytes(statements, ({ statement }) => statement.bytes),
  bytes(statements, ({ salt }) => salt),
  bytes(statements, ({ statement }) => statement.subject),
  numbers(statements, ({ time }) => time),
  counter, parts, genesis ?? null,
]

export const stateValues = ({ state, changedCapsules }: Draft): Parameter[] => {
  const states = [...changedCapsules].map((name) => state.capsules.get(name) as CapsuleAt)
  return [
    bytes(states, ({ capsule }) => capsule),
    bytes(states, ({ hash }) => hash),
    numbers(states, ({ part }) => part),
    bytes(states, ({ writer }) => writer),
    numbers(states, ({ category }) => category),
    numbers(states, ({ epoch }) => epoch),
    numbers(states, ({ opened }) => opened),
    numbers(states, ({ sequence }) => sequence),
    numbers(states, ({ closed }) => (closed ? 1 : 0)),
    numbers(states, ({ records }) => records),
  ]
}

const commitValues = ({ commits }: Draft): Parameter[] => [
  numbers(commits, ({ part }) => part),
  numbers(commits, ({ seq }) => seq),
  bytes(commits, ({ author }) => author),
  numbers(commits, ({ mask }) => mask | 0),
  bytes(commits, ({ leaves }) => leaves),
]

const capsuleValues = ({ capsules }: Draft): Parameter[] => [
  numbers(capsules, ({ seq }) => seq),
  numbers(capsules, ({ place }) => place),
  numbers(capsules, ({ category }) => category),
  bytes(capsules, (capsule) => capsule.bytes),
]

const recordValues = ({ records, versions, blobs }: Draft): Parameter[] => [
  numbers(records, ({ seq }) => seq),
  numbers(records, ({ place }) => place),
  numbers(records, ({ category }) => category),
  bytes(records, ({ header }) => header),
  numbers(records, ({ size }) => size),
  bytes(records, ({ digest }) => digest),
  bytes(records, ({ body }) => body),
  bytes(versions, ({ handle }) => handle),
  numbers(versions, ({ version }) => version),
  numbers(versions, ({ part }) => part),
  numbers(versions, ({ category }) => category),
  bytes(versions, ({ author }) => author),
  numbers(blobs, ({ part }) => part),
  numbers(blobs, ({ category }) => category),
  bytes(blobs, ({ digest }) => digest),
]

/** All of a draft's commits, and its other statements with them. */
export const writeCommits = (client: PoolClient, draft: Draft): Promise<unknown> =>
  COMMITS(
    client, ...statementValues(draft), ...commitValues(draft), ...stateValues(draft), ...capsuleValues(draft),
    ...recordValues(draft),
  )
