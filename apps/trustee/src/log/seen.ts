/** Notes with other trustees' cosignatures, as they came by: so that one that was restored hears what it forgot. */
import { toHex } from '@scelle/seal/verify'
import type { MirrorStore, SeenNote } from './mirror-store.ts'

interface Newer {
  readonly witness: Uint8Array
  readonly note: SeenNote
}

export class SeenNotes {
  readonly #store: MirrorStore
  /** Newer than what is stored: out of receipts, which come too fast to be written one by one. */
  readonly #newer = new Map<string, Newer>()
  /** When each witness last cosigned, in seconds; and whose times are not stored yet. */
  readonly #times = new Map<string, { readonly witness: Uint8Array; readonly time: number }>()
  readonly #unstored = new Set<string>()

  constructor(store: MirrorStore) {
    this.#store = store
    for (const known of store.seenTimes()) this.#times.set(toHex(known.witness), known)
  }

  /** The largest one that this witness cosigned. */
  of(witness: Uint8Array): SeenNote | undefined {
    return this.#newer.get(toHex(witness))?.note ?? this.#store.seenNote(witness)
  }

  /** The latest time, in seconds, at which each other witness cosigned anything that was seen. */
  newest(own: Uint8Array): number[] {
    return [...this.#times].flatMap(([name, { time }]) => (name === toHex(own) ? [] : time))
  }

  /** `witness`: a trustee of this installation whose cosignature, of that time, was verified. */
  add(witness: Uint8Array, note: SeenNote, time: number): void {
    const name = toHex(witness)
    if (note.size > (this.of(witness)?.size ?? 0)) this.#newer.set(name, { witness, note })
    if (time <= (this.#times.get(name)?.time ?? 0)) return
    this.#times.set(name, { witness, time })
    this.#unstored.add(name)
  }

  /** Writes down what came by since. */
  keep(): void {
    for (const { witness, note } of this.#newer.values()) this.#store.keepSeenNote(witness, note)
    this.#newer.clear()
    for (const [name, { witness, time }] of this.#times) {
      if (this.#unstored.delete(name)) this.#store.keepSeenTime(witness, time)
    }
  }
}
