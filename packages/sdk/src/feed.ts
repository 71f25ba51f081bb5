/** Reads one custodian's part of a vault from the index, and believes nothing that its authors did not sign. */
import {
  actorOf,
  type CapsuleHeader,
  type Capsule,
  capsuleHeaderHash,
  capsuleLeaf,
  decode,
  decodeCapsule,
  decodeSigned,
  encapsulationId,
  equalBytes,
  FORMAT_LIMITS,
  type PrincipalKeys,
  RecordHeader,
  recordLeaf,
  requireSuite,
  SealError,
  type Signed,
  sha256,
  toHex,
  verifyCommit,
  verifyLeaves,
  type Commit,
} from '@scelle/seal/verify'
import { Feed as ServedFeed, type FeedCommit } from '@scelle/wire/messages'
import type { Connection } from './connection.ts'
import { SdkError } from './errors.ts'
import { FeedHeads } from './feed-head.ts'
import { SDK_LIMITS } from './limits.ts'
import type { HeadSeen } from './state.ts'
import { inParallel } from './timers.ts'
import { type Part, partName } from './vault-view.ts'

export interface FeedCapsule {
  /** Hex of the 16-byte capsule id. */
  readonly id: string
  /** Hex of the category's id. */
  readonly category: string
  readonly header: CapsuleHeader
  readonly headerHash: Uint8Array
  readonly capsule: Capsule
  /** As stored. */
  readonly bytes: Uint8Array
  /** Hex ids of the encapsulations that its three shares were sealed under. */
  readonly couriers: readonly string[]
  records: number
}

export interface FeedRecord {
  readonly capsule: FeedCapsule
  readonly header: RecordHeader
  readonly headerBytes: Uint8Array
  readonly digest: Uint8Array
  readonly size: number
  /** Absent where the body is a blob. */
  readonly body: Uint8Array | undefined
}

interface VerifiedCommit {
  readonly commit: Commit
  readonly id: Uint8Array
}

/** What stands under its commit's root, by this leaf. */
type Proven<T> = T & { readonly leaf: Uint8Array }

/** Leaves shown of one commit, by the hex of their category, with their places. */
type Shown = Map<string, { place: number; leaf: Uint8Array }[]>

const show = (shown: Shown, category: string, place: number, leaf: Uint8Array): void => {
  const leaves = shown.get(category)
  if (leaves === undefined) shown.set(category, [{ place, leaf }])
  else leaves.push({ place, leaf })
}

const replayed = (what: string): SealError => new SealError('feed-replayed', `the index serves ${what} twice`)

/** What of a part is read: all of it, all but the entries about accesses, or nothing else. */
export type Reach = 'all' | 'records' | 'entries'

const ENTRIES: Readonly<Record<Reach, Record<string, string>>> = {
  all: {}, records: { entries: 'none' }, entries: { entries: 'only' },
}

/** Is shown each commit as it was served, once all of it is verified, and its records in the same order. */
export type Look = (served: FeedCommit, records: readonly FeedRecord[]) => void

export class Feed {
  readonly #connection: Connection
  readonly #vault: Uint8Array
  readonly #part: Part
  readonly #heads: FeedHeads
  readonly #visible: ReadonlySet<string>
  readonly #whole: boolean
  readonly #reach: Reach
  readonly #commits = new Map<string, number>()
  readonly #capsules = new Map<string, FeedCapsule>()
  readonly #versions = new Set<string>()
  readonly #encapsulations = new Map<string, Uint8Array>()
  #cursor: Uint8Array | undefined
  #bytes = 0
  /** Read, but not handed out yet: a later page could not be fetched. */
  #waiting: FeedRecord[] = []

  /**
   * `visible`: hex ids of the categories that the index shows this client in this reach. `whole`: it is shown
   * everything, as custodian, so that a capsule left out is noticed by the commit's own count: no commit holds both
   * entries and records.
   */
  constructor(
    connection: Connection,
    vault: Uint8Array,
    part: Part,
    visible: ReadonlySet<string>,
    whole: boolean,
    reach: Reach,
    seen: ReadonlyMap<string, HeadSeen>,
  ) {
    this.#connection = connection
    this.#vault = vault
    this.#part = part
    this.#visible = visible
    this.#whole = whole
    this.#reach = reach
    this.#heads = new FeedHeads(seen)
  }

  /** A feed from its beginning, with what this client remembers of it. */
  static async start(
    connection: Connection,
    vault: Uint8Array,
    part: Part,
    visible: ReadonlySet<string>,
    whole: boolean,
    reach: Reach = 'all',
  ): Promise<Feed> {
    const name = partName(vault, part.custodian.keys.id)
    const seen = new Map<string, HeadSeen>()
    for (const category of visible) {
      const head = await connection.memory.headSeen(`${name}/${category}`)
      if (head !== undefined) seen.set(category, head)
    }
    return new Feed(connection, vault, part, visible, whole, reach, seen)
  }

  /** The bytes of an encapsulation that the index served, by the hex of its id. */
  encapsulationNamed = (id: string): Uint8Array | undefined => this.#encapsulations.get(id)

  /** As `encapsulationNamed`, by the id itself. */
  encapsulation = (id: Uint8Array): Uint8Array | undefined => this.#encapsulations.get(toHex(id))

  /** Every capsule read so far. */
  get capsules(): Iterable<FeedCapsule> {
    return this.#capsules.values()
  }

  /** How many records were shown of each commit read so far, by the hex of its id. */
  get commits(): ReadonlyMap<string, number> {
    return this.#commits
  }

  /**
   * Everything new since the last call. Throws SealError `feed-…`, `commit-proof-invalid`, `record-tampered`,
   * `capsule-mismatch`, `signature-invalid`, `principal-mismatch`, `encoding-…`: the index lies, or is broken.
   */
  async pull(signal?: AbortSignal, look?: Look): Promise<FeedRecord[]> {
    for (let next: Promise<ServedFeed> | undefined = this.#page(this.#cursor, signal); next !== undefined;) {
      const page: ServedFeed = await next
      // The next page travels while this one is checked.
      next = page.more ? this.#page(page.cursor, signal) : undefined
      next?.catch(() => {})
      await this.#takePage(page, look)
      this.#cursor = page.cursor
    }
    this.#heads.end(this.#visible)
    await this.#remember()
    const records = this.#waiting
    this.#waiting = []
    return records
  }

  async #takePage(page: ServedFeed, look: Look | undefined): Promise<void> {
    const signed = page.commits.map(({ commit }) => decodeSigned('commit', commit))
    const authors = await this.#authors(signed)
    for (const bytes of page.encapsulations) this.#encapsulations.set(toHex(encapsulationId(bytes)), bytes)
    for (const [i, commit] of page.commits.entries()) {
      const author = authors.get(actorOf(signed[i] as Signed)) as PrincipalKeys
      const records = await this.#take(commit, author)
      look?.(commit, records)
      for (const record of records) this.#waiting.push(record)
    }
  }

  /** Keys of a page's authors, before any of it is taken: half a page must not be lost to a failing look-up. */
  async #authors(commits: readonly Signed[]): Promise<Map<string, PrincipalKeys>> {
    const newest = new Map<string, Signed>()
    for (const signed of commits) {
      const name = actorOf(signed)
      if ((newest.get(name)?.keyVersion ?? -1) < signed.keyVersion) newest.set(name, signed)
    }
    const known = await inParallel([...newest], SDK_LIMITS.lookupsAtOnce, async ([name, signed]) =>
      [name, await this.#connection.acting(signed)] as const,
    )
    return new Map(known)
  }

  async #page(before: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<ServedFeed> {
    const answer = await this.#connection.askIndex({
      method: 'GET',
      path: `/v1/vaults/${toHex(this.#vault)}/feed`,
      query: {
        custodian: toHex(this.#part.custodian.keys.id),
        ...ENTRIES[this.#reach],
        ...(before === undefined ? {} : { cursor: toHex(before) }),
      },
      signal,
      timeout: SDK_LIMITS.transferTimeout,
    })
    const page = decode(ServedFeed, answer)
    if (page.more && page.commits.length === 0) {
      throw new SdkError('answer-invalid', 'the index serves an empty page of a feed and promises more')
    }
    return page
  }

  /** Only ever forward: another chart of this client may have seen more meanwhile. */
  async #remember(): Promise<void> {
    const name = partName(this.#vault, this.#part.custodian.keys.id)
    for (const [category, head] of this.#heads.now) {
      const seen = await this.#connection.memory.headSeen(`${name}/${category}`)
      if (seen === undefined || seen.count < head.count)
        await this.#connection.memory.sawHead(`${name}/${category}`, head)
    }
  }

  async #take(served: FeedCommit, author: PrincipalKeys): Promise<FeedRecord[]> {
    const { commit, id } = await this.#verify(served, author)
    if (served.capsules.length > commit.capsules) {
      throw new SealError('commit-proof-invalid', 'the index serves more capsules than the commit has')
    }
    if (this.#whole && served.capsules.length < commit.capsules) {
      throw new SealError('feed-withheld', 'the index withholds a capsule of a commit')
    }
    const capsules = served.capsules.map((one) => ({ ...one, leaf: capsuleLeaf(one.capsule) }))
    const items = served.records.map((one) => ({ ...one, leaf: recordLeaf(one.header, one.digest) }))
    const leaves = [...capsules, ...items]
    if (new Set(leaves.map(({ place }) => place)).size !== leaves.length) throw replayed('a place of a commit')
    verifyLeaves(leaves, served.siblings, commit)
    const shown: Shown = new Map()
    for (const capsule of capsules) this.#takeCapsule(capsule, commit, shown)
    const records = items.map((record) => this.#takeRecord(record, commit, shown))
    for (const [category, ordered] of shown) {
      this.#heads.add(
        category,
        id,
        ordered.toSorted((a, b) => a.place - b.place).map(({ leaf }) => leaf),
      )
    }
    return records
  }

  async #verify(served: FeedCommit, author: PrincipalKeys): Promise<VerifiedCommit> {
    const verified = await verifyCommit(served.commit, author)
    const { vault, custodian } = verified.commit
    if (!equalBytes(vault, this.#vault) || !equalBytes(custodian, this.#part.custodian.keys.id)) {
      throw new SealError('vault-mismatch', 'the index serves a commit of another vault or custodian')
    }
    const name = toHex(verified.id)
    if (this.#commits.has(name)) throw replayed('a commit')
    this.#commits.set(name, served.records.length)
    return verified
  }

  #takeCapsule(served: Proven<FeedCommit['capsules'][number]>, commit: Commit, shown: Shown): void {
    const { capsule, header } = decodeCapsule(served.capsule)
    const fits =
      equalBytes(header.vault, this.#vault) &&
      equalBytes(header.custodian, commit.custodian) &&
      equalBytes(header.writer, commit.author)
    if (!fits)
      throw new SealError('capsule-mismatch', 'a capsule names another vault, custodian or writer than its commit')
    const id = toHex(header.capsule)
    if (this.#capsules.has(id)) throw replayed('a capsule')
    const category = toHex(header.category)
    const headerHash = capsuleHeaderHash(capsule.header)
    const couriers = capsule.shares.map(({ encapsulation }) => toHex(encapsulation))
    this.#capsules.set(id, { id, category, header, headerHash, capsule, bytes: served.capsule, couriers, records: 0 })
    show(shown, category, served.place, served.leaf)
  }

  #takeRecord(served: Proven<FeedCommit['records'][number]>, commit: Commit, shown: Shown): FeedRecord {
    const { header: headerBytes, digest, size, body } = served
    if (body !== undefined && (body.length !== size || !equalBytes(sha256(body), digest))) {
      throw new SealError('record-tampered', 'the index serves another body than the author signed')
    }
    const header = decode(RecordHeader, headerBytes)
    requireSuite(header)
    const capsule = this.#capsules.get(toHex(header.capsule))
    if (capsule === undefined || !equalBytes(capsule.header.writer, commit.author)) {
      throw new SealError('capsule-mismatch', 'a record names a capsule that its author did not open before it')
    }
    this.#requireNew(capsule, header)
    this.#requireRoom(capsule, body?.length ?? 0)
    show(shown, capsule.category, served.place, served.leaf)
    return { capsule, header, headerBytes, digest, size, body }
  }

  /**
   * Record ids are the author's to choose: two of one id are no replay. A version of a resource stands once, and a
   * handle is its author's: another author under the same one, whoever allowed it, makes no feed unreadable.
   */
  #requireNew(capsule: FeedCapsule, header: RecordHeader): void {
    const author = toHex(capsule.header.writer)
    const version = `${author}/${capsule.category}/${toHex(header.handle)}/${header.version}`
    if (this.#versions.has(version)) throw replayed('a version of a resource')
    this.#versions.add(version)
  }

  #requireRoom(capsule: FeedCapsule, inline: number): void {
    capsule.records++
    this.#bytes += inline
    if (capsule.records > FORMAT_LIMITS.capsuleRecords) {
      throw new SealError(
        'capsule-full',
        `a capsule is served with more than ${FORMAT_LIMITS.capsuleRecords} records`,
      )
    }
    if (this.#versions.size > SDK_LIMITS.chartRecords || this.#bytes > SDK_LIMITS.feedBytes) {
      throw new SdkError(
        'chart-too-large',
        'this part of the vault is larger than a chart may be; open fewer categories at a time',
      )
    }
  }
}
