/**
 * The authorization server: `oidc-provider` under the FAPI 2.0 Security Profile, with nothing switched on that SMART
 * App Launch 2.2 does not ask for. Its keys live as long as this process, as does everything that they protect.
 */
import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import validateDpop from 'oidc-provider/lib/helpers/validate_dpop.js'
import { EDGE_LIMITS } from '../limits.ts'
import type { Accounts } from './accounts.ts'
import { ACR_VALUES, acrAsked } from './acr.ts'
import { askedOf, ASSERTION_ALGORITHMS, metadataOf, scopesOf, type SmartApplication } from './applications.ts'
import { registerExchange } from './exchange.ts'
import { explain } from './pages.ts'
import { PROOF_ALGORITHMS } from './proof.ts'
import { OTHER_SCOPES, type Scope } from './scopes.ts'
import { adapterOf, type OAuthStore } from './store.ts'

export interface ProviderOptions {
  /** Scheme, name and port under which others reach this edge. */
  readonly issuer: string
  /** What tokens are for: the base of its FHIR. */
  readonly base: string
  readonly applications: readonly SmartApplication[]
  readonly accounts: Accounts
  readonly store: OAuthStore
  readonly hasSignIn: boolean
  readonly random: (length: number) => Uint8Array
  readonly now: () => number
  /** Told of failures that are the server's own. */
  readonly fault: (error: unknown) => void
}

export const ROUTES = {
  authorization: '/oauth/authorize', token: '/oauth/token', jwks: '/oauth/jwks', revocation: '/oauth/revoke',
  pushed_authorization_request: '/oauth/par',
} as const

export const SESSION_COOKIE = 'scelle_oauth'

export const INTERACTION = '/oauth/interaction'

/** Of the ID tokens; an application fetches the public one again after a restart. */
const signingKey = async (): Promise<JWK> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...await exportJWK(privateKey), alg: 'ES256', use: 'sig' }
}

/** Throws Error for an application that the operator registered wrongly. */
export const createProvider = async (options: ProviderOptions): Promise<Provider> => {
  const most = new Map(options.applications.map((each) => [each.id, scopesOf(each)]))
  const provider = new Provider(options.issuer, {
    ...basics(options), ...people(options), features: features(options, most),
    jwks: { keys: [await signingKey()] as never },
    cookies: {
      keys: [Buffer.from(options.random(32)).toString('base64url')],
      names: { session: SESSION_COOKIE, interaction: 'scelle_interaction', resume: 'scelle_resume' },
    },
  })
  // The address is set by the handler before it: see `addressed`.
  provider.proxy = true
  provider.silent = true
  registerExchange(provider, options)
  provider.use(told(options))
  provider.on('server_error', (_, error) => options.fault(error))
  return provider
}

const basics = ({ applications, store, hasSignIn }: ProviderOptions): Configuration => ({
  adapter: adapterOf(store),
  clients: applications.map((each) => metadataOf(each, hasSignIn)),
  clientAuthMethods: ['private_key_jwt', 'none'],
  responseTypes: ['code'],
  scopes: [...OTHER_SCOPES],
  acrValues: [...ACR_VALUES],
  routes: ROUTES,
  pkce: { required: () => true },
  enabledJWA: {
    clientAuthSigningAlgValues: [...ASSERTION_ALGORITHMS],
    dPoPSigningAlgValues: [...PROOF_ALGORITHMS],
    idTokenSigningAlgValues: ['ES256'],
  },
  ttl: {
    AccessToken: EDGE_LIMITS.tokenTime,
    ClientCredentials: EDGE_LIMITS.tokenTime,
    AuthorizationCode: EDGE_LIMITS.codeTime,
    IdToken: EDGE_LIMITS.tokenTime,
    Interaction: EDGE_LIMITS.signInTime,
    Session: EDGE_LIMITS.signInTime,
    // Both end with the edge session before: see `findAccount`.
    Grant: EDGE_LIMITS.sessionAbsolute / 1_000,
    RefreshToken: EDGE_LIMITS.sessionAbsolute / 1_000,
  },
  clientBasedCORS: (_, origin, client) =>
    (client.redirectUris ?? []).some((each) => URL.parse(each)?.origin === origin),
  renderError: (ctx, out) => explain(ctx, out.error, out.error_description),
})

const people = ({ accounts, base, now }: ProviderOptions): Configuration => {
  const began = Math.floor(now() / 1000)
  return {
    // How and when somebody signed in is told unasked: an application is to see what it got.
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], fhirUser: ['fhirUser'] },
    // A session that is over takes its codes and its refresh tokens with it: nobody is found.
    // So does another key than the one that the person saw asked for: a thief's, of a code or a refresh token.
    findAccount: async (ctx, id) => {
      const account = accounts.of(id)
      if (account === undefined) return undefined
      const proof = ctx.oidc.route === 'token' ? await validateDpop(ctx.oidc.provider, ctx) : undefined
      if (ctx.oidc.route === 'token' && proof?.thumbprint !== account.device) return undefined
      return { accountId: id, claims: async () => ({ sub: id, fhirUser: `Practitioner/${account.person}` }) }
    },
    subjectTypes: ['public', 'pairwise'],
    // An account is a session; its person is the same in the next one, and two applications cannot compare.
    pairwiseIdentifier: async (_, id, { clientId }) => {
      const person = accounts.of(id)?.person ?? id
      return createHash('sha256').update(`scelle/smart/sub\n${clientId}\n${person}`).digest('base64url')
    },
    interactions: { url: (_, { uid }) => `${INTERACTION}/${uid}` },
    issueRefreshToken: async (_, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('online_access'),
    // Bound to a key, which a thief does not have (FAPI 2.0 section 5.3.2.1).
    rotateRefreshToken: false,
    extraParams: {
      launch: null,
      // Looked at when the request is pushed: it is kept as a JWT, whose own `aud` takes this one's place.
      aud: ({ oidc }, value) => {
        if (oidc.route === 'pushed_authorization_request' && value !== base) {
          throw new errors.InvalidRequest('aud is not the base of this FHIR')
        }
      },
    },
    assertJwtClientAuthClaimsAndHeader: (_, claims) => {
      const { iat } = claims
      // What was used before this process began is not remembered: it could be used again.
      if (typeof iat !== 'number' || iat <= began) throw new errors.InvalidClientAuth('the assertion is too old: iat')
    },
  }
}

type Most = ReadonlyMap<string, readonly Scope[]>

const features = (options: ProviderOptions, most: Most): Configuration['features'] => ({
  devInteractions: { enabled: false },
  userinfo: { enabled: false },
  rpInitiatedLogout: { enabled: false },
  clientCredentials: { enabled: true },
  revocation: { enabled: true },
  fapi: {
    enabled: true,
    // The profile knows no applications without a key of their own; all the rest of it holds for those as well.
    profile: (_, client) => (client?.clientAuthMethod === 'none' ? undefined : '2.0'),
  },
  dPoP: { enabled: true, nonceSecret: Buffer.from(options.random(32)), requireNonce: () => true },
  pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
  resourceIndicators: {
    enabled: true,
    defaultResource: async () => options.base,
    useGrantedResource: async () => true,
    getResourceServerInfo: async (ctx, resource, client) => {
      if (resource !== options.base) throw new errors.InvalidTarget()
      const texts = new Set(scopesIn(ctx))
      requireAsked([...texts].join(' '), most.get(client.clientId) ?? [], ctx)
      return {
        scope: [...texts].filter((each) => !(OTHER_SCOPES as readonly string[]).includes(each)).join(' '),
        audience: options.base, accessTokenFormat: 'opaque',
      }
    },
  },
})

/** What is asked for now, and what was asked for when a code or a refresh token was given. */
const scopesIn = ({ oidc }: KoaContextWithOIDC): string[] => {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities
  // The body still has what the package strikes out by itself, such as offline_access: it is refused, and said.
  const pushed = oidc.route === 'pushed_authorization_request' ? oidc.body?.['scope'] : undefined
  const asked = pushed ?? oidc.params?.['scope']
  return [typeof asked === 'string' ? asked : '', code?.scope ?? '', refresh?.scope ?? '']
    .flatMap((text) => text.split(' ')).filter((text) => text !== '')
}

const requireAsked = (text: string, most: readonly Scope[], { oidc }: KoaContextWithOIDC): void => {
  if (text === '') throw new errors.InvalidScope('ask for scopes', '')
  const asked = askedOf(text, most)
  if (asked.problem !== undefined) throw new errors.InvalidScope(asked.problem, asked.scope)
  if (oidc.route === 'pushed_authorization_request') acrAsked(oidc.params?.['acr_values'])
}

/** What SMART adds to answers, and what an edge without a sign-in leaves out. */
const told = ({ accounts, hasSignIn, base }: ProviderOptions) =>
  async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next()
    const body = ctx.body as Record<string, unknown> | undefined
    if (ctx.path === ROUTES.token && typeof body?.['access_token'] === 'string') {
      const session = ctx.oidc.entities.AccessToken?.accountId
      const patient = session === undefined ? undefined : accounts.of(session)?.patient
      if (patient !== undefined) Object.assign(body, { patient: patient.slice('Patient/'.length) })
    }
    if (ctx.path.startsWith('/.well-known/') && body !== undefined) {
      Object.assign(body, { protected_resources: [base] })
      if (hasSignIn) return
      for (const name of ['authorization_endpoint', 'pushed_authorization_request_endpoint']) delete body[name]
      Object.assign(body, { response_types_supported: [], grant_types_supported: ['client_credentials'] })
    }
  }
