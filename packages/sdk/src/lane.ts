/**
 * One writer's commits to one custodian's part of a vault, one after the other: each names the one before it in its
 * blinded link, so the next is made only when the fate of the last is known.
 */
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import type { Timers } from './timers.ts'

export class Lane {
  /** The last accepted commit; `null` for none yet, undefined where it has to be looked up. */
  last: Uint8Array | null | undefined
  /** Hex id of a commit that may or may not have been accepted. It is sent again before another is made. */
  doubtful: { readonly id: string; readonly settle: () => Promise<void> } | undefined
  #busy = false
  readonly #queue: (() => void)[] = []

  get idle(): boolean {
    return !this.#busy && this.#queue.length === 0 && this.doubtful === undefined
  }

  /** Waits for its turn. Throws `commit-pending` when the commit before was neither submitted nor discarded in time. */
  enter(timers: Timers): Promise<void> {
    if (!this.#busy) {
      this.#busy = true
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        cancel()
        resolve()
      }
      const cancel = timers.after(SDK_LIMITS.laneWait, () => {
        this.#queue.splice(this.#queue.indexOf(turn), 1)
        reject(
          new SdkError(
            'commit-pending',
            'an earlier commit to this vault was prepared, and neither submitted nor discarded',
          ),
        )
      })
      this.#queue.push(turn)
    })
  }

  leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#busy = false
    else next()
  }
}
