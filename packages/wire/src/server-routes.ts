/** What a route declares and what its handler gets. A route cannot be declared without saying who may call it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { PrincipalKeys } from '@scelle/seal/verify'

export interface ServerRequest {
  /** Random, for logs and the answer's `request-id`. Tells nothing. */
  readonly id: string
  readonly method: string
  /** Path and query as received. */
  readonly target: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Empty where there was none. */
  readonly body: Uint8Array
}

export interface SignedRequest extends ServerRequest {
  /** Verified keys of whoever signed the request. */
  readonly principal: PrincipalKeys
  /** Which of its sessions the signer names, where it serves several people: covered by the signature. */
  readonly session: string | undefined
}

export interface StreamedRequest extends SignedRequest {
  readonly stream: Readable
  /** The SHA-256 that the signature covers. The handler hashes what it reads, and keeps nothing that differs. */
  readonly digest: Uint8Array
}

/** A request under an access token, whose holder proved its key (RFC 9449). Nothing of it is signed but its address. */
export interface TokenRequest extends ServerRequest {
  /** What the server's own `tokens` returned for it: who holds the token, and what it is good for. */
  readonly token: object
}

export interface CertifiedRequest<T> extends SignedRequest {
  readonly certified: T
}

export interface Answer {
  /** 200 unless said otherwise. */
  readonly status?: number
  /** `content-type` is `application/cbor` for bytes unless it is given here. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string | Readable
  /** Called once the answer has left, or its connection has ended: for a body that is overwritten then. */
  readonly sent?: () => void
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS'

interface RouteBase {
  readonly method: Method | Method[]
  readonly url: string
  /** Bytes of one request body; the server's limit unless said otherwise. */
  readonly maxBody?: number
}

/** Signed by a principal that `keyOf` knows. Verified before the body is read. */
export interface SignedRoute extends RouteBase {
  readonly policy: 'signed'
  readonly handler: (request: SignedRequest) => Answer | Promise<Answer>
}

/** Signed likewise; the body is handed over as it comes in. */
export interface StreamedRoute extends RouteBase {
  readonly policy: 'signed-stream'
  readonly handler: (request: StreamedRequest) => Answer | Promise<Answer>
}

/**
 * Signed by a principal whose keys the body itself proves. `certify` gets the body and the id that the signature names,
 * and returns verified keys of that very principal, with whatever else it verified on the way.
 */
export interface SelfCertifyingRoute<T> extends RouteBase {
  readonly policy: 'self-certifying'
  readonly certify: (body: Uint8Array, principal: Uint8Array) => Promise<{ keys: PrincipalKeys; value: T }>
  readonly handler: (request: CertifiedRequest<T>) => Answer | Promise<Answer>
}

/**
 * Signed by a principal that `keyOf` knows or, where the request has an `Authorization`, under an access token that the
 * server's `tokens` takes. Either is verified before the body is read.
 */
export interface SignedOrTokenRoute extends RouteBase {
  readonly policy: 'signed-or-token'
  readonly handler: (request: SignedRequest | TokenRequest) => Answer | Promise<Answer>
}

/**
 * Handed to an authorization server as it comes: that one authenticates clients, bounds its bodies and writes its
 * answers itself. Host is checked, and the request is logged, as for every other route.
 */
export interface OAuthRoute extends RouteBase {
  readonly policy: 'oauth'
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
}

/** Unsigned: says nothing that anybody may not know, and changes nothing. */
export interface PublicRoute extends RouteBase {
  readonly policy: 'public'
  readonly handler: (request: ServerRequest) => Answer | Promise<Answer>
}

/** What stands behind one of our own handlers, whose answer is written here. */
export type AnsweredRoute<T = unknown> =
  SignedRoute | StreamedRoute | SelfCertifyingRoute<T> | SignedOrTokenRoute | PublicRoute

export type Route<T = unknown> = AnsweredRoute<T> | OAuthRoute
export type Policy = Route['policy']

/** A route as it was declared: what stands in front of it, and nothing of what it does. */
export interface DeclaredRoute extends Pick<RouteBase, 'url'> {
  readonly methods: readonly Method[]
  readonly policy: Policy
}
