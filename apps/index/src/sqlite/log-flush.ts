/**
 * The flush of what was committed, beside the main thread. It is SQLite's own, of its write-ahead log, after which a
 * commit under `synchronous = NORMAL` is one under `FULL`. Until it ends, a loss of power may undo what readers see.
 */
import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'

/** Puts an open file's bytes on the disk. */
export type Flush = (file: number) => Promise<void>

export const flushAside: Flush = promisify(fdatasync)

export class LogFlush {
  readonly #file: string
  readonly #flush: Flush
  #open: number | undefined
  #last: Promise<void> = Promise.resolve()

  /** `database`: its file. The log beside it exists from the first write on. */
  constructor(database: string, flush: Flush) {
    this.#file = `${database}-wal`
    this.#flush = flush
  }

  /** All that is committed by now is on the disk once this resolves. One at a time. */
  run(): Promise<void> {
    this.#open ??= openSync(this.#file, 'r+')
    this.#last = this.#flush(this.#open)
    return this.#last
  }

  /** Resolves with the flush under way; rejects for good once one has failed, since no other follows it. */
  get last(): Promise<void> {
    return this.#last
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open)
    this.#open = undefined
  }
}
