/** Two histories of one log, found and kept: after that this trustee cosigns and releases nothing, for good. */
import { equalBytes } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { checkEvidence, encodeEvidence, proveFork } from '@scelle/wire/evidence'
import type { Log } from '@scelle/wire/server'
import type { Mirror, Prepared } from './mirror.ts'
import type { MirrorStore, SeenNote } from './mirror-store.ts'

export class Forks {
  readonly #store: MirrorStore
  readonly #mirror: Mirror
  readonly #log: Log
  #evidence: Uint8Array | undefined

  constructor(store: MirrorStore, mirror: Mirror, log: Log) {
    this.#store = store
    this.#mirror = mirror
    this.#log = log
    this.#evidence = store.evidence()
    if (this.#evidence !== undefined) log({ event: 'log-forked' })
  }

  /** A file that shows it to anybody, offline: `@scelle/wire/evidence`. Undefined while there is one history. */
  get evidence(): Uint8Array | undefined {
    return this.#evidence
  }

  /** Throws `log-forked` once two histories were seen. */
  require(): void {
    if (this.#evidence !== undefined) throw new Problem('log-forked')
  }

  /**
   * What somebody else found, if it shows that the index signed two histories. Throws `log-forked` then, with it on the
   * disk, and EvidenceError where it does not show what it says.
   */
  async accept(evidence: Uint8Array, index: Uint8Array): Promise<void> {
    const { kind, liar } = await checkEvidence(evidence)
    if (kind === 'fork' && equalBytes(liar.id, index)) this.#stop(evidence)
  }

  /**
   * Holds a checkpoint that the log signed against a newer one, or one of equal size, that it signed too and whose
   * tree the mirror has. Throws `log-forked`, with the evidence on disk, where they are of two histories.
   */
  async compare(older: SeenNote, newer: SeenNote, prepared?: Prepared): Promise<void> {
    const shown = older.size === newer.size
      ? (equalBytes(older.root, newer.root) ? undefined : {})
      : await proveFork(older, newer, this.#mirror.nodes(newer.size, prepared))
    if (shown === undefined) return
    const accused = this.#store.signerChain()
    this.#stop(encodeEvidence({ kind: 'fork', accused, first: older.note, second: newer.note, ...shown }))
  }

  #stop(evidence: Uint8Array): never {
    this.#store.keepEvidence(evidence)
    if (this.#evidence === undefined) this.#log({ event: 'log-forked' })
    this.#evidence = this.#store.evidence()
    throw new Problem('log-forked')
  }
}
