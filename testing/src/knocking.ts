/**
 * Knocks at every door of a server in the ways that must not open it. Whoever adds a route has it knocked at: what is
 * declared is what is tried.
 *
 * Whoever adds a server: it says which routes it has, each with its policy (`routes()` of `createServer`, or a table
 * that it serves from); a test of it knocks with `knock` and `replay` where requests are signed, else with `knockIn`
 * and the ways in which its own credentials could be wrong; it lists with `namesOf` what is open to anybody; and a line
 * in `tools/doors.test.ts` names that test.
 */
import type { Identity } from '@scelle/seal/identity'
import { signRequest } from '@scelle/wire/http'
import type { DeclaredRoute, Method } from '@scelle/wire/server'

/** A route as a server declares it; `Policy`: what that server may have in front of one. */
export interface Declared<Policy extends string = string> {
  readonly url: string
  readonly methods: readonly Method[]
  readonly policy: Policy
}

export interface Answer {
  readonly status: number
  readonly body: string
}

export interface House {
  /** The server's name in `Host`. */
  readonly host: string
  /** Somebody whom the server knows, and somebody else's key. */
  readonly known: Pick<Identity, 'id' | 'signRaw'>
  readonly other: Pick<Identity, 'id' | 'signRaw'>
  readonly now: () => number
  readonly random: (length: number) => Uint8Array
  readonly send: (request: {
    method: string; url: string; headers: Record<string, string>; body: Uint8Array | undefined
  }) => Promise<Answer>
}

export interface Door {
  readonly method: Method
  readonly url: string
  readonly body: Uint8Array | undefined
}

const MINUTES = 60_000

/** A path that the route takes: ids of nothing that there is. */
const pathOf = (url: string): string => url.replaceAll(/:\w+/g, '0'.repeat(64)).replaceAll('*', 'Patient')

const doorsOf = ({ methods, url }: Declared): Door[] => methods.map((method) => ({
  method, url: pathOf(url),
  body: method === 'POST' || method === 'PUT' || method === 'PATCH' ? Uint8Array.of(0xa0) : undefined,
}))

export type Headers = Record<string, string>

const signed = async (
  door: Door, { host, known, now, random }: House, over: { by?: House['known']; at?: number; host?: string } = {},
): Promise<Headers> => ({
  ...await signRequest({
    method: door.method, url: `http://${over.host ?? host}${door.url}`, body: door.body,
    identity: over.by ?? known, now: () => now() + (over.at ?? 0), random,
  }),
})

const downgraded = (headers: Headers, algorithm: string): Headers => ({
  ...headers, 'signature-input': (headers['signature-input'] ?? '').replace('alg="ed25519"', `alg="${algorithm}"`),
})

/** Every way in that is none, by name. */
export const WAYS: Readonly<Record<string, (door: Door, house: House) => Promise<Headers>>> = {
  'nothing': async () => ({}),
  'a password': async () => ({ authorization: `Basic ${Buffer.from('doctor:azerty').toString('base64')}` }),
  'a bearer token': async () => ({ authorization: `Bearer ${'a'.repeat(43)}` }),
  'a DPoP token without its proof': async () => ({ authorization: `DPoP ${'a'.repeat(43)}` }),
  'a cookie': async () => ({ cookie: `session=${'a'.repeat(43)}` }),
  'a signature made ten minutes ago': (door, house) => signed(door, house, { at: -10 * MINUTES }),
  'a signature of tomorrow': (door, house) => signed(door, house, { at: 24 * 60 * MINUTES }),
  'a signature for another server': (door, house) => signed(door, house, { host: 'elsewhere.test' }),
  'another device\'s signature under this one\'s name': (door, house) =>
    signed(door, house, { by: { id: house.known.id, signRaw: house.other.signRaw } }),
  'somebody unknown\'s own signature': (door, house) => signed(door, house, { by: house.other }),
  'a signature by HMAC': async (door, house) => downgraded(await signed(door, house), 'hmac-sha256'),
  'a signature by RSA': async (door, house) => downgraded(await signed(door, house), 'rsa-v1_5-sha256'),
  'a signature by no algorithm': async (door, house) => downgraded(await signed(door, house), 'none'),
  'a signature over another body': async (door, house) =>
    ({ ...await signed({ ...door, body: Uint8Array.of(1) }, house) }),
  'a signature of another path': async (door, house) => signed({ ...door, url: '/v1/elsewhere' }, house),
}

export interface Answered<Policy extends string = DeclaredRoute['policy']> extends Answer {
  readonly route: string
  readonly policy: Policy
  readonly way: string
}

/** Ways in that are none, by name: what a request to that door brings. */
export type Ways = Readonly<Record<string, (door: Door) => Headers | Promise<Headers>>>

/** Knocks at every route of those policies in every one of these ways; what each answered. */
export const knockIn = async <Policy extends string>(
  ways: Ways, routes: readonly Declared<Policy>[], policies: readonly Policy[], send: House['send'],
): Promise<Answered<Policy>[]> => {
  const answered: Answered<Policy>[] = []
  for (const declared of routes.filter(({ policy }) => policies.includes(policy))) {
    for (const door of doorsOf(declared)) {
      for (const [way, make] of Object.entries(ways)) {
        const { status, body } = await send({ ...door, headers: await make(door) })
        answered.push({ route: `${door.method} ${declared.url}`, policy: declared.policy, way, status, body })
      }
    }
  }
  return answered
}

/** Knocks at every route of those policies in every way of {@link WAYS}. */
export const knock = (
  routes: readonly DeclaredRoute[], policies: readonly DeclaredRoute['policy'][], house: House,
): Promise<Answered[]> => knockIn(
  Object.fromEntries(Object.entries(WAYS).map(([way, make]) => [way, (door: Door) => make(door, house)])),
  routes, policies, house.send)

/** The same signed request, sent twice: what the second one is answered, at every route of that policy. */
export const replay = async (
  routes: readonly DeclaredRoute[], policies: readonly DeclaredRoute['policy'][], house: House,
): Promise<Answered[]> => {
  const answered: Answered[] = []
  for (const declared of routes.filter(({ policy }) => policies.includes(policy))) {
    for (const door of doorsOf(declared)) {
      const headers = await signed(door, house)
      await house.send({ ...door, headers })
      const { status, body } = await house.send({ ...door, headers })
      answered.push({ route: `${door.method} ${declared.url}`, policy: declared.policy, way: 'replayed', status, body })
    }
  }
  return answered
}

/** `GET /v1/self`: what whoever reads a list of open doors recognises. */
export const namesOf = <Policy extends string>(routes: readonly Declared<Policy>[], policy: Policy): string[] =>
  routes.filter((route) => route.policy === policy)
    .flatMap(({ methods, url }) => methods.map((method) => `${method} ${url}`)).toSorted()
