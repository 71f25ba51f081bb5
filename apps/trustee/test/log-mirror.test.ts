/** The mirror is the tree that the log's own leaves make, whatever the sizes of the pushes. */
import { describe, expect, test } from 'vitest'
import {
  consistencyProof, leafHash, newTiles, parseBundle, rootOfLeaves, tileHashes, TileReader, tilePath, verifyConsistency,
} from '@scelle/log'
import { toHex } from '@scelle/seal/verify'
import { Mirror } from '../src/log/mirror.ts'
import { TrusteeStore } from '../src/trustee.ts'

const entries = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => new TextEncoder().encode(`entry ${from + i}`))

const leavesOf = (list: readonly Uint8Array[]) => list.map((entry) => ({ entry }))

describe('the mirror', () => {
  test.each([[[1, 1, 1]], [[255, 1, 1]], [[256, 256]], [[700, 3, 65]], [[1, 1023, 600]]])(
    'grown by %j has the root of all leaves, at every size before too', async (steps) => {
      const store = new TrusteeStore(':memory:')
      const mirror = new Mirror(store.log)
      let all: Uint8Array[] = []
      for (const step of steps) {
        const more = entries(step, all.length)
        const prepared = mirror.prepare(leavesOf(more))
        all = [...all, ...more]
        const root = toHex(rootOfLeaves(all.map(leafHash)))
        expect(toHex(await mirror.rootAt(all.length, prepared))).toBe(root)
        mirror.keep(prepared)
        expect([mirror.size, toHex(await mirror.rootAt(all.length))]).toEqual([all.length, root])
        const restarted = new Mirror(store.log)
        expect([restarted.size, toHex(await restarted.rootAt(all.length))]).toEqual([all.length, root])
      }
      for (const size of [1, 2, 3, Math.floor(all.length / 2), all.length - 1]) {
        expect(toHex(await mirror.rootAt(size))).toBe(toHex(rootOfLeaves(all.slice(0, size).map(leafHash))))
      }
      store.close()
    })

  test('preparing changes nothing, and what is prepared twice is the same', async () => {
    const store = new TrusteeStore(':memory:')
    const mirror = new Mirror(store.log)
    mirror.keep(mirror.prepare(leavesOf(entries(300))))
    const before = toHex(await mirror.rootAt(300))
    mirror.prepare(leavesOf(entries(10, 900)))
    expect([mirror.size, toHex(await mirror.rootAt(300))]).toEqual([300, before])
    store.close()
  })

  test.each([0, 1, 255, 256, 257, 511, 513])('cut back to %d leaves it goes on as if it had no more', async (kept) => {
    const store = new TrusteeStore(':memory:')
    const mirror = new Mirror(store.log)
    mirror.keep(mirror.prepare(leavesOf(entries(700))))
    mirror.truncate(kept)
    const other = entries(400, 5_000)
    mirror.keep(mirror.prepare(leavesOf(other)))
    const all = [...entries(kept), ...other]
    const root = rootOfLeaves(all.map(leafHash))
    expect([mirror.size, toHex(await mirror.rootAt(all.length))]).toEqual([all.length, toHex(root)])
    const reader = new TileReader({ size: all.length, root }, async (tile) => mirror.read(tile) as Uint8Array)
    for (let i = 0; i * 256 < all.length; i++) {
      const hashes = await reader.leaves(i)
      expect(hashes.map(toHex)).toEqual(all.slice(i * 256, i * 256 + hashes.length).map((one) => toHex(leafHash(one))))
    }
    store.close()
  })

  test('its tiles are the ones that the tree has, and its proofs hold', async () => {
    const store = new TrusteeStore(':memory:')
    const mirror = new Mirror(store.log)
    const all = entries(600)
    mirror.keep(mirror.prepare(leavesOf(all)))
    for (const tile of newTiles(0, 600)) {
      const bytes = mirror.read(tile) as Uint8Array
      expect(tileHashes(tile, bytes), tilePath(tile)).toHaveLength(tile.width)
    }
    const proof = await consistencyProof(300, 600, mirror.nodes(600))
    const tree = async (size: number) => ({ size, root: await mirror.rootAt(size) })
    verifyConsistency(await tree(300), await tree(600), proof)
    const other = { size: 300, root: new Uint8Array(32) }
    const newer = await tree(600)
    expect(() => verifyConsistency(other, newer, proof)).toThrow(/newer tree/)
    const bundle = mirror.read({ level: 'entries', index: 2, width: 88 }) as Uint8Array[]
    expect(bundle.map(toHex)).toEqual(all.slice(512).map(toHex))
    expect(() => parseBundle(new Uint8Array(3), 1)).toThrow(/bundle/)
    store.close()
  })
})
