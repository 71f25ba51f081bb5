/**
 * Output of one export on the edge's disk, sealed under a key that exists in memory alone: a copy of the disk shows how
 * much it is, and once the job ends, or the process, nobody opens it any more.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

const NONCE = 12
const TAG = 16
const LENGTH = 4

/** Lines of one type. */
export interface SpoolFile {
  readonly type: string
  readonly count: number
}

interface Kept {
  readonly type: string
  readonly path: string
  readonly place: number
  pieces: number
  count: number
}

export class ExportSpool {
  readonly #folder: string
  readonly #key: Uint8Array
  readonly #random: (length: number) => Uint8Array
  readonly #files: Kept[] = []
  #bytes = 0
  #ended = false

  constructor(folder: string, random: (length: number) => Uint8Array) {
    this.#folder = folder
    this.#key = random(32)
    this.#random = random
  }

  get bytes(): number {
    return this.#bytes
  }

  get files(): readonly SpoolFile[] {
    return this.#files
  }

  /** Adds lines to the file of a type, made at its first line. */
  async append(type: string, lines: readonly Uint8Array[]): Promise<void> {
    if (this.#files.length === 0) await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    // Its key is gone: under what is left nothing may be written.
    if (this.#ended) return
    const file = this.#of(type)
    const nonce = this.#random(NONCE)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce)
    cipher.setAAD(aad(file.place, file.pieces))
    const body = Buffer.concat([...lines.map((line) => cipher.update(line)), cipher.final()])
    const length = Buffer.alloc(LENGTH)
    length.writeUInt32BE(body.length)
    const handle = await open(file.path, 'a', 0o600)
    try {
      await handle.appendFile(Buffer.concat([length, nonce, cipher.getAuthTag(), body]))
    } finally {
      await handle.close()
    }
    file.pieces++
    file.count += lines.length
    this.#bytes += body.length
  }

  /** The lines of a file, piece by piece; undefined where there is no such file. */
  read(place: number): AsyncGenerator<Uint8Array> | undefined {
    const file = this.#files[place]
    return file === undefined ? undefined : this.#pieces(file)
  }

  /** Nothing can be read any more, and the disk is given back. */
  async end(): Promise<void> {
    this.#ended = true
    this.#key.fill(0)
    this.#files.length = 0
    await rm(this.#folder, { recursive: true, force: true })
  }

  #of(type: string): Kept {
    const known = this.#files.find((file) => file.type === type)
    if (known !== undefined) return known
    const place = this.#files.length
    const made = { type, path: join(this.#folder, String(place)), place, pieces: 0, count: 0 }
    this.#files.push(made)
    return made
  }

  async *#pieces({ path, place, pieces }: Kept): AsyncGenerator<Uint8Array> {
    const handle = await open(path, 'r')
    try {
      for (let at = 0; at < pieces; at++) {
        const head = await exactly(handle, LENGTH + NONCE + TAG)
        const body = await exactly(handle, head.readUInt32BE(0))
        const nonce = head.subarray(LENGTH, LENGTH + NONCE)
        const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG })
        decipher.setAAD(aad(place, at))
        decipher.setAuthTag(head.subarray(LENGTH + NONCE))
        const plain = decipher.update(body)
        // Authentic as a whole before any of it leaves.
        yield Buffer.concat([plain, decipher.final()])
      }
    } finally {
      await handle.close()
    }
  }
}

const exactly = async (handle: Awaited<ReturnType<typeof open>>, length: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await handle.read(bytes, at, length - at)
    if (bytesRead === 0) throw new Error('an export\'s file is shorter than it was written')
    at += bytesRead
  }
  return bytes
}

/** Pieces cannot be exchanged, between files or within one. */
const aad = (place: number, piece: number): Buffer => Buffer.from(`${place}/${piece}`)
