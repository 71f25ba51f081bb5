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
  /** Another process leads by now, or something else is stored than this one knows. */
  readonly passed: () => void
  /** Nothing is published any more. */
  readonly stopped: (why: LogUnusable) => void
}

export class Publisher {
  readonly #options: PublisherOptions
  readonly #key: NoteKey
  readonly #ended = new AbortController()
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

  /** Publishes from now on: this process leads, and knows what is stored. */
  begin(): void {
    const { store, published, announce } = this.#options
    if (this.#ended.signal.aborted) return
    this.#leading = true
    this.#unlisten ??= store.grown(() => this.#wake())
    if (published.checkpoint !== undefined) announce(published.checkpoint)
    this.#wake()
  }

  /** Publishes nothing more until it begins again. Resolves once nothing of it is under way. */
  async pause(): Promise<void> {
    this.#leading = false
    this.#cancel?.()
    this.#cancel = undefined
    await this.#running
  }

  /** Resolves once what is being stored now is stored, and told of. */
  async settled(): Promise<void> {
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
    const { stopped, passed, events } = this.#options
    if (!this.#leading) return
    if (!(error instanceof PublishError)) return events({ event: 'fault', ...faultOf(error) })
    this.#leading = false
    if (error.reason === 'uncertain') stopped(new LogUnusable('uncertain', { cause: error }))
    else passed()
  }
}
