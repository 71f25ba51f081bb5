/**
 * Request signatures: HTTP Message Signatures (RFC 9421) in one fixed profile, with the body's digest (RFC 9530).
 *
 * One form is written and one is read; whatever else RFC 9421 allows (other components, parameters, labels,
 * algorithms, another order) is refused: nothing to negotiate, nothing to confuse. `spec/protocol.md` has the profile.
 */
import { ed25519VerifyAside, fromHex, type PrincipalKeys, sha256, toHex } from '@scelle/seal/verify'
import { Problem } from './errors.ts'
import type { NonceMemory } from './http-nonces.ts'
import { WIRE_LIMITS } from './limits.ts'

export { NonceMemory } from './http-nonces.ts'

/** Who signs: a principal's id and its bare Ed25519 signer. */
export interface RequestSigner {
  readonly id: Uint8Array
  readonly signRaw: (message: Uint8Array) => Promise<Uint8Array>
}

/** Header fields as Node.js has them: names in lower case. */
export type HeaderFields = Readonly<Record<string, string | readonly string[] | undefined>>

export interface OutgoingRequest {
  /** In capitals. */
  readonly method: string
  /** Absolute. What is sent must be exactly this URL's path and query. */
  readonly url: string | URL
  readonly body?: Uint8Array | undefined
  /** SHA-256 of a body that is streamed, instead of `body`. */
  readonly digest?: Uint8Array | undefined
  /**
   * Which of the signer's sessions it belongs to, where one application serves several people: 16 to 64 characters of
   * base64url, random, and nobody's name.
   */
  readonly session?: string | undefined
  readonly identity: RequestSigner
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

/** The fields to send with the request. */
export type SignatureHeaders = {
  'signature-input': string; signature: string; 'content-digest'?: string; 'scelle-session'?: string
}

/** The target of a request as it was received: not decoded, not normalised. */
export interface RequestTarget {
  readonly method: string
  /** Host and port, lower case, without the scheme's own port (RFC 9421 section 2.2.3). */
  readonly authority: string
  readonly path: string
  /** Without the question mark; empty for none. */
  readonly query: string
}

export interface IncomingHead extends RequestTarget {
  readonly headers: HeaderFields
  readonly now: () => number
  /**
   * Verified keys of a principal, or undefined where it is not known. `session`: the one that the request names, not
   * verified yet.
   */
  readonly keyOf: (id: Uint8Array, session?: string) => PrincipalKeys | undefined | Promise<PrincipalKeys | undefined>
  readonly replay: NonceMemory
}

export interface IncomingRequest extends IncomingHead {
  readonly body: Uint8Array | undefined
}

const SIGNATURE_INPUT = new RegExp(
  String.raw`^scelle=(\("@method" "@authority" "@path" "@query"( "content-digest")?( "scelle-session")?\)` +
    String.raw`;created=([1-9]\d{0,11});nonce="([\w-]{22})";keyid="([0-9a-f]{64})";alg="ed25519";tag="scelle-v1")$`,
)
const SIGNATURE = /^scelle=:([A-Za-z0-9+/]{86}==):$/
const SESSION = /^[\w-]{16,64}$/
const CONTENT_DIGEST = /^sha-256=:([A-Za-z0-9+/]{43}=):$/

const encoder = new TextEncoder()
const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
const toBase64Url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
/** How a request names the session in which it is signed: base64url of the session's statement id. */
export const sessionName = (session: Uint8Array): string => toBase64Url(session)

const fromBase64 = (text: string): Uint8Array => {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i)
  return bytes
}

/** Fields that are signed where they are sent, as they are sent. */
interface CoveredFields {
  readonly digest: string | undefined
  readonly session: string | undefined
}

const componentsOf = ({ digest, session }: CoveredFields): string =>
  `("@method" "@authority" "@path" "@query"${digest === undefined ? '' : ' "content-digest"'}` +
  `${session === undefined ? '' : ' "scelle-session"'})`

/** RFC 9421 section 2.5: what is signed. */
const signatureBase = (target: RequestTarget, fields: CoveredFields, parameters: string): Uint8Array => {
  const { digest, session } = fields
  const covered = (digest === undefined ? '' : `"content-digest": ${digest}\n`) +
    (session === undefined ? '' : `"scelle-session": ${session}\n`)
  return encoder.encode(
    `"@method": ${target.method}\n"@authority": ${target.authority}\n"@path": ${target.path}\n` +
      `"@query": ?${target.query}\n${covered}"@signature-params": ${parameters}`,
  )
}

/** Signs one request. The same fields must not be sent twice: a retry is signed anew. */
export const signRequest = async (request: OutgoingRequest): Promise<SignatureHeaders> => {
  const { method, body, identity, session } = request
  if (session !== undefined && !SESSION.test(session)) throw new TypeError('a session\'s name is base64url')
  const url = new URL(request.url)
  const hash = request.digest ?? (body === undefined ? undefined : sha256(body))
  const digest = hash === undefined ? undefined : `sha-256=:${toBase64(hash)}:`
  const created = Math.floor(request.now() / 1000)
  const nonce = toBase64Url(request.random(WIRE_LIMITS.nonceBytes))
  const parameters =
    componentsOf({ digest, session }) +
    `;created=${created};nonce="${nonce}";keyid="${toHex(identity.id)}";alg="ed25519";tag="scelle-v1"`
  const target = { method, authority: url.host, path: url.pathname, query: url.search.slice(1) }
  const signature = await identity.signRaw(signatureBase(target, { digest, session }, parameters))
  return {
    ...(digest === undefined ? {} : { 'content-digest': digest }),
    ...(session === undefined ? {} : { 'scelle-session': session }),
    'signature-input': `scelle=${parameters}`,
    signature: `scelle=:${toBase64(signature)}:`,
  }
}

interface ParsedSignature {
  readonly parameters: string
  readonly created: number
  readonly nonce: string
  /** Lower-case hex. */
  readonly principal: string
  readonly signature: Uint8Array
  /** The content-digest field as sent, covered by the signature. */
  readonly digest: string | undefined
  /** The scelle-session field, covered likewise. */
  readonly session: string | undefined
}

const parseSignature = (headers: HeaderFields): ParsedSignature => {
  const { 'signature-input': input, signature, 'content-digest': digest } = headers
  if (input === undefined || signature === undefined) throw new Problem('signature-missing')
  const parsed = typeof input === 'string' ? SIGNATURE_INPUT.exec(input) : null
  const value = typeof signature === 'string' ? SIGNATURE.exec(signature) : null
  if (parsed === null || value === null) {
    throw new Problem('signature-invalid', 'The signature fields are not in the form of spec/protocol.md.')
  }
  const [, parameters = '', covered, named, created = '', nonce = '', principal = ''] = parsed
  // A digest that is sent but not signed could be changed on the way together with the body.
  if ((covered === undefined) !== (digest === undefined) || (digest !== undefined && typeof digest !== 'string')) {
    throw new Problem('signature-invalid', 'The signature must cover content-digest where there is a body.')
  }
  const session = sessionIn(headers, named !== undefined)
  const bytes = fromBase64(value[1] ?? '')
  return { parameters, created: Number(created), nonce, principal, signature: bytes, digest, session }
}

/** A session that is named but not signed would let whoever passes a request on choose whose charts it sees. */
const sessionIn = (headers: HeaderFields, isCovered: boolean): string | undefined => {
  const { 'scelle-session': session } = headers
  if (session === undefined && !isCovered) return undefined
  if (!isCovered || typeof session !== 'string' || !SESSION.test(session)) {
    throw new Problem('signature-invalid', 'The signature must cover scelle-session: 16 to 64 characters, base64url.')
  }
  return session
}

/** The SHA-256 that a content-digest field claims, 32 bytes. Throws `digest-mismatch` on any other form. */
const parseDigest = (field: string): Uint8Array => {
  const digest = CONTENT_DIGEST.exec(field)
  if (digest === null) throw new Problem('digest-mismatch', 'content-digest takes one sha-256 value.')
  return fromBase64(digest[1] ?? '')
}

/**
 * What can be checked before anybody's keys are known: the form of the signature fields, and that they are fresh.
 * Throws Problem `signature-missing`, `signature-invalid`, `signature-expired`, `digest-mismatch`.
 */
export const requireRequestForm = (head: Pick<IncomingHead, 'headers' | 'now' | 'replay'>): void => {
  const { created, digest } = parseSignature(head.headers)
  head.replay.requireFresh(created, head.now())
  if (digest !== undefined) parseDigest(digest)
}

/**
 * Verifies the signature of a request by its head alone, before a body is read. The body stays to be checked against
 * the `digest` returned ({@link requireDigest}); none means that there must be no body.
 * Throws Problem `signature-missing`, `signature-invalid`, `signature-expired`, `signature-replayed`,
 * `principal-unknown`, `digest-mismatch` or `overloaded`.
 */
export const verifyRequestHead = async (
  head: IncomingHead,
): Promise<{ keys: PrincipalKeys; digest: Uint8Array | undefined; session: string | undefined }> => {
  const parsed = parseSignature(head.headers)
  head.replay.requireFresh(parsed.created, head.now())
  const digest = parsed.digest === undefined ? undefined : parseDigest(parsed.digest)
  const keys = await head.keyOf(fromHex(parsed.principal) as Uint8Array, parsed.session)
  if (keys === undefined) throw new Problem('principal-unknown')
  const base = signatureBase(head, parsed, parsed.parameters)
  const held = await ed25519VerifyAside(keys.current.signingKey, base, parsed.signature)
  if (toHex(keys.id) !== parsed.principal || !held) {
    throw new Problem('signature-invalid')
  }
  // Only now: a stranger must not be able to fill the memory, or to use up nonces that it saw.
  head.replay.admit(parsed.principal, parsed.nonce, parsed.created, head.now())
  return { keys, digest, session: parsed.session }
}

/** Throws `digest-mismatch` unless the body is the one that was signed. */
export const requireDigest = (digest: Uint8Array | undefined, body: Uint8Array | undefined): void => {
  const fits = digest === undefined
    ? body === undefined || body.length === 0
    : toHex(sha256(body ?? new Uint8Array())) === toHex(digest)
  if (!fits) throw new Problem('digest-mismatch')
}

/** Verifies a whole request; the signer's keys. Throws as {@link verifyRequestHead}. */
export const verifyRequest = async (request: IncomingRequest): Promise<PrincipalKeys> => {
  const { keys, digest } = await verifyRequestHead(request)
  requireDigest(digest, request.body)
  return keys
}
