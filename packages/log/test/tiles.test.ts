/** Tiles and bundles, and reading them from somebody who may lie. */
import {
  formatBundle, inclusionProof, leafHash, LogError, newTiles, nodesFromTiles, parseBundle, parseTilePath, type ReadTile,
  type Tile, TileReader, tileOf, tilePath, tileWidthIn, treeRoot, verifyInclusion,
} from '@scelle/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, mangled } from './keys.ts'
import { NaiveTree } from './naive.ts'

const LARGEST = 66_600
const whole = NaiveTree.of(LARGEST)

const size = fc.oneof(
  fc.integer({ min: 1, max: 1_000 }),
  fc.tuple(fc.integer({ min: 1, max: 259 }), fc.integer({ min: -1, max: 1 })).map(([n, d]) => n * 256 + d),
  fc.integer({ min: 65_530, max: 65_800 }),
)

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  return 'accepted'
}

describe('addresses', () => {
  test('are those of the standard’s examples', () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067')
    expect(tilePath({ level: 'entries', index: 5, width: 112 })).toBe('tile/entries/005.p/112')
  })

  test('are read back, and in no other form', () => {
    fc.assert(fc.property(
      fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 })),
      fc.oneof(fc.integer({ min: 0, max: 2_000_000 }), fc.integer({ min: 0, max: 999_999_999_999_999 })),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width })
      },
    ))
    for (const path of [
      '', 'tile', 'tile/0/0', 'tile/0/00', 'tile/0/0000', 'tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/+1/000',
      'tile/0/x000/001', 'tile/0/001/002', 'tile/0/x001', 'tile/0/001/', '/tile/0/001', 'tile/0/001?', 'tile/0/001\n',
      'tile/0/001.p/0', 'tile/0/001.p/01', 'tile/0/001.p/256', 'tile/0/001.p/257', 'tile/0/001.p/999', 'tile/0/001.p',
      'tile/0/001.p/', 'tile/0/001.p/5/6', 'tile/0/X001/002', 'tile/data/001', 'tile/0/x001/x002/x003/x004/x005/006',
      'tile/0/٠٠١', 'tile//001',
    ]) expect(code(() => parseTilePath(path)), path).toBe('tile-malformed')
  })

  test('with one character changed are another tile’s, or refused', () => {
    const paths = ['tile/0/x001/x234/067', 'tile/63/000', 'tile/entries/x009/999.p/255']
    fc.assert(fc.property(fc.constantFrom(...paths), fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(),
      (path, how, at, by) => {
        const other = Buffer.from(mangled(bytesOf(path), how, at, by)).toString('latin1')
        if (code(() => parseTilePath(other)) !== 'accepted') return
        expect(tilePath(parseTilePath(other))).toBe(other)
      }))
  })

  test('of empty tiles there are none', () => {
    expect(code(() => tilePath({ level: 0, index: 0, width: 0 }))).toBe('size-invalid')
    expect(code(() => tilePath({ level: 0, index: -1, width: 1 }))).toBe('size-invalid')
    expect(code(() => tilePath({ level: 0, index: 0, width: 257 }))).toBe('size-invalid')
  })
})

describe('widths', () => {
  test('are those of the standard’s examples', () => {
    const of70000 = [[0, 272, 256], [0, 273, 112], [0, 274, 0], [1, 0, 256], [1, 1, 17], [2, 0, 1], [3, 0, 0]] as const
    for (const [level, index, width] of of70000) expect(tileWidthIn({ level, index }, 70_000)).toBe(width)
    expect([tileWidthIn({ level: 0, index: 0 }, 256), tileWidthIn({ level: 1, index: 0 }, 256)]).toEqual([256, 1])
    expect(newTiles(0, 70_000)).toHaveLength(273 + 1 + 1 + 1 + 1)
  })

  test('what is new between two sizes is what the larger has and the smaller had not', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 140_000 }), fc.integer({ min: 0, max: 2_000 }), (from, more) => {
      const to = from + more
      const expected: Tile[] = []
      for (let level = 0; 256 ** level <= to; level++) {
        for (let index = Math.floor(Math.floor(from / 256 ** level) / 256); ; index++) {
          const width = tileWidthIn({ level, index }, to)
          if (width === 0) break
          if (width > tileWidthIn({ level, index }, from)) expected.push({ level, index, width })
        }
      }
      expect(newTiles(from, to)).toEqual(expected)
    }), { numRuns: 60 })
    expect(newTiles(300, 300)).toEqual([])
  })

  test('a node has one tile, and only where the tree has it', () => {
    fc.assert(fc.property(size, fc.integer({ min: 0, max: 17 }), fc.nat(), (n, level, at) => {
      const count = Math.floor(n / 2 ** level)
      expect(code(() => tileOf({ level, index: count }, n))).toBe('size-invalid')
      if (count === 0) return
      const tile = tileOf({ level, index: at % count }, n)
      expect(tile.width).toBe(tileWidthIn(tile, n))
      expect(tile.level).toBe(Math.floor(level / 8))
    }))
  })
})

describe('bundles', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })

  test('are read back', () => {
    fc.assert(fc.property(entries, (list) => {
      expect(parseBundle(formatBundle(list), list.length)).toEqual(list)
      expect(code(() => parseBundle(formatBundle(list), list.length + 1))).toBe('tile-malformed')
      if (list.length > 0) expect(code(() => parseBundle(formatBundle(list), list.length - 1))).toBe('tile-malformed')
    }))
    const longest = new Uint8Array(65_535).fill(7)
    expect(parseBundle(formatBundle([longest]), 1)).toEqual([longest])
    expect(code(() => formatBundle([new Uint8Array(65_536)]))).toBe('tile-malformed')
  })

  test('with one byte changed hold other entries or are refused, and with one more or less are refused', () => {
    fc.assert(fc.property(entries, fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(),
      (list, how, at, by) => {
        const bytes = formatBundle([...list, Uint8Array.of(1)])
        const other = mangled(bytes, how, at, by)
        if (code(() => parseBundle(other, list.length + 1)) !== 'accepted') return
        const read = parseBundle(other, list.length + 1)
        expect(formatBundle(read)).toEqual(other)
        expect(read).not.toEqual([...list, Uint8Array.of(1)])
      }))
  })
})

describe('reading tiles', () => {
  const treeOf = (n: number, tree = whole): { size: number; root: Uint8Array } => ({ size: n, root: tree.root(n) })

  test('that are one’s own gives proofs, and each tile is read once', async () => {
    await fc.assert(fc.asyncProperty(size, fc.nat(), async (n, at) => {
      const read: string[] = []
      const tiles: ReadTile = async (tile) => {
        read.push(tilePath(tile))
        return whole.tile(tile, n)
      }
      const index = at % n
      const proof = await inclusionProof(index, n, nodesFromTiles(n, tiles))
      expect(proof).toEqual(whole.path(index, 0, n))
      expect(read).toEqual([...new Set(read)])
      expect(await treeRoot(n, nodesFromTiles(n, tiles))).toEqual(whole.root(n))
    }), { numRuns: 60 })
  })

  test('that another serves gives the same, every hash authenticated', async () => {
    await fc.assert(fc.asyncProperty(size, fc.nat(), async (n, at) => {
      const read: string[] = []
      const reader = new TileReader(treeOf(n), async (tile) => {
        read.push(tilePath(tile))
        return whole.tile(tile, n)
      })
      const index = at % n
      const proof = await inclusionProof(index, n, reader.nodes)
      verifyInclusion(leafHash(whole.entries[index] as Uint8Array), { index, ...treeOf(n) }, proof)
      const bundle = Math.floor(index / 256)
      const entries = await reader.entries(bundle)
      expect(entries).toEqual(whole.entries.slice(bundle * 256, Math.min(n, bundle * 256 + 256)))
      expect(await reader.leaves(bundle)).toEqual(entries.map(leafHash))
      // What was read and authenticated is not asked for again.
      expect(read).toEqual([...new Set(read)])
    }), { numRuns: 60 })
  })

  test('a lie in any tile is found, and only what leads there is refused', async () => {
    await fc.assert(fc.asyncProperty(size, fc.nat(), fc.nat(), fc.nat(), async (n, at, where, by) => {
      const bundle = Math.floor((at % n) / 256)
      const seen: string[] = []
      await new TileReader(treeOf(n), async (tile) => {
        seen.push(tilePath(tile))
        return whole.tile(tile, n)
      }).entries(bundle)
      for (const path of seen) {
        const reader = new TileReader(treeOf(n), async (tile) => {
          const bytes = whole.tile(tile, n)
          return tilePath(tile) === path ? mangled(bytes, 'change', where, by) : bytes
        })
        await expect(reader.entries(bundle)).rejects.toBeInstanceOf(LogError)
      }
    }), { numRuns: 40 })
  })

  test('of another length are refused', async () => {
    for (const n of [5, 256, 700, 65_537]) {
      for (const how of ['remove', 'insert'] as const) {
        const reader = new TileReader(treeOf(n), async (tile) => mangled(whole.tile(tile, n), how, 3, 7))
        await expect(reader.leaves(0)).rejects.toMatchObject({ code: 'tile-malformed' })
        await expect(reader.nodes([{ level: 0, index: 0 }])).rejects.toMatchObject({ code: 'tile-malformed' })
      }
    }
    const short = nodesFromTiles(300, async () => new Uint8Array(32))
    await expect(short([{ level: 3, index: 1 }])).rejects.toMatchObject({ code: 'tile-malformed' })
  })

  test('of another tree, though of the same size, are refused', async () => {
    const forked = new NaiveTree(whole.entries.slice(0, 700).with(3, Uint8Array.of(9)))
    const reader = new TileReader(treeOf(700), forked.tiles())
    await expect(reader.leaves(0)).rejects.toMatchObject({ code: 'tile-mismatch' })
    await expect(reader.leaves(2)).rejects.toMatchObject({ code: 'tile-mismatch' })
  })

  test('an entry that is not the tree’s is named', async () => {
    const reader = new TileReader(treeOf(300), async (tile) =>
      whole.tile(tile.level === 'entries' ? { ...tile, index: 0 } : tile, 300))
    await expect(reader.entries(1)).rejects.toMatchObject({ code: 'entry-mismatch', message: /entry 256 / })
  })

  test('what failed once may be asked for again', async () => {
    let broken = true
    const reader = new TileReader(treeOf(700), async (tile) => {
      if (broken) throw new Error('no network')
      return whole.tile(tile, 700)
    })
    await expect(reader.leaves(0)).rejects.toThrow('no network')
    await expect(reader.leaves(2)).rejects.toThrow('no network')
    broken = false
    expect(await reader.leaves(0)).toHaveLength(256)
    expect(await reader.leaves(2)).toHaveLength(700 - 512)
  })

  test('what was checked does not change in the hands of whoever served it', async () => {
    const served: Uint8Array[] = []
    const reader = new TileReader(treeOf(300), async (tile) => {
      const bytes = whole.tile(tile, 300)
      served.push(bytes)
      return bytes
    })
    await reader.leaves(0)
    for (const bytes of served) bytes.fill(0)
    expect((await reader.leaves(0))[0]).toEqual(leafHash(whole.entries[0] as Uint8Array))
  })

  test('keeps few tiles of leaves', async () => {
    const reads = new Map<string, number>()
    const reader = new TileReader(treeOf(66_000), async (tile) => {
      reads.set(tilePath(tile), (reads.get(tilePath(tile)) ?? 0) + 1)
      return whole.tile(tile, 66_000)
    })
    for (let index = 0; index < 200; index++) await reader.leaves(index)
    await reader.leaves(199)
    await reader.leaves(0)
    expect(reads.get('tile/0/199')).toBe(1)
    expect(reads.get('tile/0/000')).toBe(2)
    expect(reads.get('tile/1/000')).toBe(1)
  })

  test('a tree has no leaves beyond its end', async () => {
    const reader = new TileReader(treeOf(256), whole.tiles(256))
    for (const index of [1, -1, 0.5]) await expect(reader.leaves(index)).rejects.toMatchObject({ code: 'size-invalid' })
    const empty = new TileReader(treeOf(0), whole.tiles(0))
    await expect(empty.leaves(0)).rejects.toMatchObject({ code: 'size-invalid' })
  })
})
