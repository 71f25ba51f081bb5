/** No door of the sidecar opens without a token of its own: every route is knocked at, and nothing reaches the edge. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createIdentity } from '@scelle/seal/identity'
import { type Door, type House, knockIn, namesOf, type Ways } from '@scelle/testing/knocking'
import { signRequest } from '@scelle/wire/http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenDigest } from '../src/connect/door.ts'
import type { DoorRoute } from '../src/connect/routes.ts'
import { type StartedSidecar, startSidecar } from '../src/connect/sidecar.ts'
import { SmartDoor } from '../src/connect/smart.ts'
import { CLI_LIMITS } from '../src/limits.ts'

const TOKEN = 'A'.repeat(43)
const OF_ANOTHER_DOOR = 'B'.repeat(43)
const PAGE = 'http://localhost:5173'
/** Named at the start as well: of another application. */
const OTHER_PAGE = 'http://localhost:9999'

let now = Date.now()
let drawn = 0
const clock = { now: () => now, random: (length: number) => new Uint8Array(length).fill(++drawn) }

/** Every request that got through the door, with or without a session. */
const reached: string[] = []

/** The edge's authorization server, as far as a client of it can tell. */
let authority: Server
let issuer = ''
let pushedState = ''
const answers = (path: string, form: URLSearchParams): [number, object] => {
  if (path.startsWith('/.well-known/')) {
    const at = (name: string): string => `${issuer}/oauth/${name}`
    return [200, {
      issuer, authorization_endpoint: at('auth'), token_endpoint: at('token'),
      pushed_authorization_request_endpoint: at('par'), authorization_response_iss_parameter_supported: true,
    }]
  }
  if (path === '/oauth/par') {
    pushedState = form.get('state') ?? ''
    return [201, { request_uri: 'urn:pushed', expires_in: 60 }]
  }
  return [200, { access_token: 'of-the-edge', token_type: 'DPoP', expires_in: 300 }]
}

const textOf = async (stream: AsyncIterable<unknown>): Promise<string> => {
  let text = ''
  for await (const piece of stream) text += String(piece)
  return text
}

let door: StartedSidecar
let smart: SmartDoor
const entered: string[] = []
beforeAll(async () => {
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [status, value] = answers(incoming.url ?? '', new URLSearchParams(await textOf(incoming)))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  authority = createServer((incoming, response) => void serve(incoming, response))
  await new Promise<void>((ready) => {
    authority.listen(0, '127.0.0.1', ready)
  })
  issuer = `http://127.0.0.1:${(authority.address() as AddressInfo).port}`
  const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign'])
  smart = await SmartDoor.open({
    edgeBase: `${issuer}/fhir`, application: 'viewer', key: privateKey,
    redirects: [`${PAGE}/app`], entered: (holder) => entered.push(holder), ...clock,
  })
  door = await startSidecar({
    edge: async (method, path) => {
      reached.push(`${method} ${path}`)
      return { status: 200, headers: new Headers(), body: new Uint8Array() }
    },
    edgeBase: `${issuer}/fhir`, tokens: new Map([[tokenDigest(TOKEN), 'viewer']]), sessions: new Map(),
    origins: new Set([PAGE, OTHER_PAGE]), smart,
  }, 0)
})
afterAll(() => {
  for (const server of [door.server, authority]) {
    server.closeAllConnections()
    server.close()
  }
})

/** By hand: `Host` and `Origin` are what `fetch` keeps from pages. */
const send: House['send'] = async ({ method, url, headers, body }) => {
  const asked = request({
    host: '127.0.0.1', port: new URL(door.base).port, method, path: url,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-length': body.length }) },
  })
  asked.end(body)
  const [response] = await once(asked, 'response') as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: await textOf(response) }
}

const bearer = (token: string): string => `Bearer ${token}`

/** A person's sign-in, through to the token that their application gets. */
const AUTHORIZE = {
  client_id: 'viewer', response_type: 'code', redirect_uri: `${PAGE}/app`, state: 'of the page', scope: 'patient/*.rs',
  code_challenge_method: 'S256',
}
const VERIFIER = 'v'.repeat(43)
const challengeOf = async (verifier: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(verifier))).toString('base64url')

const authorize = async (over: Readonly<Record<string, string>> = {}): Promise<number> => {
  const query = new URLSearchParams({
    ...AUTHORIZE, aud: door.base, code_challenge: await challengeOf(VERIFIER), ...over,
  })
  return (await fetch(`${new URL(door.base).origin}/oauth/authorize?${query}`, { redirect: 'manual' })).status
}

const callback = async (): Promise<{ readonly status: number; readonly code: string }> => {
  const query = new URLSearchParams({ code: 'of-the-edge', state: pushedState, iss: issuer })
  const answer = await fetch(`${new URL(door.base).origin}/oauth/callback?${query}`, { redirect: 'manual' })
  const location = answer.headers.get('location')
  return { status: answer.status, code: location === null ? '' : new URL(location).searchParams.get('code') ?? '' }
}

const redeem = async (
  code: string, over: Readonly<Record<string, string>> = {}, headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly token: string }> => {
  const answer = await fetch(`${new URL(door.base).origin}/oauth/token`, {
    method: 'POST', headers,
    body: new URLSearchParams({
      grant_type: 'authorization_code', code, redirect_uri: `${PAGE}/app`, code_verifier: VERIFIER, ...over,
    }),
  })
  const { access_token: token = '' } = await answer.json() as { access_token?: string }
  return { status: answer.status, token }
}

const codeOf = async (): Promise<string> => {
  await authorize()
  return (await callback()).code
}

const expiredToken = async (): Promise<string> => {
  const { token } = await redeem(await codeOf())
  now += CLI_LIMITS.smartToken
  return token
}

const signed = async ({ method, url, body }: Door): Promise<Record<string, string>> =>
  ({ ...await signRequest({ method, url: `${issuer}${url}`, body, identity: await createIdentity('machine', clock),
    ...clock }) })

/** Every way in that is none, with what it is answered where a token is needed. */
const waysOf = (expired: string): Ways => ({
  'nothing': () => ({}),
  'a password': () => ({ authorization: `Basic ${Buffer.from('doctor:azerty').toString('base64')}` }),
  'a token that nobody has': () => ({ authorization: bearer('C'.repeat(43)) }),
  'the token of another application\'s door': () => ({ authorization: bearer(OF_ANOTHER_DOOR) }),
  'a token of somebody who signed in, an hour later': () => ({ authorization: bearer(expired) }),
  'the token, cut short': () => ({ authorization: bearer(TOKEN.slice(1)) }),
  'the token, as another scheme': () => ({ authorization: `DPoP ${TOKEN}` }),
  'the token\'s digest, as a copy of the door\'s memory has it': () => ({ authorization: bearer(tokenDigest(TOKEN)) }),
  'the token in a cookie': () => ({ cookie: `token=${TOKEN}` }),
  'the edge\'s own access token': () => ({ authorization: 'DPoP of-the-edge' }),
  'a signature, as at the edge': signed,
  'the token, from a page elsewhere': () => ({ authorization: bearer(TOKEN), origin: 'https://evil.example' }),
  'the token, from a sandboxed page': () => ({ authorization: bearer(TOKEN), origin: 'null' }),
  'the token, to a name that was rebound to this machine': () =>
    ({ authorization: bearer(TOKEN), host: 'evil.example:80' }),
  'the token, to another port\'s name': () => ({ authorization: bearer(TOKEN), host: '127.0.0.1:1' }),
})

const statusOf = (way: string): number => {
  if (/page/.test(way)) return 403
  return /name/.test(way) ? 421 : 401
}

describe('the sidecar of `scelle connect`', () => {
  test('refuses at every door whoever has no token of it, and asks the edge nothing', async () => {
    const ways = waysOf(await expiredToken())
    reached.length = 0
    const answered = await knockIn(ways, door.routes, ['token'], send)
    expect(answered).toHaveLength(2 * 6 * Object.keys(ways).length)
    expect(answered.filter(({ way, status }) => status !== statusOf(way))).toEqual([])
    expect(reached).toEqual([])
    const [{ status } = { status: 0 }] = await knockIn({ 'the token': () => ({ authorization: bearer(TOKEN) }) },
      door.routes, ['token'], send)
    expect([status, reached.length], 'with it they open').toEqual([200, 12])
  })

  test('a wrong word is refused where none is needed, and no page elsewhere reads even that', async () => {
    const answered = await knockIn(waysOf('D'.repeat(43)), door.routes, ['public'], send)
    const isGiven = (way: string): boolean => ['nothing', 'the token in a cookie', 'a signature, as at the edge']
      .includes(way)
    expect(answered.filter(({ way, status }) => status !== (isGiven(way) ? 200 : statusOf(way)))).toEqual([])
  })

  test('gives no token to whoever knocks where people sign in', async () => {
    const answered = await knockIn(waysOf('D'.repeat(43)), door.routes, ['sign-in'], send)
    expect(answered.filter(({ body }) => /access_token|password/.test(body))).toEqual([])
    const elsewhere = answered.filter(({ way }) => /page|name/.test(way))
    expect(elsewhere.filter(({ way, status }) => status !== statusOf(way))).toEqual([])
  })

  test('nor for a password, another flow, a weaker challenge or another address', async () => {
    const asked = await Promise.all([
      {}, { response_type: 'token' }, { code_challenge_method: 'plain' }, { code_challenge: '' },
      { client_id: 'other' }, { redirect_uri: 'https://evil.example/app' }, { aud: 'https://other.example/fhir' },
    ].map((over) => authorize(over)))
    expect(asked).toEqual([302, 400, 400, 400, 400, 400, 400])
    const tried: readonly (readonly [Record<string, string>, Record<string, string>])[] = [
      [{ grant_type: 'password', username: 'doctor', password: 'azerty' }, {}],
      [{ grant_type: 'client_credentials' }, {}],
      [{ code_verifier: 'w'.repeat(43) }, {}],
      [{ redirect_uri: `${PAGE}/other` }, {}],
    ]
    for (const [over, headers] of tried) {
      expect([over, await redeem(await codeOf(), over, headers)]).toEqual([over, { status: 400, token: '' }])
    }
  })

  test('a state and a code are good once, and not after their time', async () => {
    const code = await codeOf()
    expect((await callback()).status, 'the state, replayed').toBe(400)
    expect((await redeem(code)).status).toBe(200)
    expect((await redeem(code)).status, 'the code, replayed').toBe(400)
    const late = await codeOf()
    now += CLI_LIMITS.signInTime
    expect((await redeem(late)).status, 'the code, late').toBe(400)
    await authorize()
    now += CLI_LIMITS.signInTime
    expect((await callback()).status, 'the state, late').toBe(400)
  })

  test('a person\'s token is good for the page that it was given to alone', async () => {
    const { token } = await redeem(await codeOf())
    const as = async (headers: Record<string, string>) => (await send({
      method: 'GET', url: '/fhir/Patient', body: undefined, headers: { authorization: bearer(token), ...headers },
    })).status
    expect(await as({ origin: PAGE })).toBe(200)
    expect(await as({ origin: OTHER_PAGE })).toBe(401)
    now += CLI_LIMITS.smartToken
    expect(await as({ origin: PAGE })).toBe(401)
  })

  test('nor after its person\'s key was pulled', async () => {
    const { token } = await redeem(await codeOf())
    const status = async () => (await send({
      method: 'GET', url: '/fhir/Patient', body: undefined, headers: { authorization: bearer(token) },
    })).status
    expect([await status(), entered.at(-1)]).toEqual([200, tokenDigest(token)])
    smart.drop(tokenDigest(token))
    expect(await status()).toBe(401)
  })

  test('has no route without a policy: it does not compile', () => {
    // @ts-expect-error -- whoever adds one says what stands in front of it
    const bare: DoorRoute = { methods: ['GET'], url: '/fhir/new' }
    expect(door.routes).not.toContain(bare)
  })

  test('is open to anybody where this says so, and nowhere else', () => {
    expect(namesOf(door.routes, 'public')).toEqual(['GET /fhir/metadata', 'HEAD /fhir/metadata'])
    expect(namesOf(door.routes, 'sign-in')).toEqual([
      'GET /fhir/.well-known/smart-configuration', 'GET /oauth/authorize', 'GET /oauth/callback',
      'HEAD /fhir/.well-known/smart-configuration', 'POST /oauth/token',
    ])
  })
})
