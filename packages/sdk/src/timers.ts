/** Waiting, as something that tests can hold in their hand. */
import { SdkError } from './errors.ts'

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

export const abortedError = (): SdkError => new SdkError('aborted', 'the caller gave up')

/** Waits. Throws `aborted`. */
export const pause = (timers: Timers, ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortedError())
    const stop = (): void => {
      cancel()
      reject(abortedError())
    }
    const done = (): void => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    const cancel = timers.after(ms, done, true)
    signal?.addEventListener('abort', stop, { once: true })
  })

/** Runs `work` over `items`, at most `width` at once; answers in their order. The first failure is the answer's. */
export const inParallel = async <A, B>(
  items: readonly A[], width: number, work: (item: A, place: number) => Promise<B>,
): Promise<B[]> => {
  const results: B[] = new Array(items.length)
  let next = 0
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const place = next++
      results[place] = await work(items[place] as A, place)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, run))
  return results
}
