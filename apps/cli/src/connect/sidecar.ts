/** The sidecar: plain FHIR on loopback for software that cannot sign, signed FHIR to the edge. Keeps nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EdgeAnswer, EdgeClient } from '../edge-client.ts'
import { CLI_LIMITS } from '../limits.ts'
import { type Door, isLocalHost, verdictOn } from './door.ts'
import { fieldFault, isOctets, mayBeOctets, passed, sendOctets } from './octets.ts'
import { rewriteAnswer, rewriteHeader, rewriteRequest } from './rewrite.ts'
import { type DoorRoute, METHODS, routeOf, routesOf } from './routes.ts'
import type { SmartDoor } from './smart.ts'

export interface SidecarOptions {
  readonly edge: EdgeClient
  /** Where the edge says it is, with `/fhir`. */
  readonly edgeBase: string
  readonly tokens: Door['tokens']
  /**
   * The session at the edge of each token's holder, by the token's digest. A client's own `scelle-session` is never
   * passed on: nobody chooses whose charts he sees.
   */
  readonly sessions: ReadonlyMap<string, string>
  readonly origins: ReadonlySet<string>
  /** Where applications sign in here, by SMART App Launch. */
  readonly smart?: SmartDoor
  /** Told who signed in (`in`) or out, by the digest of their token. */
  readonly signed?: (holder: string, way: 'in' | 'out') => void
}

const PASSED_ON = [
  'accept',
  'accept-language',
  'content-type',
  'if-match',
  'if-none-match',
  'if-none-exist',
  'if-modified-since',
  'prefer',
  'range',
  'if-range',
  'x-security-context',
  'content-encoding',
  'repr-digest',
  'upload-complete',
  'upload-length',
  'upload-offset',
]
const PASSED_BACK = [
  'content-type',
  'etag',
  'scelle-meter',
  'last-modified',
  'retry-after',
  'accept-ranges',
  'content-range',
  'content-disposition',
  'content-security-policy',
  'x-content-type-options',
  'repr-digest',
  'upload-complete',
  'upload-length',
  'upload-limit',
  'upload-offset',
]
const EXPOSED = ['location', 'content-location', 'www-authenticate', ...PASSED_BACK].join(', ')

const outcome = (code: string, diagnostics: string): string =>
  JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code, diagnostics }] })

const bodyOf = async (request: IncomingMessage): Promise<Uint8Array | undefined> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > CLI_LIMITS.sidecarRequest) throw new RangeError('too large')
    parts.push(part)
  }
  return size === 0 ? undefined : new Uint8Array(Buffer.concat(parts))
}

class NotText extends Error {}

/** A body in Latin-1 would otherwise reach the record with every accent replaced. */
const utf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new NotText('not UTF-8', { cause })
  }
}

const isJson = (type: string | null | undefined): boolean => /\bjson\b/.test(type ?? '')

/** Octets as they come from the edge, which authenticated them; where they break off, so does this answer. */
const passOn = (stream: ReadableStream<Uint8Array>, headers: Headers, response: ServerResponse): void => {
  const length = headers.get('content-length')
  if (length !== null) response.setHeader('content-length', length)
  const octets = Readable.fromWeb(stream as NodeReadableStream<Uint8Array>)
  octets.on('data', (piece: Uint8Array) => passed(piece.length))
  octets.pause()
  pipeline(octets, response).catch(() => response.destroy())
}

/** As clients write them. */
const LOGIN = /^\/fhir\/(?:\$|%24)scelle-login(?:\?|$)/
const LOGOUT = /^\/fhir\/(?:\$|%24)scelle-logout(?:\?|$)/

/** The edge's answer to the passkey page's: the session is somebody's now. Before, it says where the page is. */
const isEntered = (body: Uint8Array): boolean => /"name"\s*:\s*"role"/.test(new TextDecoder().decode(body))

class Sidecar {
  readonly routes: readonly DoorRoute[]
  readonly #options: SidecarOptions
  /** Requests under way, by holder. */
  readonly #underWay = new Map<string, Set<ServerResponse>>()
  #base = ''

  constructor(options: SidecarOptions) {
    this.#options = options
    this.routes = routesOf(options.smart !== undefined)
  }

  listenAt(port: number): void {
    this.#base = `http://127.0.0.1:${port}/fhir`
    this.#options.smart?.listenAt(port)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const port = request.socket.localPort ?? 0
    const { tokens, origins, smart } = this.#options
    if (request.method === 'OPTIONS' && this.#preflight(request, response, port)) return
    const path = request.url ?? '/'
    const route = routeOf(this.routes, request.method ?? '', path)
    // What is no route is that only to whoever has a token.
    const isOpen = route !== undefined && route.policy !== 'token'
    const verdict = verdictOn(request.headers, { port, tokens, origins, smart }, isOpen)
    this.#cors(request, response)
    if (!verdict.pass) {
      this.#refuse(response, verdict.status, verdict.status === 401 ? 'login' : 'forbidden', verdict.diagnostics)
      return
    }
    if (smart !== undefined && route?.policy === 'sign-in') {
      await smart.handle(request, response)
      return
    }
    if (route === undefined) {
      this.#refuse(response, 404, 'not-found', 'FHIR is served under /fhir.')
      return
    }
    const holder = verdict.holder ?? ''
    this.#begin(holder, response)
    try {
      const session = this.#options.sessions.get(holder)
      const edge = smart?.edgeOf(holder) ?? this.#options.edge
      const answer = await this.#forward(edge, request, path, session)
      this.#notice(holder, path, answer)
      // Whose key was pulled meanwhile is shown nothing.
      if (!response.destroyed) this.#answer(request, response, answer)
    } catch (cause) {
      const fault = fieldFault(cause)
      if (fault !== undefined) this.#refuse(response, 400, 'value', fault)
      else if (cause instanceof NotText) this.#refuse(response, 400, 'structure', 'The body is not UTF-8.')
      else if (cause instanceof RangeError)
        this.#refuse(response, 413, 'too-long', 'The request is too large for this door.')
      else this.#refuse(response, 502, 'transient', 'The edge does not answer. Is it running? (scelle status)')
    }
  }

  /** Breaks off whatever is under way for a holder: streams stop where they are. */
  cut(holder: string): void {
    for (const response of this.#underWay.get(holder) ?? []) response.destroy()
  }

  #begin(holder: string, response: ServerResponse): void {
    const own = this.#underWay.get(holder) ?? new Set()
    this.#underWay.set(holder, own.add(response))
    response.once('close', () => {
      own.delete(response)
      if (own.size === 0 && this.#underWay.get(holder) === own) this.#underWay.delete(holder)
    })
  }

  #notice(holder: string, path: string, answer: EdgeAnswer): void {
    const { signed } = this.#options
    if (signed === undefined || answer.status >= 300) return
    if (LOGOUT.test(path)) signed(holder, 'out')
    if (LOGIN.test(path) && isEntered(answer.body)) signed(holder, 'in')
  }

  async #forward(
    edge: EdgeClient, request: IncomingMessage, path: string, session: string | undefined,
  ): Promise<EdgeAnswer> {
    const headers: Record<string, string> = {}
    for (const name of PASSED_ON) {
      const value = request.headers[name]
      if (typeof value === 'string') headers[name] = value
    }
    const method = request.method ?? 'GET'
    const named = session === undefined ? {} : { session }
    if (mayBeOctets(method, path)) return edge(method, path, { headers, ...named, stream: true })
    if (isOctets(method, path, headers['content-type'], headers['upload-complete'] !== undefined)) {
      const { 'content-digest': digest } = request.headers
      const all = typeof digest === 'string' ? { ...headers, 'content-digest': digest } : headers
      return sendOctets({ edge, sleep }, { request, path, headers: all, session })
    }
    const raw = await bodyOf(request)
    const body =
      raw !== undefined && isJson(headers['content-type'])
        ? new TextEncoder().encode(rewriteRequest(utf8(raw), this.#options.edgeBase, this.#base))
        : raw
    return edge(method, path, { headers, ...(body === undefined ? {} : { body }), ...named })
  }

  #answer(request: IncomingMessage, response: ServerResponse, answer: EdgeAnswer): void {
    const { edgeBase } = this.#options
    for (const name of PASSED_BACK) {
      const value = answer.headers.get(name)
      if (value !== null) response.setHeader(name, value)
    }
    for (const name of ['location', 'content-location']) {
      const value = answer.headers.get(name)
      if (value !== null) response.setHeader(name, rewriteHeader(value, edgeBase, this.#base))
    }
    // What the edge asks of a signature, or of a key, is this door's matter; what it asks of a person is not.
    const challenge = answer.headers.get('www-authenticate')
    if (challenge?.startsWith('Bearer ') === true) response.setHeader('www-authenticate', challenge)
    response.setHeader('cache-control', 'no-store')
    response.statusCode = answer.status
    if (answer.stream !== undefined) {
      passOn(answer.stream, answer.headers, response)
      return
    }
    const length = answer.headers.get('content-length')
    if (request.method === 'HEAD' && length !== null) response.setHeader('content-length', length)
    // What is left of a body that was refused is taken, and dropped: its sender reads the answer when it has sent all.
    request.resume()
    const text = isJson(answer.headers.get('content-type'))
      ? rewriteAnswer(new TextDecoder().decode(answer.body), edgeBase, this.#base)
      : answer.body
    response.end(request.method === 'HEAD' ? undefined : text)
  }

  /** Browsers ask before they send a token. Only origins named at the start get a yes. */
  #preflight(request: IncomingMessage, response: ServerResponse, port: number): boolean {
    const { origin, host } = request.headers
    if (origin === undefined || !this.#options.origins.has(origin) || !isLocalHost(host, port)) return false
    this.#cors(request, response)
    response.setHeader('access-control-allow-methods', METHODS.join(', '))
    response.setHeader('access-control-allow-headers', ['authorization', ...PASSED_ON].join(', '))
    response.statusCode = 204
    response.end()
    return true
  }

  #cors(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers
    if (origin === undefined || !this.#options.origins.has(origin)) return
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('vary', 'origin')
    response.setHeader('access-control-expose-headers', EXPOSED)
  }

  #refuse(response: ServerResponse, status: number, code: string, diagnostics: string): void {
    response.statusCode = status
    response.setHeader('content-type', 'application/fhir+json')
    response.end(outcome(code, diagnostics))
  }
}

export interface StartedSidecar {
  readonly server: Server
  readonly base: string
  /** Everything that it answers to; a test knocks at each. */
  readonly routes: readonly DoorRoute[]
  /** Breaks off whatever is under way for a holder, by the digest of their token. */
  readonly cut: (holder: string) => void
}

/** Starts the sidecar on loopback; port 0 takes a free one. */
export const startSidecar = (options: SidecarOptions, port: number): Promise<StartedSidecar> => {
  const sidecar = new Sidecar(options)
  const server = createServer((request, response) => {
    sidecar.handle(request, response).catch(() => response.destroy())
  })
  server.requestTimeout = CLI_LIMITS.sidecarTime
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      sidecar.listenAt(bound)
      resolve({
        server, base: `http://127.0.0.1:${bound}/fhir`, routes: sidecar.routes, cut: (holder) => sidecar.cut(holder),
      })
    })
  })
}
