/** A network without sockets: requests reach servers in this process, unless a fault says otherwise. */
import type { Timers } from '@scelle/sdk'

export interface NetworkRequest {
  readonly host: string
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

export interface NetworkAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export type Handler = (request: NetworkRequest) => Promise<NetworkAnswer>

/** What happens to requests. `drop` loses the request, `drop-answer` the answer after the server acted. */
export type Effect =
  | { readonly kind: 'drop' }
  | { readonly kind: 'drop-answer' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'tamper'; readonly change: (answer: NetworkAnswer, request: NetworkRequest) => NetworkAnswer }
  | {
      readonly kind: 'replace'
      readonly handle: (request: NetworkRequest, server: Handler) => Promise<NetworkAnswer>
    }

export interface Fault {
  readonly host?: string
  readonly method?: string
  /** Matched against path and query. */
  readonly target?: RegExp
  /** How many requests it hits; all where absent. */
  readonly times?: number
  readonly effect: Effect
}

interface ActiveFault {
  readonly fault: Fault
  left: number
}

const headersOf = (init: RequestInit | undefined): Record<string, string> => {
  const headers: Record<string, string> = {}
  new Headers(init?.headers).forEach((value, name) => {
    headers[name] = value
  })
  return headers
}

const bodyOf = async (init: RequestInit | undefined): Promise<Uint8Array | undefined> =>
  init?.body === undefined || init.body === null
    ? undefined
    : new Uint8Array(await new Response(init.body).arrayBuffer())

/** Statuses that must not have a body. */
const EMPTY = new Set([204, 205, 304])

const responseOf = ({ status, headers, body }: NetworkAnswer): Response => {
  const { 'transfer-encoding': _, ...kept } = headers
  return new Response(EMPTY.has(status) ? null : (body as Uint8Array<ArrayBuffer>), { status, headers: kept })
}

export class Network {
  readonly #handlers = new Map<string, Handler>()
  readonly #down = new Set<string>()
  readonly #faults = new Set<ActiveFault>()
  readonly #timers: Timers
  #underWay = 0
  #moves = 0
  /** Every request of a client that was sent, oldest first, while `recording`. */
  readonly seen: NetworkRequest[] = []
  /** Likewise of a server to another one. */
  readonly between: NetworkRequest[] = []
  recording = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Requests that a server is working on. */
  get underWay(): number {
    return this.#underWay
  }

  /** Requests and answers that it carried. */
  get moves(): number {
    return this.#moves
  }

  attach(host: string, handler: Handler): void {
    this.#handlers.set(host, handler)
  }

  down(host: string): void {
    this.#down.add(host)
  }

  up(host: string): void {
    this.#down.delete(host)
  }

  /** Adds a fault; the answer removes it. Of several that fit a request, the oldest applies. */
  add(fault: Fault): () => void {
    const active = { fault, left: fault.times ?? Infinity }
    this.#faults.add(active)
    return () => this.#faults.delete(active)
  }

  readonly fetch = (url: string, init: RequestInit = {}): Promise<Response> => this.#send(url, init, this.seen)

  /** For servers: the same network, and its requests are kept apart. */
  readonly fetchBetween = (url: string, init: RequestInit = {}): Promise<Response> =>
    this.#send(url, init, this.between)

  async #send(url: string, init: RequestInit, kept: NetworkRequest[]): Promise<Response> {
    const { host, pathname, search } = new URL(url)
    const request: NetworkRequest = {
      host,
      method: init.method ?? 'GET',
      target: `${pathname}${search}`,
      headers: headersOf(init),
      body: await bodyOf(init),
    }
    if (this.recording) kept.push(request)
    const { signal } = init
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new DOMException('aborted', 'AbortError'))
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      // A lost message is never answered; whoever waits gives up by itself.
      this.#carry(request).then((answer) => (answer === undefined ? undefined : resolve(responseOf(answer))), reject)
    })
  }

  #effectOn(request: NetworkRequest): Effect | undefined {
    for (const active of this.#faults) {
      const { host, method, target, effect } = active.fault
      const hit =
        active.left > 0 &&
        (host === undefined || host === request.host) &&
        (method === undefined || method === request.method) &&
        (target === undefined || target.test(request.target))
      if (!hit) continue
      active.left--
      return effect
    }
    return undefined
  }

  async #carry(request: NetworkRequest): Promise<NetworkAnswer | undefined> {
    const effect = this.#effectOn(request)
    if (effect?.kind === 'drop') return undefined
    if (effect?.kind === 'refuse') throw new TypeError('fetch failed')
    if (effect?.kind === 'delay') await new Promise<void>((resolve) => void this.#timers.after(effect.ms, resolve))
    if (effect?.kind === 'replace') return effect.handle(request, (forwarded) => this.#serve(forwarded))
    const answer = await this.#serve(request)
    if (effect?.kind === 'duplicate') await this.#serve(request)
    if (effect?.kind === 'drop-answer') return undefined
    return effect?.kind === 'tamper' ? effect.change(answer, request) : answer
  }

  async #serve(request: NetworkRequest): Promise<NetworkAnswer> {
    const handler = this.#handlers.get(request.host)
    if (handler === undefined || this.#down.has(request.host)) throw new TypeError('fetch failed')
    this.#underWay++
    this.#moves++
    try {
      return await handler(request)
    } finally {
      this.#underWay--
      this.#moves++
    }
  }
}
