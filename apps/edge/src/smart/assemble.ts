/** SMART App Launch at this edge: the authorization server on its paths, its tokens at FHIR, and what tells of both. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Server, Tokens } from '@scelle/wire/server'
import type { Headers } from '../negotiation.ts'
import { faultFields, type Log } from '../log.ts'
import type { EdgeOptions } from '../options.ts'
import type { SignIn } from '../passkeys/sign-in.ts'
import type { Sessions } from '../sessions.ts'
import type { Staff } from '../staff/staff.ts'
import { Accounts } from './accounts.ts'
import type { SmartApplication } from './applications.ts'
import { smartConfiguration } from './configuration.ts'
import { crossOrigin, preflight } from './cross-origin.ts'
import type { Launches } from './launches.ts'
import type { SmartOptions } from './options.ts'
import type { PatientChoice } from './patient-choice.ts'
import { createProvider, INTERACTION, ROUTES, SESSION_COOKIE } from './provider.ts'
import { SignInRoutes } from './sign-in-routes.ts'
import type { StepUps } from './step-ups.ts'
import { OAuthStore } from './store.ts'
import { createTokens, type EdgeTokens } from './tokens.ts'

export interface Smart {
  readonly tokens: Tokens
  /** Fields of an answer to a page of a registered application. */
  readonly crossOrigin: (headers: Headers) => Record<string, string>
  readonly stepUp: EdgeTokens['stepUp']
  readonly mount: (server: Server) => void
}

/** Scheme, name and port of an edge's public address. Throws Error where it has none. */
export const issuerOf = (base: string | undefined): string => {
  if (base === undefined) throw new Error('smart: say under which address this edge is reached (base)')
  return new URL(base).origin
}

export interface SmartParts {
  readonly smart: SmartOptions
  readonly options: Pick<EdgeOptions, 'base' | 'now' | 'random'>
  readonly sessions: Sessions
  readonly staff: Staff
  /** On the passkey page. */
  readonly signIn: SignIn
  readonly launches: Launches
  readonly choice: PatientChoice
  readonly stepUps: StepUps
  readonly log: Log
}

/** Undefined where the house has no people: then machines alone get tokens. */
const signInOf = ({ staff, signIn }: SmartParts): SignIn | undefined => (staff.isKept ? signIn : undefined)

/** Throws Error for what the operator configured wrongly. */
export const assembleSmart = async (parts: SmartParts): Promise<Smart> => {
  const { smart, options: { base = '', now, random }, sessions, log } = parts
  const issuer = issuerOf(parts.options.base)
  const signIn = signInOf(parts)
  const accounts = new Accounts(sessions, now)
  const fault = (error: unknown): void => log('authorization-failed', faultFields(error))
  const provider = await createProvider({
    issuer, base, applications: smart.applications, accounts, store: new OAuthStore(now), fault, now, random,
    hasSignIn: signIn !== undefined,
  })
  const names = new Map(smart.applications.map(({ id, name }) => [id, name]))
  const people = signIn === undefined ? undefined : new SignInRoutes({
    ...parts, provider, issuer, base, signIn, accounts, nameOf: (client) => names.get(client) ?? client, fault, now,
    random,
  })
  const origins = originsOf(smart.applications)
  const tokens = createTokens({ provider, issuer, accounts, sessions, now, random })
  return {
    tokens: { ...tokens, challenge: (problem, headers) => (
      { ...tokens.challenge(problem, headers), ...crossOrigin(origins, headers) }) },
    crossOrigin: (headers) => crossOrigin(origins, headers),
    stepUp: tokens.stepUp,
    mount: (server) => mount(server, {
      handler: handlerOf(issuer, provider.callback(), people), origins,
      configuration: JSON.stringify(smartConfiguration(issuer, signIn !== undefined)),
    }),
  }
}

/** Where applications run in a browser, and call from there. */
const originsOf = (applications: readonly SmartApplication[]): ReadonlySet<string> =>
  new Set(applications.filter(({ keys }) => keys === undefined)
    .flatMap(({ redirects }) => redirects.map((redirect) => new URL(redirect).origin)))

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

const RESUMED = new RegExp(`^${ROUTES.authorization}/[A-Za-z0-9_-]+$`)
const METADATA: readonly string[] = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
const OF_PEOPLE: readonly string[] = [ROUTES.authorization, ROUTES.pushed_authorization_request]

const handlerOf = (issuer: string, callback: Handler, people: SignInRoutes | undefined): Handler =>
  async (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    if (people !== undefined && path.startsWith(`${INTERACTION}/`)) return people.handle(request, response)
    const isResumed = RESUMED.test(path)
    const isServed = isResumed || METADATA.includes(path) || (Object.values(ROUTES) as string[]).includes(path)
    if (!isServed || (people === undefined && (isResumed || OF_PEOPLE.includes(path)))) {
      response.writeHead(404).end()
      return
    }
    addressed(request, issuer)
    // No sign-in is carried over from one application to the next: each request begins, and ends, without a session.
    if (isResumed) request.headers.cookie = withoutSession(request.headers.cookie)
    else delete request.headers.cookie
    await callback(request, response)
  }

/** Where a former sign-in left one, `oidc-provider` would ask to end it first, under a path that is not served. */
const withoutSession = (cookie = ''): string =>
  cookie.split(';').filter((each) => !each.trim().startsWith(SESSION_COOKIE)).join(';')

/** The address under which the operator says that this edge is reached; what a request says of it is not looked at. */
const addressed = (request: IncomingMessage, issuer: string): void => {
  const { host, protocol } = new URL(issuer)
  for (const name of Object.keys(request.headers)) {
    if (name === 'forwarded' || name.startsWith('x-forwarded-')) delete request.headers[name]
  }
  request.headers['host'] = host
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1)
}

interface Mounted {
  readonly handler: Handler
  readonly configuration: string
  readonly origins: ReadonlySet<string>
}

const mount = (server: Server, { handler, configuration, origins }: Mounted): void => {
  server.route({ policy: 'oauth', method: ['GET', 'POST', 'OPTIONS'], url: '/oauth/*', handler })
  for (const url of METADATA) server.route({ policy: 'oauth', method: ['GET', 'OPTIONS'], url, handler })
  server.route({
    policy: 'public', method: 'GET', url: '/fhir/.well-known/smart-configuration',
    handler: (): Answer => ({
      headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' }, body: configuration,
    }),
  })
  for (const url of ['/fhir', '/fhir/*']) {
    server.route({
      policy: 'public', method: 'OPTIONS', url, handler: ({ headers }) => preflight(origins, headers),
    })
  }
}
