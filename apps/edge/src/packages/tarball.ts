/**
 * Reads a `.tgz` of definitions in memory: nothing is written to the disk, so no name in it can lead anywhere. What is
 * no regular file (links, devices) is refused with the whole archive, as no FHIR package has any.
 */
import { gunzipSync } from 'node:zlib'
import { EDGE_LIMITS } from '../limits.ts'

export interface ArchiveFile {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Says what is wrong with a package; the operator reads it with the package's path before it. */
export class PackageFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'PackageFault'
  }
}

const BLOCK = 512

/** The regular files of a gzipped tar archive, in order. Throws PackageFault. */
export function* filesInTarball(packed: Uint8Array): Generator<ArchiveFile> {
  const tar = unpacked(packed)
  let at = 0
  let count = 0
  let longName: string | undefined
  while (at + BLOCK <= tar.length) {
    const header = tar.subarray(at, at + BLOCK)
    if (header.every((byte) => byte === 0)) return
    checkSum(header)
    const size = octal(header, 124, 12)
    const body = tar.subarray(at + BLOCK, at + BLOCK + size)
    if (body.length < size) throw new PackageFault('the archive is cut off')
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    const kind = String.fromCharCode(header[156] ?? 0)
    if (kind === 'x' || kind === 'L') longName = longNameIn(kind, body)
    else if (kind === '0' || kind === '\0') {
      if (++count > EDGE_LIMITS.packageFiles) throw new PackageFault('the archive holds too many files')
      yield { name: longName ?? nameIn(header), bytes: body }
      longName = undefined
    } else if (kind !== '5' && kind !== 'g') throw new PackageFault('the archive holds links or devices')
  }
  throw new PackageFault('the archive has no end')
}

const unpacked = (packed: Uint8Array): Uint8Array => {
  try {
    return gunzipSync(packed, { maxOutputLength: EDGE_LIMITS.packageBytes })
  } catch (cause) {
    throw new PackageFault('not a gzipped archive, or too large', { cause })
  }
}

const textIn = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8')
}

const octal = (header: Uint8Array, start: number, length: number): number => {
  const text = textIn(header.subarray(start, start + length)).trim()
  if (!/^[0-7]{1,11}$/.test(text)) throw new PackageFault('the archive is damaged')
  return Number.parseInt(text, 8)
}

const checkSum = (header: Uint8Array): void => {
  const told = octal(header, 148, 8)
  const sum = header.reduce((total, byte, place) => total + (place >= 148 && place < 156 ? 32 : byte), 0)
  if (sum !== told) throw new PackageFault('the archive is damaged')
}

const nameIn = (header: Uint8Array): string => {
  const prefix = textIn(header.subarray(345, 500))
  const name = textIn(header.subarray(0, 100))
  return prefix === '' ? name : `${prefix}/${name}`
}

/** The name of the next file, where a header has no room for it: a pax record `path`, or GNU's own form. */
const longNameIn = (kind: string, body: Uint8Array): string | undefined =>
  kind === 'L' ? textIn(body) : /^\d+ path=(.*)$/m.exec(Buffer.from(body).toString('utf8'))?.[1]
