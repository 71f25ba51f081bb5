/** Where a log is read from: its server, or a folder with the same files. Nothing that comes from there is believed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CLI_LIMITS } from '../limits.ts'

/** Octets under a path without its first slash; undefined where there is nothing. Throws SourceError. */
export type ReadLog = (path: string, max: number) => Promise<Uint8Array | undefined>

/** The other side does not answer, or answers what nobody can use. */
export class SourceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SourceError'
  }
}

const readBounded = async (answer: Response, max: number): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length
    if (size > max) throw new SourceError('an answer is longer than it may be')
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}

/** `base`: address of a server, without a slash at its end. */
export const readFromServer = (
  base: string, call: (url: string, init: RequestInit) => Promise<Response> = fetch,
): ReadLog => async (path, max) => {
  try {
    const answer = await call(`${base}/${path}`, {
      signal: AbortSignal.timeout(CLI_LIMITS.logTime), redirect: 'manual',
      headers: { 'accept-encoding': 'identity' },
    })
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new SourceError(`it answers status ${answer.status}`)
    return await readBounded(answer, max)
  } catch (cause) {
    if (cause instanceof SourceError) throw cause
    throw new SourceError('it does not answer', { cause })
  }
}

/** A mirror: the files that the server has, under the same paths. */
export const readFromFolder = (folder: string): ReadLog => async (path, max) => {
  try {
    const bytes = new Uint8Array(await readFile(join(folder, path)))
    if (bytes.length > max) throw new SourceError('a file is longer than it may be')
    return bytes
  } catch (cause) {
    if (cause instanceof SourceError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    // `checkpoint` may be missing beside a folder of that name, and the other way round.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw new SourceError('a file cannot be read', { cause })
  }
}

export const isAddress = (where: string): boolean => /^https?:\/\//.test(where)

export const logSource = (where: string): ReadLog =>
  isAddress(where) ? readFromServer(where.replace(/\/+$/, '')) : readFromFolder(where)
