/**
 * The sequencer: when leaves are durable, it appends them to the tree, signs the checkpoint and stores it with the
 * tiles that it filled. At once when idle or while somebody waits for a receipt, at most every 50 ms under load
 * otherwise. Only what is stored is told to anybody.
 */
import { checkpointText, formatNote, type NoteKey, signNote } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { faultOf, type Log as Events } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { INDEX_LIMITS } from '../limits.ts'
import { type LogStore, PublishError, type StoredCheckpoint } from '../log-store.ts'
import { LogUnusable } from './errors.ts'
import type { PublishedLog } from './published.ts'
import type { Tree } from './tree.ts'

export interface PublisherOptions {
  readonly identity: Identity
  readonly origin: string
  readonly store: LogStore
  readonly published: PublishedLog
  readonly now: () => number
  readonly timers: Timers
  readonly events: Events
  /** A checkpoint was stored. */
  readonly announce: (checkpoint: StoredCheckpoint) => void
  /** Nothing is published any more. */
  readonly stopped: (why: LogUnusable) => void
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #key: NoteKey
  readonly #ended = new AbortController()
  /** Whether it may publish; whether this process waits to lead; whether it leads. */
  #begun = false
  #awaiting = false
  #leading = false
  #running: Promise<void> | undefined
  #again = false
  #hurried = false
  #last = Number.NEGATIVE_INFINITY
  #cancel: (() => void) | undefined
  #unlisten: (() => void) | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#key = { name: options.origin, algorithm: 'ed25519', key: options.identity.keys.current.signingKey }
  }

  /** Whether this process publishes. Of several one does, and the others read what it stored. */
  get leading(): boolean {
    return this.#leading
  }

  /** Publishes from now on, where and as soon as this process leads. */
  begin(): void {
    if (this.#ended.signal.aborted) return
    this.#begun = true
    this.#lead()
  }

  /** What another process published in between is read first, and gone on from. */
  #lead(): void {
    const { store, published, stopped, events, timers } = this.#options
    const lead = async (): Promise<void> => {
      await store.lead(this.#ended.signal)
      await published.load()
      this.#awaiting = false
      if (this.#begun && !this.#ended.signal.aborted) this.#leads()
    }
    if (this.#awaiting) return
    this.#awaiting = true
    lead().catch((error: unknown) => {
      this.#awaiting = false
      if (this.#ended.signal.aborted) return
      if (error instanceof LogUnusable) return stopped(error)
      events({ event: 'fault', ...faultOf(error) })
      timers.after(INDEX_LIMITS.publishPause, () => {
        if (this.#begun) this.#lead()
      })
    })
  }

  #leads(): void {
    const { store, published, announce } = this.#options
    this.#leading = true
    this.#unlisten ??= store.grown(() => this.#wake())
    if (published.checkpoint !== undefined) announce(published.checkpoint)
    this.#wake()
  }

  /** Publishes nothing more until it begins again. Resolves once nothing of it is under way. */
  async pause(): Promise<void> {
    this.#begun = false
    this.#leading = false
    this.#cancel?.()
    this.#cancel = undefined
    await this.#running
  }

  /** Does not wait for its time: whoever is waited for comes as often as trustees cosign, no more. */
  hurry(): void {
    if (!this.#leading || !this.#again) return
    this.#hurried = true
    if (this.#running !== undefined) return
    this.#cancel?.()
    this.#cancel = undefined
    this.#schedule(0)
  }

  /** Ends it. Resolves once nothing of it is under way. */
  async end(): Promise<void> {
    this.#ended.abort(new Error('the log was closed'))
    this.#unlisten?.()
    await this.pause()
  }

  #wake(): void {
    if (!this.#leading) return
    this.#again = true
    if (this.#running === undefined) this.#schedule(this.#last + INDEX_LIMITS.publishEvery - this.#options.now())
  }

  #schedule(wait: number): void {
    this.#cancel ??= this.#options.timers.after(Math.max(0, Math.min(wait, INDEX_LIMITS.publishPause)), () => {
      this.#cancel = undefined
      this.#running = this.#run()
    })
  }

  async #run(): Promise<void> {
    let pause = 0
    try {
      this.#again = false
      this.#hurried = false
      await this.#publish()
    } catch (error) {
      pause = INDEX_LIMITS.publishPause
      this.#fail(error)
    }
    this.#running = undefined
    if (!this.#leading || (!this.#again && pause === 0)) return
    const wait = this.#hurried ? 0 : this.#last + INDEX_LIMITS.publishEvery - this.#options.now()
    this.#schedule(Math.max(pause, wait))
  }

  /** One checkpoint over all leaves that are durable. */
  async #publish(): Promise<void> {
    const { store, published, announce } = this.#options
    const stored = await store.size()
    const after = published.tree.size
    if (stored <= after || !this.#leading) return
    this.#last = this.#options.now()
    const size = Math.min(stored, after + INDEX_LIMITS.leavesPublished)
    this.#again ||= size < stored
    const { tree, tiles } = await published.grow(size, published.recent.take)
    const checkpoint = await this.#sign(tree)
    if (!this.#leading) return
    await store.publish(checkpoint, tiles, after)
    published.advance(tree, checkpoint)
    announce(checkpoint)
  }

  /** The signature leaves this process only once `publish` has stored it: see `#publish`. */
  async #sign({ size, root }: Tree): Promise<StoredCheckpoint> {
    const { identity, origin } = this.#options
    const text = checkpointText({ origin, size, root })
    const signature = await signNote(text, this.#key, identity.signRaw)
    return { size, root, note: formatNote({ text, signatures: [signature] }) }
  }

  #fail(error: unknown): void {
    const { stopped, events } = this.#options
    if (!this.#leading) return
    if (!(error instanceof PublishError)) return events({ event: 'fault', ...faultOf(error) })
    this.#leading = false
    // Another process led in between.
    if (error.reason !== 'uncertain') return this.#lead()
    stopped(new LogUnusable('uncertain', { cause: error }))
  }
}
