/** Waiting, as something that tests can hold in their hand. */
import type { Timers } from '@scelle/wire/timers'
import { SdkError } from './errors.ts'

export { systemTimers, type Timers } from '@scelle/wire/timers'

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
