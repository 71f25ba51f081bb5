/**
 * Which checkpoint the trustees are asked to cosign. All are asked for the same one until a quorum has cosigned it:
 * each at its own pace would cosign checkpoints of its own, and no two the same.
 */
import { formatNote, type Note, type NoteSignature, parseNote } from '@scelle/log'
import { equalBytes } from '@scelle/seal/verify'
import { QUORUM } from '@scelle/wire/log'
import type { Timers } from '@scelle/wire/timers'
import { INDEX_LIMITS } from '../limits.ts'
import type { CosignedKind, CosignedNote, StoredCheckpoint } from '../log-store.ts'

/** A checkpoint and who cosigned it, by the trustee's place in the configuration. */
export interface Target extends StoredCheckpoint {
  readonly signed: Note
  readonly cosignatures: Map<number, NoteSignature>
}

export interface RoundsOptions {
  /** How many trustees there are. */
  readonly trustees: number
  readonly now: () => number
  readonly timers: Timers
  /** There is another checkpoint to cosign. */
  readonly begun: () => void
  /** Somebody waits for a cosignature. */
  readonly urged: () => void
  /** Somebody waits for a leaf that no checkpoint covers yet, and trustees could cosign the next one now. */
  readonly wanted: () => void
  /** The same while another process has it published and cosigned. */
  readonly elsewhere: (leaf: number) => void
  /** Keeps it durably: nobody is told of cosignatures that the next process would not know. */
  readonly keep: (kind: CosignedKind, cosigned: CosignedNote) => Promise<void>
}

const targetOf = (checkpoint: StoredCheckpoint): Target => ({
  ...checkpoint, signed: parseNote(checkpoint.note), cosignatures: new Map(),
})

const noteOf = ({ signed, cosignatures }: Target): Uint8Array =>
  formatNote({ text: signed.text, signatures: [...signed.signatures, ...cosignatures.values()] })

export class Rounds {
  readonly #options: RoundsOptions
  readonly #final: number
  readonly #cosigned: { -readonly [K in CosignedKind]?: CosignedNote & { readonly count: number } } = {}
  #leads = false
  #keeping = Promise.resolve()
  #newest: StoredCheckpoint | undefined
  #target: Target | undefined
  #begun = Number.NEGATIVE_INFINITY
  /** Leaves that are waited for lie in this range, its end not included; those cosigned by now have left it. */
  #wanted = { from: 0, to: 0 }
  #cancel: (() => void) | undefined
  #waiting = new Set<{ readonly leaf: number; readonly go: () => void }>()

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#final = Math.max(QUORUM.final, options.trustees)
  }

  /** The checkpoint to cosign, where this trustee has not cosigned it yet. */
  targetFor(trustee: number): Target | undefined {
    return this.#target?.cosignatures.has(trustee) === true ? undefined : this.#target
  }

  cosigned(kind: CosignedKind): CosignedNote | undefined {
    return this.#cosigned[kind]
  }

  /** The newest checkpoint with all cosignatures that it has by now. */
  newest(): Uint8Array | undefined {
    const { size } = this.#newest ?? {}
    if (this.#target !== undefined && this.#target.size === size) return noteOf(this.#target)
    const kept = [this.#cosigned.final, this.#cosigned.quorum].find((cosigned) => cosigned?.size === size)
    return (kept ?? this.#newest)?.note
  }

  /** What is stored: from before a restart, or by another process. */
  stored(kind: CosignedKind, { size, note }: CosignedNote): void {
    const before = this.#cosigned[kind]
    if (before !== undefined && (before.size > size || equalBytes(before.note, note))) return
    // The log's own signature is among them.
    this.#know(kind, { size, note, count: parseNote(note).signatures.length - 1 })
  }

  /** From now on trustees are asked from here. */
  lead(): void {
    this.#leads = true
  }

  /** Another process asks them. */
  follow(): void {
    this.#leads = false
    this.#target = undefined
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#wanted.from < this.#wanted.to) this.#options.elsewhere(this.#wanted.to - 1)
  }

  published(checkpoint: StoredCheckpoint): void {
    this.#newest = checkpoint
    this.#consider()
  }

  /** Somebody waits for a quorum over this leaf: the next round does not wait for its time. */
  hurry(leaf: number): void {
    const { from, to } = this.#wanted
    this.#wanted = from < to ? { from: Math.min(from, leaf), to: Math.max(to, leaf + 1) } : { from: leaf, to: leaf + 1 }
    if (!this.#leads) return this.#options.elsewhere(leaf)
    this.#consider()
    this.#options.urged()
  }

  /** Resolves with whether a quorum cosigned the leaf within so many milliseconds. */
  async waitFor(leaf: number, ms: number): Promise<boolean> {
    if (this.#covers(leaf)) return true
    return new Promise((resolve) => {
      const end = (covered: boolean): void => {
        cancel()
        this.#waiting.delete(waiting)
        resolve(covered)
      }
      const waiting = { leaf, go: () => end(true) }
      const cancel = this.#options.timers.after(ms, () => end(false), true)
      this.#waiting.add(waiting)
      this.hurry(leaf)
    })
  }

  /** A trustee's cosignature, which was verified. */
  add(trustee: number, target: Target, cosignature: NoteSignature): void {
    target.cosignatures.set(trustee, cosignature)
    const count = target.cosignatures.size
    if (count >= QUORUM.release) this.#keep('quorum', target, count)
    if (count >= this.#final) this.#keep('final', target, count)
    this.#consider()
  }

  /** A trustee has cosigned a larger checkpoint than the one that is asked for: it will never cosign this one. */
  passed(size: number): void {
    if (this.#target === undefined || this.#target.size >= size) return
    if (this.#newest !== undefined && this.#newest.size >= size) this.#begin(this.#newest)
  }

  end(): void {
    this.#leads = false
    this.#cancel?.()
    this.#newest = undefined
    this.#target = undefined
  }

  #covers(leaf: number): boolean {
    return (this.#cosigned.quorum?.size ?? 0) > leaf
  }

  #keep(kind: CosignedKind, target: Target, count: number): void {
    const cosigned = { size: target.size, note: noteOf(target), count }
    this.#keeping = this.#keeping.then(() => this.#options.keep(kind, cosigned)).then(
      () => this.#know(kind, cosigned),
      // The next round brings others; who keeps it has told the operator.
      () => undefined,
    )
  }

  #know(kind: CosignedKind, cosigned: CosignedNote & { readonly count: number }): void {
    const before = this.#cosigned[kind]
    if (before !== undefined && before.size > cosigned.size) return
    if (before?.size === cosigned.size && before.count >= cosigned.count) return
    this.#cosigned[kind] = cosigned
    for (const { leaf, go } of this.#waiting) if (this.#covers(leaf)) go()
    if (this.#covers(this.#wanted.to - 1)) this.#wanted = { from: 0, to: 0 }
    this.#consider()
  }

  #consider(): void {
    if (this.#options.trustees === 0 || !this.#leads) return
    if (this.#target !== undefined && this.#target.cosignatures.size < QUORUM.release) return
    const newest = this.#newest
    const from = Math.max(this.#wanted.from, this.#cosigned.quorum?.size ?? 0)
    if (from < this.#wanted.to && from >= (newest?.size ?? 0)) this.#options.wanted()
    if (newest === undefined || newest.size === this.#target?.size) return
    const urgent = from < Math.min(this.#wanted.to, newest.size)
    const wait = urgent ? 0 : this.#begun + INDEX_LIMITS.cosignEvery - this.#options.now()
    if (wait <= 0) return this.#begin(newest)
    this.#cancel ??= this.#options.timers.after(Math.min(wait, INDEX_LIMITS.cosignEvery), () => {
      this.#cancel = undefined
      this.#begun = Number.NEGATIVE_INFINITY
      this.#consider()
    })
  }

  #begin(checkpoint: StoredCheckpoint): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#begun = this.#options.now()
    this.#target = targetOf(checkpoint)
    this.#options.begun()
  }
}
