/**
 * xoshiro128** seeded from a string: the population must come out byte for byte the same on every machine, so nothing
 * here depends on the platform's random source, clock or floating-point library. Demonstration data only, never keys.
 */

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** A seed string reduced to 128 bits. */
export type SeedState = readonly [number, number, number, number]

/** Bijective 32-bit finaliser (murmur3): neighbouring inputs give unrelated outputs, distinct inputs distinct ones. */
function mix(value: number): number {
  let h = value >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Reduces a seed string of any length to 128 bits. */
export function seedState(seed: string): SeedState {
  const state: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x5bd1e995]
  for (let i = 0; i < seed.length; i++) {
    const unit = seed.charCodeAt(i)
    state[0] = mix(state[0] ^ unit)
    state[1] = mix(state[1] + Math.imul(unit, 0x27d4eb2f) + state[0])
    state[2] = mix(state[2] ^ (state[1] + unit))
    state[3] = mix(state[3] + state[2] + i)
  }
  return state
}

/** One deterministic stream of numbers. */
export class Prng {
  private a: number
  private b: number
  private c: number
  private d: number

  /**
   * Streams of one seed are told apart by `stream` (0 to 2^53 - 1), so patient n is the same whatever the size of the
   * population it is drawn in.
   */
  constructor(seed: SeedState, stream: number) {
    const low = stream >>> 0
    const high = Math.floor(stream / 0x100000000)
    this.a = mix(seed[0] ^ low)
    this.b = mix(seed[1] ^ mix(high + 0x51ed270b))
    this.c = mix(seed[2] + Math.imul(low, 0x9e3779b1))
    this.d = mix(seed[3] ^ this.a) | 1
    for (let i = 0; i < 8; i++) this.u32()
  }

  /** A uniform 32-bit unsigned integer. */
  u32(): number {
    const product = Math.imul(this.b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= shifted
    this.d = (this.d << 11) | (this.d >>> 21)
    return result
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.u32() / 0x100000000
  }

  /** Uniform integer, both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.float() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.float() < probability
  }

  pick<T>(list: readonly T[]): T {
    const item = list[Math.floor(this.float() * list.length)]
    if (item === undefined) throw new RangeError('pick needs a list with at least one defined item')
    return item
  }

  /** Near-normal, mean 0 and deviation 1, within ±3.5: additions only, so every platform agrees on the last bit. */
  normal(): number {
    return (this.float() + this.float() + this.float() + this.float() - 2) * 1.7320508075688772
  }

  /** An identifier with the shape of a version 4 UUID. */
  uuid(): string {
    return uuidFrom(this.u32(), this.u32(), this.u32(), this.u32())
  }
}

function uuidFrom(a: number, b: number, c: number, d: number): string {
  return `${word(a)}-${half(b >>> 16)}-${half((b & 0x0fff) | 0x4000)}-${half(((c >>> 16) & 0x3fff) | 0x8000)}-${
    half(c & 0xffff)}${word(d)}`
}

function word(value: number): string {
  return half(value >>> 16) + half(value & 0xffff)
}

function half(value: number): string {
  return (HEX[value >>> 8] ?? '') + (HEX[value & 0xff] ?? '')
}

/** A list drawn from by weight. */
export class Weighted<T> {
  private readonly items: readonly T[]
  private readonly cumulative: readonly number[]
  private readonly total: number

  constructor(entries: readonly (readonly [T, number])[]) {
    let sum = 0
    this.items = entries.map(([item]) => item)
    this.cumulative = entries.map(([, weight]) => (sum += weight))
    this.total = sum
  }

  draw(rng: Prng): T {
    const target = rng.float() * this.total
    let low = 0
    let high = this.cumulative.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.cumulative[middle] ?? 0) > target) high = middle
      else low = middle + 1
    }
    const item = this.items[low]
    if (item === undefined) throw new RangeError('a weighted list needs at least one item')
    return item
  }
}

/** Reads a table written as `name weight, name weight, …`; a name may hold spaces. */
export function weighted(table: string): Weighted<string> {
  return new Weighted(table.split(',').map((entry): [string, number] => {
    const text = entry.trim()
    const cut = text.lastIndexOf(' ')
    return [text.slice(0, cut), Number(text.slice(cut + 1))]
  }))
}
