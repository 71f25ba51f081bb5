/**
 * What the door serves, and what stands in front of it. A request is answered by the first of these that it fits and
 * by nothing else, so a route is here, with a policy, or is none; `test/doors.test.ts` knocks at each.
 */
import type { Method } from '@scelle/wire/server'

export type DoorPolicy =
  /** A token of this door, from the origin that it was given to. */
  | 'token'
  /** Names no patient, and is given without a token: to programs, and to pages named at the start. */
  | 'public'
  /** Gives a token only for a passkey's word: codes and states that are good once. */
  | 'sign-in'

export interface DoorRoute {
  readonly methods: readonly Method[]
  /** A path, or with `/*` at its end whatever is below it. */
  readonly url: string
  readonly policy: DoorPolicy
}

/** What FHIR needs; TRACE would echo the token. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies readonly Method[]

/**
 * The capability statement names no patient: clients ask for it before they have a token, or without using it (R4
 * http.html#capabilities, SMART App Launch).
 */
const FHIR: readonly DoorRoute[] = [
  { methods: ['GET', 'HEAD'], url: '/fhir/metadata', policy: 'public' },
  { methods: METHODS, url: '/fhir', policy: 'token' },
  { methods: METHODS, url: '/fhir/*', policy: 'token' },
]

const SMART: readonly DoorRoute[] = [
  { methods: ['GET', 'HEAD'], url: '/fhir/.well-known/smart-configuration', policy: 'sign-in' },
  { methods: ['GET'], url: '/oauth/authorize', policy: 'sign-in' },
  { methods: ['GET'], url: '/oauth/callback', policy: 'sign-in' },
  { methods: ['POST'], url: '/oauth/token', policy: 'sign-in' },
]

/** `smart`: applications sign in here. */
export const routesOf = (smart: boolean): readonly DoorRoute[] => (smart ? [...SMART, ...FHIR] : FHIR)

/**
 * True where a path stays where it begins, however it is read: it is signed as it is sent, and `..`, `\\` or an encoded
 * form of them would be resolved on the way to somewhere else.
 */
const isPlain = (path: string): boolean =>
  !/[\\#]|%2f|%5c/i.test(path) &&
  !path.replaceAll(/%2e/gi, '.').split('/').some((segment) => segment === '.' || segment === '..')

const fits = ({ methods, url }: DoorRoute, method: string, path: string): boolean =>
  methods.some((one) => one === method) &&
  (url.endsWith('/*') ? path.startsWith(url.slice(0, -1)) : path === url)

/** The route of a request: by its method and target, path and query as received. */
export const routeOf = (routes: readonly DoorRoute[], method: string, target: string): DoorRoute | undefined => {
  const path = target.split('?', 1)[0] ?? ''
  return isPlain(path) ? routes.find((route) => fits(route, method, path)) : undefined
}
