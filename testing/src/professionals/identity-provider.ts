/**
 * An identity provider of the profession for demonstrations and tests, on loopback: OpenID Connect by `oidc-provider`,
 * with the claims and levels of Pro Santé Connect. Whoever opens its sign-in page is the account that was chosen.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { type Configuration, Provider } from 'oidc-provider'

/** Somebody who can sign in there. */
export interface Account {
  /** `SubjectNameID`: the national identifier in the register. */
  readonly number: string
  readonly givenName: string
  readonly familyName: string
  /** TRE_G15, TRE_R09 and TRE_R38. */
  readonly profession: string
  readonly category?: string
  readonly skill?: string
  /** Where the person works, as the register calls it. */
  readonly organisation?: { readonly id: string; readonly name: string }
}

const CLIENT = { id: 'scelle-enrolment', secret: 'a secret of this test provider, on loopback alone' }
/** Seconds. */
const LIFETIME = 600
const ACR = ['eidas1', 'eidas2', 'eidas3', 'urn:mace:incommon:iap:silver']

/** The claims in the form of Pro Santé Connect's `userinfo`, as far as anybody reads them. */
const claimsOf = ({ number, givenName, familyName, profession, category, skill, organisation }: Account) => ({
  sub: `f:00000000-0000-4000-8000-000000000000:${number}`,
  given_name: givenName,
  family_name: familyName,
  preferred_username: number,
  SubjectNameID: number,
  SubjectRole: [`${profession}^1.2.250.1.213.1.1.5.5`],
  SubjectRefPro: {
    exercices: [{
      codeProfession: profession,
      codeCategorieProfessionnelle: category ?? 'C',
      codeSavoirFaire: skill ?? '',
      nomDexercice: familyName,
      prenomDexercice: givenName,
      activities: organisation === undefined ? [] : [{
        codeModeExercice: 'S',
        identifiantTechniqueDeLaStructure: organisation.id,
        raisonSocialeSite: organisation.name,
      }],
    }],
  },
})

const configuration = async (
  redirectUri: string, chosen: () => Account, random: (length: number) => Uint8Array,
): Promise<Configuration> => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return {
    clients: [{
      client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri],
      response_types: ['code'], grant_types: ['authorization_code'], id_token_signed_response_alg: 'RS256',
    }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'provider-1' }] },
    cookies: { keys: [Buffer.from(random(32)).toString('base64url')] },
    pkce: { required: () => true },
    acrValues: ACR,
    ttl: {
      AccessToken: LIFETIME, AuthorizationCode: 60, Grant: LIFETIME, IdToken: LIFETIME, Interaction: LIFETIME,
      Session: LIFETIME,
    },
    scopes: ['openid', 'scope_all'],
    claims: {
      acr: null,
      scope_all: [
        'given_name', 'family_name', 'preferred_username', 'SubjectNameID', 'SubjectRole', 'SubjectRefPro',
      ],
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    findAccount: (_ctx, id) => {
      const claims = claimsOf(chosen())
      return claims.sub === id ? { accountId: id, claims: () => claims } : undefined
    },
    // Enrolment is all that this client is for: it is consented to by signing in.
    loadExistingGrant: async (ctx) => {
      const { client, session } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid scope_all')
      await grant.save()
      return grant
    },
  }
}

export class IdentityProvider {
  readonly client = CLIENT
  readonly issuer: string
  readonly #server: Server
  /** Who signs in next, and how sure the provider is. */
  account: Account
  acr = 'eidas1'

  private constructor(server: Server, issuer: string, account: Account) {
    this.#server = server
    this.issuer = issuer
    this.account = account
  }

  /** On loopback, on a free port, until `close`. */
  static async start(
    redirectUri: string, account: Account, random: (length: number) => Uint8Array,
  ): Promise<IdentityProvider> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const started = new IdentityProvider(server, issuer, account)
    const provider = new Provider(issuer, await configuration(redirectUri, () => started.account, random))
    const rest = provider.callback()
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const login = { accountId: claimsOf(started.account).sub, acr: started.acr, remember: false }
      if (request.url?.startsWith('/sign-in/') !== true) void rest(request, response)
      else void provider.interactionFinished(request, response, { login })
    })
    return started
  }

  /**
   * What a browser does: follows the provider's redirects with its cookies, up to the first address outside of it.
   *
   * @returns that address: the client's, with code and state
   */
  async signIn(url: string): Promise<string> {
    const cookies = new Map<string, string>()
    for (let at = url, steps = 0; steps < 8; steps++) {
      if (!at.startsWith(this.issuer)) return at
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(at, { redirect: 'manual', headers: { cookie } })
      for (const set of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
        cookies.set(name, value)
      }
      at = new URL(response.headers.get('location') ?? '', at).href
    }
    throw new Error('the identity provider redirects without end')
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}
