/** What the index answers from. Every query sees what is committed, and what is committed is on the disk. */
import { sql } from 'kysely'
import { RIGHTS } from '@scelle/seal/verify'
import { INDEX_LIMITS } from '../limits.ts'
import { nameOf } from '../names.ts'
import type {
  AccessEntry, AccessQuery, CapsuleState, CategoryState, FeedPage, FeedQuery, GrantEntry, GrantsToQuery, HistoryEntry,
  StoredPosition,
} from '../store.ts'
import { byteArrays } from './arrays.ts'
import type { Database } from './database.ts'
import { feedPage } from './feed.ts'
import { grantById, grantsOf, grantsTo } from './grants.ts'
import { unpackCategories } from './part-categories.ts'
import type { PositionRow, Positions } from './positions.ts'

const statementsOf = (rows: readonly { statement: Uint8Array }[]): Uint8Array[] =>
  rows.map(({ statement }) => statement)

interface EntryRow extends PositionRow { readonly statement: Uint8Array; readonly refused: Uint8Array | null }

export class PostgresReader {
  readonly #database: Database
  readonly #positions: Pick<Positions, 'of' | 'complete'>

  constructor(database: Database, positions: Pick<Positions, 'of' | 'complete'>) {
    this.#database = database
    this.#positions = positions
  }

  async keyChain(principal: Uint8Array): Promise<Uint8Array[]> {
    return statementsOf(await this.#database.selectFrom('key_records as k')
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'k.principal').onRef('t.seq', '=', 'k.seq'))
      .select('t.statement').where('k.principal', '=', principal).orderBy('k.version').execute())
  }

  async keyCount(principal: Uint8Array): Promise<number> {
    const { records } = await this.#database.selectFrom('key_records')
      .select(({ fn }) => fn.countAll<number>().as('records'))
      .where('principal', '=', principal).executeTakeFirstOrThrow()
    return records
  }

  async position(statement: Uint8Array, vault?: Uint8Array): Promise<StoredPosition | undefined> {
    const row = vault === undefined
      ? await this.#database.selectFrom('key_records').select(['principal as vault', 'seq'])
        .where('id', '=', statement).executeTakeFirst()
      : await this.#database.selectFrom('statements').select(['vault', 'seq'])
        .where('vault', '=', vault).where('id', '=', statement).executeTakeFirst()
    return row === undefined ? undefined : (await this.#positions.of(row.vault, [row.seq])).get(row.seq)
  }

  async genesis(vault: Uint8Array): Promise<Uint8Array | undefined> {
    const row = await this.#database.selectFrom('vaults as v')
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'v.vault').onRef('t.seq', '=', 'v.genesis'))
      .select('t.statement').where('v.vault', '=', vault).executeTakeFirst()
    return row?.statement
  }

  async custodians(vault: Uint8Array): Promise<Uint8Array[]> {
    const rows = await this.#database.selectFrom('parts').select('custodian')
      .where('vault', '=', vault).orderBy('part').execute()
    return rows.map(({ custodian }) => custodian)
  }

  async manifests(vault: Uint8Array, custodian: Uint8Array): Promise<Uint8Array[]> {
    return statementsOf(await this.#database.selectFrom('parts as p')
      .innerJoin('manifests as m', (join) => join.onRef('m.vault', '=', 'p.vault').onRef('m.part', '=', 'p.part'))
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'm.vault').onRef('t.seq', '=', 'm.seq'))
      .select('t.statement').where('p.vault', '=', vault).where('p.custodian', '=', custodian)
      .orderBy('m.version').execute())
  }

  async categories(vault: Uint8Array, custodian: Uint8Array): Promise<CategoryState[]> {
    const row = await this.#database.selectFrom('parts').select('categories')
      .where('vault', '=', vault).where('custodian', '=', custodian).executeTakeFirst()
    return row === undefined ? [] : unpackCategories(row.categories)
  }

  grant(vault: Uint8Array, grant: Uint8Array): Promise<GrantEntry | undefined> {
    return grantById(this.#database, vault, grant)
  }

  grants(vault: Uint8Array, only: { custodian?: Uint8Array; grantee?: Uint8Array } = {}): Promise<GrantEntry[]> {
    return grantsOf(this.#database, vault, only)
  }

  grantsTo(query: GrantsToQuery): Promise<GrantEntry[]> {
    return grantsTo(this.#database, query)
  }

  async mayWriteSomewhere(principal: Uint8Array, at: number): Promise<boolean> {
    const part = await this.#database.selectFrom('parts').select('part').where('custodian', '=', principal).limit(1)
      .executeTakeFirst()
    if (part !== undefined) return true
    const grant = await this.#database.selectFrom('grants').select('seq')
      .where('grantee', '=', principal).where('revoked', '=', 0)
      .where(sql<boolean>`rights & ${RIGHTS.write}::integer <> 0`)
      .where('not_before', '<=', at).where('expires', '>', at).limit(1).executeTakeFirst()
    return grant !== undefined
  }

  async encapsulations(ids: readonly Uint8Array[]): Promise<Map<string, Uint8Array>> {
    if (ids.length === 0) return new Map()
    const rows = await this.#database.selectFrom('encapsulations').select(['id', 'bytes'])
      .where(sql<boolean>`id = ANY (${byteArrays(ids)}::bytea[])`).execute()
    const found = new Map(rows.map(({ id, bytes }) => [nameOf(id), bytes]))
    // In the order that was asked for.
    return new Map(ids.map(nameOf).flatMap((name) => {
      const bytes = found.get(name)
      return bytes === undefined ? [] : [[name, bytes] as const]
    }))
  }

  async feed(query: FeedQuery): Promise<FeedPage> {
    const part = await this.#part(query.vault, query.custodian)
    return part === undefined
      ? { commits: [], last: query.after, more: false }
      : feedPage(this.#database, { vault: query.vault, part }, query)
  }

  async anyCommit(query: { vault: Uint8Array; custodian: Uint8Array; mask: number; upTo: number }): Promise<boolean> {
    const row = await this.#database.selectFrom('parts as p')
      .innerJoin('commits as c', (join) => join.onRef('c.vault', '=', 'p.vault').onRef('c.part', '=', 'p.part'))
      .select('c.seq').where('p.vault', '=', query.vault).where('p.custodian', '=', query.custodian)
      .where('c.seq', '<=', query.upTo).where(sql<boolean>`c.mask & ${query.mask | 0}::integer <> 0`)
      .limit(1).executeTakeFirst()
    return row !== undefined
  }

  async history(vault: Uint8Array, custodian: Uint8Array, author?: Uint8Array): Promise<HistoryEntry[]> {
    const rows = await this.#database.selectFrom('parts as p')
      .innerJoin('commits as c', (join) => join.onRef('c.vault', '=', 'p.vault').onRef('c.part', '=', 'p.part'))
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'c.vault').onRef('t.seq', '=', 'c.seq'))
      .leftJoin('leaves as l', (join) => join.onRef('l.vault', '=', 'c.vault').onRef('l.seq', '=', 'c.seq'))
      .select(['t.statement', 't.salt', 'l.sequence'])
      .where('p.vault', '=', vault).where('p.custodian', '=', custodian)
      .$if(author !== undefined, (query) => query.where('c.author', '=', author as Uint8Array))
      .orderBy('c.seq').limit(INDEX_LIMITS.history).execute()
    return rows.map(({ statement, salt, sequence }) => ({ statement, salt, sequence: sequence ?? undefined }))
  }

  async accesses(vault: Uint8Array, custodian: Uint8Array): Promise<Uint8Array[]> {
    return statementsOf(await this.#database.selectFrom('parts as p')
      .innerJoin('accesses as a', (join) => join.onRef('a.vault', '=', 'p.vault').onRef('a.part', '=', 'p.part'))
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'a.vault').onRef('t.seq', '=', 'a.seq'))
      .select('t.statement').where('p.vault', '=', vault).where('p.custodian', '=', custodian)
      .where('a.refused', 'is', null).orderBy('a.seq').execute())
  }

  /** Numbers of the log follow those of the vault, so what has none yet comes after all that have one. */
  async accessEntries({ vault, custodian, after, limit }: AccessQuery): Promise<AccessEntry[]> {
    const from = await this.#database.selectFrom('leaves').select('seq')
      .where('sequence', '=', after).where('vault', '=', vault).executeTakeFirst()
    const rows: EntryRow[] = await this.#database.selectFrom('parts as p')
      .innerJoin('accesses as a', (join) => join.onRef('a.vault', '=', 'p.vault').onRef('a.part', '=', 'p.part'))
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'a.vault').onRef('t.seq', '=', 'a.seq'))
      .innerJoin('leaves as l', (join) => join.onRef('l.vault', '=', 'a.vault').onRef('l.seq', '=', 'a.seq'))
      .leftJoin('positions as n', (join) => join.onRef('n.vault', '=', 'a.vault').onRef('n.seq', '=', 'a.seq'))
      .select([
        'a.refused', 't.statement', 't.seq', 't.id', 't.salt', 't.time', 'l.sequence', 'n.time as signed',
        'n.key_version', 'n.signature',
      ])
      .where('p.vault', '=', vault).where('p.custodian', '=', custodian)
      .where('a.seq', '>', from?.seq ?? 0).where('l.sequence', '>', after)
      .orderBy('a.seq').limit(limit).execute()
    const positions = await this.#positions.complete(vault, rows)
    return rows.map(({ seq, statement, refused }) => ({
      access: refused ?? statement,
      denial: refused === null ? undefined : statement,
      position: positions.get(seq) as StoredPosition,
    }))
  }

  async statementsAfter(sequence: number, limit: number): Promise<{ sequence: number; statement: Uint8Array }[]> {
    return this.#database.selectFrom('leaves as l')
      .innerJoin('statements as t', (join) => join.onRef('t.vault', '=', 'l.vault').onRef('t.seq', '=', 'l.seq'))
      .select(['l.sequence', 't.statement'])
      .where('l.sequence', '>', sequence).orderBy('l.sequence').limit(limit).execute()
  }

  async capsule(vault: Uint8Array, headerHash: Uint8Array): Promise<CapsuleState | undefined> {
    const row = await this.#database.selectFrom('capsule_states as s')
      .innerJoin('parts as p', (join) => join.onRef('p.vault', '=', 's.vault').onRef('p.part', '=', 's.part'))
      .select([
        's.capsule', 'p.custodian', 's.writer', 's.category', 's.epoch', 's.opened', 's.seq as sequence', 's.closed',
        's.records',
      ])
      .where('s.vault', '=', vault).where('s.hash', '=', headerHash).executeTakeFirst()
    return row
  }

  async blobPlaces(digest: Uint8Array): Promise<{ vault: Uint8Array; custodian: Uint8Array; mask: number }[]> {
    const rows = await this.#database.selectFrom('blob_places as b')
      .innerJoin('parts as p', (join) => join.onRef('p.vault', '=', 'b.vault').onRef('p.part', '=', 'b.part'))
      .select(['b.vault', 'p.custodian', 'b.category']).where('b.digest', '=', digest).execute()
    return rows.map(({ vault, custodian, category }) => ({ vault, custodian, mask: 1 << category }))
  }

  async #part(vault: Uint8Array, custodian: Uint8Array): Promise<number | undefined> {
    const row = await this.#database.selectFrom('parts').select('part')
      .where('vault', '=', vault).where('custodian', '=', custodian).executeTakeFirst()
    return row?.part
  }
}
