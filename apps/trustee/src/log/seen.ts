/** Notes with other trustees' cosignatures, as they came by: so that one that was restored hears what it forgot. */
import { toHex } from '@scelle/seal/verify'
import type { MirrorStore, SeenNote } from './mirror-store.ts'

export class SeenNotes {
  readonly #store: MirrorStore
  /** Newer than what is stored: out of receipts, which come too fast to be written one by one. */
  readonly #newer = new Map<string, { witness: Uint8Array; note: SeenNote }>()

  constructor(store: MirrorStore) {
    this.#store = store
  }

  /** The largest one that this witness cosigned. */
  of(witness: Uint8Array): SeenNote | undefined {
    return this.#newer.get(toHex(witness))?.note ?? this.#store.seenNote(witness)
  }

  /** `witness`: a trustee of this installation whose cosignature was verified. */
  add(witness: Uint8Array, note: SeenNote): void {
    if (note.size > (this.of(witness)?.size ?? 0)) this.#newer.set(toHex(witness), { witness, note })
  }

  /** Writes down what came by since. */
  keep(): void {
    for (const { witness, note } of this.#newer.values()) this.#store.keepSeenNote(witness, note)
    this.#newer.clear()
  }
}
