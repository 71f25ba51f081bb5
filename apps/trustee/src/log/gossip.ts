/**
 * Trustees compare what they cosign, past the index: an index that shows each of them another log is found out within
 * one interval, and a trustee that was restored from a backup hears from the others how far it had come.
 */
import { heldSignatures, LogError, parseCheckpoint, parseNote, verifyCheckpoint } from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { decode, equalBytes, fromHex, type PrincipalKeys, SealError, toHex, verifyKeyChain } from '@scelle/seal/verify'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { Problem } from '@scelle/wire/errors'
import { EvidenceError } from '@scelle/wire/evidence'
import { logOrigin, logPolicy, verifyEd25519, witnessKeys, witnessName } from '@scelle/wire/log'
import { Self } from '@scelle/wire/messages'
import { faultOf, type Log, type WitnessState } from '@scelle/wire/server'
import type { Spending } from '../meter/spending.ts'
import type { SeenNotes } from './seen.ts'
import type { Witness } from './witness.ts'

/** `id`: a principal id in hex, which the keys of whoever answers there must lead to. */
export interface Address {
  readonly id: string
  readonly url: string
}

export interface GossipOptions {
  readonly identity: Identity
  readonly indexId: Uint8Array
  readonly peers: readonly Address[]
  readonly witness: Witness
  readonly seen: SeenNotes
  /** What peers say of their meters, and what this trustee said of its own. */
  readonly spending: Spending
  readonly asking: AskOptions
  readonly log: Log
  /** Milliseconds between two rounds. */
  readonly every: number
}

/** What a peer said is not what it may say. */
class Untrue extends Error {
  override readonly name = 'Untrue'
}

/** The answer, or undefined where the peer says that it has none. */
const askFor = async (asking: AskOptions, url: string): Promise<Uint8Array | undefined> => {
  try {
    return await ask(asking, 'GET', url)
  } catch (error) {
    if (error instanceof Unanswered && error.code === 'not-found') return undefined
    throw error
  }
}

const stateOf = (error: unknown): WitnessState => {
  if (error instanceof Unanswered) return 'silent'
  if (error instanceof Problem && error.code === 'log-forked') return 'forked'
  return 'lying'
}

const expected = (error: unknown): boolean =>
  [Unanswered, Untrue, Problem, LogError, SealError, EvidenceError].some((known) => error instanceof known)

export class Gossip {
  readonly #options: GossipOptions
  readonly #keys = new Map<string, PrincipalKeys>()
  readonly #states = new Map<string, WitnessState>()
  #cancel: (() => void) | undefined

  constructor(options: GossipOptions) {
    this.#options = options
  }

  /** Asks all peers now and from time to time until the signal of `asking`. The answer: once all were asked. */
  start(): Promise<void> {
    // Alone, nobody knows more than this trustee.
    if (this.#options.peers.length === 0) return Promise.resolve()
    this.#options.asking.signal.addEventListener('abort', () => this.#cancel?.(), { once: true })
    return this.#roundAndNext()
  }

  /** The next one begins that long after the one before has ended: two never run at once. */
  async #roundAndNext(): Promise<void> {
    await this.round()
    const { asking: { timers, signal }, every } = this.#options
    if (signal.aborted) return
    this.#cancel = timers.after(every, () => void this.#roundAndNext())
  }

  /** Asks every peer once. Never fails: what a peer does wrong is told in the log. */
  async round(): Promise<void> {
    const { peers, seen, asking } = this.#options
    await Promise.all(peers.map((peer, place) => this.#peer(peer, place)))
    if (!asking.signal.aborted) seen.keep()
  }

  async #peer(peer: Address, place: number): Promise<void> {
    const { log, asking } = this.#options
    try {
      await this.#own(peer)
      await this.#theirs(peer)
      await this.#spending(peer)
      await this.#evidence(peer)
      this.#tell(place, 'cosigning')
    } catch (error) {
      if (asking.signal.aborted) return
      if (!expected(error)) log({ event: 'fault', ...faultOf(error) })
      this.#tell(place, stateOf(error))
    }
  }

  #tell(place: number, state: WitnessState): void {
    const name = String(place)
    if (this.#states.get(name) === state) return
    this.#states.set(name, state)
    this.#options.log({ event: 'witness', trustee: place + 1, state })
  }

  /** What this trustee itself cosigned, as the peer kept it. Its own signature is enough: it signs no other log. */
  async #own({ url }: Address): Promise<void> {
    const { identity, indexId, asking, witness } = this.#options
    const note = await askFor(asking, `${url}/v1/log/seen/${toHex(identity.id)}`)
    if (note === undefined) return
    const parsed = parseNote(note)
    const { origin, size, root } = parseCheckpoint(parsed.text)
    const held = await heldSignatures(parsed, witnessKeys(identity.keys), verifyEd25519)
    if (held.length === 0 || origin !== logOrigin(indexId)) throw new Untrue('this is nothing that was cosigned here')
    await witness.remember({ size, root, note })
  }

  /** The peer's newest checkpoint: of the same log, or there are two histories of it. */
  async #theirs(peer: Address): Promise<void> {
    const { asking, witness, seen } = this.#options
    const index = await witness.index()
    const note = await askFor(asking, `${peer.url}/v1/log/checkpoint`)
    // Before the index was heard nobody's signature for it can be told from another's.
    if (note === undefined || index === undefined) return
    const keys = await this.#keysOf(peer)
    try {
      const { size, root, cosigned } = await verifyCheckpoint(
        note, logPolicy({ index, trustees: [keys], quorum: 1 }), verifyEd25519)
      seen.add(keys.id, { size, root, note }, cosigned.get(witnessName(keys.id)) ?? 0)
      await witness.consider({ size, root, note })
    } catch (error) {
      // Either side may have a newer key than is known here: asked for again before it counts.
      this.#keys.delete(peer.id)
      throw error
    }
  }

  /** How far the peer's meter came: kept for it. And how far this one's had come, as the peer kept it. */
  async #spending(peer: Address): Promise<void> {
    const { asking, identity, spending } = this.#options
    const theirs = await askFor(asking, `${peer.url}/v1/meter/spent`)
    if (theirs !== undefined) await spending.keep(theirs, await this.#keysOf(peer))
    const own = await askFor(asking, `${peer.url}/v1/meter/spent/${toHex(identity.id)}`)
    if (own !== undefined) await spending.compare(own)
  }

  /** What made the peer stop stops this trustee too, if it shows what it says. */
  async #evidence({ url }: Address): Promise<void> {
    const { asking, witness, indexId } = this.#options
    const evidence = await askFor(asking, `${url}/v1/log/evidence`)
    if (evidence !== undefined) await witness.forks.accept(evidence, indexId)
  }

  async #keysOf({ id, url }: Address): Promise<PrincipalKeys> {
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    const { keys } = decode(Self, await ask(this.#options.asking, 'GET', `${url}/v1/self`))
    const verified = await verifyKeyChain(keys)
    if (!equalBytes(verified.id, fromHex(id) as Uint8Array) || verified.kind !== 'trustee') {
      throw new Untrue('another principal answers under a peer\'s address')
    }
    this.#keys.set(id, verified)
    return verified
  }
}
