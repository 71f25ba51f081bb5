/** Blobs as files named by their digest: written aside, synced, renamed, synced again. A name means whole bytes. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { INDEX_LIMITS } from './limits.ts'
import type { Blobs } from './store.ts'

export interface BlobFilesOptions {
  readonly directory: string
  readonly random: (length: number) => Uint8Array
  /** Given where other processes write into the same directory; the time in milliseconds since 1970 UTC. */
  readonly shared?: { readonly now: () => number }
  /** Called at named points of a write, so that a test can end the process exactly there. */
  readonly faultPoint?: (point: 'blob-written' | 'blob-named') => void
}

const missing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT'

const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes what arrives while hashing it; the digest of what was written, in hex. */
const writeAll = async (handle: FileHandle, source: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > WIRE_LIMITS.blob) throw new Problem('too-large')
    hash.update(chunk)
    for (let done = 0; done < chunk.length;) {
      done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten
    }
  }
  await handle.sync()
  return hash.digest('hex')
}

/**
 * What a stopped process left behind is nobody's: names are given only to whole files. Where others write too, what is
 * younger than any upload may be theirs.
 */
const cleanAside = (aside: string, shared: BlobFilesOptions['shared']): void => {
  mkdirSync(aside, { recursive: true, mode: 0o700 })
  const before = shared === undefined ? Number.POSITIVE_INFINITY : shared.now() - INDEX_LIMITS.abandonedUpload * 1000
  for (const name of readdirSync(aside)) {
    const file = join(aside, name)
    const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs
    if (made !== undefined && made < before) rmSync(file, { force: true })
  }
}

export const openBlobFiles = (options: BlobFilesOptions): Blobs => {
  const aside = join(options.directory, 'incoming')
  cleanAside(aside, options.shared)
  const faultPoint = options.faultPoint ?? (() => undefined)
  const folderOf = (name: string): string => join(options.directory, name.slice(0, 2))
  const fileOf = (name: string): string => join(folderOf(name), name)

  const size = async (digest: Uint8Array): Promise<number | undefined> => {
    try {
      return (await stat(fileOf(toHex(digest)))).size
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }

  const name = async (temporary: string, digest: string): Promise<void> => {
    const folder = folderOf(digest)
    const made = await mkdir(folder, { recursive: true, mode: 0o700 })
    await rename(temporary, fileOf(digest))
    faultPoint('blob-named')
    await syncDirectory(folder)
    if (made !== undefined) await syncDirectory(options.directory)
  }

  const put = async (digest: Uint8Array, source: AsyncIterable<Uint8Array>): Promise<void> => {
    const temporary = join(aside, toHex(options.random(16)))
    const handle = await open(temporary, 'wx', 0o600)
    try {
      const written = await writeAll(handle, source)
      if (written !== toHex(digest)) throw new Problem('digest-mismatch')
    } catch (error) {
      await handle.close()
      await rm(temporary, { force: true })
      throw error
    }
    await handle.close()
    faultPoint('blob-written')
    // The same name means the same bytes: replacing a file by an equal one is as good as leaving it.
    await name(temporary, toHex(digest))
  }

  return { size, put, read: (digest, start, end) => readRange(fileOf(toHex(digest)), start, end) }
}

async function* readRange(file: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    for (let at = start; at <= end;) {
      const chunk = Buffer.allocUnsafe(Math.min(INDEX_LIMITS.blobChunk, end - at + 1))
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at)
      if (bytesRead === 0) throw new Error('a blob is shorter than its size')
      yield chunk.subarray(0, bytesRead)
      at += bytesRead
    }
  } finally {
    await handle.close()
  }
}
