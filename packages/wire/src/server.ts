/**
 * The ground every server stands on: signed requests, bounded bodies, refusals in one form, logs without content,
 * health, and an orderly end. An app adds routes and nothing of this.
 */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import Fastify, {
  type FastifyInstance, type FastifyReply, type FastifyRequest, type InjectOptions, type LightMyRequestResponse,
} from 'fastify'
import { encode, type PrincipalKeys, sha256, toHex } from '@scelle/seal/verify'
import { Problem, problemDocument, PROBLEMS } from './errors.ts'
import { NonceMemory, requireDigest, requireRequestForm, type RequestTarget, verifyRequestHead } from './http.ts'
import { SERVER_LIMITS, WIRE_LIMITS } from './limits.ts'
import { Self } from './messages.ts'
import { UnsignedBodies, type UnsignedBounds } from './server-bodies.ts'
import { faultOf, type Log, type Role } from './server-log.ts'
import { type PresentProblem, problemOf } from './server-problems.ts'
import { addOAuthRoute } from './server-oauth.ts'
import type { Answer, AnsweredRoute, DeclaredRoute, Policy, Route, ServerRequest } from './server-routes.ts'
import type { Tokens } from './server-tokens.ts'

export { createLog, faultOf, type Log, type LogEvent, type Role, type WitnessState } from './server-log.ts'
export { problemOf, type PresentProblem } from './server-problems.ts'
export type * from './server-routes.ts'
export type { TokenHead, Tokens } from './server-tokens.ts'

export interface ServerOptions {
  readonly role: Role
  /** Key records of the server's own principal, genesis first: what `GET /v1/self` answers. */
  readonly chain: readonly Uint8Array[]
  readonly log: Log
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /**
   * Verified keys of a registered principal; undefined where it is not. `session`: the one that the request names, for
   * servers that know sessions.
   */
  readonly keyOf: (
    principal: Uint8Array, session?: string,
  ) => PrincipalKeys | undefined | Promise<PrincipalKeys | undefined>
  /** Whether the server can do its work now. */
  readonly readiness: () => boolean | Promise<boolean>
  /** Names, with port, under which others reach it, beside loopback and the address it listens on. */
  readonly authorities?: readonly string[]
  /** Bytes of one request body unless a route says otherwise. */
  readonly maxBody?: number
  /** Whether requests may name one of their signer's sessions; refused otherwise, not ignored. */
  readonly sessions?: boolean
  /** Who takes access tokens, where routes do; without it a request with an `Authorization` is refused. */
  readonly tokens?: Tokens
  readonly present?: PresentProblem
  /** Awaited before a route's answer or refusal leaves: what it tells must be on the disk. */
  readonly settled?: () => Promise<void>
  /** Room for bodies whose signer is not known yet; SERVER_LIMITS unless said otherwise. */
  readonly unsigned?: UnsignedBounds
}

export interface Server {
  readonly route: <T>(route: Route<T>) => void
  /** Every route that was declared, health and keys among them: a test knocks at each. */
  readonly routes: () => readonly DeclaredRoute[]
  readonly listen: (address: { host: string; port: number }) => Promise<{ url: string; port: number }>
  /** A request without a socket, for tests and for several parties in one process. */
  readonly inject: (request: InjectOptions | string) => Promise<LightMyRequestResponse>
  /** Takes no new request, lets those under way finish for a while, then ends. */
  readonly close: () => Promise<void>
}

/** What is known of a request while it is served. */
interface Known {
  readonly received: number
  keys?: PrincipalKeys
  digest?: Uint8Array | undefined
  session?: string | undefined
  certified?: unknown
  token?: object
  /** Gives back the room of a body that came before its signer was known. */
  release?: () => void
  problem?: Problem
}

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
  }
  interface FastifyRequest {
    known: Known
  }
}

/** One server's parts, handed to the functions below. */
interface Site {
  readonly options: ServerOptions
  readonly app: FastifyInstance
  readonly replay: NonceMemory
  readonly unsigned: UnsignedBodies
  /** Authorities that a request may be signed for. */
  names: ReadonlySet<string>
  stopping: boolean
  readonly declared: DeclaredRoute[]
}

const presentAsProblem: PresentProblem = (problem) => ({
  type: 'application/problem+json',
  body: JSON.stringify(problemDocument(problem.code, problem.detail)),
})

/** A plain view: `slice` of a Buffer does not copy, and decoders rely on copies. */
const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? new Uint8Array(body.buffer, body.byteOffset, body.length) : new Uint8Array()

const targetOf = (request: FastifyRequest): RequestTarget => {
  const [, path = '', , query = ''] = /^([^?]*)(\?(.*))?$/s.exec(request.raw.url ?? '') ?? []
  const authority = (request.headers.host ?? '').toLowerCase().replace(/:80$/, '')
  return { method: request.method, authority, path, query }
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

const namesOf = (options: ServerOptions, listening?: { host: string; port: number }): ReadonlySet<string> => {
  const hosts = listening === undefined ? LOOPBACK : [...LOOPBACK, bracketed(listening.host)]
  const port = listening === undefined || listening.port === 80 ? '' : `:${listening.port}`
  return new Set([...hosts.map((host) => `${host}${port}`), ...(options.authorities ?? [])])
}

const requireName = (site: Site, target: RequestTarget): void => {
  // Somebody who received a request could otherwise show it to another server, and a web page could rebind a name.
  if (!site.names.has(target.authority)) {
    throw new Problem('signature-invalid', 'This server is not known under the name in Host: see `authorities`.')
  }
}

const verifyHead = async (site: Site, request: FastifyRequest, keyOf: ServerOptions['keyOf']): Promise<void> => {
  const target = targetOf(request)
  requireName(site, target)
  const { options, replay } = site
  const verified = await verifyRequestHead({ ...target, headers: request.headers, now: options.now, keyOf, replay })
  if (verified.session !== undefined && options.sessions !== true) {
    throw new Problem('signature-invalid', 'This server knows no sessions: send no scelle-session.')
  }
  request.known.session = verified.session
  request.known.keys = verified.keys
  request.known.digest = verified.digest
}

const isSigned = (policy: Policy): boolean =>
  policy === 'signed' || policy === 'signed-stream' || policy === 'signed-or-token'

const verifyToken = async (site: Site, request: FastifyRequest): Promise<void> => {
  const target = targetOf(request)
  requireName(site, target)
  const { headers } = request
  // One way or the other: of two, each could be taken for granted where only the other one is looked at.
  if (headers['signature'] !== undefined || headers['signature-input'] !== undefined) {
    throw new Problem('signature-invalid', 'A request is signed, or has an access token: not both.')
  }
  const { tokens } = site.options
  if (tokens === undefined) throw new Problem('token-invalid', 'This server takes no access tokens: sign the request.')
  request.known.token = await tokens.verify({ method: target.method, path: target.path, headers })
}

/** Before the body is read: strangers do not make the server buffer anything. */
const onRequest = async (site: Site, request: FastifyRequest): Promise<void> => {
  request.known = { received: site.options.now() }
  const { policy } = request.routeOptions.config
  if (policy === undefined) throw new Problem('not-found')
  if (policy === 'signed-or-token' && request.headers.authorization !== undefined) await verifyToken(site, request)
  else if (isSigned(policy)) await verifyHead(site, request, site.options.keyOf)
  if (policy === 'oauth') requireName(site, targetOf(request))
  if (policy === 'self-certifying') {
    requireName(site, targetOf(request))
    requireRequestForm({ headers: request.headers, now: site.options.now, replay: site.replay })
  }
}

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const checkBody = async (site: Site, route: AnsweredRoute<never>, request: FastifyRequest): Promise<void> => {
  const { known } = request
  if (route.policy === 'self-certifying') {
    await verifyHead(site, request, async (principal) => {
      const { keys, value } = await route.certify(bytesOf(request.body), principal)
      known.certified = value
      return keys
    })
  }
  if (route.policy === 'signed-stream') {
    if (known.digest === undefined && !hasBody(request)) known.digest = sha256()
    if (known.digest === undefined) throw new Problem('digest-mismatch', 'Sign the body: content-digest is missing.')
  } else if (route.policy !== 'public' && known.token === undefined) requireDigest(known.digest, bytesOf(request.body))
}

const callHandler = (route: AnsweredRoute<never>, request: FastifyRequest): Answer | Promise<Answer> => {
  const target = request.raw.url ?? ''
  const { known } = request
  const base: ServerRequest = {
    id: request.id,
    method: request.method,
    target,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(targetOf(request).query),
    headers: request.headers,
    body: bytesOf(request.body),
  }
  if (route.policy === 'public') return route.handler(base)
  const { keys: principal, digest, session, token } = known
  if (route.policy === 'signed-or-token' && token !== undefined) return route.handler({ ...base, token })
  if (principal === undefined) throw new Problem('signature-missing')
  if (route.policy === 'signed' || route.policy === 'signed-or-token') {
    return route.handler({ ...base, principal, session })
  }
  if (route.policy === 'self-certifying') {
    return route.handler({ ...base, principal, session, certified: known.certified as never })
  }
  const stream = request.body instanceof Readable ? request.body : Readable.from([])
  return route.handler({ ...base, principal, session, stream, digest: digest as Uint8Array })
}

const answerOf = async (site: Site, route: AnsweredRoute<never>, request: FastifyRequest): Promise<Answer> => {
  try {
    return await callHandler(route, request)
  } finally {
    await site.options.settled?.()
  }
}

/** A response that left is closed, and so is one whose reader went away, before it was made or while it was sent. */
const whenGone = ({ raw }: FastifyReply, sent: () => void): void => {
  if (raw.closed) sent()
  else raw.once('close', sent)
}

const send = (reply: FastifyReply, answer: Answer): FastifyReply => {
  reply.code(answer.status ?? 200)
  if (answer.body instanceof Uint8Array) reply.type('application/cbor')
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  return reply.send(answer.body)
}

/** The rest of a body that nobody will read is not worth receiving. */
const cutsOff = ({ raw, headers, routeOptions }: FastifyRequest): boolean => {
  const { policy } = routeOptions.config
  if (policy === 'signed-stream') return true
  if (raw.complete || (policy !== undefined && policy !== 'self-certifying')) return false
  const announced = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Infinity
  return announced > SERVER_LIMITS.unreadBody
}

const refuse = (site: Site, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const problem = problemOf(error)
  request.known.problem = problem
  if (problem.code === 'internal') {
    site.options.log({ event: 'fault', request: request.id, ...faultOf(problem.cause ?? problem) })
  }
  const status = PROBLEMS[problem.code][0]
  const { type, body } = (site.options.present ?? presentAsProblem)(problem, status)
  if (cutsOff(request)) reply.header('connection', 'close')
  if (status === 503) reply.header('retry-after', '1')
  const { tokens } = site.options
  if (request.routeOptions.config.policy === 'signed-or-token' && status === 401 && tokens !== undefined) {
    reply.headers(tokens.challenge(problem, request.headers))
  }
  return reply.code(status).type(type).send(body)
}

const logRequest = (site: Site, request: FastifyRequest, reply: FastifyReply): void => {
  const { received, problem } = request.known
  site.options.log({
    event: 'request',
    request: request.id,
    method: request.method,
    route: request.routeOptions.url ?? '(none)',
    status: reply.statusCode,
    milliseconds: site.options.now() - received,
    ...(problem === undefined ? {} : { code: problem.code }),
  })
}

/** A target that Fastify cannot even route: no hook runs, and its own answer would quote the target. */
const refuseTarget = (options: ServerOptions, error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const problem = problemOf(error)
  const status = PROBLEMS[problem.code][0]
  const { type, body } = (options.present ?? presentAsProblem)(problem, status)
  options.log({
    event: 'request', request: request.id, method: request.method, route: '(none)', status, milliseconds: 0,
    code: problem.code,
  })
  void reply.code(status).type(type).send(body)
}

const newApp = (options: ServerOptions): FastifyInstance => {
  const app = Fastify({
    logger: false,
    bodyLimit: options.maxBody ?? WIRE_LIMITS.requestBody,
    requestTimeout: SERVER_LIMITS.requestTime,
    keepAliveTimeout: SERVER_LIMITS.keepAliveTime,
    http: { headersTimeout: SERVER_LIMITS.headersTime },
    genReqId: () => toHex(options.random(8)),
    routerOptions: { maxParamLength: SERVER_LIMITS.parameter },
    exposeHeadRoutes: false,
    frameworkErrors: (error, request, reply) => refuseTarget(options, error, request, reply),
    // What is not HTTP gets no answer that quotes it.
    clientErrorHandler: (_, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    },
  })
  app.server.maxConnections = SERVER_LIMITS.connections
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  return app
}

const addHooks = (site: Site): void => {
  const { app } = site
  app.decorateRequest('known')
  app.addHook('onRoute', ({ config, url }) => {
    if (config?.policy === undefined) throw new Error(`route ${url} does not declare its policy`)
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'request-id': request.id, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    await onRequest(site, request)
  })
  app.addHook('onResponse', async (request, reply) => logRequest(site, request, reply))
  app.setErrorHandler((error, request, reply) => refuse(site, error, request, reply))
  app.setNotFoundHandler((request, reply) => refuse(site, new Problem('not-found'), request, reply))
}

const addRoute = <T>(site: Site, declared: Route<T>): void => {
  // What `certify` returned comes back to the same route's handler; between the two its type is nobody's business.
  const route = declared as Route<never>
  site.declared.push({ url: route.url, policy: route.policy, methods: [route.method].flat() })
  if (route.policy === 'oauth') return addOAuthRoute(site.app, route)
  const add = (app: FastifyInstance): void => {
    app.route({
      method: route.method,
      url: route.url,
      config: { policy: route.policy },
      ...(route.maxBody === undefined ? {} : { bodyLimit: route.maxBody }),
      preHandler: async (request) => {
        try {
          await checkBody(site, route, request)
        } finally {
          request.known.release?.()
        }
      },
      handler: async (request, reply) => {
        const answer = await answerOf(site, route, request)
        if (answer.sent !== undefined) whenGone(reply, answer.sent)
        return send(reply, answer)
      },
    })
  }
  if (route.policy !== 'signed-stream' && route.policy !== 'self-certifying') return add(site.app)
  void site.app.register(async (inner) => {
    inner.removeAllContentTypeParsers()
    if (route.policy === 'signed-stream') inner.addContentTypeParser('*', (_, payload, done) => done(null, payload))
    else {
      const limit = route.maxBody ?? site.options.maxBody ?? WIRE_LIMITS.requestBody
      inner.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
        const { body, release } = await site.unsigned.read(payload, limit)
        request.known.release = release
        return body
      })
    }
    add(inner)
  })
}

const addOwnRoutes = (site: Site): void => {
  const { options } = site
  const self = encode(Self, { role: options.role, keys: [...options.chain] })
  addRoute(site, { method: 'GET', url: '/healthz', policy: 'public', handler: () => ({ status: 200 }) })
  addRoute(site, {
    method: 'GET',
    url: '/readyz',
    policy: 'public',
    handler: async () => ({ status: !site.stopping && (await options.readiness()) ? 200 : 503 }),
  })
  addRoute(site, { method: 'GET', url: '/v1/self', policy: 'public', handler: () => ({ body: self }) })
}

const listenOn = async (
  site: Site, address: { host: string; port: number },
): Promise<{ url: string; port: number }> => {
  await site.app.listen(address)
  const bound = site.app.server.address() as AddressInfo
  site.names = namesOf(site.options, { host: address.host, port: bound.port })
  site.options.log({ event: 'started', role: site.options.role, port: bound.port })
  return { url: `http://${bracketed(address.host)}:${bound.port}`, port: bound.port }
}

const closeDown = async (site: Site): Promise<void> => {
  const { options, app } = site
  site.stopping = true
  options.log({ event: 'stopping', role: options.role })
  const cut = setTimeout(() => app.server.closeAllConnections(), SERVER_LIMITS.closeTime)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
  options.log({ event: 'stopped', role: options.role })
}

/**
 * A server without routes of its own but `/healthz`, `/readyz` and `/v1/self`. Every route added declares its policy;
 * one that does not is refused when it is added.
 */
export const createServer = (options: ServerOptions): Server => {
  const site: Site = {
    options,
    app: newApp(options),
    replay: new NonceMemory(options.now()),
    unsigned: new UnsignedBodies(options.unsigned),
    names: namesOf(options), stopping: false, declared: [],
  }
  addHooks(site)
  addOwnRoutes(site)
  return {
    route: (route) => addRoute(site, route),
    routes: () => site.declared,
    listen: (address) => listenOn(site, address),
    inject: async (request) => site.app.inject(request),
    close: () => closeDown(site),
  }
}
