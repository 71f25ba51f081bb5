/**
 * The checkpoints that this client saw, durably: every later one must begin with them. A note is signed by the log, so
 * two that do not fit together are evidence.
 */
import { formatNote, type SignedCheckpoint, type TileReader, type Tree, treeRoot } from '@scelle/log'
import { equalBytes } from '@scelle/seal/verify'
import { SdkError } from '../errors.ts'
import type { CheckpointSeen, Memory } from '../state.ts'
import type { Noted } from './places.ts'

/** `newest`: whatever the log signed and one trustee cosigned; `quorum`: two; `final`: all three. */
export const CHECKPOINT_KINDS = ['newest', 'quorum', 'final'] as const
export type CheckpointKind = (typeof CHECKPOINT_KINDS)[number]

/** Reads a tree's tiles, each authenticated against its root. */
export type ReaderOf = (tree: Tree) => TileReader

const noted = ({ size, root, note }: SignedCheckpoint): Noted => ({ size, root, note: formatNote(note) })

/** Finds evidence: see `forkEvidence`. */
export type Accuse = (older: Noted, newer: Noted, reader: TileReader) => Promise<Uint8Array | undefined>

const inOrder = (a: Noted, b: Noted): [Noted, Noted] => (a.size <= b.size ? [a, b] : [b, a])

export class Remembered {
  readonly #memory: Memory
  readonly #readerOf: ReaderOf
  readonly #accuse: Accuse
  #turn: Promise<unknown> = Promise.resolve()
  readonly #seen = new Map<CheckpointKind, CheckpointSeen | undefined>()

  constructor(memory: Memory, readerOf: ReaderOf, accuse: Accuse) {
    this.#memory = memory
    this.#readerOf = readerOf
    this.#accuse = accuse
  }

  /** The newest of its kind; undefined where none was seen yet. */
  async of(kind: CheckpointKind): Promise<CheckpointSeen | undefined> {
    if (!this.#seen.has(kind)) {
      const stored = await this.#memory.checkpointSeen(kind)
      if (!this.#seen.has(kind)) this.#seen.set(kind, stored)
    }
    return this.#seen.get(kind)
  }

  /** The largest of any kind. */
  async largest(): Promise<CheckpointSeen | undefined> {
    const all = await Promise.all(CHECKPOINT_KINDS.map((kind) => this.of(kind)))
    return all.reduce((most, one) => (one !== undefined && one.size > (most?.size ?? -1) ? one : most), undefined)
  }

  /**
   * Compares a verified checkpoint with the largest one seen, and remembers it where it is larger than those of its
   * kind. One that nobody cosigned is compared, not remembered: only what was cosigned must outlast a restored index.
   * Throws `log-forked`.
   */
  take(kind: CheckpointKind, checkpoint: SignedCheckpoint): Promise<void> {
    const turn = this.#turn.then(() => this.#take(kind, checkpoint))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #take(kind: CheckpointKind, checkpoint: SignedCheckpoint): Promise<void> {
    const next = noted(checkpoint)
    const largest = await this.largest()
    if (largest !== undefined) await this.#requireConsistent(...inOrder(largest, next))
    const before = await this.of(kind)
    if (checkpoint.cosigned.size === 0 || (before !== undefined && before.size >= next.size)) return
    this.#seen.set(kind, next)
    await this.#memory.sawCheckpoint(kind, next)
  }

  /** Throws `log-forked`, with evidence, and LogError where the tiles served lead nowhere. */
  async #requireConsistent(older: Noted, newer: Noted): Promise<void> {
    const reader = this.#readerOf(newer)
    const begins = older.size === newer.size ? newer.root : await treeRoot(older.size, reader.nodes)
    if (equalBytes(begins, older.root)) return
    throw new SdkError('log-forked', 'the index signed two histories of its log; tell its operator and the trustees', {
      evidence: await this.#accuse(older, newer, reader),
    })
  }
}
