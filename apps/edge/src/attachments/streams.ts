/** Bodies as they come and go: given up where the other side stops, and never more of them at once than a few. */
import type { Readable } from 'node:stream'
import type { Timers } from '@scelle/sdk'
import { createHash } from 'node:crypto'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'

/** How many bodies are under way. Beyond the limit, `overloaded`. */
export class Turns {
  #left: number = EDGE_LIMITS.attachmentStreams

  /** The answer gives the place back; calling it twice does no harm. */
  take(): () => void {
    if (this.#left === 0) throw new EdgeError('overloaded')
    this.#left--
    let isHeld = true
    return () => {
      if (isHeld) this.#left++
      isHeld = false
    }
  }
}

/** Throws `stalled` where nothing comes for too long, `bad-request` where the body breaks off or `signal` ends it. */
export async function* received(
  stream: Readable, timers: Timers, signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // Without destroyOnReturn, a refusal could not be answered any more.
  const pieces = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  for (;;) {
    const next = await withinTime(pieces.next(), timers, signal)
    if (next.done === true) return
    yield next.value
  }
}

const withinTime = async <T>(work: Promise<T>, timers: Timers, signal: AbortSignal): Promise<T> => {
  const { promise: given, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(new EdgeError('conflict', 'another request goes on with this upload'))
  const cancel = timers.after(EDGE_LIMITS.streamStall, () => reject(new EdgeError('stalled')))
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await Promise.race([work.catch(brokenOff), given])
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
  }
}

const brokenOff = (cause: unknown): never => {
  throw new EdgeError('bad-request', 'the body broke off: send it again', undefined, { cause })
}

/** Passes a body on, and throws `digest-mismatch` at its end where it is not the one that was signed. */
export async function* asSigned(source: AsyncIterable<Uint8Array>, digest: Uint8Array): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const piece of source) {
    hash.update(piece)
    yield piece
  }
  if (!hash.digest().equals(digest)) throw new EdgeError('digest-mismatch')
}

/** A body in memory, of a type that is not streamed. Throws `too-large`. */
export const collected = async (source: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of source) {
    size += piece.length
    if (size > EDGE_LIMITS.requestBody) throw new EdgeError('too-large')
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}

/** Ends a body that is being sent where nobody takes any of it for too long; `ended` runs in any case, once. */
export const sentWithin = (body: Readable, timers: Timers, ended: () => void): Readable => {
  let cancel = (): void => undefined
  const arm = (): void => {
    cancel()
    cancel = timers.after(EDGE_LIMITS.streamStall, () => body.destroy(new EdgeError('stalled')))
  }
  arm()
  body.on('data', arm)
  body.pause()
  body.once('close', () => {
    cancel()
    ended()
  })
  return body
}
