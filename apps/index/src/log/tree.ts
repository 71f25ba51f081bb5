/** The log's tree at one size: its right edge in memory, all else in full tiles that the store keeps. */
import {
  CompactRange, fullTileRoot, LOG_LIMITS, nodeInTile, perfectNodes, type TreeNode, type Tile, tileWidthIn,
} from '@scelle/log'
import { concatBytes } from '@scelle/seal/verify'
import type { StoredTile } from '../log-store.ts'

const { tileHeight: HEIGHT, tileWidth: WIDTH } = LOG_LIMITS

/** From where a tree is read again: its full tiles, and hashes of leaves that fill none yet. */
export interface TreeSource {
  readonly tile: (level: number, index: number) => Promise<Uint8Array>
  readonly leafHashes: (from: number, to: number) => Promise<Uint8Array[]>
}

/** What a level has beyond its last full tile, where it has anything. */
const edgeAt = async (level: number, size: number, source: TreeSource): Promise<Uint8Array[]> => {
  const nodes = Math.floor(size / WIDTH ** level)
  const first = nodes - (nodes % WIDTH)
  if (level === 0) return source.leafHashes(first, nodes)
  const hashes: Uint8Array[] = []
  for (let index = first; index < nodes; index++) hashes.push(fullTileRoot(await source.tile(level - 1, index)))
  return hashes
}

/** Never changes: appending makes another one, so that whoever reads an older tree is not disturbed. */
export class Tree {
  static readonly empty = new Tree(new CompactRange(), [])

  readonly root: Uint8Array
  readonly #range: CompactRange
  /** By level: the hashes of its rightmost tile while that is not full. */
  readonly #edge: readonly (readonly Uint8Array[])[]

  private constructor(range: CompactRange, edge: readonly (readonly Uint8Array[])[]) {
    this.#range = range
    this.#edge = edge
    this.root = range.root()
  }

  get size(): number {
    return this.#range.size
  }

  /** Reads at most 255 tiles a level, so that it takes the same time at any size. */
  static async load(size: number, source: TreeSource): Promise<Tree> {
    const edge: Uint8Array[][] = []
    for (let level = 0; WIDTH ** level <= size; level++) edge.push(await edgeAt(level, size, source))
    const partial = edge.map((hashes) => concatBytes(...hashes))
    const hashOf = (node: TreeNode): Uint8Array =>
      nodeInTile(node, partial[Math.floor(node.level / HEIGHT)] as Uint8Array)
    return new Tree(CompactRange.from(size, perfectNodes(0, size).map(hashOf)), edge)
  }

  /** The tree with these leaves appended, and the tiles that they filled. */
  extended(leafHashes: readonly Uint8Array[]): { readonly tree: Tree; readonly tiles: StoredTile[] } {
    const range = CompactRange.from(this.size, this.#range.hashes)
    const edge = this.#edge.map((hashes) => [...hashes])
    const tiles: StoredTile[] = []
    const made = ({ level, index }: TreeNode, hash: Uint8Array): void => {
      if (level % HEIGHT !== 0) return
      const hashes = (edge[level / HEIGHT] ??= [])
      hashes.push(hash)
      if (hashes.length < WIDTH) return
      tiles.push({ level: level / HEIGHT, index: Math.floor(index / WIDTH), bytes: concatBytes(...hashes) })
      edge[level / HEIGHT] = []
    }
    for (const hash of leafHashes) range.append(hash, made)
    return { tree: new Tree(range, edge), tiles }
  }

  /** The tile while it is the rightmost of its level and not full; undefined for every other. */
  partial({ level, index }: Pick<Tile, 'level' | 'index'>): Uint8Array | undefined {
    const width = tileWidthIn({ level, index }, this.size)
    if (level === 'entries' || width === 0 || width === WIDTH) return undefined
    return concatBytes(...(this.#edge[level] as readonly Uint8Array[]))
  }
}
