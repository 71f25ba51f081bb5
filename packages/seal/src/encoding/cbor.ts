/**
 * Deterministic CBOR, RFC 8949 section 4.2.1, driven by a schema.
 *
 * The reader accepts exactly one encoding of each value: shortest heads, map keys ascending, no unknown key, no float,
 * no tag, no indefinite length, no trailing byte. So a signed statement has one byte string, and nobody can make two
 * parties see different values in the same signature. Only the item kinds that the format uses exist here.
 */
import { SealError } from '../errors.ts'

const MAJOR = { uint: 0, bytes: 2, text: 3, array: 4, map: 5, simple: 7 } as const

const FALSE = 0xf4
const TRUE = 0xf5

/** Grows by doubling; one instance encodes one value. */
export class Writer {
  #buffer = new Uint8Array(256)
  #length = 0

  #reserve(extra: number): void {
    const needed = this.#length + extra
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }

  #head(major: number, value: number): void {
    this.#reserve(9)
    const m = major << 5
    const b = this.#buffer
    if (value < 24) b[this.#length++] = m | value
    else if (value < 0x100) {
      b[this.#length++] = m | 24
      b[this.#length++] = value
    } else if (value < 0x1_0000) {
      b[this.#length++] = m | 25
      b[this.#length++] = value >>> 8
      b[this.#length++] = value & 0xff
    } else {
      const wide = value >= 0x1_0000_0000
      const view = new DataView(b.buffer)
      b[this.#length++] = m | (wide ? 27 : 26)
      if (wide) view.setBigUint64(this.#length, BigInt(value))
      else view.setUint32(this.#length, value)
      this.#length += wide ? 8 : 4
    }
  }

  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new SealError('encoding-out-of-range', 'only unsigned integers below 2^53 are encoded')
    }
    this.#head(MAJOR.uint, value)
  }

  bytes(value: Uint8Array): void {
    this.#head(MAJOR.bytes, value.length)
    this.#raw(value)
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value)
    this.#head(MAJOR.text, encoded.length)
    this.#raw(encoded)
  }

  bool(value: boolean): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value ? TRUE : FALSE
  }

  array(length: number): void {
    this.#head(MAJOR.array, length)
  }

  map(entries: number): void {
    this.#head(MAJOR.map, entries)
  }

  #raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  /** The bytes written so far, in a buffer of their own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length)
  }
}

/** Reads what {@link Writer} writes, and refuses every other encoding of the same values. */
export class Reader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset++]
    if (byte === undefined) throw new SealError('encoding-not-canonical', 'the encoding ends too early')
    return byte
  }

  #head(major: number): number {
    const first = this.#byte()
    if (first >> 5 !== major) throw new SealError('encoding-wrong-type', `expected CBOR major type ${major}`)
    const info = first & 31
    if (info < 24) return info
    if (info > 27) throw new SealError('encoding-not-canonical', 'indefinite or reserved lengths are refused')
    const width = 1 << (info - 24)
    let value = 0
    for (let i = 0; i < width; i++) value = value * 256 + this.#byte()
    const least = width === 1 ? 24 : 2 ** (width * 4)
    if (value < least || !Number.isSafeInteger(value)) {
      throw new SealError('encoding-not-canonical', 'a length or number is not in its shortest form')
    }
    return value
  }

  uint(): number {
    return this.#head(MAJOR.uint)
  }

  /** A copy: what was decoded must not change when the caller's buffer is reused. (A Buffer's `slice` is none.) */
  bytes(max: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#raw(this.#head(MAJOR.bytes), max))
  }

  text(max: number): string {
    const raw = this.#raw(this.#head(MAJOR.text), max)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw)
    } catch (cause) {
      throw new SealError('encoding-not-canonical', 'a text is not valid UTF-8', { cause })
    }
  }

  bool(): boolean {
    const byte = this.#byte()
    if (byte !== TRUE && byte !== FALSE) throw new SealError('encoding-wrong-type', 'expected true or false')
    return byte === TRUE
  }

  array(max: number): number {
    return this.#bounded(this.#head(MAJOR.array), max)
  }

  map(max: number): number {
    return this.#bounded(this.#head(MAJOR.map), max)
  }

  #bounded(length: number, max: number): number {
    if (length > max) throw new SealError('encoding-out-of-range', `a list or map has ${length} items, ${max} allowed`)
    return length
  }

  #raw(length: number, max: number): Uint8Array {
    if (length > max) throw new SealError('encoding-out-of-range', `a value has ${length} bytes, ${max} allowed`)
    const end = this.#offset + length
    if (end > this.#bytes.length) throw new SealError('encoding-not-canonical', 'the encoding ends too early')
    const raw = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return raw
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) {
      throw new SealError('encoding-trailing-bytes', 'bytes follow the value; send exactly one value')
    }
  }
}
