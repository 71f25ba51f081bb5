/** Two histories of one log, found and kept: after that this trustee cosigns and releases nothing, for good. */
import { consistencyProof, EMPTY_ROOT } from '@scelle/log'
import { equalBytes } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import type { Log } from '@scelle/wire/server'
import type { Mirror, Prepared } from './mirror.ts'
import type { Fork, MirrorStore, SeenNote } from './mirror-store.ts'

export class Forks {
  readonly #store: MirrorStore
  readonly #mirror: Mirror
  readonly #log: Log
  #found: Fork | undefined

  constructor(store: MirrorStore, mirror: Mirror, log: Log) {
    this.#store = store
    this.#mirror = mirror
    this.#log = log
    this.#found = store.fork()
    if (this.#found !== undefined) log({ event: 'log-forked' })
  }

  /** What was found: both signed checkpoints, and what shows that no one log has both. */
  get found(): Fork | undefined {
    return this.#found
  }

  /** Throws `log-forked` once two histories were seen. */
  require(): void {
    if (this.#found !== undefined) throw new Problem('log-forked')
  }

  /**
   * Holds a checkpoint that the log signed against a newer one, or one of equal size, that it signed too and whose
   * tree the mirror has. Throws `log-forked`, with the evidence on disk, where they are of two histories.
   */
  async compare(older: SeenNote, newer: SeenNote, prepared?: Prepared): Promise<void> {
    const root = older.size === 0 ? EMPTY_ROOT : await this.#mirror.rootAt(older.size, prepared)
    if (equalBytes(root, older.root)) return
    const proof = older.size === newer.size
      ? []
      : await consistencyProof(older.size, newer.size, this.#mirror.nodes(newer.size, prepared))
    const fork: Fork = { older: older.note, newer: newer.note, root, proof }
    this.#store.keepFork(fork)
    this.#found = this.#store.fork()
    this.#log({ event: 'log-forked' })
    throw new Problem('log-forked')
  }
}
