/**
 * Verified keys of principals. They come from the index, which can withhold them but not make them up: an id is a
 * hash.
 */
import {
  decode,
  equalBytes,
  type PrincipalKeys,
  SealError,
  statementId,
  toHex,
  verifyKeyChain,
} from '@scelle/seal/verify'
import { KeyChain } from '@scelle/wire/messages'
import { SDK_LIMITS } from './limits.ts'
import { Recent } from './lru.ts'
import type { Memory } from './state.ts'
import type { Target, Transport } from './transport.ts'

export interface KnownPrincipal {
  readonly keys: PrincipalKeys
  /** Signed key records, genesis first. */
  readonly chain: readonly Uint8Array[]
}

/** Checks a chain against the id it is asked for. Throws `principal-mismatch` or `key-chain-broken`. */
export const verifyPrincipal = async (chain: readonly Uint8Array[], id?: Uint8Array): Promise<KnownPrincipal> => {
  const keys = await verifyKeyChain(chain)
  if (id !== undefined && !equalBytes(keys.id, id)) {
    throw new SealError('principal-mismatch', "the keys served are another principal's than the one asked for")
  }
  return { keys, chain }
}

/** Checks that key records, beyond the first `known`, are leaves of the log. Throws `key-unlogged`. */
export type RequireLogged = (id: Uint8Array, chain: readonly Uint8Array[], known: number) => Promise<void>

export class Directory {
  readonly #known = new Recent<Promise<KnownPrincipal>>(SDK_LIMITS.principals)
  readonly #transport: Transport
  readonly #index: Target
  readonly #memory: Memory
  readonly #requireLogged: RequireLogged

  constructor(transport: Transport, index: Target, memory: Memory, requireLogged: RequireLogged) {
    this.#transport = transport
    this.#index = index
    this.#memory = memory
    this.#requireLogged = requireLogged
  }

  /** Remembers what was verified elsewhere: this client itself, the servers it met. */
  put(principal: KnownPrincipal): void {
    this.#known.set(toHex(principal.keys.id), Promise.resolve(principal))
  }

  /** Verified keys; asks again where `version` is newer than what is known. */
  async of(id: Uint8Array, version = 0): Promise<KnownPrincipal> {
    const name = toHex(id)
    const known = await this.#known.get(name)
    if (known !== undefined && known.keys.current.version >= version) return known
    const asked = this.#ask(id, known)
    this.#known.set(name, asked)
    asked.catch(() => this.#known.delete(name))
    return asked
  }

  /**
   * Asks again for these: a trustee knows newer keys of one of them, and takes nothing that is shown with older ones.
   */
  async renew(ids: readonly Uint8Array[]): Promise<void> {
    await Promise.all(ids.map(async (id) => {
      const known = await this.#known.get(toHex(id))
      await this.of(id, known === undefined ? 0 : known.keys.current.version + 1)
    }))
  }

  async #ask(id: Uint8Array, known: KnownPrincipal | undefined): Promise<KnownPrincipal> {
    const answer = await this.#transport.ask(this.#index, { method: 'GET', path: `/v1/principals/${toHex(id)}` })
    const fresh = await verifyPrincipal(decode(KeyChain, answer), id)
    const name = toHex(id)
    const seen = await this.#memory.keysSeen(name)
    const there = seen === undefined ? undefined : fresh.chain[seen.version]
    if (seen !== undefined && (there === undefined || !equalBytes(statementId(there), seen.id))) {
      throw new SealError(
        'key-chain-broken',
        'the index serves an older or other key chain of a principal than before',
      )
    }
    await this.#requireLogged(id, fresh.chain, seen === undefined ? 0 : seen.version + 1)
    if (known === undefined || fresh.keys.current.version > known.keys.current.version) {
      const last = fresh.chain.at(-1) as Uint8Array
      await this.#memory.sawKeys(name, { version: fresh.keys.current.version, id: statementId(last) })
    }
    return fresh
  }
}
