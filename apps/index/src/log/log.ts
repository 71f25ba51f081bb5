/** The index's log: sequencer, trustees, and what anybody reads of it. `GET` routes over it are `routes/log.ts`. */
import { LogError, parseTilePath } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { type Context, encode, Head, SUITE } from '@scelle/seal/verify'
import type { Fetch } from '@scelle/wire/ask'
import { Problem } from '@scelle/wire/errors'
import { logOrigin } from '@scelle/wire/log'
import { faultOf, type Log as Events } from '@scelle/wire/server'
import type { Timers } from '@scelle/wire/timers'
import { INDEX_LIMITS } from '../limits.ts'
import type { CosignedKind, CosignedNote, LogStore } from '../log-store.ts'
import { LogUnusable } from './errors.ts'
import { Follower } from './follower.ts'
import { Leading } from './leading.ts'
import { PublishedLog } from './published.ts'
import { Publisher } from './publisher.ts'
import { Pushes } from './pushes.ts'
import { Recovery, type Restoring } from './recovery.ts'
import { Rounds } from './rounds.ts'
import { KnownTrustee, type TrusteeAddress } from './trustee.ts'
import { WitnessLink } from './witness-link.ts'

export interface IndexLogOptions {
  readonly identity: Identity
  readonly store: LogStore
  /** Asked to cosign: all three, by three different bodies. */
  readonly trustees: readonly TrusteeAddress[]
  readonly context: Context
  readonly timers: Timers
  readonly fetch: Fetch
  readonly events: Events
  /** Where the engine can take back what a restored index lost. */
  readonly restoring: Restoring | undefined
}

const KINDS: readonly CosignedKind[] = ['quorum', 'final']

export class IndexLog {
  /** Resolves once the stored log was found sound, whichever process leads it. Rejects with LogUnusable. */
  readonly started: Promise<void>
  readonly #options: IndexLogOptions
  readonly #published: PublishedLog
  readonly #rounds: Rounds
  readonly #links: readonly WitnessLink[]
  readonly #publisher: Publisher
  readonly #leading: Leading
  /** Where other processes may publish too. */
  readonly #follower: Follower | undefined
  readonly #recovery: Recovery
  readonly #ended = new AbortController()
  #stopped: LogUnusable | undefined
  #head: { readonly second: number; readonly size: number; readonly statement: Promise<Uint8Array> } | undefined

  constructor(options: IndexLogOptions) {
    this.#options = options
    const { identity, store, context, timers, trustees, events, fetch } = options
    this.#published = new PublishedLog(store)
    this.#rounds = new Rounds({
      trustees: trustees.length,
      now: context.now,
      timers,
      begun: () => this.#links.forEach((link) => link.wake()),
      wanted: () => this.#publisher.hurry(),
      urged: () => this.#links.forEach((link) => link.urge()),
      elsewhere: (leaf) => store.processes?.want(leaf),
      keep: (kind, cosigned) => this.#keep(kind, cosigned),
    })
    const asking = {
      identity, context, timers, fetch, signal: this.#ended.signal,
      timeout: INDEX_LIMITS.witnessTimeout, answerBytes: INDEX_LIMITS.witnessAnswer,
    }
    const pushes = new Pushes(this.#published, identity.chain)
    const known = trustees.map((trustee) => new KnownTrustee(trustee, asking))
    this.#links = known.map((trustee, place) => new WitnessLink({
      trustee, place, asking, rounds: this.#rounds, pushes, events, ahead: () => this.#recovery.suspect(trustee),
    }))
    this.#publisher = new Publisher({
      identity, origin: logOrigin(identity.id), store, published: this.#published, now: context.now, timers, events,
      announce: (checkpoint) => this.#rounds.published(checkpoint),
      passed: () => void this.#leading.pass(),
      stopped: (why) => this.#stop(why),
    })
    this.#recovery = new Recovery({
      identity, trustees: known, asking, store, published: this.#published, events,
      restoring: options.restoring,
      complete: () => this.#goOn(),
      pause: () => this.#publisher.pause(),
      stop: (why) => this.#stop(why),
    })
    this.#leading = this.#makeLeading()
    this.#follower = this.#makeFollower()
    this.started = this.#start()
    this.started.catch(() => {})
  }

  #makeLeading(): Leading {
    const { store, timers, events } = this.#options
    return new Leading({
      store,
      timers,
      events,
      read: () => this.#follower?.look() ?? this.#published.load(),
      begun: () => this.#begin(),
      passed: () => {
        this.#rounds.follow()
        return this.#publisher.pause()
      },
      stop: (why) => this.#stop(why),
    })
  }

  #makeFollower(): Follower | undefined {
    const { store: { processes }, context, events } = this.#options
    return processes === undefined ? undefined : new Follower({
      processes,
      published: this.#published,
      rounds: this.#rounds,
      now: context.now,
      events,
      leads: () => this.#leading.leads,
      settled: () => this.#publisher.settled(),
      passed: () => this.#leading.pass(),
      stop: (why) => this.#stop(why),
    })
  }

  async #start(): Promise<void> {
    const { store } = this.#options
    try {
      await this.#published.load()
      if (this.#published.checkpoint !== undefined) this.#rounds.published(this.#published.checkpoint)
      for (const kind of KINDS) {
        const cosigned = await store.cosigned(kind)
        if (cosigned !== undefined) this.#rounds.stored(kind, cosigned)
      }
      if (this.#ended.signal.aborted) return
      await this.#take()
      await this.#recovery.begin()
    } catch (error) {
      if (error instanceof LogUnusable) this.#stop(error)
      throw error
    }
  }

  /** Leads, where nobody else does; follows otherwise, and leads as soon as it can. */
  async #take(): Promise<void> {
    const { processes } = this.#options.store
    processes?.wanted((leaf) => {
      if (this.#leading.leads) this.#rounds.hurry(leaf)
    })
    this.#follower?.begin()
    const leads = this.#leading.begin()
    if (processes === undefined || (await processes.tried())) await leads
  }

  /** This process leads. After another one it asks first whether anything is missing. */
  #begin(): void {
    if (this.#follower === undefined || !this.#recovery.complete) this.#goOn()
    else void this.#recovery.again()
  }

  /** Publishes, where this process leads and nothing is missing. */
  #goOn(): void {
    if (!this.#leading.leads || !this.running) return
    this.#rounds.lead()
    this.#publisher.begin()
  }

  #stop(why: LogUnusable): void {
    if (this.#stopped !== undefined) return
    this.#stopped = why
    this.#options.events({ event: 'log-stopped', reason: why.reason, advice: why.message })
    void this.#publisher.pause()
    // Another process is to go on with it.
    void this.#options.store.processes?.resign()
  }

  async #keep(kind: CosignedKind, { size, note }: CosignedNote): Promise<void> {
    try {
      await this.#options.store.keepCosigned(kind, size, note)
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#options.events({ event: 'fault', ...faultOf(error) })
      throw error
    }
  }

  /** Ends it at once; resolves when nothing of it is under way. */
  async end(): Promise<void> {
    this.#ended.abort(new Error('the log was closed'))
    this.#rounds.end()
    await this.#recovery.end()
    await this.#leading.end()
    await this.#follower?.end()
    await this.#publisher.end()
    for (const link of this.#links) await link.ended()
  }

  /** Whether it can be added to. */
  get running(): boolean {
    return this.#stopped === undefined && this.#recovery.complete
  }

  /** Whether it is added to and goes on: not where leaves wait and no process publishes them. */
  get ready(): boolean {
    return this.running && this.#follower?.still !== true
  }

  /** Throws `log-stopped` where nothing may be added any more, and `log-recovering` where something is missing. */
  async requireRunning(): Promise<void> {
    try {
      await this.started
    } catch (cause) {
      throw new Problem('log-stopped', undefined, { cause })
    }
    if (this.#stopped === undefined) await this.#recovery.require()
    if (this.#stopped !== undefined) throw new Problem('log-stopped')
  }

  /**
   * Throws `log-recovering` where it is not known that nothing of the log is missing, `log-stopped` where something
   * else stands in its place: nothing is told then that would read as if there had never been more. A log that stopped
   * for another reason is read as before.
   */
  async requireWhole(): Promise<void> {
    await this.started.catch(() => undefined)
    if (this.#stopped === undefined) await this.#recovery.require()
    const { reason } = this.#stopped ?? {}
    if (reason === 'another-history' || reason === 'taken-back') throw new Problem('log-stopped')
  }

  /** What a restored index lacks, and how it gets it back. */
  get recovery(): Pick<Recovery, 'missing' | 'bring'> {
    return this.#recovery
  }

  /** Somebody wants this leaf cosigned soon. */
  hurry(leaf: number): void {
    this.#rounds.hurry(leaf)
  }

  /** The receipt of a leaf, once a quorum has cosigned it. Throws `not-cosigned`. */
  async receipt(leaf: number, salt: Uint8Array): Promise<Uint8Array> {
    if (!(await this.#rounds.waitFor(leaf, INDEX_LIMITS.receiptWait))) throw new Problem('not-cosigned')
    return this.#published.proof(leaf, this.#rounds.cosigned('quorum') as CosignedNote, salt)
  }

  /** Knows what any process of this index has told by now. Throws as `requireWhole` does, and `overloaded`. */
  async #newest(): Promise<void> {
    await this.requireWhole()
    if (this.#follower === undefined) return
    await this.#follower.look()
    await this.requireWhole()
  }

  /** The newest checkpoint, with all cosignatures that it has. Throws `not-found` while the log is empty. */
  async checkpoint(): Promise<Uint8Array> {
    await this.#newest()
    return found(this.#rounds.newest())
  }

  /** Throws `not-found`. */
  async cosigned(kind: CosignedKind): Promise<Uint8Array> {
    await this.#newest()
    return found(this.#rounds.cosigned(kind)?.note)
  }

  /** The proof of a leaf under the newest checkpoint that a quorum cosigned, without its salt. Throws `not-found`. */
  async proof(leaf: number): Promise<Uint8Array> {
    await this.#newest()
    const cosigned = found(this.#rounds.cosigned('quorum'))
    if (leaf >= cosigned.size) throw new Problem('not-found')
    return this.#published.proof(leaf, cosigned)
  }

  /** The index's word what its newest checkpoint is now. One a second is signed. Throws `not-found`. */
  async head(): Promise<Uint8Array> {
    const { identity, context } = this.#options
    // Dated before it is read: what is newer was not published then.
    const second = Math.floor(context.now() / 1000)
    await this.#newest()
    const { size, note } = found(this.#published.checkpoint)
    if (this.#head?.second !== second || this.#head.size !== size) {
      const body = encode(Head, { suite: SUITE, index: identity.id, checkpoint: note, time: second })
      this.#head = { second, size, statement: identity.sign('head', body) }
    }
    return this.#head.statement
  }

  /** A tile or bundle by its path. Throws `not-found`. */
  async tile(path: string): Promise<Uint8Array> {
    try {
      const tile = parseTilePath(path)
      const known = await this.#published.tile(tile)
      if (known !== undefined || this.#follower === undefined) return found(known)
      await this.#follower.look()
      return found(await this.#published.tile(tile))
    } catch (error) {
      if (error instanceof LogError) throw new Problem('not-found', undefined, { cause: error })
      throw error
    }
  }
}

const found = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Problem('not-found')
  return value
}
