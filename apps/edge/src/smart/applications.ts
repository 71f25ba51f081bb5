/** Applications that sign in by SMART App Launch, as the operator registered them; nobody registers itself. */
import type { ClientMetadata } from 'oidc-provider'
import { covers, OTHER_SCOPES, parseScope, type Scope } from './scopes.ts'

export interface SmartApplication {
  /** `client_id`. */
  readonly id: string
  readonly name: string
  /** Exact addresses; none for a machine. */
  readonly redirects: readonly string[]
  /** At most these: a request may ask for narrower ones. */
  readonly scopes: readonly string[]
  /** Public keys of the application. Absent: one that runs in a browser, which has a DPoP key and no other. */
  readonly keys?: readonly Readonly<Record<string, unknown>>[]
  /** Nobody sits before it (Backend Services): it has flow rights. */
  readonly machine?: boolean
  /** A machine may read and search as well: the operator answers for it. */
  readonly query?: boolean
}

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The algorithms of client assertions: SMART App Launch 2.2 asks for the first two of every server. */
export const ASSERTION_ALGORITHMS = ['ES384', 'RS384', 'ES256', 'EdDSA'] as const

/** Throws Error naming the application and what is wrong with it, for the operator. */
export const scopesOf = ({ id, scopes, machine = false, query = false }: SmartApplication): Scope[] =>
  scopes.map((text) => {
    const scope = parseScope(text)
    if (scope === undefined) throw new Error(`smart.applications: ${id}: ${text} is no scope`)
    if ((scope.context === 'system') !== machine) {
      throw new Error(`smart.applications: ${id}: scopes of a system are a machine's, all others are not`)
    }
    if (machine && !query && (scope.letters.has('r') || scope.letters.has('s'))) {
      throw new Error(`smart.applications: ${id}: ${text} lets a machine query; say "query": true if it is meant to`)
    }
    return scope
  })

const isLoopback = (redirect: string): boolean => /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?\//.test(redirect)

export const metadataOf = (application: SmartApplication, hasSignIn: boolean): ClientMetadata => {
  const { id, name, keys, machine = false, redirects } = application
  if (machine && keys === undefined) throw new Error(`smart.applications: ${id}: a machine has keys of its own`)
  if (machine !== (redirects.length === 0)) {
    throw new Error(`smart.applications: ${id}: people come back to an address, machines to none`)
  }
  if (new Set(redirects.map((each) => new URL(each).host)).size > 1) {
    throw new Error(`smart.applications: ${id}: its addresses are on one host, or it is two applications`)
  }
  const isOffered = !machine && hasSignIn
  return {
    client_id: id,
    client_name: name,
    redirect_uris: [...redirects],
    application_type: redirects.length > 0 && redirects.every(isLoopback) ? 'native' : 'web',
    response_types: isOffered ? ['code'] : [],
    grant_types: machine ? ['client_credentials', EXCHANGE]
      : isOffered ? ['authorization_code', 'refresh_token', EXCHANGE] : [],
    token_endpoint_auth_method: keys === undefined ? 'none' : 'private_key_jwt',
    dpop_bound_access_tokens: true,
    require_pushed_authorization_requests: true,
    id_token_signed_response_alg: 'ES256',
    subject_type: isOffered ? 'pairwise' : 'public',
    ...(machine ? {} : { scope: OTHER_SCOPES.join(' ') }),
    ...(keys === undefined ? {} : { jwks: { keys: [...keys] } }),
  }
}

export type AskedScopes =
  | { readonly problem: string; readonly scope: string }
  | { readonly clinical: readonly Scope[]; readonly others: readonly string[]; readonly problem?: never }

/**
 * What an application asks for, held against what it may. One context in one token: a token that is a patient's and a
 * person's would be as wide as the wider one, and look like the narrower.
 */
export const askedOf = (text: string, most: readonly Scope[]): AskedScopes => {
  const clinical: Scope[] = []
  const others: string[] = []
  for (const each of text.split(' ')) {
    if ((OTHER_SCOPES as readonly string[]).includes(each)) {
      others.push(each)
      continue
    }
    const scope = parseScope(each)
    if (each === 'offline_access') {
      return { scope: each, problem: 'nothing outlives the session of the person: ask for online_access' }
    }
    if (scope === undefined) return { scope: each, problem: 'not a scope of SMART App Launch 2.2' }
    if (!most.some((wide) => covers(wide, scope))) return { scope: each, problem: 'wider than this application may' }
    clinical.push(scope)
  }
  const [first] = clinical
  const other = clinical.find(({ context }) => context !== first?.context)
  if (other !== undefined) return { scope: `${other.context}/…`, problem: 'one token has scopes of one context' }
  return { clinical, others }
}
