/** A professional's wallet for tests: keeps a credential, discloses by choice, answers OpenID4VP requests. */
import { compactVerify, type CryptoKey, decodeJwt } from 'jose'
import { digestOf, type KeyPair, signToken } from './tokens.ts'

interface Presenting {
  readonly audience: string
  readonly nonce: string
  /** Names of claims to disclose. */
  readonly claims: readonly string[]
}

interface Request {
  readonly client_id: string
  readonly nonce: string
  readonly state: string
  readonly response_mode: string
  readonly dcql_query: {
    readonly credentials: readonly {
      readonly id: string
      readonly format: string
      readonly meta: { readonly vct_values: readonly string[] }
      readonly claims: readonly { readonly path: readonly [string] }[]
    }[]
  }
}

const nameOf = (disclosure: string): string =>
  (JSON.parse(Buffer.from(disclosure, 'base64url').toString('utf8')) as string[])[1] ?? ''

export class Wallet {
  readonly key: KeyPair
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(key: KeyPair, now: () => number) {
    this.key = key
    this.#now = now
  }

  /** The key binding over what is presented, with whatever a test changes of it. */
  async bind(presented: string, changes: { payload: object; header?: Record<string, unknown> }): Promise<string> {
    const payload = { iat: Math.floor(this.#now() / 1000), sd_hash: digestOf(presented), ...changes.payload }
    return `${presented}${await signToken({ typ: 'kb+jwt', ...changes.header }, payload, this.key)}`
  }

  present(credential: string, { audience, nonce, claims }: Presenting): Promise<string> {
    const [issued = '', ...rest] = credential.split('~').slice(0, -1)
    const shown = rest.filter((disclosure) => claims.includes(nameOf(disclosure)))
    return this.bind(`${[issued, ...shown].join('~')}~`, { payload: { aud: audience, nonce } })
  }

  /**
   * The form that a wallet posts for a request object (OpenID4VP 1.0 section 8), after it verified who asks.
   *
   * @param verifierKey the key that the verifier's DID document names
   */
  async answer(request: string, verifierKey: CryptoKey, credential: string): Promise<string> {
    const { protectedHeader } = await compactVerify(request, verifierKey)
    const { client_id: audience, nonce, state, response_mode: mode, dcql_query: query } = decodeJwt<Request>(request)
    const [asked] = query.credentials
    if (protectedHeader.typ !== 'oauth-authz-req+jwt' || mode !== 'direct_post' || asked?.format !== 'dc+sd-jwt') {
      throw new Error('the wallet does not understand this request')
    }
    const claims = asked.claims.map(({ path: [name] }) => name)
    const presentation = await this.present(credential, { audience, nonce, claims })
    return new URLSearchParams({ state, vp_token: JSON.stringify({ [asked.id]: [presentation] }) }).toString()
  }
}
