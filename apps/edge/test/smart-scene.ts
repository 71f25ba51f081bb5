/** A house whose people sign in by passkeys, which answer as the page would, and an application of theirs. */
import { toHex } from '@scelle/sdk'
import * as oauth from 'oauth4webapi'
import { type PageRequest, readAsk } from '@scelle/wire/passkey-page'
import type { SmartApplication } from '../src/smart/applications.ts'
import { answerAt, createWorld, PAGE, type Reply, type StaffKeys, type World, type WorldOptions } from './harness.ts'

export const REDIRECT = 'https://app.example/callback'

export interface Keys {
  readonly client: CryptoKeyPair
  readonly machine: CryptoKeyPair
}

export interface SmartScene {
  readonly world: World
  readonly keys: Keys
  readonly server: oauth.AuthorizationServer
  readonly fhir: string
}

const jwkOf = async ({ publicKey }: CryptoKeyPair): Promise<Record<string, unknown>> => ({
  ...await crypto.subtle.exportKey('jwk', publicKey), kid: 'one', alg: 'ES256', key_ops: undefined,
})

export const SCOPES = ['user/*.cruds', 'patient/*.cruds'] as const

export const applicationsOf = async (keys: Keys): Promise<SmartApplication[]> => [
  { id: 'records', name: 'Dossiers', redirects: [REDIRECT], scopes: SCOPES, keys: [await jwkOf(keys.client)] },
  { id: 'other', name: 'Autre', redirects: [REDIRECT], scopes: SCOPES, keys: [await jwkOf(keys.client)] },
  { id: 'browser', name: 'Navigateur', redirects: ['http://localhost:4711/'], scopes: ['patient/*.rs'] },
  {
    id: 'laboratory', name: 'Laboratoire', redirects: [], machine: true, scopes: ['system/*.cu'],
    keys: [await jwkOf(keys.machine)],
  },
]

/** A clock that stands at the present: `oidc-provider` knows no other time. */
export const smartScene = async (options: Partial<WorldOptions> = {}): Promise<SmartScene> => {
  const keys = {
    client: await oauth.generateKeyPair('ES256', { extractable: true }),
    machine: await oauth.generateKeyPair('ES256', { extractable: true }),
  }
  const applications = await applicationsOf(keys)
  const world = await createWorld({
    seed: 'smart', jump: 2_000, start: Date.now(), registered: { role: 'hospital' },
    staff: { alice: { role: 'gp', number: '810000000001' }, boris: { role: 'gp', number: '810000000002' } },
    basis: 'consent',
    ...options, smart: () => ({ applications }),
  })
  // What began before it is refused, to the second.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await world.constellation.clock.advance(1_100)
  return { world, keys, fhir: `${world.party.url}/fhir`, server: await discover(world) }
}

type Anything = (url: string, init: object) => Promise<Response>

/** `oauth4webapi` over the network of the constellation. */
export const over = (world: World): { [oauth.customFetch]: Anything; [oauth.allowInsecureRequests]: true } => ({
  [oauth.customFetch]: (url, init) => world.constellation.network.fetch(url, init),
  [oauth.allowInsecureRequests]: true,
})

export const discover = async (world: World): Promise<oauth.AuthorizationServer> => {
  const issuer = new URL(world.party.url)
  const answer = await oauth.discoveryRequest(issuer, { ...over(world), algorithm: 'oauth2' })
  return oauth.processDiscoveryResponse(issuer, answer)
}

/** Once more where the server says which nonce it wants. */
export const nonced = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return work()
  }
}

export interface SignedInApplication {
  readonly token: string
  readonly refresh: string | undefined
  readonly claims: oauth.TokenEndpointResponse
  readonly dpop: oauth.DPoPHandle
  readonly key: CryptoKeyPair
  readonly client: oauth.Client
  readonly request: <T = unknown>(method: string, path: string, body?: unknown) => Promise<Reply<T>>
}

export interface Asking {
  readonly client?: string
  readonly scope: string
  readonly person?: string
  readonly launch?: string
  readonly key?: CryptoKeyPair
  /** What stands in place of the id of the person whom the application expects; null: it says nothing. */
  readonly hint?: string | null
  /** Further parameters of the request. */
  readonly more?: Readonly<Record<string, string>>
}

export const clientAuthOf = (scene: SmartScene, client: string): oauth.ClientAuth => {
  if (client === 'browser') return oauth.None()
  const { privateKey } = client === 'laboratory' ? scene.keys.machine : scene.keys.client
  return oauth.PrivateKeyJwt({ key: privateKey, kid: 'one' })
}

export interface Pushed {
  readonly client: oauth.Client
  readonly dpop: oauth.DPoPHandle
  readonly key: CryptoKeyPair
  readonly verifier: string
  readonly state: string
  readonly url: string
}

export const idOf = (world: World, person: string): string =>
  toHex((world.staff.get(person) as StaffKeys).identity.id)

export const redirectOf = (client: string): string => (client === 'browser' ? 'http://localhost:4711/' : REDIRECT)

/** A pushed authorization request, and where the browser goes with it. */
export const push = async (scene: SmartScene, asking: Asking): Promise<Pushed> => {
  const { world, server, fhir } = scene
  const client: oauth.Client = { client_id: asking.client ?? 'records' }
  const key = asking.key ?? await oauth.generateKeyPair('ES256', { extractable: true })
  const dpop = oauth.DPoP(client, key)
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const parameters = new URLSearchParams({
    response_type: 'code', redirect_uri: redirectOf(client.client_id), scope: asking.scope, state, aud: fhir,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    ...(asking.hint === null ? {} : { login_hint: asking.hint ?? idOf(world, asking.person ?? 'alice') }),
    ...asking.more,
    ...(asking.launch === undefined ? {} : { launch: asking.launch }),
  })
  const { request_uri: uri } = await nonced(async () => {
    const auth = clientAuthOf(scene, client.client_id)
    const answer = await oauth.pushedAuthorizationRequest(server, client, auth, parameters, {
      ...over(world), DPoP: dpop,
    })
    return oauth.processPushedAuthorizationResponse(server, client, answer)
  })
  const query = new URLSearchParams({ client_id: client.client_id, request_uri: uri })
  const url = `${server.authorization_endpoint ?? ''}?${query}`
  return { client, dpop, key, verifier, state, url }
}

export interface Shown {
  readonly status: number
  readonly location: string
  readonly text: string
  readonly policy: string
}

/** A browser: cookies by path, redirects by hand. */
export class Browser {
  readonly world: World
  readonly #cookies = new Map<string, { value: string; path: string }>()

  readonly #language: string

  constructor(world: World, language = 'fr') {
    this.world = world
    this.#language = language
  }

  /** Where an answer sends the browser. */
  async follow(method: string, url: string, body?: string): Promise<string> {
    const { status, location, text } = await this.go(method, url, body)
    if (location === '') throw new Error(`no redirection: ${status} ${text}`)
    return new URL(location, url).href
  }

  /** Sends a form of the page that this browser was shown at `url`: of the same site, so cookies come along. */
  async submit(url: string, text: string, what: string, fields: Record<string, string> = {}): Promise<Shown> {
    const [, action = ''] = new RegExp(`action="([^"]*/${what})"`).exec(text) ?? []
    const [, form = ''] = /name="form" value="([^"]+)"/.exec(text) ?? []
    return this.go('POST', new URL(action, url).href, new URLSearchParams({ form, ...fields }).toString(), true)
  }

  async go(method: string, url: string, body?: string, isOwn = method !== 'POST'): Promise<Shown> {
    const { pathname } = new URL(url)
    const cookie = [...this.#cookies].filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`).join('; ')
    const answer = await this.world.constellation.network.fetch(url, {
      method, redirect: 'manual', ...(body === undefined ? {} : { body }),
      headers: {
        'accept-language': this.#language,
        // Posted by another origin: none of the cookies comes along (SameSite).
        ...(cookie === '' || !isOwn ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
    })
    for (const line of (answer.headers.get('set-cookie') ?? '').split(/,(?=\s*[\w.]+=)/)) {
      const [, name, value = '', path = '/'] = /^\s*([\w.]+)=([^;]*)(?:.*?path=([^;,]+))?/i.exec(line) ?? []
      if (name !== undefined) this.#cookies.set(name, { value, path })
    }
    const [policy, text] = [answer.headers.get('content-security-policy') ?? '', await answer.text()]
    const [, onward = ''] = /http-equiv="refresh" content="0;url=([^"]+)"/.exec(text) ?? []
    const location = answer.headers.get('location') ?? (onward === '' ? '' : new URL(onward, url).href)
    return { status: answer.status, location, text, policy }
  }
}

/** What the page was asked, read from its address as the page reads it. */
export const askedOfPage = async (url: string): Promise<PageRequest> =>
  (await readAsk(url.slice(url.indexOf('#') + 1))).request

/** The page's answer by somebody's passkey, as its form posts it. */
export const posted = async (world: World, page: string, by: string): Promise<string> =>
  new URLSearchParams({ answer: await answerAt(world, page, by) }).toString()

/** From the passkey page, by somebody's passkey, to where the edge sends the browser then. */
export const answeredAt = async (browser: Browser, page: string, person: string): Promise<string> => {
  const { returnTo } = await askedOfPage(page)
  return browser.follow('GET', await browser.follow('POST', returnTo, await posted(browser.world, page, person)))
}

/** From the authorization request to the application's address. */
export const signInAt = async (pushed: Pushed, person: string, browser: Browser): Promise<string> => {
  const first = await browser.follow('GET', pushed.url)
  const page = await browser.follow('GET', first)
  if (!page.startsWith(PAGE)) return browser.follow('GET', page)
  return browser.follow('GET', await answeredAt(browser, page, person))
}

export const redeem = async (
  scene: SmartScene, pushed: Pushed, location: string,
): Promise<oauth.TokenEndpointResponse> => {
  const { world, server } = scene
  const { client, dpop, verifier, state } = pushed
  const parameters = oauth.validateAuthResponse(server, client, new URL(location), state)
  return nonced(async () => {
    const auth = clientAuthOf(scene, client.client_id)
    const redirect = redirectOf(client.client_id)
    const answer = await oauth.authorizationCodeGrantRequest(server, client, auth, parameters, redirect, verifier, {
      ...over(world), DPoP: dpop,
    })
    return oauth.processAuthorizationCodeResponse(server, client, answer)
  })
}

/** FHIR under a token, as an application asks for it. */
export const asking = (scene: SmartScene, token: string, dpop: oauth.DPoPHandle): SignedInApplication['request'] =>
  async (method, path, body) => {
    const raw = body === undefined ? undefined : JSON.stringify(body)
    const type = raw === undefined ? {} : { 'content-type': 'application/fhir+json' }
    const send = (): Promise<Response> => oauth.protectedResourceRequest(token, method,
      new URL(path === '' ? scene.fhir : `${scene.fhir}/${path}`), new Headers(type), raw ?? null,
      { ...over(scene.world), DPoP: dpop })
    const answer = await nonced(send).catch((error: unknown) => {
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response
      throw error
    })
    const text = await answer.text()
    const json = text === '' ? undefined : JSON.parse(text) as never
    return { status: answer.status, headers: answer.headers, text, body: json as never }
  }

export const signedIn = async (scene: SmartScene, wanted: Asking): Promise<SignedInApplication> => {
  const pushed = await push(scene, wanted)
  const location = await signInAt(pushed, wanted.person ?? 'alice', new Browser(scene.world))
  const claims = await redeem(scene, pushed, location)
  const { dpop, key, client } = pushed
  return {
    token: claims.access_token, refresh: claims.refresh_token, claims, dpop, key, client,
    request: asking(scene, claims.access_token, dpop),
  }
}
