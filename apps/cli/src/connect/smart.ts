/**
 * SMART App Launch for applications that know no DPoP: on loopback an authorization server of its own, towards the edge
 * a client with a key. The edge's token never leaves this process; what the application gets is good at this port, for
 * its own origin, and nowhere else.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as openid from 'openid-client'
import type { EdgeAnswer, EdgeClient } from '../edge-client.ts'
import { CLI_LIMITS } from '../limits.ts'
import { tokenDigest } from './door.ts'

export interface SmartDoorOptions {
  /** Where the edge says it is, with `/fhir`. */
  readonly edgeBase: string
  /** `client_id`, at the edge and here. */
  readonly application: string
  /** The key that the edge knows the application by. */
  readonly key: CryptoKey
  /** Exact addresses of the application on this machine. */
  readonly redirects: readonly string[]
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  /** Told who signed in, by the digest of the token that they got. */
  readonly entered?: (holder: string) => void
}

interface Pending {
  readonly redirect: string
  readonly state: string
  readonly challenge: string
  readonly verifier: string
  readonly dpop: openid.DPoPHandle
  readonly until: number
}

interface Held {
  access: string
  refresh: string | undefined
  readonly dpop: openid.DPoPHandle
  readonly origin: string
  readonly until: number
}

interface Redeemable {
  readonly pending: Pending
  readonly held: Held
  /** What the application is told beside its token. */
  readonly told: object
}

const SECRET = 32

/** Of an application's request, what the edge is told as it stands: whom and what it expects. */
const PASSED = ['launch', 'login_hint', 'acr_values', 'max_age'] as const

const equal = (left: string, right: string): boolean =>
  timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest())

/** A refusal of this door itself, in OAuth's words (RFC 6749 section 5.2). */
class Refused extends Error {}

export class SmartDoor {
  readonly #options: SmartDoorOptions
  readonly #edge: openid.Configuration
  readonly #pending = new Map<string, Pending>()
  readonly #codes = new Map<string, Redeemable>()
  /** By the digest of the token that the application has. */
  readonly #held = new Map<string, Held>()
  #base = ''

  private constructor(options: SmartDoorOptions, edge: openid.Configuration) {
    this.#options = options
    this.#edge = edge
  }

  /** Rejects where the edge does not answer, or has no SMART. */
  static async open(options: SmartDoorOptions): Promise<SmartDoor> {
    const issuer = new URL(new URL(options.edgeBase).origin)
    // Loopback is plain HTTP; an edge elsewhere is not reached without TLS.
    const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(issuer.hostname)
    const edge = await openid.discovery(issuer, options.application, {}, openid.PrivateKeyJwt(options.key), {
      algorithm: 'oauth2', ...(isLocal ? { execute: [openid.allowInsecureRequests] } : {}),
    })
    return new SmartDoor(options, edge)
  }

  listenAt(port: number): void {
    this.#base = `http://127.0.0.1:${port}`
  }

  /** Whose token it is, by its digest; `origin`: of the page that sends it, if a page does. */
  holds(holder: string, origin: string | undefined): boolean {
    const held = this.#held.get(holder)
    return held !== undefined && held.until > this.#options.now() && (origin === undefined || origin === held.origin)
  }

  /** Host, origin, method and path of the request are checked already. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#base)
    try {
      if (url.pathname.endsWith('/smart-configuration')) json(response, 200, this.#configuration())
      else if (url.pathname === '/oauth/token') await this.#token(request, response)
      else if (url.pathname === '/oauth/authorize') redirect(response, await this.#authorize(url.searchParams))
      else redirect(response, await this.#callback(url))
    } catch (error) {
      json(response, error instanceof Refused ? 400 : 502, {
        error: error instanceof Refused ? error.message : 'temporarily_unavailable',
      })
    }
  }

  /** A token of this door that is good no more. */
  drop(holder: string): void {
    this.#held.delete(holder)
  }

  /** The edge, as the holder of a token of this door reaches it. */
  edgeOf(holder: string): EdgeClient | undefined {
    const held = this.#held.get(holder)
    if (held === undefined) return undefined
    return async (method, path, { body, headers } = {}) => {
      const url = new URL(path, new URL(this.#options.edgeBase).origin)
      const ask = (): Promise<Response> => openid.fetchProtectedResource(this.#edge, held.access, url,
        method, body ?? null, new Headers(headers), { DPoP: held.dpop })
      const answer = await this.#renewed(held, ask)
      const { status } = answer
      const content = new Uint8Array(await answer.arrayBuffer())
      return { status, headers: toldToBearer(answer.headers), body: content } satisfies EdgeAnswer
    }
  }

  async #renewed(held: Held, ask: () => Promise<Response>): Promise<Response> {
    const first = await ask().catch(challenged)
    const { refresh } = held
    if (first.status !== 401 || refresh === undefined || asksForMore(first.headers) !== undefined) return first
    const renewed = await openid.refreshTokenGrant(this.#edge, refresh, undefined, { DPoP: held.dpop })
    held.access = renewed.access_token
    return ask().catch(challenged)
  }

  async #authorize(query: URLSearchParams): Promise<string> {
    const { application, redirects, edgeBase, now } = this.#options
    const of = (name: string): string => query.get(name) ?? ''
    // Whoever asks otherwise is sent nowhere: the address could be anybody's.
    if (of('client_id') !== application || !redirects.includes(of('redirect_uri'))) throw new Refused('invalid_client')
    const fits = of('response_type') === 'code' && of('code_challenge_method') === 'S256'
      && of('code_challenge').length === 43 && of('aud') === `${this.#base}/fhir` && of('state') !== ''
    if (!fits) throw new Refused('invalid_request')
    this.#sweep()
    const [verifier, state] = [openid.randomPKCECodeVerifier(), openid.randomState()]
    const dpop = openid.getDPoPHandle(this.#edge, await openid.randomDPoPKeyPair('ES256'))
    const passed = PASSED.flatMap((name) => (query.has(name) ? [[name, of(name)] as const] : []))
    const url = await openid.buildAuthorizationUrlWithPAR(this.#edge, {
      redirect_uri: `${this.#base}/oauth/callback`, scope: withOnline(of('scope')), state, aud: edgeBase,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      ...Object.fromEntries(passed),
    }, { DPoP: dpop })
    this.#pending.set(state, {
      redirect: of('redirect_uri'), state: of('state'), challenge: of('code_challenge'), verifier, dpop,
      until: now() + CLI_LIMITS.signInTime,
    })
    return url.href
  }

  async #callback(url: URL): Promise<string> {
    const expected = url.searchParams.get('state') ?? ''
    const pending = this.#pending.get(expected)
    this.#pending.delete(expected)
    if (pending === undefined || pending.until <= this.#options.now()) throw new Refused('invalid_request')
    const back = new URL(pending.redirect)
    back.searchParams.set('state', pending.state)
    try {
      const tokens = await openid.authorizationCodeGrant(this.#edge, url, {
        pkceCodeVerifier: pending.verifier, expectedState: expected,
      }, undefined, { DPoP: pending.dpop })
      const code = this.#secret()
      const until = this.#options.now() + CLI_LIMITS.smartToken
      const { access_token: access, refresh_token: refresh, scope, id_token: id, patient } = tokens
      const held: Held = { access, refresh, dpop: pending.dpop, origin: new URL(pending.redirect).origin, until }
      this.#codes.set(tokenDigest(code), { pending, held, told: { scope, id_token: id, patient } })
      back.searchParams.set('code', code)
    } catch (error) {
      back.searchParams.set('error', error instanceof openid.AuthorizationResponseError ? error.error : 'server_error')
    }
    return back.href
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = new URLSearchParams(await textOf(request))
    const name = tokenDigest(form.get('code') ?? '')
    const redeemed = this.#codes.get(name)
    this.#codes.delete(name) // once, whatever comes of it
    if (form.get('grant_type') !== 'authorization_code') throw new Refused('unsupported_grant_type')
    if (redeemed === undefined) throw new Refused('invalid_grant')
    const { pending, held, told } = redeemed
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url')
    const { origin = held.origin } = request.headers
    const fits = form.get('redirect_uri') === pending.redirect && equal(challenge, pending.challenge)
      && origin === held.origin && pending.until > this.#options.now()
    if (!fits) throw new Refused('invalid_grant')
    const token = this.#secret()
    const holder = tokenDigest(token)
    this.#held.set(holder, held)
    this.#options.entered?.(holder)
    if (!this.#held.has(holder)) throw new Refused('invalid_grant')
    json(response, 200, {
      ...told, access_token: token, token_type: 'Bearer', expires_in: CLI_LIMITS.smartToken / 1_000,
    })
  }

  #configuration(): object {
    return {
      authorization_endpoint: `${this.#base}/oauth/authorize`,
      token_endpoint: `${this.#base}/oauth/token`,
      token_endpoint_auth_methods_supported: ['none'],
      grant_types_supported: ['authorization_code'],
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      acr_values_supported: this.#edge.serverMetadata().acr_values_supported ?? [],
      capabilities: [
        'launch-ehr', 'launch-standalone', 'client-public', 'context-ehr-patient', 'context-standalone-patient',
        'permission-v2',
      ],
    }
  }

  #secret(): string {
    return Buffer.from(this.#options.random(SECRET)).toString('base64url')
  }

  #sweep(): void {
    const now = this.#options.now()
    for (const [state, { until }] of this.#pending) if (until <= now) this.#pending.delete(state)
    for (const [code, { pending }] of this.#codes) if (pending.until <= now) this.#codes.delete(code)
    for (const [token, { until }] of this.#held) if (until <= now) this.#held.delete(token)
  }
}

/** The edge's tokens are short; this door renews them as long as the person's session lives. */
const withOnline = (scope: string): string =>
  (scope.split(' ').includes('online_access') ? scope : `${scope} online_access`)

/** An answer that says how to ask is an answer. */
const challenged = (error: unknown): Response => {
  if (error instanceof openid.WWWAuthenticateChallengeError) return error.response
  throw error
}

/** The edge's word that its person has to sign in more strongly (RFC 9470): no newer token helps. */
const asksForMore = (headers: Headers): string | undefined => {
  const challenge = headers.get('www-authenticate') ?? ''
  return challenge.includes('error="insufficient_user_authentication"') ? challenge : undefined
}

/** That word, for an application whose token here is a bearer's. */
const toldToBearer = (headers: Headers): Headers => {
  const challenge = asksForMore(headers)
  const fields = new Headers(headers)
  fields.delete('www-authenticate')
  if (challenge !== undefined) {
    fields.set('www-authenticate', challenge.replace(/^DPoP/, 'Bearer').replace(/, algs="[^"]*"/, ''))
  }
  return fields
}

const redirect = (response: ServerResponse, location: string): void => {
  response.writeHead(302, { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).end()
}

const json = (response: ServerResponse, status: number, value: object): void => {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  response.setHeader('cache-control', 'no-store')
  response.end(JSON.stringify(value))
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > CLI_LIMITS.smartForm) throw new Refused('invalid_request')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
