/** Reading a tree from tiles that somebody else serves: nothing of them is believed before it leads to the root. */
import { equalBytes } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import type { ReadNodes, Tree } from './proofs.ts'
import { fullTileRoot, nodeInTile, parseBundle, type Tile, tileHashes, tileOf, tilePath, tileWidthIn } from './tiles.ts'
import { foldNodes, leafHash, perfectNodes, requireSize, type TreeNode } from './tree.ts'

/** Bytes of a tile or bundle. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/** Nodes from tiles that are trusted: an index's own. Each tile is read once a call. */
export const nodesFromTiles = (size: number, read: ReadTile): ReadNodes => async (nodes) => {
  const bytes = new Map<string, Promise<Uint8Array>>()
  return Promise.all(nodes.map(async (node) => {
    const tile = tileOf(node, size)
    const path = tilePath(tile)
    const found = bytes.get(path) ?? read(tile)
    bytes.set(path, found)
    return nodeInTile(node, await found)
  }))
}

const { tileHeight: HEIGHT, tileWidth: WIDTH, recentTiles: RECENT } = LOG_LIMITS

/**
 * Reads one tree's tiles and authenticates each against the root, from the top down. What was authenticated is kept,
 * of the leaves' level only what was read last; what failed is not, so that it can be asked for again. Throws
 * `tile-malformed`, `tile-mismatch`.
 */
export class TileReader {
  readonly tree: Tree
  readonly #read: ReadTile
  readonly #known = new Map<string, Promise<Uint8Array>>()
  readonly #recent = new Map<string, Promise<Uint8Array>>()
  #edge: Promise<ReadonlyMap<string, Uint8Array>> | undefined

  constructor(tree: Tree, read: ReadTile) {
    requireSize(tree.size)
    this.tree = tree
    this.#read = read
  }

  /** Nodes of the tree, every one authenticated. */
  readonly nodes: ReadNodes = async (nodes) =>
    Promise.all(nodes.map(async (node) => nodeInTile(node, await this.#authentic(tileOf(node, this.tree.size)))))

  /** Hashes of the leaves of one tile, authenticated. `index`: which 256. Throws `size-invalid` beyond the tree. */
  async leaves(index: number): Promise<Uint8Array[]> {
    requireSize(index)
    const tile: Tile = { level: 0, index, width: tileWidthIn({ level: 0, index }, this.tree.size) }
    if (tile.width === 0) throw new LogError('size-invalid', 'the tree has no such tile')
    return tileHashes(tile, await this.#authentic(tile))
  }

  /** Entries of one bundle, each checked against the tree. Throws `entry-mismatch`. */
  async entries(index: number): Promise<Uint8Array[]> {
    const hashes = await this.leaves(index)
    const tile: Tile = { level: 'entries', index, width: hashes.length }
    const entries = parseBundle(await this.#read(tile), hashes.length)
    for (const [i, entry] of entries.entries()) {
      if (!equalBytes(leafHash(entry), hashes[i] as Uint8Array)) {
        throw new LogError('entry-mismatch', `entry ${index * WIDTH + i} is not the one that the tree holds`)
      }
    }
    return entries
  }

  #authentic(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile)
    const kept = tile.level === 0 ? this.#recent : this.#known
    const known = kept.get(path)
    if (known !== undefined) return known
    const found = this.#check(tile).catch((error: unknown) => {
      kept.delete(path)
      throw error
    })
    kept.set(path, found)
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= RECENT) break
      this.#recent.delete(oldest)
    }
    return found
  }

  async #check(tile: Tile): Promise<Uint8Array> {
    // Every partial tile is at the edge: its hashes are folded into the root with no tile above.
    if (tile.width < WIDTH) {
      this.#edge ??= this.#readEdge().catch((error: unknown) => {
        this.#edge = undefined
        throw error
      })
      return (await this.#edge).get(tilePath(tile)) as Uint8Array
    }
    // A full tile's root is a hash of the tile above, in every tree.
    const node: TreeNode = { level: ((tile.level as number) + 1) * HEIGHT, index: tile.index }
    const above = await this.#authentic(tileOf(node, this.tree.size))
    const bytes = await this.#fetch(tile)
    if (!equalBytes(fullTileRoot(bytes), nodeInTile(node, above))) {
      throw new LogError('tile-mismatch', `${tilePath(tile)} is not the tile that the tree holds`)
    }
    return bytes
  }

  /** A copy of the bytes: what was checked must not change in the hands of whoever served it. */
  async #fetch(tile: Tile): Promise<Uint8Array> {
    const bytes = new Uint8Array(await this.#read(tile))
    tileHashes(tile, bytes)
    return bytes
  }

  /** The tiles of the right edge, whose nodes fold to the root: they are authentic if the fold is. */
  async #readEdge(): Promise<ReadonlyMap<string, Uint8Array>> {
    const { size, root } = this.tree
    const nodes = perfectNodes(0, size)
    const tiles = new Map(nodes.map((node) => tileOf(node, size)).map((tile) => [tilePath(tile), tile] as const))
    const read = async (path: string, tile: Tile): Promise<[string, Uint8Array]> => [path, await this.#fetch(tile)]
    const edge = new Map(await Promise.all(Array.from(tiles, ([path, tile]) => read(path, tile))))
    const hashes = nodes.map((node) => nodeInTile(node, edge.get(tilePath(tileOf(node, size))) as Uint8Array))
    if (!equalBytes(foldNodes(hashes), root)) {
      throw new LogError('tile-mismatch', 'the tiles at the edge of the tree do not lead to its root')
    }
    return edge
  }
}
