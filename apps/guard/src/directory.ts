/**
 * Newest key records of principals: from the index, which cannot make them up since an id is a hash, and held against
 * its log, so that a record made with a stolen key is where its owner looks. That the index holds none back, trustees
 * say: see `standing.ts`.
 */
import { LogError, type LogPolicy, parseProof, verifyProof } from '@scelle/log'
import {
  controlSubject, decode, equalBytes, fromHex, logEntry, type PrincipalKeys, SealError, statementId, toHex,
  verifyKeyChain,
} from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { logPolicy, QUORUM, verifyEd25519 } from '@scelle/wire/log'
import { KeyChain, KeyPlaces, Self } from '@scelle/wire/messages'
import { type Address, type Asking, askParty } from './asking.ts'
import { GUARD_LIMITS } from './limits.ts'

export interface KnownPrincipal {
  readonly keys: PrincipalKeys
  readonly chain: readonly Uint8Array[]
}

export interface Around {
  readonly index: Address
  readonly trustees: readonly Address[]
}

const isPrefix = (shorter: readonly Uint8Array[], longer: readonly Uint8Array[]): boolean =>
  shorter.every((record, i) => longer[i] !== undefined && equalBytes(record, longer[i]))

export class Directory {
  readonly #around: Around
  readonly #asking: Asking
  /** By hex id, the least recently asked for first: chains whose every record is in the log. */
  readonly #known = new Map<string, KnownPrincipal>()
  #policy: Promise<LogPolicy> | undefined

  constructor(around: Around, asking: Asking) {
    this.#around = around
    this.#asking = asking
  }

  /**
   * Asks for them now. Throws `principal-unknown`, `not-cosigned`, SealError `key-chain-broken` where they are others
   * than before or the log does not hold them, `view-stale`.
   */
  async newest(id: Uint8Array): Promise<KnownPrincipal> {
    const name = toHex(id)
    const known = this.#known.get(name)
    const chain = await this.#chainOf(name)
    if (known !== undefined && !isPrefix(known.chain, chain)) {
      throw new SealError('key-chain-broken', 'the index serves older or other keys of a principal than before')
    }
    const keys = known?.chain.length === chain.length ? known.keys : await verifyKeyChain(chain)
    if (!equalBytes(keys.id, id)) throw new SealError('principal-mismatch', 'the index serves somebody else\'s keys')
    await this.#requireLogged(name, chain, known?.chain.length ?? 1)
    const found = { keys, chain }
    this.#remember(name, found)
    return found
  }

  async #chainOf(name: string): Promise<readonly Uint8Array[]> {
    try {
      return decode(KeyChain, await askParty(this.#asking, this.#around.index, 'GET', `/v1/principals/${name}`))
    } catch (error) {
      throw error instanceof Problem && error.code === 'not-found' ? new Problem('principal-unknown') : error
    }
  }

  #remember(name: string, found: KnownPrincipal): void {
    this.#known.delete(name)
    this.#known.set(name, found)
    const [oldest] = this.#known.keys()
    if (this.#known.size > 2 * GUARD_LIMITS.known && oldest !== undefined) this.#known.delete(oldest)
  }

  /** A genesis certifies itself; each later record takes a leaf under a checkpoint that two trustees cosigned. */
  async #requireLogged(name: string, chain: readonly Uint8Array[], from: number): Promise<void> {
    if (chain.length <= from) return
    const places = decode(
      KeyPlaces, await askParty(this.#asking, this.#around.index, 'GET', `/v1/principals/${name}/places`),
    )
    for (const [i, record] of chain.entries()) {
      if (i < from) continue
      const place = places[i]
      if (place === undefined) throw new SealError('key-chain-broken', 'the index serves keys that it did not log')
      await this.#requireLeaf(record, place)
    }
  }

  async #requireLeaf(record: Uint8Array, { sequence, salt }: KeyPlaces[number]): Promise<void> {
    const proof = await this.#proofOf(sequence - 1)
    const entry = logEntry({ salt, statement: statementId(record), subject: controlSubject(record) })
    const policy = await (this.#policy ??= this.#meet())
    try {
      await verifyProof(parseProof(proof), entry, policy, verifyEd25519)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
      // Signatures under keys that are new since the parties were met: they are met again next time.
      this.#policy = undefined
      throw new SealError('key-chain-broken', 'the log does not hold the keys that the index serves', { cause: error })
    }
  }

  /** A leaf that no quorum has reached yet is there in a moment. */
  async #proofOf(leaf: number): Promise<Uint8Array> {
    try {
      return await askParty(this.#asking, this.#around.index, 'GET', `/v1/log/proof/${leaf}`)
    } catch (error) {
      throw error instanceof Problem && error.code === 'not-found' ? new Problem('not-cosigned') : error
    }
  }

  async #meet(): Promise<LogPolicy> {
    const meeting = Promise.all([this.#around.index, ...this.#around.trustees].map((one) => this.#self(one)))
    meeting.catch(() => { this.#policy = undefined })
    const [index, ...trustees] = await meeting
    return logPolicy({ index: index as PrincipalKeys, trustees, quorum: QUORUM.release })
  }

  async #self(address: Address): Promise<PrincipalKeys> {
    const keys = await verifyKeyChain(decode(Self, await askParty(this.#asking, address, 'GET', '/v1/self')).keys)
    if (!equalBytes(keys.id, fromHex(address.id) ?? new Uint8Array())) {
      throw new SealError('principal-mismatch', 'another party answers there than the one configured')
    }
    return keys
  }
}
