/** Grants as their parties see them. */
import { sql } from 'kysely'
import { purposesOf, revokedAt } from '../grant-columns.ts'
import type { GrantEntry, GrantsToQuery } from '../store.ts'
import type { Database } from './database.ts'

const entries = (database: Database) =>
  database.selectFrom('grants as g')
    .innerJoin('parts as p', (join) => join.onRef('p.vault', '=', 'g.vault').onRef('p.part', '=', 'g.part'))
    .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'g.vault').onRef('t.seq', '=', 'g.seq'))
    .innerJoin('statements as k', (join) => join.onRef('k.vault', '=', 'g.vault').onRef('k.seq', '=', 'g.keys_seq'))
    .leftJoin('positions as r', (join) => join.onRef('r.vault', '=', 'g.vault').onRef('r.seq', '=', 'g.revoked'))
    .select([
      'g.id', 'g.parent', 'g.vault', 'p.custodian', 'g.signer', 'g.grantee', 'g.mask', 'g.rights', 'g.purposes',
      'g.not_before', 'g.expires', 'g.revoked', 'r.time as revoked_at',
      't.statement', 'k.statement as keys',
    ])

type Row = Awaited<ReturnType<ReturnType<typeof entries>['execute']>>[number]

const entryOf = (
  { parent, purposes, not_before: notBefore, revoked, revoked_at: at, ...row }: Row,
): GrantEntry => ({
  ...row,
  parent: parent ?? undefined,
  purposes: purposesOf(purposes),
  notBefore,
  revoked: revoked !== 0,
  revokedAt: revokedAt(revoked, at),
})

export const grantById = async (
  database: Database, vault: Uint8Array, grant: Uint8Array,
): Promise<GrantEntry | undefined> => {
  const row = await entries(database).where('g.vault', '=', vault).where('g.id', '=', grant).executeTakeFirst()
  return row === undefined ? undefined : entryOf(row)
}

export const grantsOf = async (
  database: Database, vault: Uint8Array, only: { custodian?: Uint8Array; grantee?: Uint8Array },
): Promise<GrantEntry[]> => {
  const { custodian, grantee } = only
  const rows = await entries(database).where('g.vault', '=', vault)
    .$if(custodian !== undefined, (query) => query.where('p.custodian', '=', custodian as Uint8Array))
    .$if(grantee !== undefined, (query) => query.where('g.grantee', '=', grantee as Uint8Array))
    .orderBy('g.seq').execute()
  return rows.map(entryOf)
}

/** The newest by the log's numbers; what has none yet is newer. A revocation not signed for yet is of now. */
export const grantsTo = async (
  database: Database, { grantee, at, revokedSince, limit }: GrantsToQuery,
): Promise<GrantEntry[]> => {
  const newest = sql`coalesce(l.sequence, ${Number.MAX_SAFE_INTEGER}::bigint)`
  const rows = await entries(database)
    .leftJoin('leaves as l', (join) => join.onRef('l.vault', '=', 'g.vault').onRef('l.seq', '=', 'g.seq'))
    .where('g.grantee', '=', grantee).where('g.expires', '>', at)
    .where((eb) => eb.or([eb('g.revoked', '=', 0), eb('r.time', '>=', revokedSince), eb('r.time', 'is', null)]))
    .orderBy(sql`row_number() OVER (PARTITION BY g.signer ORDER BY ${newest} DESC, g.seq DESC)`)
    .orderBy(newest, 'desc').orderBy('g.seq', 'desc')
    .limit(limit).execute()
  return rows.map(entryOf)
}
