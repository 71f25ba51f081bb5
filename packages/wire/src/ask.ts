/** Requests of one server to another: signed, bounded in time and size. What comes back is anybody's word. */
import type { Context } from '@scelle/seal/verify'
import { type RequestSigner, signRequest } from './http.ts'
import type { Timers } from './timers.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface AskOptions {
  readonly identity: RequestSigner
  readonly context: Context
  readonly timers: Timers
  readonly fetch: Fetch
  /** Ends what is under way. */
  readonly signal: AbortSignal
  /** Milliseconds until an answer counts as none. */
  readonly timeout: number
  /** Bytes of an answer. */
  readonly answerBytes: number
}

/** The other side did not answer, or with something else than asked for. */
export class Unanswered extends Error {
  /** Code of its problem document, where it sent one. */
  readonly code: string | undefined
  constructor(message: string, code?: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Unanswered'
    this.code = code
  }
}

const bodyOf = async (response: Response, max: number): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > max) throw new Unanswered('the answer is too long')
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}

const codeOf = (body: Uint8Array): string | undefined => {
  try {
    const { code } = JSON.parse(Buffer.from(body).toString()) as { code?: unknown }
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/** The body of a 200 answer. Throws Unanswered. */
export const ask = async (
  options: AskOptions, method: 'GET' | 'POST', url: string, body?: Uint8Array,
): Promise<Uint8Array> => {
  const { identity, context, timers, fetch, signal, timeout, answerBytes } = options
  const late = new AbortController()
  const cancel = timers.after(timeout, () => late.abort())
  try {
    const signed = await signRequest({ method, url, body, identity, now: context.now, random: context.random })
    const response = await fetch(url, {
      method,
      headers: { ...signed, ...(body === undefined ? {} : { 'content-type': 'application/cbor' }) },
      redirect: 'error',
      signal: AbortSignal.any([signal, late.signal]),
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    })
    const answer = await bodyOf(response, answerBytes)
    if (response.status !== 200) throw new Unanswered(`answered ${response.status}`, codeOf(answer))
    return answer
  } catch (error) {
    throw error instanceof Unanswered ? error : new Unanswered('no answer', undefined, { cause: error })
  } finally {
    cancel()
  }
}
