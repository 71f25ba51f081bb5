/** Colleagues' and second keys' words for somebody's going on: in memory, as long as trustees take them. */
import type { KnownConfirmation } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'

export interface HeldConfirmation extends KnownConfirmation {
  readonly signed: Uint8Array
}

/** Whether trustees take it now. */
export const isFresh = ({ time }: Pick<KnownConfirmation, 'time'>, now: number): boolean =>
  now - time < EDGE_LIMITS.confirmationTime && now - time > -EDGE_LIMITS.confirmationAhead

export class Confirmations {
  readonly #now: () => number
  /** By the reader's hex id. */
  readonly #held = new Map<string, HeldConfirmation[]>()

  constructor(now: () => number) {
    this.#now = now
  }

  add(confirmation: HeldConfirmation): void {
    // Signed anew, it takes the place of the last: repeating oneself pushes no colleague's word out.
    const held = this.#of(confirmation.reader).filter(({ type, signer, vault }) =>
      type !== confirmation.type || signer !== confirmation.signer || vault !== confirmation.vault)
    this.#held.set(confirmation.reader, [confirmation, ...held].slice(0, EDGE_LIMITS.confirmationsHeld))
  }

  /**
   * Whoever has newer key records signed nothing before that trustees would take now: shown with an opening, it would
   * stop that opening, whoever the reader is.
   */
  forget(signer: string): void {
    for (const [reader, held] of this.#held) {
      const left = held.filter((each) => each.signer !== signer)
      if (left.length === 0) this.#held.delete(reader)
      else this.#held.set(reader, left)
    }
  }

  /** For an opening of this vault by this reader; those for this patient alone first. */
  for(vault: string, reader: string): HeldConfirmation[] {
    return this.#of(reader).filter((each) => each.vault === undefined || each.vault === vault)
      .toSorted((a, b) => Number(b.vault === vault) - Number(a.vault === vault))
      .slice(0, EDGE_LIMITS.confirmationsShown)
  }

  #of(reader: string): HeldConfirmation[] {
    const fresh = (this.#held.get(reader) ?? []).filter(({ time }) =>
      this.#now() - time < EDGE_LIMITS.confirmationTime)
    if (fresh.length === 0) this.#held.delete(reader)
    return fresh
  }
}
