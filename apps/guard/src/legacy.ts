/**
 * The one system behind the guard. A request to it is made anew from what was verified and what is listed; nothing of
 * how the caller framed it is passed on, so there is nothing for two parsers to read differently.
 */
import { Agent as PlainAgent, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { pipeline, Transform } from 'node:stream'
import { Problem } from '@scelle/wire/errors'
import type { Answer } from '@scelle/wire/server'
import { ANSWER_FIELDS } from './labels.ts'
import { GUARD_LIMITS } from './limits.ts'

export interface LegacyRequest {
  readonly method: string
  /** Path and query, as they were signed. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Legacy {
  /** Its answer. Throws `legacy-failed`. */
  readonly send: (request: LegacyRequest) => Promise<Answer>
  readonly close: () => void
}

const failed = (cause?: unknown): Problem => new Problem('legacy-failed', undefined, { cause })

/** Where it sends people on: elsewhere on the same system, or nowhere. No redirect is followed here. */
const locationIn = (value: string | undefined, origin: string): string | undefined => {
  if (value === undefined) return undefined
  const url = URL.canParse(value, origin) ? new URL(value, origin) : undefined
  if (url?.origin !== new URL(origin).origin) throw failed()
  return `${url.pathname}${url.search}${url.hash}`
}

const headersOf = ({ headers }: IncomingMessage, origin: string): Record<string, string> => {
  const passed = ANSWER_FIELDS.flatMap((name): [string, string][] => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value]] : []
  })
  const location = locationIn(headers.location, origin)
  return { ...Object.fromEntries(passed), ...(location === undefined ? {} : { location }) }
}

/** Breaks off what is too long, visibly: the announced length is not reached, or the last chunk is missing. */
const bounded = (max: number): Transform => {
  let passed = 0
  return new Transform({
    transform(piece: Uint8Array, _, done) {
      passed += piece.length
      if (passed > max) done(failed())
      else done(null, piece)
    },
  })
}

const answerOf = (response: IncomingMessage, method: string, origin: string, max: number): Answer => {
  const { statusCode: status = 0 } = response
  try {
    // 401 and 407 would have a browser ask for a password of the legacy system, 1xx is none of ours.
    if (status < 200 || status > 599 || status === 401 || status === 407) throw failed()
    if (Number(response.headers['content-length'] ?? 0) > max) throw failed()
    const headers = headersOf(response, origin)
    if (method === 'HEAD' || status === 204 || status === 304) {
      response.resume()
      return { status, headers }
    }
    // Whatever goes wrong destroys both ends: the caller sees a connection that broke, not a short answer.
    return { status, headers, body: pipeline(response, bounded(max), () => undefined) }
  } catch (error) {
    response.destroy()
    throw error
  }
}

export interface LegacyOptions {
  /** `http://127.0.0.1:8080`: scheme, host and port. */
  readonly origin: string
  readonly legacyTime?: number
  readonly answerTime?: number
  readonly answer?: number
}

export const legacyAt = (options: LegacyOptions): Legacy => {
  const { origin, legacyTime = GUARD_LIMITS.legacyTime, answerTime = GUARD_LIMITS.answerTime } = options
  const { answer: max = GUARD_LIMITS.answer } = options
  const url = new URL(origin)
  const pool = { keepAlive: true, maxSockets: GUARD_LIMITS.connections }
  const agent = url.protocol === 'https:' ? new TlsAgent(pool) : new PlainAgent(pool)
  const begin = url.protocol === 'https:' ? tlsRequest : plainRequest
  const send = ({ method, target, headers, body }: LegacyRequest): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const late = new AbortController()
      const settings: RequestOptions = {
        agent, method, path: target, setHost: false, insecureHTTPParser: false, maxHeaderSize: GUARD_LIMITS.answerHead,
        signal: AbortSignal.any([late.signal, AbortSignal.timeout(answerTime)]),
        headers: { host: url.host, ...headers, ...(body.length > 0 ? { 'content-length': body.length } : {}) },
      }
      const timer = setTimeout(() => { late.abort() }, legacyTime)
      const request = begin(url, settings)
      request.once('response', (response) => {
        clearTimeout(timer)
        try {
          resolve(answerOf(response, method, origin, max))
        } catch (error) {
          reject(error instanceof Problem ? error : failed(error))
        }
      })
      // Also for an answer that asks to speak another protocol: whatever comes then is not looked at.
      request.once('close', () => { reject(failed()) })
      request.on('error', (error) => {
        clearTimeout(timer)
        reject(failed(error))
      })
      request.end(body.length > 0 ? body : undefined)
    })
  return { send, close: () => { agent.destroy() } }
}
