/**
 * Key records as leaves of the log: everybody's newer keys have to be there before they are relied on, and whoever
 * makes a key for somebody leaves a leaf with that one's label.
 */
import { controlSubject, decode, equalBytes, leafSubject, logEntry, statementId, toHex } from '@scelle/seal/verify'
import { KeyPlaces } from '@scelle/wire/messages'
import type { Identity } from '@scelle/seal/identity'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import type { Memory } from '../state.ts'
import { pause, type Timers } from '../timers.ts'
import type { Ask } from '../transport.ts'
import type { LogClient } from './log-client.ts'
import type { Place } from './places.ts'

/** What the two below need of a client. */
export interface KeyLeavesSource {
  readonly identity: Identity
  readonly memory: Memory
  readonly timers: Timers
  readonly logClient: LogClient
  readonly askIndex: (ask: Ask) => Promise<Uint8Array>
}

/** Where the index says that a principal's key records stand, by their place in the chain. */
const placesOf = async (
  source: KeyLeavesSource, id: Uint8Array, chain: readonly Uint8Array[],
): Promise<(Place | undefined)[]> => {
  const told = decode(KeyPlaces, await source.askIndex({ method: 'GET', path: `/v1/principals/${toHex(id)}/places` }))
  return chain.map((signed, i): Place | undefined => {
    const place = told[i]
    return place === undefined
      ? undefined
      : { statement: statementId(signed), time: 0, ...place, subject: controlSubject(signed), signed }
  })
}

/**
 * Refuses keys that no log shows. A genesis certifies itself: its hash is the id. Each later record could be made by
 * whoever stole an old key and has the index on its side; in the log its owner finds it. `known`: records that were
 * looked up before. Throws `key-unlogged`, and `index-problem` (`not-cosigned`) where no quorum cosigned it yet.
 */
export const requireLogged = async (
  source: KeyLeavesSource, id: Uint8Array, chain: readonly Uint8Array[], known: number,
): Promise<void> => {
  if (chain.length <= Math.max(1, known)) return
  const places = (await placesOf(source, id, chain)).slice(Math.max(1, known))
  if (places.includes(undefined)) {
    throw new SdkError('key-unlogged', 'the index serves keys of a principal that it did not log', {
      parties: [toHex(id)],
    })
  }
  for (let attempt = 1; ; attempt++) {
    const state = await source.logClient.holds(places as Place[], 'quorum')
    if (state === 'held') return
    if (state === 'other') {
      throw new SdkError('key-unlogged', 'the index serves keys of a principal that its log does not hold', {
        parties: [toHex(id)],
      })
    }
    if (attempt >= SDK_LIMITS.finalAttempts) {
      throw new SdkError('index-problem', 'a new key is not cosigned yet; try again', { problem: 'not-cosigned' })
    }
    await pause(source.timers, SDK_LIMITS.finalPause * 2 ** (attempt - 1))
  }
}

/** A key record that somebody else made for this principal. */
export interface ForeignKey {
  /** Index of the leaf. */
  readonly leaf: number
  /** Seconds since 1970 UTC between which it came into the log: the cosignatures without it, and with it. */
  readonly between: readonly [number, number]
}

/** Looks after the key records of one's own principal. */
export class OwnKeys {
  readonly #source: KeyLeavesSource
  readonly #foreign = new Map<number, ForeignKey>()

  constructor(source: KeyLeavesSource) {
    this.#source = source
  }

  /** All that were found. */
  get foreign(): readonly ForeignKey[] {
    return [...this.#foreign.values()]
  }

  /**
   * Reads the leaves that came since last time. Own records are known by their salts, which the index tells: with
   * another salt none of them gives the leaf, so that it cannot pass off a record as one of them. Throws as
   * `LogClient.checkpoint` does.
   */
  async look(): Promise<readonly ForeignKey[]> {
    const { identity, memory, logClient } = this.#source
    const before = await memory.ownKeysSeen()
    for (const { leaf, from, to } of before?.foreign ?? []) this.#foreign.set(leaf, { leaf, between: [from, to] })
    const places = await placesOf(this.#source, identity.id, identity.chain)
    const own = places.flatMap((place) => (place === undefined ? [] : [{ place, entry: logEntry(place) }]))
    const first = Math.max(0, (own[0]?.place.sequence ?? 1) - 1)
    const seen = await logClient.labelled(leafSubject(identity.id), before?.scanned ?? first)
    for (const { leaf, entry } of seen.leaves) {
      const mine = own.some((one) => one.place.sequence === leaf + 1 && equalBytes(one.entry, entry))
      if (!mine) this.#foreign.set(leaf, { leaf, between: [before?.time ?? 0, seen.time] })
    }
    await memory.sawOwnKeys({
      scanned: seen.size, time: seen.time,
      foreign: this.foreign.slice(0, SDK_LIMITS.wordsPerEntry)
        .map(({ leaf, between: [from, to] }) => ({ leaf, from, to })),
    })
    return this.foreign
  }

  /** Looks now and again until the answer is called. `told` hears of each record once. */
  watch(every: number, told: (found: ForeignKey) => void, failed: (error: unknown) => void): () => void {
    const known = new Set<number>()
    let stopped = false
    let cancel: (() => void) | undefined
    const run = async (): Promise<void> => {
      try {
        for (const found of await this.look()) {
          if (known.has(found.leaf)) continue
          known.add(found.leaf)
          told(found)
        }
      } catch (error) {
        failed(error)
      }
      if (!stopped) cancel = this.#source.timers.after(every, () => void run())
    }
    void run()
    return () => {
      stopped = true
      cancel?.()
    }
  }
}
