/** What every route looks up: verified keys, decoded geneses, encapsulations. Immutable things are remembered. */
import {
  decode, decodeSigned, Encapsulation, type PrincipalKeys, requireSuite, SealError, VaultGenesis, verifyKeyChain,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { Cache } from './cache.ts'
import { INDEX_LIMITS } from './limits.ts'
import { nameOf } from './names.ts'
import type { Store } from './store.ts'

export interface KnownVault {
  readonly signed: Uint8Array
  readonly genesis: VaultGenesis
}

/** Who made an encapsulation for whom: all that a seal's check needs. */
export interface KnownEncapsulation {
  readonly writer: Uint8Array
  readonly recipient: Uint8Array
}

export class Registry {
  readonly #store: Store
  readonly #principals = new Cache<PrincipalKeys>(INDEX_LIMITS.cachedPrincipals)
  readonly #vaults = new Cache<KnownVault>(INDEX_LIMITS.cachedVaults)
  readonly #encapsulations = new Cache<KnownEncapsulation>(INDEX_LIMITS.cachedEncapsulations)

  constructor(store: Store) {
    this.#store = store
  }

  /** Verified keys of a registered principal. A chain is verified again only when it has grown. */
  async keysOf(principal: Uint8Array): Promise<PrincipalKeys | undefined> {
    const name = nameOf(principal)
    const count = await this.#store.keyCount(principal)
    if (count === 0) return undefined
    const known = this.#principals.get(name)
    if (known?.records.length === count) return known
    const keys = await verifyKeyChain(await this.#store.keyChain(principal))
    this.#principals.set(name, keys)
    return keys
  }

  async vault(vault: Uint8Array): Promise<KnownVault | undefined> {
    const name = nameOf(vault)
    const known = this.#vaults.get(name)
    if (known !== undefined) return known
    const signed = await this.#store.genesis(vault)
    if (signed === undefined) return undefined
    const found = { signed, genesis: decode(VaultGenesis, decodeSigned('vault-genesis', signed).body) }
    this.#vaults.set(name, found)
    return found
  }

  /** Throws `not-found`: the same for vaults that do not exist and those that the caller may not know of. */
  async requireVault(vault: Uint8Array): Promise<KnownVault> {
    const known = await this.vault(vault)
    if (known === undefined) throw new Problem('not-found')
    return known
  }

  /** An encapsulation that is surely stored; undefined where it may not be. */
  known(name: string): KnownEncapsulation | undefined {
    return this.#encapsulations.get(name)
  }

  /** Those of `ids` that are stored, both by the name of the id. */
  async stored(ids: ReadonlyMap<string, Uint8Array>): Promise<Map<string, KnownEncapsulation>> {
    const found = new Map<string, KnownEncapsulation>()
    const missing: Uint8Array[] = []
    for (const [name, id] of ids) {
      const known = this.#encapsulations.get(name)
      if (known === undefined) missing.push(id)
      else found.set(name, known)
    }
    if (missing.length === 0) return found
    for (const [name, bytes] of await this.#store.encapsulations(missing)) {
      const known = decodeEncapsulation(bytes)
      this.#encapsulations.set(name, known)
      found.set(name, known)
    }
    return found
  }
}

export const decodeEncapsulation = (bytes: Uint8Array): KnownEncapsulation => {
  const encapsulation = decode(Encapsulation, bytes)
  requireSuite(encapsulation)
  return { writer: encapsulation.writer, recipient: encapsulation.recipient }
}

/** Refuses what is dated ahead of the index's clock by more than clocks differ. Seconds. */
export const requirePast = (time: number, now: number): void => {
  if (time > now + INDEX_LIMITS.clockSkew) {
    throw new SealError('signature-invalid', 'a statement is dated in the future; check the clock')
  }
}
