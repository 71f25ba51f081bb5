/** The newest published tree, and everything that is read out of it: tiles, entries, proofs. */
import {
  consistencyProof, formatBundle, formatProof, inclusionProof, leafHash, LOG_LIMITS, nodesFromTiles, type ReadNodes,
  type Tile, tileWidthIn, treeRoot,
} from '@scelle/log'
import { equalBytes } from '@scelle/seal/verify'
import { Cache } from '../cache.ts'
import { INDEX_LIMITS } from '../limits.ts'
import type { LogStore, StoredCheckpoint, StoredTile } from '../log-store.ts'
import { LogUnusable } from './errors.ts'
import { RecentLeaves } from './recent.ts'
import { Tree } from './tree.ts'

const { tileWidth: WIDTH } = LOG_LIMITS

export class PublishedLog {
  readonly recent: RecentLeaves
  readonly #store: LogStore
  readonly #tiles = new Cache<Uint8Array>(INDEX_LIMITS.cachedTiles)
  #tree = Tree.empty
  #checkpoint: StoredCheckpoint | undefined

  constructor(store: LogStore) {
    this.#store = store
    this.recent = new RecentLeaves(store)
  }

  get tree(): Tree {
    return this.#tree
  }

  get checkpoint(): StoredCheckpoint | undefined {
    return this.#checkpoint
  }

  /** Goes on from a checkpoint that was stored with this tree. */
  advance(tree: Tree, checkpoint: StoredCheckpoint): void {
    this.#tree = tree
    this.#checkpoint = checkpoint
  }

  /**
   * Reads the stored checkpoint and derives its root anew. A restored or damaged database would have the log sign a
   * second history, so nothing is signed before leaves, tiles and checkpoint agree. Throws LogUnusable `disagrees`.
   */
  async load(): Promise<void> {
    const checkpoint = await this.#store.checkpoint()
    if (checkpoint === undefined) return this.#reset()
    const { size, root } = checkpoint
    if (this.#checkpoint?.size === size && equalBytes(this.#checkpoint.root, root)) return
    if ((await this.#store.size()) < size) throw new LogUnusable('disagrees')
    const tree = await this.#treeOf(size)
    if (!equalBytes(tree.root, root)) throw new LogUnusable('disagrees')
    await this.#checkLeaves(size)
    this.advance(tree, checkpoint)
  }

  /**
   * Goes on to a checkpoint that another process stored. Throws LogUnusable: `taken-back` where what was known here is
   * not stored any more, `disagrees` where the leaves are not those of the checkpoint.
   */
  async follow(checkpoint: StoredCheckpoint | undefined): Promise<void> {
    const { size: known, root } = this.#tree
    if ((checkpoint?.size ?? 0) < known) throw new LogUnusable('taken-back')
    if (checkpoint === undefined) return
    if (checkpoint.size === known) {
      if (!equalBytes(root, checkpoint.root)) throw new LogUnusable('taken-back')
      return
    }
    const { tree } = await this.grow(checkpoint.size, this.recent.take)
    if (!equalBytes(tree.root, checkpoint.root)) throw new LogUnusable('disagrees')
    this.advance(tree, checkpoint)
  }

  #reset(): void {
    this.#tree = Tree.empty
    this.#checkpoint = undefined
  }

  async #treeOf(size: number): Promise<Tree> {
    try {
      return await Tree.load(size, {
        tile: (level, index) => this.#fullTile(level, index),
        leafHashes: async (from, to) => (await this.#store.leaves(from, to)).map(({ entry }) => leafHash(entry)),
      })
    } catch (cause) {
      throw new LogUnusable('disagrees', { cause })
    }
  }

  /** Two histories that part anywhere differ in their last leaves too: every salt is drawn anew. */
  async #checkLeaves(size: number): Promise<void> {
    const end = size - (size % WIDTH)
    const from = Math.max(0, end - INDEX_LIMITS.leavesChecked)
    const leaves = await this.#store.leaves(from, end)
    for (const [i, { entry }] of leaves.entries()) {
      const at = from + i
      const tile = await this.#fullTile(0, Math.floor(at / WIDTH))
      const place = (at % WIDTH) * 32
      if (!equalBytes(leafHash(entry), tile.subarray(place, place + 32))) throw new LogUnusable('disagrees')
    }
    if (leaves.length !== end - from) throw new LogUnusable('disagrees')
  }

  async #fullTile(level: number, index: number): Promise<Uint8Array> {
    const name = `${level}/${index}`
    const known = this.#tiles.get(name)
    if (known !== undefined) return known
    const bytes = await this.#store.tile(level, index)
    if (bytes?.length !== WIDTH * 32) throw new Error('the index has not all tiles of its log')
    this.#tiles.set(name, bytes)
    return bytes
  }

  async #tileIn(tree: Tree, tile: Tile): Promise<Uint8Array> {
    return tree.partial(tile) ?? (await this.#fullTile(tile.level as number, tile.index))
  }

  /** Nodes of the newest tree; those of every older one are among them. */
  #nodes(): ReadNodes {
    const tree = this.#tree
    return nodesFromTiles(tree.size, (tile) => this.#tileIn(tree, tile))
  }

  /** A tile or bundle as wide as asked for; undefined where the published tree has it not, or not so wide. */
  async tile(tile: Tile): Promise<Uint8Array | undefined> {
    const tree = this.#tree
    if (tileWidthIn(tile, tree.size) < tile.width) return undefined
    const first = tile.index * WIDTH
    if (tile.level !== 'entries') return (await this.#tileIn(tree, tile)).subarray(0, tile.width * 32)
    return formatBundle((await this.recent.read(first, first + tile.width)).map(({ entry }) => entry))
  }

  /** The tree with all leaves up to `size`, at least the published one's, and the tiles that those fill. */
  async grow(size: number, read = this.recent.read): Promise<{ tree: Tree; tiles: StoredTile[] }> {
    let tree = this.#tree
    const tiles: StoredTile[] = []
    while (tree.size < size) {
      const to = Math.min(size, tree.size + INDEX_LIMITS.leavesAtOnce)
      const next = tree.extended((await read(tree.size, to)).map(({ entry }) => leafHash(entry)))
      tree = next.tree
      tiles.push(...next.tiles)
    }
    return { tree, tiles }
  }

  /** The root of the first `size` leaves, all of which are stored. */
  async rootAt(size: number): Promise<Uint8Array> {
    return size <= this.#tree.size ? treeRoot(size, this.#nodes()) : (await this.grow(size)).tree.root
  }

  consistency(from: number, to: number): Promise<Uint8Array[]> {
    return consistencyProof(from, to, this.#nodes())
  }

  /** The tlog-proof of a leaf under a checkpoint of that size. */
  async proof(leaf: number, under: { size: number; note: Uint8Array }, extra?: Uint8Array): Promise<Uint8Array> {
    const hashes = await inclusionProof(leaf, under.size, this.#nodes())
    return formatProof({ index: leaf, hashes, checkpoint: under.note, extra })
  }
}
