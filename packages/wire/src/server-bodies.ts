/** Bodies of requests whose signer is not known yet: strangers get little memory, and little time. */
import type { IncomingMessage } from 'node:http'
import { Problem } from './errors.ts'
import { SERVER_LIMITS } from './limits.ts'

export interface UnsignedBounds {
  /** Bodies under way at once. */
  readonly count: number
  /** Bytes of all of them together, as far as they were received. */
  readonly bytes: number
  /** Milliseconds that one of them may take. */
  readonly time: number
}

export interface HeldBody {
  readonly body: Uint8Array
  /** Gives its room back; to be called once its signer is known, or refused. */
  readonly release: () => void
}

const DEFAULT: UnsignedBounds = {
  count: SERVER_LIMITS.unsignedBodies, bytes: SERVER_LIMITS.unsignedBytes, time: SERVER_LIMITS.unsignedTime,
}

/** Room for such bodies in one server. What is counted is what was received: announcing much takes nobody's room. */
export class UnsignedBodies {
  readonly #bounds: UnsignedBounds
  #count = 0
  #bytes = 0

  constructor(bounds: UnsignedBounds = DEFAULT) {
    this.#bounds = bounds
  }

  /** Throws `too-large` over `limit` bytes, `overloaded` where there is no room, `bad-request` where it stalls. */
  async read(payload: IncomingMessage, limit: number): Promise<HeldBody> {
    if (Number(payload.headers['content-length'] ?? 0) > limit) throw new Problem('too-large')
    if (this.#count >= this.#bounds.count) throw new Problem('overloaded')
    this.#count++
    const held = { bytes: 0, open: true }
    const release = (): void => {
      if (!held.open) return
      held.open = false
      this.#count--
      this.#bytes -= held.bytes
    }
    const stalled = setTimeout(() => payload.destroy(new Problem('bad-request')), this.#bounds.time)
    try {
      return { body: await this.#collect(payload, limit, held), release }
    } catch (error) {
      release()
      throw error instanceof Problem ? error : new Problem('bad-request', undefined, { cause: error })
    } finally {
      clearTimeout(stalled)
    }
  }

  async #collect(payload: IncomingMessage, limit: number, held: { bytes: number }): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    // Without destroyOnReturn, a refusal could not be answered any more.
    for await (const piece of payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      held.bytes += piece.length
      this.#bytes += piece.length
      if (held.bytes > limit) throw new Problem('too-large')
      if (this.#bytes > this.#bounds.bytes) throw new Problem('overloaded')
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  }
}
