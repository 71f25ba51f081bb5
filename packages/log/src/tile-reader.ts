/** Reading a tree from tiles that somebody else serves: nothing of them is believed before it leads to the root. */
import { equalBytes } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import type { ReadNodes, Tree } from './proofs.ts'
import { fullTileRoot, parseBundle, type Tile, tileHashes, tileOf, tilePath, tileWidthIn, nodeInTile } from './tiles.ts'
import { foldNodes, leafHash, perfectNodes, type TreeNode } from './tree.ts'

/** Bytes of a tile or bundle. */
export type ReadTile = (tile: Tile) => Promise<Uint8Array>

/** Nodes from tiles that are trusted: an index's own. Each tile is read once a call. */
export const nodesFromTiles = (size: number, read: ReadTile): ReadNodes => async (nodes) => {
  const tiles = new Map(nodes.map((node) => {
    const tile = tileOf(node, size)
    return [tilePath(tile), tile] as const
  }))
  const bytes = new Map(await Promise.all([...tiles].map(async ([path, tile]) => [path, await read(tile)] as const)))
  return nodes.map((node) => nodeInTile(node, bytes.get(tilePath(tileOf(node, size))) as Uint8Array))
}

const { tileHeight: HEIGHT, tileWidth: WIDTH } = LOG_LIMITS

/**
 * Reads one tree's tiles and authenticates each against the root, from the top down. What was authenticated is kept
 * (8 kB a tile). Throws `tile-malformed`, `tile-mismatch`.
 */
export class TileReader {
  readonly tree: Tree
  readonly #read: ReadTile
  readonly #known = new Map<string, Promise<Uint8Array>>()
  #top: Promise<void> | undefined

  constructor(tree: Tree, read: ReadTile) {
    this.tree = tree
    this.#read = read
  }

  /** Nodes of the tree, every one authenticated. */
  readonly nodes: ReadNodes = async (nodes) => {
    const hashes: Uint8Array[] = []
    for (const node of nodes) hashes.push(nodeInTile(node, await this.#tile(tileOf(node, this.tree.size))))
    return hashes
  }

  /** Hashes of the leaves of one tile, authenticated. `index`: which 256. */
  async leaves(index: number): Promise<Uint8Array[]> {
    const tile: Tile = { level: 0, index, width: tileWidthIn({ level: 0, index }, this.tree.size) }
    return tileHashes(tile, await this.#tile(tile))
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

  async #tile(tile: Tile): Promise<Uint8Array> {
    await (this.#top ??= this.#checkTop())
    return this.#authentic(tile)
  }

  #fetch(tile: Tile): Promise<Uint8Array> {
    const path = tilePath(tile)
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const fetched = this.#read(tile).then((bytes) => {
      tileHashes(tile, bytes)
      return bytes
    })
    this.#known.set(path, fetched)
    return fetched
  }

  /** The right edge: the nodes whose hashes fold to the root. Their tiles are authentic if the fold is. */
  async #checkTop(): Promise<void> {
    const { size, root } = this.tree
    const hashes: Uint8Array[] = []
    for (const node of perfectNodes(0, size)) hashes.push(nodeInTile(node, await this.#fetch(tileOf(node, size))))
    if (!equalBytes(foldNodes(hashes), root)) {
      throw new LogError('tile-mismatch', 'the tiles at the edge of the tree do not lead to its root')
    }
  }

  async #authentic(tile: Tile): Promise<Uint8Array> {
    const bytes = await this.#fetch(tile)
    // Every hash of a partial tile is part of the edge. A full tile's root is a hash of the tile above, in every tree.
    if (tile.width < WIDTH) return bytes
    const node: TreeNode = { level: ((tile.level as number) + 1) * HEIGHT, index: tile.index }
    const above = await this.#authentic(tileOf(node, this.tree.size))
    if (!equalBytes(fullTileRoot(bytes), nodeInTile(node, above))) {
      throw new LogError('tile-mismatch', `${tilePath(tile)} is not the tile that the tree holds`)
    }
    return bytes
  }
}
