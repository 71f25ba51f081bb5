/** Trustees keep each other's word how far their meters came, so that none can forget what it spent. */
import type { Identity } from '@scelle/seal/identity'
import { decode, equalBytes, type PrincipalKeys, SealError, SpentUpTo, verifySigned } from '@scelle/seal/verify'
import type { TrusteeStore } from '../store.ts'

export class Spending {
  readonly #store: TrusteeStore
  readonly #identity: Identity
  readonly #restored: () => void

  /** `restored`: told that a peer has this trustee's word of more than it remembers. */
  constructor(store: TrusteeStore, identity: Identity, restored: () => void) {
    this.#store = store
    this.#identity = identity
    this.#restored = restored
  }

  /** A peer's own word. Throws SealError where it is not. */
  async keep(word: Uint8Array, peer: PrincipalKeys): Promise<void> {
    const { body } = await verifySigned('spent', word, peer)
    const { trustee, serial } = decode(SpentUpTo, body)
    if (!equalBytes(trustee, peer.id)) throw new SealError('principal-mismatch', 'a word about another meter')
    this.#store.asked((meter) => meter.spent.heard(peer.id, serial, word))
  }

  /** This trustee's own word, as a peer kept it. Throws SealError where this trustee did not sign it. */
  async compare(word: Uint8Array): Promise<void> {
    const { body } = await verifySigned('spent', word, this.#identity.keys)
    const { serial } = decode(SpentUpTo, body)
    if (serial > this.#store.asked((meter) => meter.spent.serial)) this.#restored()
  }

  of(peer: Uint8Array): Uint8Array | undefined {
    return this.#store.asked((meter) => meter.spent.wordOf(peer))
  }
}
