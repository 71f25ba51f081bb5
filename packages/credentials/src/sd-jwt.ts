/** SD-JWT (RFC 9901): what the issuer signed, with what the holder chose to disclose put back in its place. */
import { sha256 } from '@scelle/seal/verify'
import {
  fromBase64url, isObject, type Json, type JsonObject, memberOf, parseJson, secondsOf, textOf, toBase64url, utf8,
} from './encoding.ts'
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { importPublicKey, parseToken, type Token, verifyToken } from './token.ts'

export interface Presentation {
  readonly issued: Token
  readonly disclosures: readonly string[]
  /** The holder's signature over this presentation. */
  readonly binding: Token | undefined
  /** What the holder signs the hash of: everything up to and including the last `~`. */
  readonly bound: string
}

export const digestOf = (text: string): string => toBase64url(sha256(utf8(text)))

/**
 * Takes an SD-JWT or SD-JWT+KB apart (RFC 9901 section 4).
 *
 * @throws CredentialError `too-large`, `encoding-invalid`
 */
export const parsePresentation = (text: string): Presentation => {
  if (text.length > CREDENTIAL_LIMITS.presentation) throw new CredentialError('too-large')
  const [issued = '', ...rest] = text.split('~')
  const last = rest.pop()
  // Without a `~` it is a plain JWT: whoever stripped disclosures and binding must not pass for their absence.
  if (last === undefined) throw new CredentialError('encoding-invalid')
  if (rest.length > CREDENTIAL_LIMITS.disclosures) throw new CredentialError('too-large')
  return {
    issued: parseToken(issued),
    disclosures: rest,
    binding: last === '' ? undefined : parseToken(last),
    bound: text.slice(0, text.length - last.length),
  }
}

/** One disclosure: of a member it has a name, of an element of an array none. */
interface Disclosure {
  readonly name: string | undefined
  readonly value: Json
}

const invalid = (): never => {
  throw new CredentialError('disclosure-invalid')
}

const parseDisclosure = (text: string): Disclosure => {
  const parts = parseJson(fromBase64url(text))
  if (!Array.isArray(parts) || typeof parts[0] !== 'string') return invalid()
  if (parts.length === 2) return { name: undefined, value: parts[1] as Json }
  const [, name, value] = parts
  if (parts.length !== 3 || typeof name !== 'string' || name === '_sd' || name === '...') return invalid()
  return { name, value: value as Json }
}

/** Puts disclosures in the places of their digests; every digest and every disclosure counts once. */
class Disclosing {
  readonly #byDigest = new Map<string, Disclosure>()
  readonly #digests = new Set<string>()
  readonly #used = new Set<string>()

  constructor(disclosures: readonly string[]) {
    for (const text of disclosures) {
      const digest = digestOf(text)
      if (this.#byDigest.has(digest)) invalid()
      this.#byDigest.set(digest, parseDisclosure(text))
    }
  }

  /** Section 7.1 step 3d: a disclosure that stands for nothing the issuer signed is refused, not left out. */
  finish(): void {
    if (this.#used.size !== this.#byDigest.size) invalid()
  }

  #find(digest: Json | undefined): Disclosure | undefined {
    if (typeof digest !== 'string') return invalid()
    if (this.#digests.has(digest)) throw new CredentialError('digest-repeated')
    this.#digests.add(digest)
    const found = this.#byDigest.get(digest)
    if (found !== undefined) this.#used.add(digest)
    return found
  }

  value(value: Json, depth: number): Json {
    if (depth > CREDENTIAL_LIMITS.depth) throw new CredentialError('too-large')
    if (Array.isArray(value)) return value.flatMap((element) => this.#element(element, depth))
    return isObject(value) ? this.object(value, depth) : value
  }

  #element(element: Json, depth: number): Json[] {
    if (!isObject(element) || !Object.hasOwn(element, '...')) return [this.value(element, depth + 1)]
    if (Object.keys(element).length !== 1) invalid()
    const found = this.#find(element['...'])
    if (found === undefined) return []
    if (found.name !== undefined) invalid()
    return [this.value(found.value, depth + 1)]
  }

  object(object: JsonObject, depth: number): JsonObject {
    const members = new Map<string, Json>()
    for (const [name, value] of Object.entries(object)) {
      // Outside of an array, `...` conveys no digest and is never a claim.
      if (name === '...') invalid()
      if (name !== '_sd') members.set(name, this.value(value, depth + 1))
    }
    if (!Object.hasOwn(object, '_sd')) return Object.fromEntries(members)
    const digests = memberOf(object, '_sd')
    if (!Array.isArray(digests)) return invalid()
    for (const digest of digests) {
      const found = this.#find(digest)
      if (found === undefined) continue
      // Section 7.1 step 3c: a claim that the issuer signed in clear cannot be disclosed over.
      if (found.name === undefined || members.has(found.name)) return invalid()
      members.set(found.name, this.value(found.value, depth + 1))
    }
    return Object.fromEntries(members)
  }
}

/**
 * The issuer's payload with its disclosed claims (RFC 9901 section 7.1 step 3), without digests. The token must have
 * been verified by the caller. Only SHA-256: the hash that the token names decides nothing.
 *
 * @throws CredentialError `disclosure-invalid`, `digest-repeated`, `encoding-invalid`, `claims-invalid`, `too-large`
 */
export const disclosedClaims = ({ issued, disclosures }: Presentation): JsonObject => {
  const algorithm = memberOf(issued.payload, '_sd_alg')
  if (algorithm !== undefined && algorithm !== 'sha-256') throw new CredentialError('claims-invalid')
  const disclosing = new Disclosing(disclosures)
  const claims = disclosing.object(issued.payload, 0)
  disclosing.finish()
  delete claims['_sd_alg']
  return claims
}

/** What the holder's signature must be over. */
export interface Binding {
  readonly audience: string
  readonly nonce: string
  /** Seconds since 1970. */
  readonly now: number
}

/**
 * Verifies the key binding (RFC 9901 section 7.3): by the key in the issuer's `cnf`, over this very presentation, for
 * us, in answer to our nonce, now.
 *
 * @throws CredentialError `key-binding-missing`, `key-binding-invalid`, `audience-mismatch`, `nonce-mismatch`, and
 *   those of `verifyToken`
 */
export const verifyKeyBinding = async (
  presentation: Presentation, holder: JsonObject, { audience, nonce, now }: Binding,
): Promise<void> => {
  const { binding, bound } = presentation
  if (binding === undefined) throw new CredentialError('key-binding-missing')
  await verifyToken(binding, await importPublicKey(holder), 'kb+jwt')
  const { payload } = binding
  // One text: in a list of audiences, another verifier's name beside ours would let it show the answer on.
  if (textOf(payload, 'aud') !== audience) throw new CredentialError('audience-mismatch')
  if (textOf(payload, 'nonce') !== nonce) throw new CredentialError('nonce-mismatch')
  const issuedAt = secondsOf(payload, 'iat')
  const isNow = issuedAt !== undefined && issuedAt <= now + CREDENTIAL_LIMITS.skew &&
    issuedAt >= now - CREDENTIAL_LIMITS.keyBindingAge
  if (!isNow || textOf(payload, 'sd_hash') !== digestOf(bound)) throw new CredentialError('key-binding-invalid')
}
