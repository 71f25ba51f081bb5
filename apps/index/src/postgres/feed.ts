/** A part's commits, a page at a time. Rows of a commit are never changed, and come to be seen together. */
import { sql } from 'kysely'
import { servedSize } from '../feed-page.ts'
import type { FeedEntry, FeedPage, FeedQuery } from '../store.ts'
import { integers } from './arrays.ts'
import type { Database } from './database.ts'

/** Commits read from the database at once; more are asked for until the page is full. */
const STEP = 64

interface CommitRow { readonly seq: number; readonly leaves: Uint8Array; readonly statement: Uint8Array }

const commitsOf = (
  database: Database, at: { vault: Uint8Array; part: number }, query: { after: number; mask: number; limit: number },
): Promise<CommitRow[]> =>
  database.selectFrom('commits as c')
    .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'c.vault').onRef('t.seq', '=', 'c.seq'))
    .select(['c.seq', 'c.leaves', 't.statement'])
    .where('c.vault', '=', at.vault).where('c.part', '=', at.part).where('c.seq', '>', query.after)
    .where(sql<boolean>`c.mask & ${query.mask}::integer <> 0`)
    .orderBy('c.seq').limit(query.limit)
    .execute()

const grouped = <T extends { readonly seq: number }>(rows: readonly T[]): Map<number, Omit<T, 'seq'>[]> => {
  const groups = new Map<number, Omit<T, 'seq'>[]>()
  for (const { seq, ...row } of rows) {
    const group = groups.get(seq)
    if (group === undefined) groups.set(seq, [row])
    else group.push(row)
  }
  return groups
}

const entriesOf = async (
  database: Database, vault: Uint8Array, rows: readonly CommitRow[], mask: number,
): Promise<FeedEntry[]> => {
  if (rows.length === 0) return []
  const seqs = integers(rows.map(({ seq }) => seq))
  const [capsules, records] = await Promise.all([
    database.selectFrom('capsules').select(['seq', 'place', 'category', 'bytes'])
      .where('vault', '=', vault).where(sql<boolean>`seq = ANY (${seqs}::bigint[])`)
      .where(sql<boolean>`(1 << category) & ${mask}::integer <> 0`)
      .orderBy('seq').orderBy('place').execute(),
    database.selectFrom('records').select(['seq', 'place', 'category', 'header', 'size', 'digest', 'body'])
      .where('vault', '=', vault).where(sql<boolean>`seq = ANY (${seqs}::bigint[])`)
      .where(sql<boolean>`(1 << category) & ${mask}::integer <> 0`)
      .orderBy('seq').orderBy('place').execute(),
  ])
  const [capsulesOf, recordsOf] = [grouped(capsules), grouped(records)]
  return rows.map(({ seq, statement, leaves }) => ({
    sequence: seq,
    statement,
    leaves,
    capsules: capsulesOf.get(seq) ?? [],
    records: (recordsOf.get(seq) ?? []).map((record) => ({
      ...record, body: record.body ?? undefined, digest: record.digest ?? undefined,
    })),
  }))
}

/** `after` and `last` are numbers of the vault's own count. */
export const feedPage = async (
  database: Database, at: { vault: Uint8Array; part: number }, query: FeedQuery,
): Promise<FeedPage> => {
  const mask = query.mask | 0
  const commits: FeedEntry[] = []
  let { after: last } = query
  let size = 0
  for (;;) {
    const limit = Math.min(STEP, query.limit - commits.length + 1)
    const rows = await commitsOf(database, at, { after: last, mask, limit })
    const entries = await entriesOf(database, at.vault, rows, mask)
    for (const entry of entries) {
      if (commits.length > 0 && (commits.length === query.limit || size >= query.maxBytes)) {
        return { commits, last, more: true }
      }
      commits.push(entry)
      last = entry.sequence
      size += servedSize(entry)
    }
    if (rows.length < limit) return { commits, last, more: false }
  }
}
