/**
 * Every statement in the order of the log: whole, signed, in its vault, with its position; then the tree over all of
 * them, against the tiles and checkpoints that are stored.
 */
import {
  CompactRange, fullTileRoot, leafHash, LOG_LIMITS, LogError, type ReadTile, type Tile, TileReader, tileWidthIn,
  verifyCheckpoint,
} from '@scelle/log'
import {
  Access, actingKeys, Commit, controlSubject, decode, Denial, equalBytes, Grant, GrantKeys, type Kind, LogEntry,
  logEntry, Manifest, Notice, type NoticeAbout, type PrincipalKeys, Release, Revocation, Signed, statementId,
  Successor, verifySigned, ZERO32,
} from '@scelle/seal/verify'
import { logPolicy, verifyEd25519 } from '@scelle/wire/log'
import { positionStatement } from '../positions.ts'
import { AuditFault, type FaultPlace, inPlace, requireThat } from './fault.ts'
import type { AuditSource, StatementRow } from './source.ts'

export interface LeavesOptions {
  readonly source: AuditSource
  /** Of the index itself, whose database it is. */
  readonly index: PrincipalKeys
  readonly keysOf: (principal: Uint8Array) => Promise<PrincipalKeys | undefined>
  readonly progress: (done: number) => void
}

type VaultOf = (body: Uint8Array) => Uint8Array

/** Which vault a statement belongs to, by its own words. The rest belong to the registry. */
const VAULT_OF: Partial<Record<Kind, VaultOf>> = {
  manifest: (body) => decode(Manifest, body).vault,
  commit: (body) => decode(Commit, body).vault,
  grant: (body) => decode(Grant, body).vault,
  'grant-keys': (body) => decode(GrantKeys, body).vault,
  revocation: (body) => decode(Revocation, body).vault,
  access: (body) => decode(Access, body).vault,
  denial: (body) => decode(Denial, body).vault,
  release: (body) => decode(Release, body).vault,
}

const requireVault = (row: StatementRow, { kind, body }: Signed, place: FaultPlace): void => {
  const own = kind === 'vault-genesis' ? row.id : VAULT_OF[kind]?.(body)
  const holds = own === undefined
    ? row.vault === 'registry'
    : row.vault !== undefined && row.vault !== 'registry' && equalBytes(row.vault, own)
  requireThat(holds, { ...place, field: 'vault' }, 'the statement stands under another vault than its own')
}

/** Its own signature; key records are checked as chains. */
const requireSigned = async (
  row: StatementRow, signed: Signed, place: FaultPlace, { keysOf, index }: LeavesOptions,
): Promise<void> => {
  const at = { ...place, field: 'statement' }
  const signer = signed.kind === 'key-record' && equalBytes(signed.signer, ZERO32) ? row.id : signed.signer
  const find = async (id: Uint8Array): Promise<PrincipalKeys> => {
    const known = (await keysOf(id)) ?? (equalBytes(id, index.id) ? index : undefined)
    requireThat(known !== undefined, at, 'whoever signed it is not registered here')
    return known
  }
  await find(signer)
  if (signed.kind === 'key-record') return
  await inPlace(at, async () => verifySigned(signed.kind, row.statement, await actingKeys(signed, find, 'listed')))
}

/** The index's own word about the place; commits have theirs in the answer to their request. */
const requirePosition = async (
  row: StatementRow, kind: Kind, place: FaultPlace, { index }: LeavesOptions,
): Promise<void> => {
  if (row.untold === true) return
  if (kind === 'commit') {
    const unsigned = row.signature.length === 0 && row.keyVersion === 0
    requireThat(unsigned, { ...place, field: 'signature' }, 'a commit has a position of its own, which nobody makes')
    return
  }
  const at = { ...place, field: 'signature' }
  await inPlace(at, () => verifySigned('position', positionStatement(index.id, row.id, row), index).catch(() => {
    requireThat(false, at, 'it does not fit time, salt, key version and sequence; one of them is another')
  }))
}

const requireStatement = async (row: StatementRow, expected: number, options: LeavesOptions): Promise<void> => {
  const place: FaultPlace = { table: 'statements', row: `sequence ${expected}`, field: 'sequence' }
  requireThat(row.sequence === expected, place, 'the statement is missing')
  const at = { ...place, field: 'statement' }
  const signed = await inPlace(at, () => decode(Signed, row.statement))
  const right = equalBytes(statementId(row.statement), row.id)
  // Which of the two is wrong: the signature tells.
  if (!right) await requireSigned({ ...row, id: statementId(row.statement) }, signed, place, options)
  requireThat(right, { ...place, field: 'id' }, 'it is not the hash of the statement')
  await requireSigned(row, signed, place, options)
  await inPlace(at, () => requireVault(row, signed, place))
  const subject = await inPlace(at, () => controlSubject(row.statement))
  const labelled = subject === undefined
    ? row.subject === undefined : row.subject !== undefined && equalBytes(row.subject, subject)
  requireThat(labelled, { ...place, field: 'subject' }, 'the label is not the statement\'s own')
  requireThat(row.salt.length === 16, { ...place, field: 'salt' }, 'a salt has 16 octets')
  await requirePosition(row, signed.kind, place, options)
}

const WIDTH = LOG_LIMITS.tileWidth

/** Roots by the sizes at which some note claims one. */
interface Wanted {
  readonly size: number
  readonly root: (root: Uint8Array) => void | Promise<void>
}

/** Builds the tree anew and holds every tile against it as soon as it is full. */
class TreeCheck {
  readonly #source: AuditSource
  readonly #range = new CompactRange()
  /** Hashes of the tile under way at each level. */
  readonly #open: Uint8Array[][] = []
  readonly #size: number
  /** Tiles that there must be, full ones. */
  tiles = 0
  /** A leaf that is not the one in its tile. */
  suspect: { readonly tile: number; readonly leaf: number } | undefined

  constructor(source: AuditSource, size: number) {
    this.#source = source
    this.#size = size
  }

  get size(): number {
    return this.#range.size
  }

  root(): Uint8Array {
    return this.#range.root()
  }

  async append(leaf: Uint8Array): Promise<void> {
    const full: { readonly level: number; readonly tile: number; readonly hashes: Uint8Array[] }[] = []
    this.#range.append(leaf, ({ level, index }, hash) => {
      if (level % LOG_LIMITS.tileHeight !== 0) return
      const hashes = this.#add(level / LOG_LIMITS.tileHeight, hash)
      if (hashes !== undefined) {
        full.push({ level: level / LOG_LIMITS.tileHeight, tile: Math.floor(index / WIDTH), hashes })
      }
    })
    for (const { level, tile, hashes } of full) {
      // Tiles are made when a checkpoint is published; those of leaves after it are still to come.
      if (tileWidthIn({ level, index: tile }, this.#size) < WIDTH) continue
      this.tiles++
      await this.#compare(level, tile, hashes)
    }
  }

  /** The hashes of the tile that is full with this one. */
  #add(level: number, hash: Uint8Array): Uint8Array[] | undefined {
    const open = this.#open[level] ??= []
    open.push(hash)
    if (open.length < WIDTH) return undefined
    this.#open[level] = []
    return open
  }

  async #compare(level: number, tile: number, expected: readonly Uint8Array[]): Promise<void> {
    const place: FaultPlace = { table: 'tiles', row: `level ${level}, number ${tile}`, field: 'bytes' }
    const stored = await this.#source.tile(level, tile)
    requireThat(stored?.length === WIDTH * 32, place, 'the tile is missing, or has another length')
    const wrong = expected.findIndex((hash, i) => !equalBytes(hash, stored.subarray(i * 32, i * 32 + 32)))
    if (wrong < 0) return
    if (level === 0) this.suspect = { tile, leaf: tile * WIDTH + wrong }
    else requireThat(false, place, `hash ${wrong} is not that of the leaves below it`)
  }
}

/** Stored tiles, and what there is of those that are not full, made from what stands below them. */
const tilesOf = (source: AuditSource): ReadTile => async ({ level, index, width }) => {
  const stored = width === WIDTH && level !== 'entries' ? await source.tile(level, index) : undefined
  if (stored !== undefined) return stored
  const nodes: Uint8Array[] = []
  for (let place = index * WIDTH; nodes.length < width; place++) nodes.push(await nodeAt(source, level, place))
  return Buffer.concat(nodes)
}

const nodeAt = async (source: AuditSource, level: Tile['level'], place: number): Promise<Uint8Array> => {
  if (level !== 0) return fullTileRoot((await source.tile(Number(level) - 1, place)) ?? new Uint8Array(WIDTH * 32))
  const row = await source.statement(place + 1)
  if (row !== undefined) return leafOf(row)
  const bare = await source.bare(place)
  return bare === undefined ? new Uint8Array(32) : leafHash(bare)
}

const leafOf = (row: StatementRow): Uint8Array =>
  leafHash(logEntry({ salt: row.salt, statement: row.id, subject: row.subject }))

/** A tile that the checkpoint vouches for is as it was published: then it is the statement that changed. */
const accuse = async (source: AuditSource, { tile, leaf }: { tile: number; leaf: number }): Promise<never> => {
  const checkpoint = await source.checkpoint()
  const published = checkpoint !== undefined && await new TileReader(checkpoint, tilesOf(source)).leaves(tile).then(
    () => true,
    (error: unknown) => {
      if (error instanceof LogError) return false
      throw error
    },
  )
  throw published
    ? new AuditFault({ table: 'statements', row: `sequence ${leaf + 1}`, field: 'salt' },
      'the leaf is another than the one that was published')
    : new AuditFault({ table: 'tiles', row: `level 0, number ${tile}`, field: 'bytes' },
      `hash ${leaf % WIDTH} is not that of its leaf`)
}

const wantedOf = async (source: AuditSource, index: PrincipalKeys): Promise<Wanted[]> => {
  const one = (table: string, row: string, claim: { size: number; root?: Uint8Array; note: Uint8Array }): Wanted => {
    const place = (field: string): FaultPlace => ({ table, row, field })
    return {
      size: claim.size,
      root: async (root) => {
        const policy = logPolicy({ index, trustees: [], quorum: 0 })
        const note = await inPlace(place('note'), () => verifyCheckpoint(claim.note, policy, verifyEd25519))
        requireThat(note.size === claim.size, place('size'), 'it is not the size in the note')
        const known = claim.root === undefined || equalBytes(claim.root, note.root)
        requireThat(known, place('root'), 'it is not the root in the note')
        requireThat(equalBytes(note.root, root), place('note'), 'the root is not that of the leaves')
      },
    }
  }
  const checkpoint = await source.checkpoint()
  const wanted = checkpoint === undefined ? [] : [one('checkpoint', 'the newest', checkpoint)]
  for await (const note of source.cosigned()) wanted.push(one('cosigned', note.kind, note))
  return wanted.toSorted((a, b) => a.size - b.size)
}

/** What was given up, trustees signed; whether all three did is for those to check who know which they are. */
const requireAgreed = async (source: AuditSource): Promise<void> => {
  const named = new Set<number>()
  for (const sequence of await source.losses()) {
    const at = { table: 'losses', row: `sequence ${sequence}`, field: 'sequence' }
    const row = await source.statement(sequence)
    requireThat(row !== undefined, at, 'the statement is missing')
    const { kind, body } = decode(Signed, row.statement)
    requireThat(kind === 'successor', at, 'the statement is another')
    for (const leaf of decode(Successor, body).missing) named.add(leaf)
  }
  for (const leaf of await source.givenUp()) {
    requireThat(named.has(leaf), { table: 'given_up', row: `leaf ${leaf}`, field: 'leaf' }, 'nobody agreed to that')
  }
}

export type NoticeCounts = Record<NoticeAbout | 'sign-out' | 'software', number>

const countNotice = (counts: NoticeCounts, statement: Uint8Array): void => {
  const { kind, body } = decode(Signed, statement)
  if (kind === 'notice') counts[decode(Notice, body).about]++
  if (kind === 'sign-out' || kind === 'software') counts[kind]++
}

/** Answers how many statements there are, notices among them, and how many more leaves wait for theirs. */
export const checkLeaves = async (
  options: LeavesOptions,
): Promise<{ statements: number; lost: number; notices: NoticeCounts }> => {
  const { source, index, progress } = options
  const published = (await source.checkpoint())?.size ?? 0
  const tree = new TreeCheck(source, published)
  const wanted = await wantedOf(source, index)
  const meet = async (): Promise<void> => {
    while (wanted[0]?.size === tree.size) await wanted.shift()?.root(tree.root())
  }
  await meet()
  let [statements, lost] = [0, 0]
  const notices = {
    order: 0, binding: 0, link: 0, recovery: 0, objection: 0, withdrawal: 0, 'sign-out': 0, software: 0,
  }
  /** Leaves that were given up. */
  const pass = async (to: number): Promise<void> => {
    while (tree.size < to) {
      const entry = await source.bare(tree.size)
      if (entry === undefined) return
      await tree.append(leafHash(entry))
      await meet()
    }
  }
  for await (const row of source.statements()) {
    if (row.sequence > tree.size + 1) await pass(row.sequence - 1)
    await requireStatement(row, tree.size + 1, options)
    await tree.append(leafOf(row))
    statements++
    countNotice(notices, row.statement)
    if (tree.suspect !== undefined) await accuse(source, tree.suspect)
    await meet()
    progress(tree.size)
  }
  for await (const { leaf, entry } of source.lost()) {
    const place: FaultPlace = { table: 'lost_leaves', row: `leaf ${leaf}`, field: 'leaf' }
    await pass(leaf)
    requireThat(leaf === tree.size, place, 'it does not follow the leaf before it')
    await inPlace({ ...place, field: 'entry' }, () => decode(LogEntry, entry))
    await tree.append(leafHash(entry))
    lost++
    await meet()
  }
  await pass(Number.MAX_SAFE_INTEGER)
  await requireAgreed(source)
  const none = { table: 'checkpoint', row: 'the newest', field: 'size' }
  requireThat(wanted.length === 0, none, 'a checkpoint covers more leaves than there are')
  let stored = 0
  for await (const _ of source.tiles()) stored++
  requireThat(stored === tree.tiles, { table: 'tiles', row: '-', field: 'number' }, 'there are tiles of nothing')
  return { statements, lost, notices }
}
