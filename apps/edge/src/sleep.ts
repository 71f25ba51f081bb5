import type { Timers } from '@scelle/sdk'

/** Waits by injected timers; ends at once when it is no longer worth waiting. */
export const sleepBy = (timers: Timers) => (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const stop = (): void => {
      cancel()
      resolve()
    }
    const cancel = timers.after(milliseconds, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    signal.addEventListener('abort', stop, { once: true })
  })
