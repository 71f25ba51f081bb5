/** DPoP proofs, as a resource server holds them against a request (RFC 9449 section 4.3). */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { Problem } from '@scelle/wire/errors'
import { EDGE_LIMITS } from '../limits.ts'

/** The only ones: an algorithm that the sender chooses is one that the thief chooses. */
export const PROOF_ALGORITHMS = ['ES256', 'EdDSA'] as const

export interface ProofTarget {
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** The access token that the proof is for. */
  readonly token?: string
  /** RFC 7638 thumbprint that the token is bound to, base64url. */
  readonly thumbprint?: string
}

export interface CheckedProof {
  readonly thumbprint: string
  readonly jti: string
  readonly nonce: string | undefined
}

const invalid = (detail: string): Problem => new Problem('token-proof-invalid', detail)

const addressOf = (text: unknown): string | undefined => {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null) return undefined
  url.hash = ''
  url.search = ''
  return url.href
}

const thumbprintOf = async (proof: string, now: number): Promise<{ thumbprint: string; payload: object }> => {
  if (proof.length > EDGE_LIMITS.proofText) throw invalid('The DPoP proof is too long.')
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...PROOF_ALGORITHMS], typ: 'dpop+jwt', currentDate: new Date(now),
    })
    if (protectedHeader.jwk === undefined) throw invalid('The DPoP proof has no key.')
    return { payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk) }
  } catch (cause) {
    throw new Problem('token-proof-invalid', undefined, { cause })
  }
}

/** @param now milliseconds since 1970. Throws Problem `token-proof-invalid`. Neither nonce nor replay is its matter. */
export const checkProof = async (proof: string, target: ProofTarget, now: number): Promise<CheckedProof> => {
  const { payload, thumbprint } = await thumbprintOf(proof, now)
  const { jti, htm, htu, iat, ath, nonce } = payload as Record<string, unknown>
  if (typeof jti !== 'string' || jti === '') throw invalid('The DPoP proof has no jti.')
  if (htm !== target.method) throw invalid('The DPoP proof is for another method.')
  if (addressOf(htu) !== addressOf(target.url)) throw invalid('The DPoP proof is for another address.')
  if (typeof iat !== 'number' || Math.abs(now / 1000 - iat) > EDGE_LIMITS.proofWindow) {
    throw invalid('The DPoP proof was made too long ago, or in the future. Check the clock.')
  }
  if (target.token !== undefined && ath !== createHash('sha256').update(target.token).digest('base64url')) {
    throw invalid('The DPoP proof is for another access token.')
  }
  if (target.thumbprint !== undefined && target.thumbprint !== thumbprint) {
    throw new Problem('token-invalid', 'The access token is another key\'s.')
  }
  if (nonce !== undefined && typeof nonce !== 'string') throw invalid('The nonce of the DPoP proof is no text.')
  return { thumbprint, jti, nonce }
}

/**
 * Nonces and the memory of proofs of one server. A nonce bounds how far ahead whoever had a key for a moment could
 * make proofs; it holds no state, so that strangers cost no memory.
 */
export class ProofMemory {
  readonly #now: () => number
  readonly #secret: Uint8Array
  /** Never goes back: proofs of a time that was forgotten stay refused when a clock does. */
  #latest = 0
  #seen = { slot: 0, present: new Set<string>(), former: new Set<string>() }

  constructor(now: () => number, secret: Uint8Array) {
    this.#now = now
    this.#secret = secret
  }

  nonce(): string {
    return this.#nonceOf(this.#slot())
  }

  /** Throws Problem `token-proof-nonce`, `token-proof-invalid`, `overloaded`. A proof is good once. */
  use({ thumbprint, jti, nonce }: CheckedProof): void {
    const slot = this.#slot()
    const isFresh = [slot, slot - 1].some((each) => equal(nonce ?? '', this.#nonceOf(each)))
    if (!isFresh) throw new Problem('token-proof-nonce')
    // A nonce is good for two slots at most: whoever was seen before those would be refused by it.
    const seen = this.#turn(slot)
    const name = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url')
    if (seen.present.has(name) || seen.former.has(name)) throw invalid('This DPoP proof was already received.')
    if (seen.present.size >= EDGE_LIMITS.proofsRemembered) throw new Problem('overloaded')
    seen.present.add(name)
  }

  #turn(slot: number): { present: Set<string>; former: Set<string> } {
    const { slot: last, present } = this.#seen
    if (slot === last) return this.#seen
    this.#seen = { slot, present: new Set(), former: slot === last + 1 ? present : new Set() }
    return this.#seen
  }

  #slot(): number {
    this.#latest = Math.max(this.#latest, Math.floor(this.#now() / 1000 / EDGE_LIMITS.nonceTime))
    return this.#latest
  }

  #nonceOf(slot: number): string {
    return createHmac('sha256', this.#secret).update(String(slot)).digest('base64url')
  }
}

const equal = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right))
