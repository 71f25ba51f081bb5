/** Trees, proofs and their edges, against a tree that is written as RFC 6962 words it. */
import {
  CompactRange, consistencyProof, EMPTY_ROOT, foldNodes, inclusionProof, leafHash, LOG_LIMITS, LogError, nodeHash,
  perfectNodes, rootFromInclusion, rootOfLeaves, rootsFromConsistency, type TreeNode, treeRoot, verifyConsistency,
  verifyInclusion,
} from '@scelle/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NaiveTree } from './naive.ts'

const LARGEST = 70_000
const whole = NaiveTree.of(LARGEST)
const leaves = whole.entries.map(leafHash)

/** Where trees change their shape: around the powers of 2 and of 256, and anywhere else. */
const size = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: -2, max: 2 })).map(([n, d]) => Math.max(1, 2 ** n + d)),
  fc.tuple(fc.integer({ min: 1, max: 256 }), fc.integer({ min: -1, max: 1 })).map(([n, d]) => n * 256 + d),
  fc.integer({ min: 1, max: LARGEST }),
)
const inTree = size.chain((n) => fc.record({ size: fc.constant(n), index: fc.integer({ min: 0, max: n - 1 }) }))
const two = fc.tuple(size, size).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))

const refusal = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  return 'accepted'
}

describe('roots', () => {
  test('of nothing and of one entry are those of RFC 6962', () => {
    expect(Buffer.from(EMPTY_ROOT).toString('hex')).toMatch(/^e3b0c44298fc1c14/)
    // RFC 6962 vectors of the Certificate Transparency project: the leaf hash of the empty entry.
    expect(Buffer.from(leafHash(new Uint8Array(0))).toString('hex')).toMatch(/^6e340b9cffb37a98/)
  })

  test('are those of the naive tree, appended one by one, at every size to 600', () => {
    const range = new CompactRange()
    for (let n = 0; n <= 600; n++) {
      expect(range.size).toBe(n)
      expect(range.root()).toEqual(whole.root(n))
      range.append(leaves[n] as Uint8Array)
    }
  })

  test('are those of the naive tree, from leaves and from stored nodes', async () => {
    await fc.assert(fc.asyncProperty(size, async (n) => {
      expect(await treeRoot(n, whole.nodes)).toEqual(whole.root(n))
      if (n < 3_000) expect(rootOfLeaves(leaves.slice(0, n))).toEqual(whole.root(n))
    }), { numRuns: 200 })
  })
})

describe('a compact range', () => {
  test('goes on from where another stopped, and tells of every perfect subtree once', async () => {
    await fc.assert(fc.asyncProperty(two, async ({ from, to }) => {
      const until = Math.min(to, from + 600)
      const range = CompactRange.from(from, await whole.nodes(perfectNodes(0, from)))
      const made = new Map<string, Uint8Array>()
      const note = ({ level, index }: TreeNode, hash: Uint8Array): void => {
        expect(made.has(`${level}/${index}`)).toBe(false)
        made.set(`${level}/${index}`, hash)
      }
      for (const leaf of leaves.slice(from, until)) range.append(leaf, note)
      expect(range.root()).toEqual(whole.root(until))
      let count = 0
      for (let level = 0; 2 ** level <= until; level++) {
        count += Math.floor(until / 2 ** level) - Math.floor(from / 2 ** level)
      }
      expect(made.size).toBe(count)
      for (const [name, hash] of made) {
        const [level, index] = name.split('/').map(Number) as [number, number]
        expect(hash).toEqual(whole.hash(index * 2 ** level, (index + 1) * 2 ** level))
      }
    }), { numRuns: 60 })
  })

  test('takes neither another number of hashes nor anything that is no hash', () => {
    expect(refusal(() => CompactRange.from(3, [EMPTY_ROOT]))).toBe('size-invalid')
    expect(refusal(() => CompactRange.from(1, [new Uint8Array(31)]))).toBe('size-invalid')
    expect(refusal(() => new CompactRange().append(new Uint8Array(33)))).toBe('proof-malformed')
    // Short hashes would be filled up with what was hashed before.
    expect(refusal(() => nodeHash(EMPTY_ROOT, new Uint8Array(0)))).toBe('proof-malformed')
    expect(refusal(() => CompactRange.from(-1, []))).toBe('size-invalid')
    expect(refusal(() => CompactRange.from(2 ** 53, []))).toBe('size-invalid')
  })
})

describe('inclusion proofs', () => {
  test('are those of the naive tree, and hold', async () => {
    await fc.assert(fc.asyncProperty(inTree, async ({ size: n, index }) => {
      const proof = await inclusionProof(index, n, whole.nodes)
      expect(proof).toEqual(whole.path(index, 0, n))
      verifyInclusion(leaves[index] as Uint8Array, { index, size: n, root: whole.root(n) }, proof)
    }), { numRuns: 400 })
  })

  test('hold for no other leaf, place, size or root, and with no hash changed, added or taken away', async () => {
    await fc.assert(fc.asyncProperty(inTree, fc.nat(), fc.nat(255), async ({ size: n, index }, at, bit) => {
      const proof = await inclusionProof(index, n, whole.nodes)
      const leaf = leaves[index] as Uint8Array
      const place = { index, size: n, root: whole.root(n) }
      const refused = (change: Partial<typeof place>, other = proof, hash = leaf): void =>
        expect(refusal(() => verifyInclusion(hash, { ...place, ...change }, other))).toBe('inclusion-invalid')
      refused({}, proof, flipped(leaf, bit))
      refused({ root: flipped(place.root, bit) })
      refused({}, [...proof, EMPTY_ROOT])
      refused({ index: n })
      for (const other of [index + 1, index - 1, index ^ 1, index ^ 256]) {
        if (other >= 0 && other < n) refused({ index: other })
      }
      if (proof.length === 0) return
      const place1 = at % proof.length
      refused({}, proof.toSpliced(place1, 1))
      refused({}, proof.toSpliced(place1, 1, flipped(proof[place1] as Uint8Array, bit)))
      refused({}, proof.toSpliced(place1, 1, (proof[place1] as Uint8Array).subarray(0, 31)))
    }), { numRuns: 200 })
  })

  test('lead to a root only from a hash, and from a place in the tree', () => {
    expect(refusal(() => rootFromInclusion(new Uint8Array(31), { index: 0, size: 1 }, []))).toBe('inclusion-invalid')
    expect(refusal(() => rootFromInclusion(EMPTY_ROOT, { index: 0, size: 0 }, []))).toBe('inclusion-invalid')
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(refusal(() => rootFromInclusion(EMPTY_ROOT, { index: 0, size: wrong }, []))).toBe('size-invalid')
      expect(refusal(() => rootFromInclusion(EMPTY_ROOT, { index: wrong, size: 9 }, []))).toBe('size-invalid')
    }
  })

  test('are made of leaves that the tree has', async () => {
    await expect(inclusionProof(5, 5, whole.nodes)).rejects.toMatchObject({ code: 'size-invalid' })
    await expect(inclusionProof(-1, 5, whole.nodes)).rejects.toMatchObject({ code: 'size-invalid' })
  })
})

describe('consistency proofs', () => {
  test('are those of the naive tree, and hold', async () => {
    await fc.assert(fc.asyncProperty(two, async ({ from, to }) => {
      const proof = await consistencyProof(from, to, whole.nodes)
      expect(proof).toEqual(whole.proof(from, to))
      verifyConsistency({ size: from, root: whole.root(from) }, { size: to, root: whole.root(to) }, proof)
      if (from === to) return
      const roots = rootsFromConsistency({ from, to }, whole.root(from), proof)
      expect(roots).toEqual({ from: whole.root(from), to: whole.root(to) })
    }), { numRuns: 400 })
  })

  test('hold for no other sizes or roots, and with no hash changed, added or taken away', async () => {
    await fc.assert(fc.asyncProperty(two, fc.nat(), fc.nat(255), async ({ from, to }, at, bit) => {
      const proof = await consistencyProof(from, to, whole.nodes)
      const [older, newer] = [{ size: from, root: whole.root(from) }, { size: to, root: whole.root(to) }]
      const refused = (a = older, b = newer, other = proof): void =>
        expect(refusal(() => verifyConsistency(a, b, other))).toBe('consistency-invalid')
      refused({ size: from, root: flipped(older.root, bit) })
      refused(older, { size: to, root: flipped(newer.root, bit) })
      refused(older, newer, [...proof, EMPTY_ROOT])
      refused(older, { size: to, root: newer.root.subarray(1) })
      if (from < to) refused(newer, older)
      if (from + 1 < to) refused({ size: from + 1, root: older.root })
      if (proof.length === 0) return
      const place = at % proof.length
      refused(older, newer, proof.toSpliced(place, 1))
      refused(older, newer, proof.toSpliced(place, 1, flipped(proof[place] as Uint8Array, bit)))
    }), { numRuns: 200 })
  })

  test('show a second history: no proof leads from a tree to one that begins otherwise', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: 600 }), fc.nat(), async (to, seed) => {
      const changed = seed % (to - 1)
      const forked = new NaiveTree(whole.entries.slice(0, to).with(changed, Uint8Array.of(1, 2, 3)))
      for (let from = changed + 1; from < to; from += 1 + (seed % 7)) {
        const [older, newer] = [{ size: from, root: whole.root(from) }, { size: to, root: forked.root(to) }]
        for (const tree of [whole, forked]) {
          const proof = await consistencyProof(from, to, tree.nodes)
          expect(refusal(() => verifyConsistency(older, newer, proof))).toBe('consistency-invalid')
        }
      }
    }), { numRuns: 60 })
  })

  test('from the empty tree and from a tree to itself are empty', async () => {
    const [empty, some] = [{ size: 0, root: EMPTY_ROOT }, { size: 7, root: whole.root(7) }]
    expect(await consistencyProof(0, 7, whole.nodes)).toEqual([])
    expect(await consistencyProof(7, 7, whole.nodes)).toEqual([])
    verifyConsistency(empty, some, [])
    verifyConsistency(empty, empty, [])
    verifyConsistency(some, some, [])
    const refused = (...[from, to, proof]: Parameters<typeof verifyConsistency>): void =>
      expect(refusal(() => verifyConsistency(from, to, proof))).toBe('consistency-invalid')
    refused({ size: 0, root: some.root }, some, [])
    refused(empty, { size: 0, root: some.root }, [])
    refused(empty, some, [some.root])
    refused(some, { size: 7, root: whole.root(6) }, [])
    await expect(consistencyProof(8, 7, whole.nodes)).rejects.toMatchObject({ code: 'size-invalid' })
    expect(refusal(() => rootsFromConsistency({ from: 0, to: 7 }, EMPTY_ROOT, []))).toBe('consistency-invalid')
    expect(refusal(() => verifyConsistency({ size: Number.NaN, root: EMPTY_ROOT }, some, []))).toBe('size-invalid')
  })
})

describe('trees as large as a double counts', () => {
  /** Nodes that say which they are: the shape of a proof can be seen without a tree. */
  const huge = fc.oneof(
    fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }).map(Number),
    fc.tuple(fc.integer({ min: 40, max: 52 }), fc.integer({ min: -2, max: 2 })).map(([n, d]) => 2 ** n + d),
    fc.constant(Number.MAX_SAFE_INTEGER),
  )

  test('are cut into perfect subtrees, from left to right, without a gap', () => {
    fc.assert(fc.property(huge, huge, (a, b) => {
      const [start, end] = [Math.min(a, b), Math.max(a, b)]
      let at = start
      for (const { level, index } of perfectNodes(start, end)) {
        expect(index * 2 ** level).toBe(at)
        expect(Number.isSafeInteger(index)).toBe(true)
        at += 2 ** level
      }
      expect(at).toBe(end)
      expect(perfectNodes(start, end).length).toBeLessThanOrEqual(2 * 53)
    }))
  })

  test('have proofs that lead from a leaf to one root, whatever else the tree holds', async () => {
    const read = async (nodes: readonly TreeNode[]): Promise<Uint8Array[]> =>
      nodes.map(({ level, index }) => leafHash(new TextEncoder().encode(`${level}/${index}`)))
    await fc.assert(fc.asyncProperty(huge, fc.double({ min: 0, max: 1, noNaN: true }), async (n, part) => {
      const index = Math.min(n - 1, Math.floor(n * part))
      const proof = await inclusionProof(index, n, read)
      expect(proof.length).toBeLessThanOrEqual(LOG_LIMITS.proofHashes)
      // The nodes named by the proof are not those of a real tree: what counts is that sizes and sides agree.
      const place = { index, size: n, root: rootFromInclusion(EMPTY_ROOT, { index, size: n }, proof) }
      verifyInclusion(EMPTY_ROOT, place, proof)
      expect(refusal(() => rootFromInclusion(EMPTY_ROOT, place, [...proof, EMPTY_ROOT]))).toBe('inclusion-invalid')
      const older = Math.max(1, index)
      if (older === n) return
      const consistency = await consistencyProof(older, n, read)
      expect(consistency.length).toBeLessThanOrEqual(LOG_LIMITS.proofHashes)
      const roots = rootsFromConsistency({ from: older, to: n }, EMPTY_ROOT, consistency)
      expect(roots.to).toHaveLength(32)
    }), { numRuns: 300 })
  })

  test('fold from the right', () => {
    expect(foldNodes([])).toEqual(EMPTY_ROOT)
    const [a, b, c] = [leaves[0], leaves[1], leaves[2]] as [Uint8Array, Uint8Array, Uint8Array]
    expect(foldNodes([a, b, c])).toEqual(nodeHash(a, nodeHash(b, c)))
  })
})

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = new Uint8Array(bytes)
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
  return copy
}
