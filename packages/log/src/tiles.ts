/** Tiles, c2sp.org/tlog-tiles: how nodes of the tree and entries are cut into files. */
import { decimal, joinBytes } from './bytes.ts'
import { LogError } from './errors.ts'
import { LOG_LIMITS } from './limits.ts'
import { nodeHash, requireSize, rootOfLeaves, type TreeNode } from './tree.ts'

const { tileHeight: HEIGHT, tileWidth: WIDTH } = LOG_LIMITS

/** A tile of hashes, or a bundle of entries. `width` is below 256 in the rightmost one of its level only. */
export interface Tile {
  readonly level: number | 'entries'
  readonly index: number
  readonly width: number
}

/** Its address below the log's prefix: `tile/0/x001/234.p/5`. Throws `size-invalid`: an empty tile has no address. */
export const tilePath = ({ level, index, width }: Tile): string => {
  requireSize(index)
  if (!(width >= 1 && width <= WIDTH)) throw new LogError('size-invalid', 'a tile holds between 1 and 256 hashes')
  let rest = index
  let path = String(rest % 1000).padStart(3, '0')
  for (rest = Math.floor(rest / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`
  }
  return `tile/${level}/${path}${width === WIDTH ? '' : `.p/${width}`}`
}

/** Reads {@link tilePath}'s form and no other. Throws `tile-malformed`. */
export const parseTilePath = (path: string): Tile => {
  const [, level = '', digits = '', width] =
    /^tile\/(entries|0|[1-9]|[1-5]\d|6[0-3])\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? []
  // Of a full tile too, only one address: a cache or a mirror must not hold two things under two names.
  const malformed = (): LogError => new LogError('tile-malformed', 'this is not the address of a tile')
  if (level === '' || Number(width ?? 1) >= WIDTH) throw malformed()
  const tile: Tile = {
    level: level === 'entries' ? 'entries' : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, '')),
    width: width === undefined ? WIDTH : decimal(width, 'tile-malformed'),
  }
  if (tilePath(tile) !== path) throw malformed()
  return tile
}

/** How wide the tile is in a tree of that size; 0 where the tree does not reach it. */
export const tileWidthIn = (tile: Pick<Tile, 'level' | 'index'>, size: number): number => {
  const level = tile.level === 'entries' ? 0 : tile.level
  const nodes = Math.floor(size / 2 ** (HEIGHT * level))
  return Math.max(0, Math.min(WIDTH, nodes - tile.index * WIDTH))
}

/** The tile that holds a node's hash, or the hashes below it, in a tree of that size. Throws `size-invalid`. */
export const tileOf = ({ level, index }: TreeNode, size: number): Tile => {
  requireSize(size)
  const tileLevel = Math.floor(level / HEIGHT)
  const first = index * 2 ** (level - tileLevel * HEIGHT)
  const tile = { level: tileLevel, index: Math.floor(first / WIDTH) }
  const width = tileWidthIn(tile, size)
  if (first - tile.index * WIDTH + 2 ** (level - tileLevel * HEIGHT) > width) {
    throw new LogError('size-invalid', 'the tree has no such node')
  }
  return { ...tile, width }
}

/** Hashes of a tile. Throws `tile-malformed` where it has not the length of its width. */
export const tileHashes = (tile: Pick<Tile, 'width'>, bytes: Uint8Array): Uint8Array[] => {
  if (bytes.length !== tile.width * 32) throw new LogError('tile-malformed', 'a tile has another length than its width')
  return Array.from({ length: tile.width }, (_, i) => bytes.subarray(i * 32, i * 32 + 32))
}

/**
 * A node's hash out of its tile, whose bytes are those of a tile at least as wide as {@link tileOf} says. Throws
 * `tile-malformed` where they are not.
 */
export const nodeInTile = ({ level, index }: TreeNode, tile: Uint8Array): Uint8Array => {
  const height = level % HEIGHT
  const first = (index * 2 ** height) % WIDTH
  if (tile.length < (first + 2 ** height) * 32) throw new LogError('tile-malformed', 'a tile is too short')
  const hashAt = (place: number): Uint8Array => tile.subarray(place * 32, place * 32 + 32)
  if (height === 0) return hashAt(first)
  let row = Array.from({ length: 2 ** height }, (_, i) => hashAt(first + i))
  while (row.length > 1) {
    const below = row
    row = Array.from({ length: below.length / 2 }, (_, i) =>
      nodeHash(below[2 * i] as Uint8Array, below[2 * i + 1] as Uint8Array))
  }
  return row[0] as Uint8Array
}

/** Hash of the perfect subtree over a full tile's 256 hashes: what stands for it one level above. */
export const fullTileRoot = (bytes: Uint8Array): Uint8Array =>
  rootOfLeaves(tileHashes({ width: WIDTH }, bytes))

/** Entries of a bundle, each behind its length in two bytes. Throws `tile-malformed`. */
export const formatBundle = (entries: readonly Uint8Array[]): Uint8Array =>
  joinBytes(...entries.flatMap((entry) => {
    if (entry.length > LOG_LIMITS.entry) throw new LogError('tile-malformed', 'an entry is too long')
    return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]
  }))

/** Throws `tile-malformed` unless the bytes are exactly that many entries. */
export const parseBundle = (bytes: Uint8Array, count: number): Uint8Array[] => {
  const entries: Uint8Array[] = []
  let at = 0
  while (at + 2 <= bytes.length && entries.length < count) {
    const end = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number))
    if (end > bytes.length) break
    entries.push(bytes.slice(at + 2, end))
    at = end
  }
  if (entries.length !== count || at !== bytes.length) {
    throw new LogError('tile-malformed', 'a bundle does not hold the entries that it should')
  }
  return entries
}

/** Every tile of hashes that a tree of size `to` has and one of size `from` had not, or had narrower. */
export const newTiles = (from: number, to: number): Tile[] => {
  requireSize(from)
  requireSize(to)
  const tiles: Tile[] = []
  for (let level = 0, step = 1; step <= to; level++, step *= WIDTH) {
    const last = Math.ceil(Math.floor(to / step) / WIDTH)
    for (let index = Math.floor(Math.floor(from / step) / WIDTH); index < last; index++) {
      const width = tileWidthIn({ level, index }, to)
      if (width > tileWidthIn({ level, index }, from)) tiles.push({ level, index, width })
    }
  }
  return tiles
}
