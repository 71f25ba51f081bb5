/** Waiting, as something that tests can hold in their hand. */

export interface Timers {
  /** Runs `then` after `ms`; the answer cancels. Keeps a process alive only where somebody waits for it (`awaited`). */
  after(ms: number, then: () => void, awaited?: boolean): () => void
}

/** The platform's timers. */
export const systemTimers: Timers = {
  after(ms, then, awaited = false) {
    const timer: unknown = setTimeout(then, ms)
    const canLetGo = typeof timer === 'object' && timer !== null && 'unref' in timer
    if (canLetGo && !awaited) (timer as { unref(): void }).unref()
    return () => clearTimeout(timer as number)
  },
}
