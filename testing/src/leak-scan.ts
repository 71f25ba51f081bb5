/**
 * Looks for plaintext where only ciphertext may be: thousands of strings, in every encoding that a careless program
 * might have written them in, in files and in dumps of memory. Also inside whatever can be decompressed.
 */
import { brotliDecompressSync, constants, inflateRawSync, zstdDecompressSync } from 'node:zlib'

/** A canary found: which one, as what, where. */
export interface Leak {
  readonly canary: string
  readonly encoding: string
  readonly where: string
  readonly offset: number
}

interface Pattern {
  readonly canary: string
  readonly encoding: string
  readonly bytes: Buffer
}

const KEY = 6
/** Shorter strings occur by chance in megabytes of ciphertext. */
const LEAST_BYTES = 8

const base64Forms = (bytes: Buffer): [string, Buffer][] =>
  [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes])
    // Characters that depend on the neighbours are cut off: what remains stands in any base64 text around the canary.
    const from = shift === 0 ? 0 : shift + 1
    const to = Math.floor((shifted.length * 8) / 6)
    const text = shifted.toString('base64').slice(from, to)
    const forms: [string, Buffer][] = [[`base64+${shift}`, Buffer.from(text)]]
    const url = text.replaceAll('+', '-').replaceAll('/', '_')
    if (url !== text) forms.push([`base64url+${shift}`, Buffer.from(url)])
    return forms
  })

/** JSON with every character outside ASCII escaped, as some loggers write it. */
const jsonEscaped = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

const unaccented = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '')

/** Every form in which one string might stand somewhere. */
export const encodingsOf = (canary: string): [string, Buffer][] => {
  const utf8 = Buffer.from(canary, 'utf8')
  const utf16 = Buffer.from(canary, 'utf16le')
  const forms: [string, Buffer][] = [
    ['utf-8', utf8],
    ['latin-1', Buffer.from(canary, 'latin1')],
    ['utf-16le', utf16],
    ['utf-16be', Buffer.from(utf16).swap16()],
    ['hex', Buffer.from(utf8.toString('hex'))],
    ['HEX', Buffer.from(utf8.toString('hex').toUpperCase())],
    ['json', Buffer.from(JSON.stringify(canary).slice(1, -1))],
    ['json-ascii', Buffer.from(jsonEscaped(canary))],
    ['percent', Buffer.from(encodeURIComponent(canary))],
    ['nfd', Buffer.from(canary.normalize('NFD'))],
    ['unaccented', Buffer.from(unaccented(canary))],
    ['lower', Buffer.from(canary.toLowerCase())],
    ['upper', Buffer.from(canary.toUpperCase())],
    ['reversed', Buffer.from(utf8.toReversed())],
    ...base64Forms(utf8),
  ]
  const seen = new Set<string>()
  return forms.filter(([, bytes]) => {
    const key = bytes.toString('latin1')
    return bytes.length >= LEAST_BYTES && !seen.has(key) && seen.add(key) !== undefined
  })
}

const keyAt = (bytes: Uint8Array, offset: number): number => {
  let key = 0x811c_9dc5
  for (let i = 0; i < KEY; i++) key = Math.imul(key ^ (bytes[offset + i] as number), 0x0100_0193)
  return key >>> 0
}

/** Built once for a set of canaries; scanning costs one table look-up a byte, however many canaries there are. */
export class LeakScan {
  readonly #filter = new Uint8Array(1 << 21)
  readonly #patterns = new Map<number, Pattern[]>()
  readonly patterns: number

  constructor(canaries: Iterable<string>) {
    let count = 0
    for (const canary of new Set(canaries)) {
      for (const [encoding, bytes] of encodingsOf(canary)) {
        const key = keyAt(bytes, 0)
        this.#filter[key & (this.#filter.length - 1)] = 1
        const known = this.#patterns.get(key)
        if (known === undefined) this.#patterns.set(key, [{ canary, encoding, bytes }])
        else known.push({ canary, encoding, bytes })
        count++
      }
    }
    this.patterns = count
  }

  /** What stands in these bytes as they are. At most one leak for each canary and encoding. */
  inBytes(bytes: Buffer, where: string): Leak[] {
    const found = new Map<string, Leak>()
    const mask = this.#filter.length - 1
    for (let offset = 0; offset + KEY <= bytes.length; offset++) {
      const key = keyAt(bytes, offset)
      if (this.#filter[key & mask] === 0) continue
      for (const { canary, encoding, bytes: pattern } of this.#patterns.get(key) ?? []) {
        const end = offset + pattern.length
        if (end <= bytes.length && bytes.compare(pattern, 0, pattern.length, offset, end) === 0) {
          found.set(`${encoding}\0${canary}`, { canary, encoding, where, offset })
        }
      }
    }
    return [...found.values()]
  }

  /** The bytes, and whatever any part of them decompresses to. */
  inEverything(bytes: Buffer, where: string): Leak[] {
    const leaks = this.inBytes(bytes, where)
    for (const { at, format, content } of decompressed(bytes)) {
      leaks.push(...this.inBytes(content, `${where} (${format} at ${at})`))
    }
    return leaks
  }
}

interface Decompressed {
  readonly at: number
  readonly format: string
  readonly content: Buffer
}

const PARTIAL = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 20 } as const
const WINDOW = 1 << 18
/** A stream that yields less than this says nothing. */
const LEAST_CONTENT = 16

const attempt = (decompress: () => Buffer): Buffer | undefined => {
  try {
    const content = decompress()
    return content.length >= LEAST_CONTENT ? content : undefined
  } catch {
    return undefined
  }
}

/** RFC 1952 section 2.3: ten bytes, and a name where the flag says so. */
const gzipHeader = (bytes: Buffer): number => ((bytes[3] as number) & 8) === 0 ? 10 : bytes.indexOf(0, 10) + 1

/** zlib, gzip and zstd streams by their magic numbers, wherever they begin. */
function* decompressed(bytes: Buffer): Generator<Decompressed> {
  for (let at = 0; at + 4 < bytes.length; at++) {
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const window = (): Buffer => bytes.subarray(at, at + WINDOW)
    let content: Buffer | undefined
    let format = ''
    if (first === 0x78 && ((first << 8) | second) % 31 === 0 && (second & 0x20) === 0) {
      format = 'zlib'
      content = attempt(() => inflateRawSync(window().subarray(2), PARTIAL))
    } else if (first === 0x1f && second === 0x8b && bytes[at + 2] === 8) {
      format = 'gzip'
      content = attempt(() => inflateRawSync(window().subarray(gzipHeader(window())), PARTIAL))
    } else if (first === 0x28 && second === 0xb5 && bytes[at + 2] === 0x2f && bytes[at + 3] === 0xfd) {
      format = 'zstd'
      content = attempt(() => zstdDecompressSync(window(), { maxOutputLength: 1 << 20 }))
    }
    if (content !== undefined) yield { at, format, content }
  }
}

/** Formats without a magic number, tried from the start of a value: for blobs, and rows of a table one by one. */
export const withoutMagic = (value: Buffer, dictionaries: readonly Uint8Array[] = []): Buffer[] => {
  const tries = [
    ...[0, 4, 8].flatMap((skip) => [
      () => inflateRawSync(value.subarray(skip), PARTIAL),
      ...dictionaries.map((dictionary) => () => inflateRawSync(value.subarray(skip), { ...PARTIAL, dictionary })),
    ]),
    () => brotliDecompressSync(value, { maxOutputLength: 1 << 20 }),
  ]
  return tries.map(attempt).filter((content) => content !== undefined)
}
