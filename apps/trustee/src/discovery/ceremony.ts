/**
 * How three trustees come by a key that none of them has. Each shows its own part and fetches the others': whoever was
 * away, or fell over at any point, goes on where it was. Nothing that a peer shows is believed before it is checked,
 * and a share lies on disk only as it was dealt: sealed to this trustee's own keys.
 */
import type { Identity } from '@scelle/seal/identity'
import {
  decode, type DiscoveryKey, encode, DiscoveryKey as DiscoveryKeyBody, equalBytes, fromHex, hashOf, type PrincipalKeys,
  SealError, toHex, u32, verifyKeyChain,
} from '@scelle/seal/verify'
import {
  deal, keyOfDealings, type KeyShare, readDealing, shareOfDealings, type VerifiedDealing, verifyDealing,
  verifyDiscoveryKey,
} from '@scelle/seal/voprf'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { Problem } from '@scelle/wire/errors'
import { DiscoveryPart } from '@scelle/wire/messages'
import { faultOf, type Log } from '@scelle/wire/server'
import { TRUSTEE_LIMITS } from '../limits.ts'
import type { Address } from '../log/gossip.ts'
import type { DiscoveryStore } from './store.ts'

export interface CeremonyOptions {
  readonly identity: Identity
  readonly peers: readonly Address[]
  readonly store: DiscoveryStore
  readonly asking: AskOptions
  readonly log: Log
}

interface Peer {
  readonly keys: PrincipalKeys
  readonly part: DiscoveryPart
}

/** A key and this trustee's share of it. */
export interface Held {
  readonly key: DiscoveryKey
  readonly share: KeyShare
}

export class Ceremony {
  readonly #options: CeremonyOptions
  readonly #held = new Map<number, Promise<Held>>()
  #cancel: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: CeremonyOptions) {
    this.#options = options
  }

  /** Goes on now and every so many milliseconds, until the signal of `asking`. */
  start(every: number): void {
    const { timers, signal } = this.#options.asking
    signal.addEventListener('abort', () => this.#cancel?.(), { once: true })
    const next = async (): Promise<void> => {
      await this.round()
      if (!signal.aborted) this.#cancel = timers.after(every, () => void next())
    }
    void next()
  }

  /** What this trustee shows of itself in a generation; public. */
  part(generation: number): DiscoveryPart {
    const { identity, store } = this.#options
    const own = <T extends { statement: Uint8Array }>(rows: T[], of: (row: T) => Uint8Array): Uint8Array | undefined =>
      rows.find((row) => equalBytes(of(row), identity.id))?.statement
    const dealing = own(store.dealings(generation), ({ dealer }) => dealer)
    const signed = own(store.keys(generation), ({ trustee }) => trustee)
    return {
      keys: [...identity.chain],
      ...(dealing === undefined ? {} : { dealing }),
      ...(signed === undefined ? {} : { signed }),
    }
  }

  /** The three signatures of the key in use. Throws `discovery-absent`. */
  signed(): Uint8Array[] {
    const active = this.#options.store.active()
    if (active === undefined) throw new Problem('discovery-absent')
    return this.#options.store.keys(active.generation).map(({ statement }) => statement)
  }

  /** Key and share of a generation. Throws `discovery-absent`, `discovery-stale`. */
  async held(generation: number): Promise<Held> {
    const { store, asking } = this.#options
    const active = store.active()
    if (active === undefined) throw new Problem('discovery-absent')
    const before = generation === active.generation - 1 &&
      asking.context.now() / 1000 < active.since + TRUSTEE_LIMITS.discoveryOverlap
    if (generation !== active.generation && !before) throw new Problem('discovery-stale')
    const known = this.#held.get(generation) ?? this.#open(generation)
    this.#held.set(generation, known)
    known.catch(() => this.#held.delete(generation))
    return known
  }

  /** Deals a renewal of the shares, which the peers then join. Throws `discovery-absent`. */
  async renew(): Promise<void> {
    const active = this.#options.store.active()
    if (active === undefined) throw new Problem('discovery-absent')
    await this.#deal(active.generation + 1, await this.#peers(active.generation + 1))
    await this.round()
  }

  /** One step: what the peers show is taken in, and what follows from it is done. Never fails; one at a time. */
  round(): Promise<void> {
    this.#running = this.#running.then(() => this.#round()).catch((error: unknown) => {
      if (this.#options.asking.signal.aborted) return
      if (error instanceof Unanswered) return
      this.#tell(error)
    })
    return this.#running
  }

  /** The operator reads which of the peers dealt wrong, or signed another key. */
  #tell(error: unknown): void {
    const { log, peers } = this.#options
    if (!(error instanceof SealError) && !(error instanceof Problem)) return log({ event: 'fault', ...faultOf(error) })
    const [party] = error instanceof SealError ? error.parties : []
    const place = peers.findIndex(({ id }) => id === party)
    return log({ event: 'discovery', problem: error.code, ...(place < 0 ? {} : { trustee: place + 1 }) })
  }

  async #round(): Promise<void> {
    const { identity, peers, store, asking } = this.#options
    if (peers.length !== 2) return
    const active = store.active()
    const now = Math.floor(asking.context.now() / 1000)
    if (active !== undefined && now >= active.since + TRUSTEE_LIMITS.discoveryOverlap) {
      store.dropBefore(active.generation)
      this.#held.delete(active.generation - 1)
    }
    const generation = active === undefined ? 0 : active.generation + 1
    const shown = await this.#peers(generation)
    const ownDealt = (): boolean => store.dealings(generation).some(({ dealer }) => equalBytes(dealer, identity.id))
    // A peer may ask for new shares, but not every minute.
    const joins = active === undefined || (shown.some(({ part }) => part.dealing !== undefined) &&
      now >= active.since + TRUSTEE_LIMITS.discoveryRenewAfter)
    if (!ownDealt() && joins) await this.#deal(generation, shown)
    await this.#sign(generation, shown)
    await this.#agree(generation, shown, now)
  }

  /** Both peers' parts, under keys that lead to the ids in the configuration. Throws Unanswered. */
  async #peers(generation: number): Promise<Peer[]> {
    return Promise.all(this.#options.peers.map(async ({ id, url }) => {
      const answer = await ask(this.#options.asking, 'GET', `${url}/v1/discovery/parts/${generation}`)
      const part = decode(DiscoveryPart, answer)
      const keys = await verifyKeyChain(part.keys)
      if (!equalBytes(keys.id, fromHex(id) as Uint8Array) || keys.kind !== 'trustee') {
        throw new Unanswered('another principal answers under a peer\'s address')
      }
      return { keys, part }
    }))
  }

  /** All three in the order of their ids, which all of them come to by themselves. */
  #inOrder(shown: readonly Peer[]): PrincipalKeys[] {
    return [this.#options.identity.keys, ...shown.map(({ keys }) => keys)]
      .toSorted((a, b) => toHex(a.id) < toHex(b.id) ? -1 : 1)
  }

  async #deal(generation: number, shown: readonly Peer[]): Promise<void> {
    const { identity, store, asking: { context } } = this.#options
    if (store.dealings(generation).some(({ dealer }) => equalBytes(dealer, identity.id))) return
    const trustees = this.#inOrder(shown)
    const ceremony = hashOf('discoveryDealing', ...trustees.map(({ id }) => id), u32(generation)).slice(0, 16)
    const renews = generation === 0 ? undefined : await this.held(generation - 1)
    store.keepDealing(generation, identity.id, await deal(identity, { ceremony, trustees, renews }, context))
  }

  /** With three dealings that hold, and a share that is on all three lines: signs. Otherwise says who dealt wrong. */
  async #sign(generation: number, shown: readonly Peer[]): Promise<void> {
    const { identity, store } = this.#options
    if (store.keys(generation).some(({ trustee }) => equalBytes(trustee, identity.id))) return
    const before = generation === 0 ? undefined : (await this.held(generation - 1)).key
    for (const { keys, part } of shown) {
      if (part.dealing === undefined) return
      await verifyDealing(part.dealing, keys, before)
      store.keepDealing(generation, keys.id, part.dealing)
    }
    const dealings = await this.#verified(generation, this.#inOrder(shown), before)
    if (dealings.length < 3) return
    await shareOfDealings(dealings, identity)
    store.keepKey(generation, identity.id,
      await identity.sign('discovery-key', encode(DiscoveryKeyBody, keyOfDealings(dealings))))
  }

  async #verified(
    generation: number, trustees: readonly PrincipalKeys[], before: DiscoveryKey | undefined,
  ): Promise<VerifiedDealing[]> {
    return Promise.all(this.#options.store.dealings(generation).map(({ dealer, statement }) =>
      verifyDealing(statement, trustees.find(({ id }) => equalBytes(id, dealer)) as PrincipalKeys, before)))
  }

  /** The key counts once all three signed the same one. */
  async #agree(generation: number, shown: readonly Peer[], now: number): Promise<void> {
    const { identity, store } = this.#options
    const own = store.keys(generation).find(({ trustee }) => equalBytes(trustee, identity.id))
    const theirs = shown.map(({ part }) => part.signed)
    if (own === undefined || theirs.includes(undefined)) return
    await verifyDiscoveryKey([own.statement, ...theirs as Uint8Array[]], this.#inOrder(shown))
    for (const { keys, part } of shown) store.keepKey(generation, keys.id, part.signed as Uint8Array)
    store.activate(generation, now)
  }

  /** From what is on disk: dealings were checked before they were signed for, so their values alone are opened. */
  async #open(generation: number): Promise<Held> {
    const { identity, store } = this.#options
    const dealings = store.dealings(generation).map(({ statement }) => readDealing(statement))
    const share = await shareOfDealings(dealings, identity)
    return { key: keyOfDealings(dealings), share }
  }
}
