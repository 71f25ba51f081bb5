/** The only way from here to the network: bounded in address, size and time, and never redirected. */
import { CredentialError, type CredentialErrorCode } from './errors.ts'
import { CREDENTIAL_LIMITS } from './limits.ts'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * The address of something that a stranger named, for instance the host of a DID. HTTPS, default or named port, a
 * public name: what such a name resolves to is the business of the fetch that was passed in, which an operator points
 * at a proxy that reaches nothing inside.
 *
 * @throws CredentialError `address-refused`
 */
export const publicAddress = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const name = url?.hostname.toLowerCase() ?? ''
  const isInside = /(^|\.)(localhost|local|internal|lan|home|corp|test|invalid|onion|arpa)\.?$/.test(name)
  const isName = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(name)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '' || !isName || isInside) {
    throw new CredentialError('address-refused')
  }
  return url.href
}

/**
 * An address that begins with one that the operator listed: same origin, and a path below. Loopback may be plain HTTP.
 *
 * @throws CredentialError `address-refused`
 */
export const listedAddress = (text: string, listed: readonly string[]): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isBelow = listed.some((prefix) => {
    const base = new URL(prefix)
    const isSecure = base.protocol === 'https:' || (base.protocol === 'http:' && base.hostname === '127.0.0.1')
    const path = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
    return isSecure && url?.origin === base.origin && `${url.pathname}/`.startsWith(path)
  })
  if (url === undefined || !isBelow || url.username !== '' || url.password !== '') {
    throw new CredentialError('address-refused')
  }
  return url.href
}

const readBounded = async (response: Response, limit: number): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    // Not what the answer says of its length: a server may say one thing and send another.
    if (length > limit) throw new CredentialError('too-large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * The body of an address that one of the two functions above allowed.
 *
 * @throws CredentialError `too-large`, or `code` for whatever else goes wrong
 */
export const fetchBounded = async (
  fetch: Fetch, url: string, limit: number, accept: string, code: CredentialErrorCode = 'fetch-failed',
): Promise<Uint8Array> => {
  try {
    const signal = AbortSignal.timeout(CREDENTIAL_LIMITS.fetchMilliseconds)
    // A redirect is how a public address becomes one inside.
    const response = await fetch(url, { signal, redirect: 'error', credentials: 'omit', headers: { accept } })
    if (response.status !== 200) throw new CredentialError(code, `status ${response.status}`)
    return await readBounded(response, limit)
  } catch (cause) {
    if (cause instanceof CredentialError) throw cause
    throw new CredentialError(code, undefined, { cause })
  }
}
