/** RFC 6962 section 2.1 as it is written there, by recursion and with no thought for speed: the rest must equal it. */
import { createHash } from 'node:crypto'
import { type ReadNodes, type ReadTile, type Tile, tileWidthIn } from '@scelle/log'

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

export class NaiveTree {
  readonly entries: readonly Uint8Array[]
  /** Roots of aligned ranges, which are asked for again and again. */
  readonly #known = new Map<string, Uint8Array>()

  constructor(entries: readonly Uint8Array[]) {
    this.entries = entries
  }

  static of(size: number, seed = 'entry'): NaiveTree {
    return new NaiveTree(Array.from({ length: size }, (_, i) => new TextEncoder().encode(`${seed} ${i}`)))
  }

  /** MTH(D[start:end]). */
  hash(start: number, end: number): Uint8Array {
    const name = `${start}:${end}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const found = this.#hash(start, end)
    this.#known.set(name, found)
    return found
  }

  #hash(start: number, end: number): Uint8Array {
    const length = end - start
    if (length === 0) return sha256()
    if (length === 1) return sha256(Uint8Array.of(0), this.entries[start] as Uint8Array)
    const k = half(length)
    return sha256(Uint8Array.of(1), this.hash(start, start + k), this.hash(start + k, end))
  }

  root(size = this.entries.length): Uint8Array {
    return this.hash(0, size)
  }

  /** PATH(m, D[start:end]). */
  path(m: number, start: number, end: number): Uint8Array[] {
    if (end - start === 1) return []
    const middle = start + half(end - start)
    return m < middle
      ? [...this.path(m, start, middle), this.hash(middle, end)]
      : [...this.path(m, middle, end), this.hash(start, middle)]
  }

  /** PROOF(m, D[n]). */
  proof(m: number, n: number): Uint8Array[] {
    return this.#subproof(m, 0, n, true)
  }

  #subproof(m: number, start: number, end: number, whole: boolean): Uint8Array[] {
    if (m === end) return whole ? [] : [this.hash(start, end)]
    const middle = start + half(end - start)
    return m <= middle
      ? [...this.#subproof(m, start, middle, whole), this.hash(middle, end)]
      : [...this.#subproof(m, middle, end, false), this.hash(start, middle)]
  }

  readonly nodes: ReadNodes = async (nodes) =>
    nodes.map(({ level, index }) => this.hash(index * 2 ** level, (index + 1) * 2 ** level))

  /** Tiles of a tree of that size, as c2sp.org/tlog-tiles defines them. */
  tiles(size = this.entries.length): ReadTile {
    return async (tile) => this.tile(tile, size)
  }

  tile({ level, index, width }: Tile, size = this.entries.length): Uint8Array {
    if (width > tileWidthIn({ level, index }, size)) throw new Error('the tree has no such tile')
    if (level === 'entries') {
      const entries = this.entries.slice(index * 256, index * 256 + width)
      return new Uint8Array(Buffer.concat(entries.map((e) => Buffer.from([e.length >> 8, e.length & 255, ...e]))))
    }
    const span = 256 ** level
    const hashes = Array.from({ length: width }, (_, i) =>
      this.hash((index * 256 + i) * span, (index * 256 + i + 1) * span))
    return new Uint8Array(Buffer.concat(hashes))
  }
}

/** The largest power of two smaller than `length`. */
const half = (length: number): number => 2 ** Math.ceil(Math.log2(length) - 1)
