/**
 * Octets that are still arriving, on the disk as ciphertext only. Each file has a key of its own, which is in a sealed
 * row or in memory alone: without it the file is noise. A frame's nonce is random, because a piece that is cut off may
 * be followed by another one in its place, and its name and place are authenticated, so frames cannot be exchanged.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { type FileHandle, open, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { giveBack } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'

const NONCE = 12
const TAG = 16
/** Length of the ciphertext, and its nonce. */
const HEAD = 4 + NONCE

/** How much of a file counts: what stands behind it was never acknowledged. */
export interface Spooled {
  /** Octets of content. */
  readonly octets: number
  /** Bytes of the file. */
  readonly bytes: number
}

export interface SpoolOptions {
  readonly directory: string
  readonly random: (length: number) => Uint8Array
  /** Called before each write to the disk, so that a test can fill it, or end the process exactly there. */
  readonly faultPoint?: (point: 'spool-write' | 'spool-sync') => void
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** A full disk is the request's refusal, not the server's failure. */
export const diskFault = (error: unknown): unknown => {
  const { code, errcode } = (error ?? {}) as { readonly code?: string; readonly errcode?: number }
  const isFull = FULL.has(code ?? '') || errcode === SQLITE_FULL
  return isFull ? new EdgeError('no-space', undefined, undefined, { cause: error }) : error
}

const SQLITE_FULL = 13

export class Spool {
  readonly #options: SpoolOptions

  constructor(options: SpoolOptions) {
    this.#options = options
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  }

  /** Removes every file whose name is not kept: what a stopped process was still receiving is nobody's. */
  clean(kept: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#options.directory)) {
      if (!kept.has(name)) rmSync(this.#at(name), { force: true })
    }
  }

  remove(name: string): Promise<void> {
    return rm(this.#at(name), { force: true })
  }

  /**
   * Appends what comes behind `before`, and answers how much counts once it is on the disk. Where this throws, the file
   * is as it was. Throws `no-space`, `too-large` beyond `limit` octets of content, and what the source throws.
   */
  async append(
    name: string, key: KeyObject, before: Spooled, source: AsyncIterable<Uint8Array>, limit: number,
  ): Promise<Spooled> {
    try {
      const handle = await open(this.#at(name), 'a', 0o600)
      try {
        await handle.truncate(before.bytes)
        const after = await this.#write(handle, { name, key, at: before }, source, limit)
        this.#options.faultPoint?.('spool-sync')
        await handle.datasync()
        return after
      } finally {
        await handle.close()
      }
    } catch (error) {
      await truncate(this.#at(name), before.bytes).catch(() => undefined)
      throw diskFault(error)
    }
  }

  async #write(
    handle: FileHandle, frame: { name: string; key: KeyObject; at: Spooled }, source: AsyncIterable<Uint8Array>,
    limit: number,
  ): Promise<Spooled> {
    const { name, key } = frame
    let at = frame.at
    const room = Buffer.allocUnsafeSlow(EDGE_LIMITS.spoolFrame)
    let filled = 0
    const flush = async (): Promise<void> => {
      if (filled === 0) return
      const nonce = this.#options.random(NONCE)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
      cipher.setAAD(placeOf(name, at.octets))
      const body = cipher.update(room.subarray(0, filled))
      cipher.final()
      const head = Buffer.allocUnsafe(HEAD)
      head.writeUInt32BE(body.length)
      head.set(nonce, 4)
      await this.#writeAll(handle, [head, body, cipher.getAuthTag()])
      giveBack(body)
      at = { octets: at.octets + filled, bytes: at.bytes + HEAD + filled + TAG }
      filled = 0
    }
    for await (const piece of source) {
      if (at.octets + filled + piece.length > limit) throw new EdgeError('too-large')
      for (let done = 0; done < piece.length;) {
        const taken = piece.subarray(done, done + room.length - filled)
        room.set(taken, filled)
        filled += taken.length
        done += taken.length
        if (filled === room.length) await flush()
      }
    }
    await flush()
    room.fill(0)
    return at
  }

  async #writeAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
    this.#options.faultPoint?.('spool-write')
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    const { bytesWritten } = await handle.writev([...parts])
    if (bytesWritten === length) return
    // A disk that is nearly full takes a part: the rest says that it is full.
    const rest = Buffer.concat(parts)
    for (let done = bytesWritten; done < length;) done += (await handle.write(rest, done, length - done)).bytesWritten
  }

  /**
   * The content, frame by frame; a frame does not outlast the next one. Throws where the file is not what was written.
   */
  async *read(name: string, key: KeyObject, all: Spooled): AsyncGenerator<Uint8Array> {
    const handle = await open(this.#at(name), 'r')
    const room = Buffer.allocUnsafeSlow(EDGE_LIMITS.spoolFrame + TAG)
    const head = Buffer.allocUnsafeSlow(HEAD)
    try {
      let octets = 0
      for (let at = 0; at < all.bytes;) {
        await fill(handle, at, head)
        const length = head.readUInt32BE(0)
        if (length > EDGE_LIMITS.spoolFrame) throw new Error('a spool file is not what was written')
        const sealed = await fill(handle, at + HEAD, room.subarray(0, length + TAG))
        const decipher = createDecipheriv('aes-256-gcm', key, head.subarray(4), { authTagLength: TAG })
        decipher.setAAD(placeOf(name, octets))
        decipher.setAuthTag(sealed.subarray(length))
        const content = decipher.update(sealed.subarray(0, length))
        decipher.final()
        yield content
        giveBack(content)
        octets += length
        at += HEAD + length + TAG
      }
      if (octets !== all.octets) throw new Error('a spool file is shorter than what was written')
    } finally {
      await handle.close()
    }
  }

  #at(name: string): string {
    return join(this.#options.directory, name)
  }
}

/** What a frame is bound to: its file, and where in the content it stands. */
const placeOf = (name: string, octets: number): Buffer => {
  const place = Buffer.alloc(8)
  place.writeBigUInt64BE(BigInt(octets))
  return Buffer.concat([Buffer.from(`${name}\0`), place])
}

/** Reads exactly as much as there is room for. */
const fill = async (handle: FileHandle, from: number, bytes: Buffer): Promise<Buffer> => {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, from + done)
    if (bytesRead === 0) throw new Error('a spool file ends before its end')
    done += bytesRead
  }
  return bytes
}
