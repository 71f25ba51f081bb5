/** FHIR from a browser's page: of the applications that the operator registered, and with no cookie ever. */
import type { Answer } from '@scelle/wire/server'
import type { Headers } from '../negotiation.ts'

const EXPOSED = 'content-location, dpop-nonce, etag, last-modified, location, retry-after, scelle-meter, '
  + 'www-authenticate'

const ALLOWED = 'accept, authorization, content-type, dpop, if-match, if-modified-since, if-none-exist, if-none-match, '
  + 'prefer'

/** Fields of an answer to a page of this origin. */
export const crossOrigin = (origins: ReadonlySet<string>, { origin }: Headers): Record<string, string> =>
  (typeof origin === 'string' && origins.has(origin)
    ? { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'origin' }
    : {})

export const preflight = (origins: ReadonlySet<string>, headers: Headers): Answer => {
  const allowed = crossOrigin(origins, headers)
  if (Object.keys(allowed).length === 0) return { status: 403 }
  return {
    status: 204,
    headers: {
      ...allowed, 'access-control-allow-headers': ALLOWED,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE', 'access-control-max-age': '3600',
    },
  }
}
