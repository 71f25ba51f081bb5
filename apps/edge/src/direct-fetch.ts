/**
 * `fetch` as far as the sdk uses it, straight over node:http: an edge asks the same four servers all day, and the
 * platform's own takes three times the processor time of a small request. What is streamed goes through the platform's.
 */
import { Agent, type IncomingMessage, request as plainRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { Fetch } from '@scelle/sdk'

interface Asked {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array | undefined
  readonly signal: AbortSignal | undefined
}

/** The answer as its reader sees it: pieces as they come, so that whoever bounds them can stop. */
const responseOf = (message: IncomingMessage): Response => {
  const pieces = message[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const cancel = async (): Promise<void> => {
    message.destroy()
  }
  const reader = { read: () => pieces.next(), cancel }
  const status = message.statusCode ?? 0
  const headers = { get: (name: string): string | null => message.headers[name]?.toString() ?? null }
  return {
    status, ok: status >= 200 && status < 300, headers, body: { getReader: () => reader, cancel },
  } as unknown as Response
}

const ask = (url: string, asked: Asked, agents: { readonly plain: Agent; readonly secure: SecureAgent }) =>
  new Promise<Response>((resolve, reject) => {
    const { method, headers, body, signal } = asked
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    const options = { method, headers: { ...headers, ...length }, ...(signal === undefined ? {} : { signal }) }
    const request = url.startsWith('https:')
      ? secureRequest(url, { ...options, agent: agents.secure })
      : plainRequest(url, { ...options, agent: agents.plain })
    request.once('response', (message) => resolve(responseOf(message)))
    request.on('error', reject) // also after the answer began: then its reader is told
    request.end(body)
  })

/** A redirection is an answer like others: the sdk refuses what is neither a success nor a problem it knows. */
export const directFetch = (): Fetch => {
  const agents = { plain: new Agent({ keepAlive: true }), secure: new SecureAgent({ keepAlive: true }) }
  return (url, init) => {
    const { body, method = 'GET', signal } = init
    const headers = init.headers as Record<string, string>
    const isSmall = (body === undefined || body instanceof Uint8Array) && headers['accept'] === 'application/cbor'
    if (!isSmall) return fetch(url, init)
    return ask(url, { method, headers, body: body as Uint8Array | undefined, signal: signal ?? undefined }, agents)
  }
}
