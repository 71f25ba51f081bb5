/** Colleagues' and second keys' words for somebody's going on: in memory, as long as trustees take them. */
import type { KnownConfirmation } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'

export interface HeldConfirmation extends KnownConfirmation {
  readonly signed: Uint8Array
}

export class Confirmations {
  readonly #now: () => number
  /** By the reader's hex id. */
  readonly #held = new Map<string, HeldConfirmation[]>()

  constructor(now: () => number) {
    this.#now = now
  }

  add(confirmation: HeldConfirmation): void {
    const held = this.#of(confirmation.reader)
    this.#held.set(confirmation.reader, [confirmation, ...held].slice(0, EDGE_LIMITS.confirmationsHeld))
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
