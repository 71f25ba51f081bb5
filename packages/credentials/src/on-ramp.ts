/**
 * Sign-in at an identity provider of the profession (OpenID Connect, as Pro Santé Connect), for enrolment alone. What
 * it says goes to the register that issues the credential; it opens no session and signs nothing.
 */
import * as oidc from 'openid-client'
import type { CryptoKey } from 'jose'
import { isObject, type JsonObject, memberOf, objectOf, textOf, toBase64url } from './encoding.ts'
import { CredentialError } from './errors.ts'
import { type Fetch } from './fetching.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'
import { OpenRequests } from './open-requests.ts'
import { type PersonRole, type Practice, roleOf } from './roles.ts'

export { CREDENTIAL_PROBLEMS, CredentialError, type CredentialErrorCode } from './errors.ts'
export { type PersonRole, type Practice, roleOf } from './roles.ts'

/** Levels of eIDAS that are accepted: substantial (`eidas2`), and Pro Santé Connect's own (`eidas1`). */
const ACCEPTED_ACR = ['eidas2', 'eidas1'] as const

export interface Provider {
  /** The provider's issuer identifier: an HTTPS URL. Plain HTTP only on loopback. */
  readonly issuer: string
  readonly clientId: string
  readonly authentication: { readonly secret: string } | { readonly kid: string; readonly privateKey: CryptoKey }
  /** What the provider signs ID tokens with. Another one is refused, whatever the token says. */
  readonly idTokenAlgorithm: 'ES256' | 'PS256' | 'RS256'
  /** Where the provider sends the browser back to. */
  readonly redirectUri: string
  readonly fetch: Fetch
  /** Milliseconds since 1970, for how long requests stay open. Tokens' times are read by the machine's own clock. */
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
}

/** What a register needs to know of somebody who enrols. */
export interface SignedIn {
  /** The national identifier in the register. For the register alone: it makes the meter id of it, and keeps it. */
  readonly registerNumber: string
  readonly givenName: string
  readonly familyName: string
  readonly acr: (typeof ACCEPTED_ACR)[number]
  readonly practices: readonly {
    readonly role: PersonRole
    /** Where, as the register calls it. */
    readonly organisation: { readonly id: string; readonly name: string } | undefined
  }[]
}

interface Asked {
  readonly session: string
  readonly nonce: string
  readonly verifier: string
}

const objectsIn = (object: JsonObject, name: string): readonly JsonObject[] => {
  const value = memberOf(object, name)
  return Array.isArray(value) ? value.filter(isObject) : []
}

const organisationsOf = (practice: JsonObject): SignedIn['practices'][number]['organisation'][] => {
  const named = objectsIn(practice, 'activities').flatMap((activity) => {
    const id = textOf(activity, 'identifiantTechniqueDeLaStructure') ?? ''
    return id === '' ? [] : [{ id, name: textOf(activity, 'raisonSocialeSite') ?? '' }]
  })
  return named.length === 0 ? [undefined] : named
}

/** `10^1.2.250.1.213.1.1.5.5`: a code and the nomenclature that it is of. */
const codesIn = (claims: JsonObject): readonly string[] => {
  const roles = memberOf(claims, 'SubjectRole')
  const texts = Array.isArray(roles) ? roles : [roles]
  return texts.flatMap((role) => (typeof role === 'string' ? [role.split('^')[0] ?? ''] : []))
}

const roleOrNone = (practice: Practice): readonly PersonRole[] => {
  try {
    return [roleOf(practice)]
  } catch (error) {
    if (error instanceof CredentialError && error.code === 'role-unmapped') return []
    throw error
  }
}

/**
 * Pro Santé Connect's claims in our words. A practice of a profession without a role is left out; somebody with no
 * other one is refused. `SubjectRole` counts only where there is no `SubjectRefPro`.
 *
 * @throws CredentialError `claims-invalid`, `role-unmapped`
 */
export const practicesOf = (claims: JsonObject): SignedIn['practices'] => {
  const practices = objectsIn(objectOf(claims, 'SubjectRefPro') ?? {}, 'exercices')
  const known = practices.length > 0
    ? practices.flatMap((practice) =>
      roleOrNone({
        profession: textOf(practice, 'codeProfession') ?? '',
        category: textOf(practice, 'codeCategorieProfessionnelle'),
        skill: textOf(practice, 'codeSavoirFaire'),
      }).flatMap((role) => organisationsOf(practice).map((organisation) => ({ role, organisation }))))
    : codesIn(claims).flatMap((profession) =>
      roleOrNone({ profession }).map((role) => ({ role, organisation: undefined })))
  if (known.length === 0) throw new CredentialError('role-unmapped')
  return known
}

const signedIn = (idToken: JsonObject, claims: JsonObject): SignedIn => {
  const acr = ACCEPTED_ACR.find((accepted) => accepted === memberOf(idToken, 'acr'))
  if (acr === undefined) throw new CredentialError('acr-refused')
  const registerNumber = textOf(claims, 'SubjectNameID') ?? ''
  const [givenName, familyName] = [textOf(claims, 'given_name'), textOf(claims, 'family_name')]
  if (!/^[0-9A-Z]{6,20}$/.test(registerNumber) || givenName === undefined || familyName === undefined) {
    throw new CredentialError('claims-invalid')
  }
  return { registerNumber, givenName, familyName, acr, practices: practicesOf(claims) }
}

const discover = async (provider: Provider): Promise<oidc.Configuration> => {
  const { authentication, clientId, fetch, idTokenAlgorithm, issuer } = provider
  const server = new URL(issuer)
  const isLoopback = server.protocol === 'http:' && server.hostname === '127.0.0.1'
  if (server.protocol !== 'https:' && !isLoopback) throw new CredentialError('address-refused')
  const metadata = { id_token_signed_response_alg: idTokenAlgorithm }
  const how = 'secret' in authentication
    ? oidc.ClientSecretBasic(authentication.secret)
    : oidc.PrivateKeyJwt({ key: authentication.privateKey, kid: authentication.kid })
  const config = await oidc.discovery(server, clientId, metadata, how, {
    [oidc.customFetch]: (url, options) => fetch(url, { ...options, redirect: 'error' } as RequestInit),
    timeout: CREDENTIAL_LIMITS.fetchMilliseconds / 1000,
    // Without it the library believes an ID token's signature unseen, because it came over TLS.
    execute: [oidc.enableNonRepudiationChecks, ...(isLoopback ? [oidc.allowInsecureRequests] : [])],
  })
  if (config.serverMetadata().issuer !== issuer) throw new CredentialError('sign-in-failed')
  return config
}

export class OnRamp {
  readonly #provider: Provider
  readonly #config: oidc.Configuration
  readonly #asked: OpenRequests<Asked>

  private constructor(provider: Provider, config: oidc.Configuration) {
    this.#provider = provider
    this.#config = config
    this.#asked = new OpenRequests(provider.now)
  }

  /** Reads the provider's metadata. @throws CredentialError `address-refused`, `sign-in-failed` */
  static async discover(provider: Provider): Promise<OnRamp> {
    try {
      return new OnRamp(provider, await discover(provider))
    } catch (cause) {
      if (cause instanceof CredentialError) throw cause
      throw new CredentialError('sign-in-failed', undefined, { cause })
    }
  }

  /**
   * Where the browser goes: authorization code, PKCE S256, nonce, state.
   *
   * @param session the browser session that signs in: nobody else's answer is taken for it
   * @throws CredentialError `overloaded`
   */
  async begin(session: string): Promise<{ url: string; state: string }> {
    const { random, redirectUri } = this.#provider
    const [state, nonce, verifier] = [random(32), random(32), random(32)].map(toBase64url) as [string, string, string]
    this.#asked.add(state, { session, nonce, verifier })
    const url = oidc.buildAuthorizationUrl(this.#config, {
      redirect_uri: redirectUri,
      scope: 'openid scope_all',
      acr_values: ACCEPTED_ACR.join(' '),
      state,
      nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, state }
  }

  /**
   * The browser came back to `redirectUri`, with this address.
   *
   * @throws CredentialError `request-unknown`, `sign-in-failed`, `acr-refused`, `claims-invalid`, `role-unmapped`
   */
  async finish(session: string, currentUrl: string): Promise<SignedIn> {
    const url = URL.canParse(currentUrl) ? new URL(currentUrl) : undefined
    if (url === undefined) throw new CredentialError('request-unknown')
    const state = url.searchParams.get('state') ?? ''
    const asked = this.#asked.take(state)
    // An address made by an attacker's own sign-in, opened in a victim's browser, would enrol the victim as somebody.
    if (asked.session !== session) throw new CredentialError('request-unknown')
    const { idToken, claims } = await this.#exchange(url, state, asked)
    return signedIn(idToken, claims)
  }

  async #exchange(url: URL, state: string, asked: Asked): Promise<{ idToken: JsonObject; claims: JsonObject }> {
    try {
      const tokens = await oidc.authorizationCodeGrant(this.#config, url, {
        expectedState: state, expectedNonce: asked.nonce, pkceCodeVerifier: asked.verifier, idTokenExpected: true,
      })
      const idToken = tokens.claims()
      if (idToken === undefined) throw new CredentialError('sign-in-failed')
      const claims = await oidc.fetchUserInfo(this.#config, tokens.access_token, idToken.sub)
      return { idToken: idToken as JsonObject, claims: claims as JsonObject }
    } catch (cause) {
      // The library's message may quote what the provider answered.
      throw new CredentialError('sign-in-failed', undefined, { cause })
    }
  }
}
