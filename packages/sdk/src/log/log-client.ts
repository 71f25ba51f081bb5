/**
 * The index's log as a client sees it: every checkpoint verified, held against what was seen before, and remembered;
 * every promise of the index held against the leaves.
 */
import {
  LogError, type LogErrorCode, type LogPolicy, parseNote, parseProof, type SignedCheckpoint,
  TileReader, type Tree, verifyCheckpoint, verifyProof,
} from '@scelle/log'
import { decode, equalBytes, Head, logEntry, verifySigned } from '@scelle/seal/verify'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import { logPolicy, QUORUM, verifyEd25519 } from '@scelle/wire/log'
import { type VerifiedProven, verifyProven } from '@scelle/wire/proven'
import type { KnownPrincipal } from '../directory.ts'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import type { KeptWord, Memory } from '../state.ts'
import type { Log } from '../transport.ts'
import { forkEvidence, type Parties, staleHeadEvidence } from './evidence.ts'
import { labelledLeaves, type Labelled } from './labelled.ts'
import { leafState, proofOf, wordStates } from './leaves.ts'
import { keptWord, type Place, type Word, wordOf } from './places.ts'
import { type CheckpointKind, Remembered } from './remembered.ts'
import { Tiles } from './tiles.ts'
import { Words } from './words.ts'

const ROUTES: Record<CheckpointKind, { readonly path: string; readonly quorum: number }> = {
  newest: { path: '/checkpoint', quorum: 0 },
  quorum: { path: '/v1/log/quorum', quorum: QUORUM.release },
  final: { path: '/v1/log/final', quorum: QUORUM.final },
}

/** Whose log it is, and who cosigns it. */
export interface LogSource {
  readonly memory: Memory
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
  /** Fetches from a public route of the index. */
  readonly get: (path: string) => Promise<Uint8Array>
  readonly index: () => Promise<KnownPrincipal>
  /** The trustees that were met. */
  readonly trustees: () => Promise<readonly KnownPrincipal[]>
  /** Asks all of them for their keys again. */
  readonly meet: () => Promise<void>
}

/** How many single statements are in the log for good, and how many are not seen there yet. */
export interface Confirmations {
  readonly final: number
  readonly waiting: number
}

/** Lies about the log, or its silence: never passing, and never to be kept from the user. */
const ALARMS: ReadonlySet<string> = new Set(['log-forked', 'log-rolled-back', 'log-stale', 'leaf-dropped', 'leaf-late'])

const UNSIGNED: ReadonlySet<LogErrorCode> = new Set(['checkpoint-unsigned', 'cosignatures-insufficient'])

/** What a note's signatures are of; undefined where it is none. */
const textOf = (note: Uint8Array): string | undefined => {
  try {
    return parseNote(note).text
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}

/** Passes SdkErrors on; what the index served against the formats is `answer-invalid`. */
const unprovable = (error: unknown): unknown =>
  error instanceof LogError
    ? new SdkError('answer-invalid', 'the index serves a log that does not hold together', { cause: error })
    : error

export class LogClient {
  readonly #source: LogSource
  readonly #tiles: Tiles
  readonly #remembered: Remembered
  readonly #words: Words
  #reader: TileReader | undefined
  #looking: Promise<void> | undefined
  #metAt = Number.NEGATIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY
  readonly #alarms = new Map<string, SdkError>()

  constructor(source: LogSource) {
    this.#source = source
    this.#tiles = new Tiles(source.get)
    this.#remembered = new Remembered(
      source.memory,
      (tree) => this.#readerOf(tree),
      async (older, newer, reader) => forkEvidence(await this.#parties(), older, newer, reader),
    )
    this.#words = new Words(source.memory)
  }

  /** What was found wrong so far, one of each code: show it. */
  get alarms(): readonly SdkError[] {
    return [...this.#alarms.values()]
  }

  /**
   * The newest checkpoint of a kind, verified and consistent with everything seen before. Throws `log-forked`,
   * `log-rolled-back`, `answer-invalid`, and `index-problem` (`not-found`) where there is none yet.
   */
  async checkpoint(kind: CheckpointKind): Promise<SignedCheckpoint> {
    // What is remembered when the question leaves, since a later question may be answered first.
    const before = await this.#remembered.of(kind)
    const { path, quorum } = ROUTES[kind]
    const bytes = await this.#source.get(path)
    try {
      const checkpoint = await this.#verify(bytes, quorum)
      await this.#remembered.take(kind, checkpoint)
      if (before !== undefined && checkpoint.size < before.size) throw await this.#rolledBack(before.note)
      return checkpoint
    } catch (error) {
      throw this.#wrong(error)
    }
  }

  /**
   * The index's signed word about what its newest checkpoint is. Throws SealError `signature-invalid`,
   * `answer-invalid`.
   */
  async head(): Promise<{ readonly signed: Uint8Array; readonly head: Head }> {
    const signed = await this.#source.get('/v1/log/head')
    const { body } = await verifySigned('head', signed, (await this.#source.index()).keys)
    return { signed, head: decode(Head, body) }
  }

  /**
   * The newest final checkpoint, where all three trustees cosigned it within the hour, or the index signs now that its
   * log has not grown since. Throws `log-stale` otherwise: a trustee is silent, or kept from what there is.
   */
  async freshFinal(): Promise<SignedCheckpoint> {
    const final = await this.checkpoint('final')
    const now = this.#source.now() / 1000
    if (now - Math.min(...final.cosigned.values()) <= WIRE_LIMITS.finalAge) return final
    const head = await this.head().then((said) => said.head, () => undefined)
    const isNow = head !== undefined && Math.abs(now - head.time) <= WIRE_LIMITS.accessWindow
    if (isNow && textOf(head.checkpoint) === final.note.text) return final
    throw this.#wrong(new SdkError('log-stale', 'no checkpoint of the log became final for over an hour'))
  }

  /**
   * A receipt for a place, from tiles alone, under the newest checkpoint of a kind: a tlog-proof whose `extra` is the
   * salt. Throws `leaf-dropped` where something else stands there, `index-problem` (`not-cosigned`) where it is not
   * reached yet.
   */
  async receiptOf(place: Omit<Place, 'time'>, kind: Exclude<CheckpointKind, 'newest'>): Promise<Uint8Array> {
    const checkpoint = await this.checkpoint(kind)
    if (checkpoint.size < place.sequence) {
      throw new SdkError('index-problem', 'the log does not reach this place yet', { problem: 'not-cosigned' })
    }
    try {
      const reader = this.#readerOf(checkpoint)
      if (await leafState(place, checkpoint, reader) === 'other') {
        throw new SdkError('leaf-dropped', 'the log holds something else where the index says that a statement stands')
      }
      const receipt = await proofOf(place.sequence - 1, checkpoint, reader, place.salt)
      const policy = await this.#policy(ROUTES[kind].quorum)
      await verifyProof(parseProof(receipt), logEntry(place), policy, verifyEd25519)
      return receipt
    } catch (error) {
      throw this.#wrong(error)
    }
  }

  /**
   * Checks a file that shows what the log holds, under the trustees that were met: `@scelle/wire/proven`. Throws
   * LogError, SealError.
   */
  async verifyProven(file: Uint8Array, kind: Exclude<CheckpointKind, 'newest'>): Promise<VerifiedProven> {
    return verifyProven(file, await this.#policy(ROUTES[kind].quorum))
  }

  /**
   * Holds words of the index against its newest final checkpoint; true for each whose leaves are all there. Hundreds
   * of them cost a few requests. Throws `leaf-dropped`, `leaf-late`, and as {@link checkpoint} does.
   */
  async confirm(words: readonly Word[]): Promise<boolean[]> {
    if (words.length === 0) return []
    const final = await this.checkpoint('final').catch((error: unknown) => {
      if (error instanceof SdkError && error.problem === 'not-found') return undefined
      throw error
    })
    if (final === undefined) return words.map(() => false)
    try {
      const audit = { checkpoint: final, reader: this.#readerOf(final), parties: () => this.#parties() }
      return (await wordStates(words, audit)).map((state) => state === 'held')
    } catch (error) {
      throw this.#wrong(error)
    }
  }

  /**
   * Whether all these leaves are there, under the newest checkpoint of a kind: `waiting` where it does not reach them
   * or there is none yet, `other` where something else stands at one of them. Throws as {@link checkpoint} does.
   */
  async holds(places: readonly Place[], kind: CheckpointKind): Promise<'held' | 'waiting' | 'other'> {
    const checkpoint = await this.#orNone(kind)
    if (checkpoint === undefined) return 'waiting'
    try {
      const reader = this.#readerOf(checkpoint)
      const states = await Promise.all(places.map((place) => leafState(place, checkpoint, reader)))
      return states.find((state) => state === 'other') ?? states.find((state) => state === 'waiting') ?? 'held'
    } catch (error) {
      throw this.#wrong(error)
    }
  }

  /**
   * Control leaves with a label, from a leaf on, under the newest checkpoint that two trustees cosigned; and when they
   * did, in seconds. Reads every entry since then.
   */
  async labelled(label: Uint8Array, from: number): Promise<Labelled> {
    const checkpoint = await this.#orNone('quorum')
    if (checkpoint === undefined) return { size: from, time: 0, leaves: [] }
    try {
      const leaves = await labelledLeaves(checkpoint, (tree) => new TileReader(tree, this.#tiles.read), label, from)
      return { size: Math.max(from, checkpoint.size), time: Math.min(...checkpoint.cosigned.values()), leaves }
    } catch (error) {
      throw this.#wrong(error)
    }
  }

  /** Undefined where the index shows none of that kind yet. */
  async #orNone(kind: CheckpointKind): Promise<SignedCheckpoint | undefined> {
    return this.checkpoint(kind).catch((error: unknown) => {
      if (error instanceof SdkError && error.problem === 'not-found') return undefined
      throw error
    })
  }

  /** Keeps the word about a single statement until it is confirmed. */
  async keep(signed: Uint8Array, statementSigned: Uint8Array): Promise<void> {
    await this.#words.add(keptWord(signed, statementSigned))
  }

  /** Keeps the word about commits that nobody else keeps. */
  async keepCommits(signed: Uint8Array): Promise<void> {
    await this.#words.add({ signed })
  }

  /** Confirms the words kept about single statements. Throws as {@link confirm} does; a broken word stays kept. */
  async confirmKept(): Promise<Confirmations> {
    const kept = await this.#words.waiting()
    const states = await this.confirm(kept.map(wordOf))
    const settled = new Set<KeptWord>(kept.filter((_, i) => states[i] === true))
    await this.#words.settle(settled)
    return { final: settled.size, waiting: kept.length - settled.size }
  }

  /** Notes a checkpoint that came with a receipt, aside: nobody waits for it, and what is wrong becomes an alarm. */
  saw(checkpoint: SignedCheckpoint): void {
    void this.#aside(() => this.#remembered.take('quorum', checkpoint))
  }

  /** Looks at the log unasked, where something waits to be confirmed, or nobody looked for a while. */
  lookSometimes(): void {
    const now = this.#source.now()
    const pause = this.#words.isEmpty ? SDK_LIMITS.logLookIdle : SDK_LIMITS.logLook
    if (this.#looking !== undefined || now - this.#lookedAt < pause) return
    this.#lookedAt = now
    this.#looking = this.#aside(async () => {
      await this.confirmKept()
    }).finally(() => {
      this.#looking = undefined
    })
  }

  #aside(work: () => Promise<void>): Promise<void> {
    return work().catch((error: unknown) => {
      this.#wrong(error)
      const code = error instanceof SdkError ? error.code : 'unknown'
      this.#source.log('log-not-read', { code })
    })
  }

  async #parties(): Promise<Parties> {
    return { index: await this.#source.index(), trustees: await this.#source.trustees() }
  }

  async #policy(quorum: number): Promise<LogPolicy> {
    const { index, trustees } = await this.#parties()
    if (trustees.length < quorum) {
      throw new SdkError('network', 'a trustee was never met; it has to be up the first time')
    }
    return logPolicy({ index: index.keys, trustees: trustees.map(({ keys }) => keys), quorum })
  }

  /** A signature that is missing may be one under a key that is new since the parties were met. */
  async #verify(bytes: Uint8Array, quorum: number): Promise<SignedCheckpoint> {
    try {
      return await verifyCheckpoint(bytes, await this.#policy(quorum), verifyEd25519)
    } catch (error) {
      const now = this.#source.now()
      if (!(error instanceof LogError) || !UNSIGNED.has(error.code) || now - this.#metAt < SDK_LIMITS.logLookIdle) {
        throw error
      }
      this.#metAt = now
      await this.#source.meet()
      return verifyCheckpoint(bytes, await this.#policy(quorum), verifyEd25519)
    }
  }

  /** One reader for one tree: what it authenticated is not fetched again. */
  #readerOf({ size, root }: Tree): TileReader {
    const known = this.#reader
    if (known !== undefined && known.tree.size === size && equalBytes(known.tree.root, root)) return known
    return (this.#reader = new TileReader({ size, root }, this.#tiles.read))
  }

  /** An older checkpoint than one seen before. Its own word about its head is evidence, where it lies there too. */
  async #rolledBack(seen: Uint8Array): Promise<SdkError> {
    const message = 'the index serves an older checkpoint than before: it lies, or was restored from a backup'
    const said = await this.head().catch(() => undefined)
    const evidence = said === undefined ? undefined : await staleHeadEvidence(await this.#parties(), said.signed, seen)
    return new SdkError('log-rolled-back', message, { evidence })
  }

  /** Keeps alarms, and forgets tiles that may be wrong. The error to throw. */
  #wrong(error: unknown): unknown {
    // A reader keeps what it failed to read, and a tile that does not fit may be a lie that ends.
    this.#reader = undefined
    if (error instanceof LogError) this.#tiles.forget()
    if (error instanceof SdkError && ALARMS.has(error.code) && !this.#alarms.has(error.code)) {
      this.#alarms.set(error.code, error)
      this.#source.log('log-alarm', { code: error.code })
    }
    return unprovable(error)
  }
}
