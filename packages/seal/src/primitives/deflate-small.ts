/**
 * DEFLATE (RFC 1951) for small texts with a preset dictionary. zlib indexes the whole dictionary again for each
 * record, which costs five times what compressing a 1 kB resource does; here it is indexed once. One block of fixed
 * Huffman codes: no tables travel, and inflating is as quick. Any inflate reads it. Content over {@link SMALL} is
 * zlib's and fflate's.
 */
const HASH_BITS = 15
const MIN_MATCH = 4
const MAX_MATCH = 258
const WINDOW = 32_768
/** Longest content in bytes. */
export const SMALL = 16_384

/** How many earlier places are tried, and the length that ends the search. */
const TRIES = 32
const GOOD = 64
/** A match this long is taken without looking whether the next place has a longer one. */
const LAZY = 32

const END_OF_BLOCK = 256

const reversed = (code: number, bits: number): number => {
  let result = 0
  for (let i = 0; i < bits; i++) result |= ((code >> i) & 1) << (bits - 1 - i)
  return result
}

/**
 * RFC 1951 section 3.2.6: code of a literal or length symbol, reversed because DEFLATE packs codes from the top bit.
 */
const LITERAL_BITS = new Uint8Array(288)
const LITERAL_CODE = new Uint16Array(288)
for (let symbol = 0; symbol < 288; symbol++) {
  const [bits, code] =
    symbol < 144
      ? [8, 0x30 + symbol]
      : symbol < 256
        ? [9, 0x190 + symbol - 144]
        : symbol < 280
          ? [7, symbol - 256]
          : [8, 0xc0 + symbol - 280]
  LITERAL_BITS[symbol] = bits
  LITERAL_CODE[symbol] = reversed(code, bits)
}

/** Section 3.2.5: for each match length its code with extra bits, and their number. */
const LENGTH_BITS = new Uint8Array(MAX_MATCH + 1)
const LENGTH_CODE = new Uint32Array(MAX_MATCH + 1)
for (let length = 3, symbol = 257, extra = 0, left = 8; length < MAX_MATCH; symbol++) {
  for (let i = 0; i < 1 << extra && length < MAX_MATCH; i++, length++) {
    const bits = LITERAL_BITS[symbol] as number
    LENGTH_CODE[length] = (LITERAL_CODE[symbol] as number) | (i << bits)
    LENGTH_BITS[length] = bits + extra
  }
  if (--left === 0) {
    extra++
    left = 4
  }
}
LENGTH_CODE[MAX_MATCH] = LITERAL_CODE[285] as number
LENGTH_BITS[MAX_MATCH] = LITERAL_BITS[285] as number

/** For each distance symbol its first distance and number of extra bits. */
const DISTANCE_BASE = new Uint16Array(30)
const DISTANCE_EXTRA = new Uint8Array(30)
for (let symbol = 0, base = 1; symbol < 30; symbol++) {
  const extra = Math.max(0, (symbol >> 1) - 1)
  DISTANCE_BASE[symbol] = base
  DISTANCE_EXTRA[symbol] = extra
  base += 1 << extra
}
const DISTANCE_CODE = Uint8Array.from({ length: 30 }, (_, symbol) => reversed(symbol, 5))

const hashAt = (w: Uint8Array, at: number): number =>
  Math.imul(
    (w[at] as number) | ((w[at + 1] as number) << 8) | ((w[at + 2] as number) << 16) | ((w[at + 3] as number) << 24),
    0x9e3779b1,
  ) >>>
  (32 - HASH_BITS)

/** A match as one number: length * 65536 + distance; below 256 it is a literal. */
const DISTANCE_MASK = 0xffff

const indexed = new WeakMap<Uint8Array, SmallDeflate>()

/**
 * Raw DEFLATE of at most {@link SMALL} bytes after a dictionary, which is indexed at the first use. The result is a
 * view that the next call overwrites: copy it at once.
 */
export const deflateSmall = (content: Uint8Array, dictionary: Uint8Array): Uint8Array => {
  let compressor = indexed.get(dictionary)
  if (compressor === undefined) {
    compressor = new SmallDeflate(dictionary)
    indexed.set(dictionary, compressor)
  }
  return compressor.compress(content)
}

/**
 * Compresses after one dictionary. Keeps buffers between calls, so one call at a time, which synchronous code gives.
 */
export class SmallDeflate {
  readonly #start: number
  readonly #window: Uint8Array
  readonly #head = new Int32Array(1 << HASH_BITS).fill(-1)
  readonly #previous: Int32Array
  readonly #tokens = new Int32Array(SMALL)
  readonly #inserted = new Int32Array(SMALL)
  readonly #out = new Uint8Array(SMALL + (SMALL >> 3) + 64)

  constructor(dictionary: Uint8Array) {
    this.#start = dictionary.length
    this.#window = new Uint8Array(dictionary.length + SMALL + MIN_MATCH)
    this.#window.set(dictionary)
    this.#previous = new Int32Array(this.#window.length)
    for (let at = 0; at + MIN_MATCH <= dictionary.length; at++) {
      const hash = hashAt(dictionary, at)
      this.#previous[at] = this.#head[hash] as number
      this.#head[hash] = at
    }
  }

  /** The best earlier match of what stands at `at`, from `candidate` back; 0 if none is longer than `least`. */
  #match(at: number, end: number, candidate: number, least: number): number {
    const w = this.#window
    const previous = this.#previous
    const most = Math.min(MAX_MATCH, end - at)
    let best = least
    let distance = 0
    for (let tries = TRIES; candidate >= 0 && tries > 0 && at - candidate <= WINDOW; tries--) {
      if (w[candidate + best] === w[at + best]) {
        let length = 0
        while (length < most && w[candidate + length] === w[at + length]) length++
        if (length > best) {
          best = length
          distance = at - candidate
          if (length >= GOOD || length === most) break
        }
      }
      candidate = previous[candidate] as number
    }
    return distance === 0 ? 0 : best * 65_536 + distance
  }

  /** Literals and matches of the content, in `#tokens`; answers how many. The dictionary's index is as before after. */
  #parse(end: number): number {
    const w = this.#window
    const head = this.#head
    const previous = this.#previous
    const tokens = this.#tokens
    const inserted = this.#inserted
    const last = end - MIN_MATCH
    let count = 0
    let places = 0
    let at = this.#start
    let waiting = 0
    while (at < end) {
      let found = 0
      if (at <= last) {
        const hash = hashAt(w, at)
        const candidate = head[hash] as number
        previous[at] = candidate
        head[hash] = at
        inserted[places++] = at
        const least = waiting === 0 ? MIN_MATCH - 1 : waiting >>> 16
        found = this.#match(at, end, candidate, least)
      }
      if (waiting !== 0 && found === 0) {
        tokens[count++] = waiting
        at += (waiting >>> 16) - 1
        waiting = 0
      } else {
        if (waiting !== 0) tokens[count++] = w[at - 1] as number
        waiting = 0
        if (found === 0) tokens[count++] = w[at++] as number
        else if (found >= LAZY * 65_536) {
          tokens[count++] = found
          at += found >>> 16
        } else {
          waiting = found
          at++
        }
      }
    }
    if (waiting !== 0) tokens[count++] = waiting
    while (places > 0) {
      const place = inserted[--places] as number
      head[hashAt(w, place)] = previous[place] as number
    }
    return count
  }

  /** One final block of fixed codes, in a view that the next call overwrites. */
  #encode(count: number): Uint8Array {
    const out = this.#out
    const tokens = this.#tokens
    let length = 0
    let pending = 3
    let bits = 3
    for (let i = 0; i <= count; i++) {
      const token = i === count ? END_OF_BLOCK : (tokens[i] as number)
      if (token <= END_OF_BLOCK) {
        pending |= (LITERAL_CODE[token] as number) << bits
        bits += LITERAL_BITS[token] as number
      } else {
        pending |= (LENGTH_CODE[token >>> 16] as number) << bits
        bits += LENGTH_BITS[token >>> 16] as number
        for (; bits >= 8; bits -= 8, pending >>>= 8) out[length++] = pending
        const distance = (token & DISTANCE_MASK) - 1
        const exponent = distance < 4 ? 0 : 30 - Math.clz32(distance)
        const symbol = distance < 4 ? distance : 2 * exponent + 2 + ((distance >> exponent) & 1)
        const extra = distance + 1 - (DISTANCE_BASE[symbol] as number)
        pending |= ((DISTANCE_CODE[symbol] as number) | (extra << 5)) << bits
        bits += 5 + (DISTANCE_EXTRA[symbol] as number)
      }
      for (; bits >= 8; bits -= 8, pending >>>= 8) out[length++] = pending
    }
    if (bits > 0) out[length++] = pending
    return out.subarray(0, length)
  }

  /** Raw DEFLATE of at most {@link SMALL} bytes, in a view that the next call overwrites. */
  compress(content: Uint8Array): Uint8Array {
    this.#window.set(content, this.#start)
    return this.#encode(this.#parse(this.#start + content.length))
  }
}
