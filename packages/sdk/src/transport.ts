/** Signed requests to index and trustees: one form, bounded in time and size, tried again where that is safe. */
import type { Identity } from '@scelle/seal/identity'
import { type Context, giveBack } from '@scelle/seal/verify'
import { isProblemCode, PROBLEMS, type ProblemCode } from '@scelle/wire/errors'
import { sessionName, type SignatureHeaders, signRequest } from '@scelle/wire/http'
import { SdkError } from './errors.ts'
import { SDK_LIMITS } from './limits.ts'
import { abortedError, pause, type Timers } from './timers.ts'
import { Unsendable } from './unsendable.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>
export type Log = (event: string, fields: Readonly<Record<string, string | number>>) => void

/** Where a request goes. */
export interface Target {
  readonly role: 'index' | 'trustee'
  /** Base URL, without a slash at its end. */
  readonly url: string
}

export interface StreamedBody {
  readonly size: number
  readonly digest: Uint8Array
  readonly read: () => AsyncIterable<Uint8Array>
}

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Begins with a slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** A body that is not in memory, instead of `body`: read anew for each try. */
  readonly streamed?: StreamedBody
  /** Bytes asked for: from the first one to the last one, that one included. */
  readonly range?: readonly [first: number, last: number]
  readonly octets?: boolean
  /** Who signs; this client's identity where absent, nobody for `false`. */
  readonly as?: Identity | false
  /** As somebody else signed it, who has no network: passed on unchanged, so that a second attempt is refused. */
  readonly signed?: SignatureHeaders
  readonly signal?: AbortSignal | undefined
  readonly timeout?: number
  readonly attempts?: number
}

export interface TransportOptions {
  readonly identity: Identity
  readonly context: Context
  readonly fetch: Fetch
  readonly timers: Timers
  readonly log: Log
}

/** Worth another try: nothing happened, or it happened and happens only once. */
const PASSING: ReadonlySet<ProblemCode> = new Set(['overloaded', 'internal', 'signature-replayed'])

/**
 * Counts what arrives, whatever `content-length` says: behind a content-encoding it is the packed length, and a
 * thousandth of what comes out. None is asked for, so none is taken.
 */
const readBounded = async (response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> => {
  const refused = async (message: string): Promise<never> => {
    await response.body?.cancel().catch(() => {})
    throw new SdkError('answer-invalid', message)
  }
  const tooLong = 'an answer is longer than any answer may be; nothing was read'
  const coding = response.headers.get('content-encoding')
  if (coding !== null && coding.trim() !== 'identity') return refused('an answer is packed, which nobody asked for')
  if (Number(response.headers.get('content-length') ?? Number.NaN) > limit) return refused(tooLong)
  if (response.body === null) return new Uint8Array()
  const pieces: Uint8Array[] = []
  let size = 0
  const reader = response.body.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length
    if (size > limit) {
      await reader.cancel()
      throw new SdkError('answer-invalid', tooLong)
    }
    pieces.push(next.value)
  }
  const whole = new Uint8Array(size)
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.length
    giveBack(piece)
  }
  return whole
}

/** The code of a problem document. Its words are the server's, so they go nowhere. */
const problemOf = (body: Uint8Array): ProblemCode | undefined => {
  if (body.length > SDK_LIMITS.problemBytes) return undefined
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(body))
    const code = typeof document === 'object' && document !== null && 'code' in document ? document.code : undefined
    return isProblemCode(code) ? code : undefined
  } catch {
    return undefined
  }
}

export const problemError = (role: Target['role'], problem: ProblemCode): SdkError =>
  new SdkError(
    role === 'index' ? 'index-problem' : 'trustee-problem',
    `the ${role} refused: ${PROBLEMS[problem][1]}`,
    { problem },
  )

/** Milliseconds that one try may take. */
const patienceFor = ({ timeout, body, streamed }: Ask): number =>
  (timeout ?? SDK_LIMITS.requestTimeout) +
  Math.ceil((body?.length ?? streamed?.size ?? 0) * SDK_LIMITS.bodyTimePerByte)

/** Pulled as it is sent: what the other side does not take is not read. */
const streamOf = (source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> => {
  const iterator = source[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await iterator.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: async () => {
        await iterator.return?.()
      },
    },
    { highWaterMark: 1 },
  )
}

/** What is sent of a body, and how. */
const bodyInit = ({ body, streamed }: Ask): RequestInit => {
  if (streamed !== undefined) return { body: streamOf(streamed.read()), duplex: 'half' } as RequestInit
  return body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }
}

const isAborted = ({ signal }: Ask): boolean => signal?.aborted === true

export class Transport {
  readonly #options: TransportOptions
  /** No request of this client holds any of these: it is refused before it leaves. Streamed bodies are sealed ones. */
  readonly unsendable = new Unsendable()

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /**
   * The body of a successful answer. Throws `network`, `timeout`, `aborted`, `answer-invalid`, or `index-problem` and
   * `trustee-problem` with the `problem` code.
   */
  async ask(target: Target, ask: Ask): Promise<Uint8Array<ArrayBuffer>> {
    const { timers, context, log } = this.#options
    const attempts = ask.attempts ?? SDK_LIMITS.attempts
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(target, ask)
      } catch (error) {
        if (!(error instanceof SdkError)) throw error
        if (error.problem === 'session-unknown' && attempt === 1) {
          await this.#showSession(target)
          continue
        }
        const passing =
          error.code === 'network' ||
          error.code === 'timeout' ||
          (error.problem !== undefined && PASSING.has(error.problem))
        if (!passing || attempt >= attempts) throw error
        log('request-retried', { role: target.role, attempt, code: error.problem ?? error.code })
        const spread = 0.5 + (context.random(1)[0] as number) / 256
        await pause(timers, SDK_LIMITS.retryPause * 2 ** (attempt - 1) * spread, ask.signal)
      }
    }
  }

  /** An index that started anew, or another one of several, has not seen the session in which requests are signed. */
  async #showSession(target: Target): Promise<void> {
    const { session } = this.#options.identity
    if (session === undefined) throw problemError(target.role, 'session-unknown')
    await this.#once(target, { method: 'POST', path: '/v1/sessions', body: session.signed })
  }

  async #once(target: Target, ask: Ask): Promise<Uint8Array<ArrayBuffer>> {
    const { response, body } = await this.#send(target, ask)
    if (response.status >= 200 && response.status < 300) return body
    const problem = problemOf(body)
    if (problem === undefined) {
      throw new SdkError(
        'answer-invalid',
        `the ${target.role} answered status ${response.status} in no form that is known`,
      )
    }
    throw problemError(target.role, problem)
  }

  async #send(target: Target, ask: Ask): Promise<{ response: Response; body: Uint8Array<ArrayBuffer> }> {
    if (isAborted(ask)) throw abortedError()
    const stop = new AbortController()
    const giveUp = (): void => stop.abort()
    const waited = { over: false }
    const cancel = this.#options.timers.after(patienceFor(ask), () => {
      waited.over = true
      stop.abort()
    })
    ask.signal?.addEventListener('abort', giveUp, { once: true })
    try {
      const { url, init } = await this.#request(target, ask)
      const response = await this.#options.fetch(url, { ...init, signal: stop.signal })
      return { response, body: await readBounded(response, SDK_LIMITS.answerBytes) }
    } catch (error) {
      if (error instanceof SdkError) throw error
      if (isAborted(ask)) throw abortedError()
      if (waited.over) throw new SdkError('timeout', `the ${target.role} did not answer in time`)
      throw new SdkError('network', `the ${target.role} cannot be reached`, { cause: error })
    } finally {
      cancel()
      ask.signal?.removeEventListener('abort', giveUp)
    }
  }

  /** Signed anew for each try: a signature is good once. */
  async #request(target: Target, ask: Ask): Promise<{ url: string; init: RequestInit }> {
    const query = ask.query === undefined ? '' : `?${new URLSearchParams(ask.query).toString()}`
    const url = `${target.url}${ask.path}${query}`
    const { method, body, streamed, range } = ask
    this.unsendable.require(url, body)
    const identity = ask.as ?? this.#options.identity
    const signed =
      ask.signed !== undefined || identity === false
        ? { ...ask.signed }
        : await signRequest({
            method,
            url,
            body,
            digest: streamed?.digest,
            identity,
            // Trustees are shown it in what they are asked.
            session: target.role === 'trustee' || identity.session === undefined
              ? undefined
              : sessionName(identity.session.id),
            now: this.#options.context.now,
            random: this.#options.context.random,
          })
    const type =
      body === undefined && streamed === undefined
        ? {}
        : { 'content-type': ask.octets === true ? 'application/octet-stream' : 'application/cbor' }
    return {
      url,
      init: {
        method,
        headers: {
          accept: ask.octets === true ? 'application/octet-stream' : 'application/cbor',
          'accept-encoding': 'identity',
          ...(range === undefined ? {} : { range: `bytes=${range[0]}-${range[1]}` }),
          ...type,
          ...signed,
        },
        ...bodyInit(ask),
        redirect: 'error',
        credentials: 'omit',
        cache: 'no-store',
      },
    }
  }
}
