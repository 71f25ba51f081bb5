/** Access tokens at this edge's FHIR: of this very server, with a proof of their key, in a session that lives. */
import type { Provider } from 'oidc-provider'
import { Problem } from '@scelle/wire/errors'
import type { TokenHead, Tokens } from '@scelle/wire/server'
import { EdgeError } from '../errors.ts'
import { ACR } from '../labels.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { Sessions } from '../sessions.ts'
import type { Accounts } from './accounts.ts'
import { Holder } from './holder.ts'
import { Permit } from './permit.ts'
import { checkProof, PROOF_ALGORITHMS, ProofMemory } from './proof.ts'
import { parseScope, rightsBy, type Scope } from './scopes.ts'

export interface TokensOptions {
  readonly provider: Provider
  /** Scheme, name and port under which others reach this edge. */
  readonly issuer: string
  readonly accounts: Accounts
  readonly sessions: Pick<Sessions, 'of' | 'touch'>
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

/** What is read of a row of either kind. */
interface Held {
  readonly clientId?: string | undefined
  readonly accountId?: string | undefined
  readonly scope?: string | undefined
  readonly jkt?: string | undefined
}

const SECRET = 32

const TOKEN = /^DPoP ([A-Za-z0-9._~+/-]+=*)$/i

const only = (value: string | string[] | undefined): string | undefined =>
  (typeof value === 'string' ? value : undefined)

export interface EdgeTokens extends Tokens {
  /**
   * Fields of a refusal with status 401 that a stronger sign-in mends, as the person's application is told of it (RFC
   * 9470 section 3); undefined for any other refusal.
   */
  readonly stepUp: (error: unknown) => Readonly<Record<string, string>> | undefined
}

export const createTokens = (options: TokensOptions): EdgeTokens => {
  const memory = new ProofMemory(options.now, options.random(SECRET))
  const fields = (told: string): Record<string, string> => ({
    'www-authenticate': `DPoP ${told}algs="${PROOF_ALGORITHMS.join(' ')}"`, 'dpop-nonce': memory.nonce(),
  })
  return {
    verify: (head) => verify(head, options, memory),
    challenge: ({ code }) => fields(ERRORS[code] === undefined ? '' : `error="${ERRORS[code]}", `),
    stepUp: (error) =>
      (error instanceof EdgeError && error.code === 'step-up-required' ? fields(INSUFFICIENT) : undefined),
  }
}

/** What trustees ask for next is the person's own word, with a reason: a colleague's no application can bring. */
const INSUFFICIENT = 'error="insufficient_user_authentication", '
  + `error_description="the person confirms, with a reason", acr_values="${ACR.stepUp}", `

const ERRORS: Partial<Record<Problem['code'], string>> = {
  'token-invalid': 'invalid_token',
  'token-proof-invalid': 'invalid_dpop_proof',
  'token-proof-nonce': 'use_dpop_nonce',
}

const verify = async (head: TokenHead, options: TokensOptions, memory: ProofMemory): Promise<Holder> => {
  const { provider, issuer, now } = options
  const [, token] = TOKEN.exec(only(head.headers['authorization']) ?? '') ?? []
  // A token that anybody may use who sees it is refused whatever it is: `Bearer`, too, where the token is bound.
  if (token === undefined || token.length > EDGE_LIMITS.proofText) {
    throw new Problem('token-invalid', 'This server takes DPoP-bound access tokens, and no bearer tokens (RFC 9449).')
  }
  const proof = only(head.headers['dpop'])
  if (proof === undefined || proof.includes(',')) throw new Problem('token-proof-invalid', 'Send one DPoP proof.')
  const held: Held | undefined = await provider.AccessToken.find(token) ?? await provider.ClientCredentials.find(token)
  if (held?.jkt === undefined || held.clientId === undefined) throw new Problem('token-invalid')
  const target = { method: head.method, url: issuer + head.path, token, thumbprint: held.jkt }
  memory.use(await checkProof(proof, target, now()))
  return holderOf(held, held.clientId, options)
}

const holderOf = ({ accountId, scope = '' }: Held, client: string, options: TokensOptions): Holder => {
  const { accounts, sessions } = options
  const account = accountId === undefined ? undefined : accounts.of(accountId)
  const isOver = accountId !== undefined && (account?.client !== client || !sessions.touch(accountId))
  if (isOver) throw new Problem('token-invalid', 'The session of this access token is over. Sign in again.')
  const scopes = scope.split(' ').map(parseScope).filter((each): each is Scope => each !== undefined)
  const principal = `smart:${client}`
  return new Holder({
    principal, session: accountId ?? sessions.of(principal), rights: rightsBy(scopes),
    permit: new Permit(scopes, account?.patient),
  })
}
