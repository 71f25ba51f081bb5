/**
 * OpenID for Verifiable Presentations 1.0, as a verifier of professional status: a signed request object by DCQL,
 * answered with `direct_post`. An on-ramp to enrolment, never the daily sign-in.
 */
import { equalBytes, sha256 } from '@scelle/seal/verify'
import { type CryptoKey, SignJWT } from 'jose'
import { isObject, memberOf, parseObject, toBase64url, utf8 } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { OpenRequests } from './open-requests.ts'
import { type Professional, PROFESSIONAL_CLAIMS, PROFESSIONAL_TYPE, verifyProfessional } from './professional.ts'
import type { StatusLists } from './status-list.ts'
import { type Algorithm, ALGORITHMS, type Issuer } from './token.ts'

export type { Professional } from './professional.ts'
export { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from './errors.ts'

/** The one credential that is asked for. */
const QUERY = 'professional'
const WALLET_AUDIENCE = 'https://self-issued.me/v2'

export interface Verifier {
  /** The verifier's DID. Wallets know us as `decentralized_identifier:` and this. */
  readonly did: string
  /** Signs request objects; `kid` is its DID URL in the document of `did`. */
  readonly key: { readonly kid: string; readonly algorithm: Algorithm; readonly privateKey: CryptoKey }
  /** Where wallets post their answer. */
  readonly responseUri: string
  /** Where the person's browser goes on afterwards; gets `#response_code=…`. */
  readonly returnTo: string
  readonly issuers: readonly Issuer[]
  readonly statuses: StatusLists
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

interface Asked {
  readonly nonce: string
  readonly session: string
}

interface Answered {
  readonly professional: Professional
  readonly session: string
}

const formats = { 'sd-jwt_alg_values': ALGORITHMS, 'kb-jwt_alg_values': ALGORITHMS }

/** Digital Credentials Query Language (section 6): one SD-JWT VC of our type, with these claims and no other. */
const dcqlQuery = () => ({
  credentials: [{
    id: QUERY,
    format: 'dc+sd-jwt',
    meta: { vct_values: [PROFESSIONAL_TYPE] },
    claims: PROFESSIONAL_CLAIMS.map((name) => ({ path: [name] })),
  }],
})

/** The presentation in an answer's `vp_token` (section 8.1): exactly one, of what was asked. */
const presentationIn = (vpToken: string | null): string => {
  if (vpToken === null) throw new CredentialError('claims-invalid')
  if (vpToken.length > CREDENTIAL_LIMITS.vpToken) throw new CredentialError('too-large')
  const answer = parseObject(vpToken)
  const presented = isObject(answer) && Object.keys(answer).length === 1 ? memberOf(answer, QUERY) : undefined
  const [presentation] = Array.isArray(presented) && presented.length === 1 ? presented : []
  if (typeof presentation !== 'string') throw new CredentialError('claims-invalid')
  return presentation
}

export class PresentationVerifier {
  readonly #verifier: Verifier
  readonly #asked: OpenRequests<Asked>
  readonly #answered: OpenRequests<Answered>

  constructor(verifier: Verifier) {
    this.#verifier = verifier
    this.#asked = new OpenRequests(verifier.now)
    this.#answered = new OpenRequests(verifier.now)
  }

  get clientId(): string {
    return `decentralized_identifier:${this.#verifier.did}`
  }

  /**
   * A request object to serve to a wallet as `application/oauth-authz-req+jwt` (RFC 9101, section 5).
   *
   * @param session the browser session that asks: the answer is handed to no other
   * @throws CredentialError `overloaded`
   */
  async begin(session: string): Promise<{ request: string; state: string }> {
    const { key, now, random, responseUri } = this.#verifier
    const [state, nonce] = [toBase64url(random(32)), toBase64url(random(32))]
    this.#asked.add(state, { nonce, session })
    const seconds = Math.floor(now() / 1000)
    const request = await new SignJWT({
      response_type: 'vp_token',
      response_mode: 'direct_post',
      client_id: this.clientId,
      response_uri: responseUri,
      nonce,
      state,
      dcql_query: dcqlQuery(),
      client_metadata: { vp_formats_supported: { 'dc+sd-jwt': formats } },
    })
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'oauth-authz-req+jwt' })
      .setAudience(WALLET_AUDIENCE)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + CREDENTIAL_LIMITS.requestAge)
      .sign(key.privateKey)
    return { request, state }
  }

  /**
   * The body that a wallet posts to `responseUri` (section 8.2). Whatever comes, the request is answered then: a second
   * answer is refused.
   *
   * @returns the address for the wallet to open in the person's browser
   * @throws CredentialError `request-unknown`, `wallet-refused`, and those of `verifyProfessional`
   */
  async receive(body: string): Promise<{ redirect_uri: string }> {
    if (body.length > CREDENTIAL_LIMITS.vpToken) throw new CredentialError('too-large')
    const form = new URLSearchParams(body)
    const { nonce, session } = this.#asked.take(form.get('state') ?? '')
    if (form.has('error')) throw new CredentialError('wallet-refused')
    const { issuers, now, random, returnTo, statuses } = this.#verifier
    const professional = await verifyProfessional(presentationIn(form.get('vp_token')), {
      issuers, statuses, now, nonce, audience: this.clientId,
    })
    const code = toBase64url(random(32))
    this.#answered.add(code, { professional, session })
    return { redirect_uri: `${returnTo}#response_code=${code}` }
  }

  /**
   * Hands the result to the browser session that asked, once (section 14.2). The wallet that answered may be a
   * victim's who was sent another person's request: then the code is in the victim's browser, whose session is another.
   *
   * @throws CredentialError `request-unknown`
   */
  collect(session: string, responseCode: string): Professional {
    const answered = this.#answered.take(responseCode)
    if (!equalBytes(sha256(utf8(session)), sha256(utf8(answered.session)))) {
      throw new CredentialError('request-unknown')
    }
    return answered.professional
  }
}
