/**
 * What the legacy system is told with each request, and all that passes beside it. Both are lists of what may pass:
 * of what may not, nobody has ever made a whole list.
 */

/** Set by the guard alone. Nothing that a caller sends under these names, or any other not listed below, passes. */
export const TOLD = {
  /** Principal id, 64 hexadecimal digits, and role by the register. Of a machine the id alone, under another name. */
  person: 'scelle-person',
  role: 'scelle-role',
  house: 'scelle-house',
  machine: 'scelle-machine',
  /** Random; also in the audit line, the guard's log and the answer. */
  request: 'scelle-request',
} as const

/**
 * No cookie, no Authorization: a login of the legacy system would be a second identity beside the one that is told. No
 * name that proxies or frameworks believe (`x-forwarded-for`, `x-http-method-override`), no hop-by-hop one, and no
 * `accept-encoding`.
 */
export const REQUEST_FIELDS = [
  'accept', 'accept-language', 'content-type', 'if-match', 'if-modified-since', 'if-none-match', 'if-range',
  'if-unmodified-since', 'prefer', 'range',
] as const

/** No `set-cookie`, no `www-authenticate`, no caching: a workstation has a next user. `location` is looked at. */
export const ANSWER_FIELDS = [
  'accept-ranges', 'allow', 'content-disposition', 'content-encoding', 'content-language', 'content-length',
  'content-range', 'content-security-policy', 'content-type', 'etag', 'last-modified', 'retry-after', 'vary',
  'x-frame-options',
] as const
