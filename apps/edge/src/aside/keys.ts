/**
 * Category keys of new vaults, drawn ahead on a thread of their own: a vault takes thirteen, and deriving them is a
 * tenth of an import. Where none are ready, or the thread does not live, they are drawn where they are needed. They
 * wait in the memory that would hold them a moment later, and are overwritten where nobody comes for them.
 */
import { Worker } from 'node:worker_threads'
import type { CategoryKey } from '@scelle/sdk'
import { EDGE_LIMITS } from '../limits.ts'
import { KEY } from './key-places.ts'

export class KeysThread {
  readonly #program: URL
  readonly #ready: CategoryKey[][] = []
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  /** Vaults whose keys were asked for and have not come. */
  #asked = 0
  #missed = 0
  #closed = false

  constructor(program = new URL('./keys-worker.ts', import.meta.url)) {
    this.#program = program
  }

  /** Keys for one vault, once; undefined where there are none. */
  readonly take = (count: number): readonly CategoryKey[] | undefined => {
    const keys = this.#ready[0]?.length === count ? this.#ready.shift() : undefined
    if (keys === undefined) this.#missed++
    if (!this.#closed && this.#missed >= EDGE_LIMITS.keysAfter) this.#ask(count)
    return keys
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  #ask(count: number): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.#end(), EDGE_LIMITS.asideIdle).unref()
    const worker = this.#worker ?? this.#started()
    for (; this.#ready.length + this.#asked < EDGE_LIMITS.keysAhead; this.#asked++) {
      worker.postMessage(count, [])
    }
  }

  #started(): Worker {
    const worker = new Worker(this.#program, {
      resourceLimits: { maxOldGenerationSizeMb: EDGE_LIMITS.keysMemory }, env: {}, execArgv: [],
    })
    worker.on('message', (keys: Uint8Array) => {
      const drawn = keysIn(keys)
      if (this.#worker !== worker) return overwrite(drawn)
      this.#asked--
      this.#ready.push(drawn)
    })
    worker.on('error', () => undefined)
    // What it was asked for is not coming; one that ended by itself is not started again before the next idle time.
    worker.on('exit', () => {
      if (this.#worker === worker) this.#asked = EDGE_LIMITS.keysAhead
    })
    worker.unref()
    this.#worker = worker
    return worker
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    overwrite(this.#ready.splice(0).flat())
    this.#asked = 0
    this.#missed = 0
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }
}

const overwrite = (keys: readonly CategoryKey[]): void => {
  for (const { secret } of keys) secret.fill(0)
}

const keysIn = (bytes: Uint8Array): CategoryKey[] => {
  const keys: CategoryKey[] = []
  for (let at = 0; at < bytes.length; at += KEY.secret + KEY.publicKey) {
    const middle = at + KEY.secret
    keys.push({ secret: bytes.slice(at, middle), publicKey: bytes.slice(middle, middle + KEY.publicKey) })
  }
  bytes.fill(0)
  return keys
}
