/**
 * Who may use the sidecar. It signs whatever passes, so a web page that the user happens to visit (it can send requests
 * to loopback, and by DNS rebinding under its own name) must not pass: Host, Origin and a token are checked, in this
 * order.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface Door {
  readonly port: number
  /** Application name by SHA-256 of its token, hex: the tokens themselves are in files of their own. */
  readonly tokens: ReadonlyMap<string, string>
  /** Web applications that may call from a browser. */
  readonly origins: ReadonlySet<string>
  /** Tokens of those who signed in here: each good for the origin that it was given to. */
  readonly smart?: { readonly holds: (holder: string, origin: string | undefined) => boolean } | undefined
}

export type Verdict =
  /** `holder`: whose token it is, by the digest that the token is known under; absent without a token. */
  | { readonly pass: true; readonly application?: string; readonly holder?: string }
  | { readonly pass: false; readonly status: 401 | 403 | 421; readonly diagnostics: string }

const refuse = (status: 401 | 403 | 421, diagnostics: string): Verdict => ({ pass: false, status, diagnostics })

/** The digest under which a token is known. */
export const tokenDigest = (token: string): string => createHash('sha256').update(token).digest('hex')

interface Holder {
  readonly application: string
  readonly holder: string
}

const holderOf = (
  authorization: string | undefined, { tokens, smart }: Door, origin: string | undefined,
): Holder | undefined => {
  const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(authorization ?? '')?.[1]
  if (token === undefined) return undefined
  const digest = Buffer.from(tokenDigest(token), 'hex')
  for (const [holder, application] of tokens) {
    if (timingSafeEqual(Buffer.from(holder, 'hex'), digest)) return { application, holder }
  }
  const name = digest.toString('hex')
  return smart?.holds(name, origin) === true ? { application: 'smart', holder: name } : undefined
}

export const isLocalHost = (host: string | undefined, port: number): boolean =>
  host === `127.0.0.1:${port}` || host === `localhost:${port}` || host === `[::1]:${port}`

/** Decides on one request by its headers. `isPublic`: what it asks for is given without a token too. */
export const verdictOn = (headers: IncomingHttpHeaders, door: Door, isPublic = false): Verdict => {
  if (!isLocalHost(headers.host, door.port)) {
    return refuse(421, 'This door answers to 127.0.0.1 and localhost only.')
  }
  if (headers.origin !== undefined && !door.origins.has(headers.origin)) {
    return refuse(403, 'Web pages may not use this door, unless it was started with --origin for them.')
  }
  if (isPublic && headers.authorization === undefined) return { pass: true }
  const known = holderOf(headers.authorization, door, headers.origin)
  if (known === undefined) {
    return refuse(401, "Send this application's token: Authorization: Bearer …")
  }
  return { pass: true, ...known }
}
