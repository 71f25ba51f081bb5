/** A trustee as the index knows it: by its id, which its keys lead to, so that its answers need no trusted channel. */
import { LogError, verifyCheckpoint } from '@scelle/log'
import { decode, equalBytes, fromHex, type PrincipalKeys, verifyKeyChain } from '@scelle/seal/verify'
import { ask, type AskOptions, Unanswered } from '@scelle/wire/ask'
import { logPolicy, verifyEd25519 } from '@scelle/wire/log'
import { Self } from '@scelle/wire/messages'
import type { StoredCheckpoint } from '../log-store.ts'

/** A trustee as the configuration names it. `id`: its principal id in hex, which its keys must lead to. */
export interface TrusteeAddress {
  readonly id: string
  readonly url: string
}

/** What a trustee said cannot be. */
export class Untrue extends Error {
  override readonly name = 'Untrue'
}

export class KnownTrustee {
  readonly address: TrusteeAddress
  readonly #asking: AskOptions
  #keys: PrincipalKeys | undefined

  constructor(address: TrusteeAddress, asking: AskOptions) {
    this.address = address
    this.#asking = asking
  }

  /** Its verified keys, asked for once. Throws Unanswered, Untrue, SealError. */
  async keys(): Promise<PrincipalKeys> {
    return (this.#keys ??= await this.#fetchKeys())
  }

  /** Its key may be a new one: asked for again before the next try. */
  forget(): void {
    this.#keys = undefined
  }

  async #fetchKeys(): Promise<PrincipalKeys> {
    const { keys } = decode(Self, await ask(this.#asking, 'GET', `${this.address.url}/v1/self`))
    const verified = await verifyKeyChain(keys)
    if (!equalBytes(verified.id, fromHex(this.address.id) as Uint8Array) || verified.kind !== 'trustee') {
      throw new Untrue('another principal answers under the trustee\'s address')
    }
    return verified
  }

  /**
   * The newest checkpoint that it cosigned; undefined where it has none. Verified: this index signed it, which nobody
   * can have a trustee invent, and the trustee cosigned it. Throws Unanswered, Untrue, SealError.
   */
  async newest(index: PrincipalKeys): Promise<StoredCheckpoint | undefined> {
    const trustee = await this.keys()
    const policy = logPolicy({ index, trustees: [trustee], quorum: 1, required: trustee.id })
    try {
      const note = await ask(this.#asking, 'GET', `${this.address.url}/v1/log/checkpoint`)
      const { size, root } = await verifyCheckpoint(note, policy, verifyEd25519)
      return { size, root, note }
    } catch (error) {
      if (error instanceof Unanswered && error.code === 'not-found') return undefined
      if (!(error instanceof LogError)) throw error
      this.forget()
      throw new Untrue('its checkpoint does not hold', { cause: error })
    }
  }
}
