/** The log's leaves as this trustee has them, and the tree over them: what it cosigns, it has computed itself. */
import {
  CompactRange, leafHash, nodeInTile, nodesFromTiles, perfectNodes, type ReadNodes, type Tile, tileOf, treeRoot,
  LOG_LIMITS,
} from '@scelle/log'
import type { MirrorLeaf, MirrorStore, MirrorTile } from './mirror-store.ts'

const { tileWidth: WIDTH, tileHeight: HEIGHT } = LOG_LIMITS
const HASH = 32

/** Leaves that follow the mirror's last one, and what they change, before any of it is stored. */
export interface Prepared {
  readonly from: number
  readonly leaves: readonly MirrorLeaf[]
  /** Size with them. */
  readonly size: number
  readonly edge: CompactRange
  readonly tiles: ReadonlyMap<string, MirrorTile>
}

interface Growing {
  readonly bytes: Uint8Array
  width: number
}

const nameOf = (level: number, index: number): string => `${level}/${index}`

export class Mirror {
  readonly #store: MirrorStore
  #edge: CompactRange

  constructor(store: MirrorStore) {
    this.#store = store
    this.#edge = this.#readEdge()
  }

  get size(): number {
    return this.#edge.size
  }

  #readEdge(): CompactRange {
    const { size } = this.#store
    return CompactRange.from(size, perfectNodes(0, size).map((node) => {
      const { level, index } = tileOf(node, size)
      return nodeInTile(node, this.#stored(level as number, index))
    }))
  }

  #stored(level: number, index: number): Uint8Array {
    return this.#store.tile(level, index) ?? new Uint8Array(0)
  }

  /** Computes what the leaves change. Stores nothing. */
  prepare(leaves: readonly MirrorLeaf[]): Prepared {
    const edge = CompactRange.from(this.#edge.size, this.#edge.hashes)
    const growing = new Map<string, Growing & { level: number; index: number }>()
    const grow = (level: number, place: number, hash: Uint8Array): void => {
      const index = Math.floor(place / WIDTH)
      const name = nameOf(level, index)
      let tile = growing.get(name)
      if (tile === undefined) {
        tile = { level, index, bytes: new Uint8Array(WIDTH * HASH), width: 0 }
        tile.bytes.set(this.#stored(level, index))
        growing.set(name, tile)
      }
      tile.bytes.set(hash, (place % WIDTH) * HASH)
      tile.width = (place % WIDTH) + 1
    }
    for (const { entry } of leaves) {
      edge.append(leafHash(entry), (node, hash) => {
        if (node.level % HEIGHT === 0) grow(node.level / HEIGHT, node.index, hash)
      })
    }
    const tiles = new Map([...growing].map(([name, { level, index, bytes, width }]) =>
      [name, { level, index, bytes: bytes.subarray(0, width * HASH) }] as const))
    return { from: this.#edge.size, leaves, size: edge.size, edge, tiles }
  }

  /** Stores them, with what `also` stores, all or nothing. */
  keep(prepared: Prepared, also: () => void = () => undefined): void {
    this.#store.transaction(() => {
      this.#store.append(prepared.from, prepared.leaves, prepared.tiles.values())
      also()
    })
    this.#edge = prepared.edge
  }

  /** Forgets the leaves from `size` on: a signed checkpoint says that they are not the log's. */
  truncate(size: number): void {
    this.#store.truncate(size)
    this.#edge = this.#readEdge()
  }

  /** Nodes of the tree of that size, which is at most the mirror's, or that with `prepared`. */
  nodes(size: number, prepared?: Prepared): ReadNodes {
    return nodesFromTiles(size, async ({ level, index }) =>
      prepared?.tiles.get(nameOf(level as number, index))?.bytes ?? this.#stored(level as number, index))
  }

  rootAt(size: number, prepared?: Prepared): Promise<Uint8Array> {
    return treeRoot(size, this.nodes(size, prepared))
  }

  /** Bytes of a tile or bundle that lies within the mirror. */
  read({ level, index, width }: Tile): Uint8Array[] | Uint8Array {
    return level === 'entries'
      ? this.#store.entries(index * WIDTH, index * WIDTH + width)
      : this.#stored(level, index).subarray(0, width * HASH)
  }
}
