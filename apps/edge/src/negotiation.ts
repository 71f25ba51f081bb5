/**
 * What the request wants beside its content: JSON in which form, how much of it, under which conditions (R4
 * http.html).
 */
import { EdgeError } from './errors.ts'
import { EDGE_LIMITS } from './limits.ts'

export interface Wishes {
  readonly pretty: boolean
  /** Absent: the client does not mind. */
  readonly returns?: 'representation' | 'minimal' | 'OperationOutcome'
  /** `Prefer: handling=lenient`: search parameters that are not supported are to be named and left aside. */
  readonly lenient?: true
  /** The query without `_format` and `_pretty`, still encoded. */
  readonly query: string
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>

const JSON_TYPES: ReadonlySet<string> = new Set(['application/fhir+json', 'application/json', 'text/json', 'json'])
const ANY: ReadonlySet<string> = new Set(['*/*', 'application/*'])

export const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name]
  if (Array.isArray(value)) throw new EdgeError('bad-request', `the header ${name} may be sent once`)
  return value
}

/** Reads `_format`, `_pretty`, `Accept` and `Prefer`. Throws `not-acceptable`, `bad-value`, `bad-request`. */
export const wishesOf = (headers: Headers, rawQuery: string): Wishes => {
  const kept: string[] = []
  let format: string | undefined
  let pretty = false
  for (const pair of rawQuery === '' ? [] : rawQuery.split('&')) {
    const [name, value] = splitPair(pair)
    if (name === '_format') format = value
    else if (name === '_pretty') pretty = booleanOf(value)
    else kept.push(pair)
  }
  // `_format` stands above `Accept` (http.html#mime-type): it is for clients that cannot set headers.
  if (format === undefined) checkAccept(header(headers, 'accept'))
  else if (!JSON_TYPES.has(mediaType(format.replaceAll(' ', '+')))) throw new EdgeError('not-acceptable')
  const prefer = header(headers, 'prefer')
  const returns = preferOf(prefer)
  return {
    pretty,
    ...(returns === undefined ? {} : { returns }),
    ...(isLenient(prefer) ? { lenient: true as const } : {}),
    query: kept.join('&'),
  }
}

/** A name and a value of a query, decoded. Throws `bad-value`. */
export const splitPair = (pair: string): [name: string, value: string] => {
  const mark = pair.indexOf('=')
  try {
    const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))
    return mark < 0 ? [decode(pair), ''] : [decode(pair.slice(0, mark)), decode(pair.slice(mark + 1))]
  } catch {
    throw new EdgeError('bad-value', 'the query is not percent-encoded UTF-8')
  }
}

const booleanOf = (value: string): boolean => {
  if (value === 'true') return true
  if (value === 'false') return false
  throw new EdgeError('bad-value', '_pretty is true or false', '_pretty')
}

const mediaType = (text: string): string => (text.split(';')[0] ?? '').trim().toLowerCase()

const checkAccept = (accept: string | undefined): void => {
  if (accept === undefined || accept.trim() === '') return
  const acceptable = accept.split(',').some((range) => {
    const type = mediaType(range)
    const parameters = range.split(';').slice(1).map((parameter) => parameter.trim().toLowerCase())
    if (parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) return false
    const version = parameters.find((parameter) => parameter.startsWith('fhirversion='))
    if (version !== undefined && !/^fhirversion="?4\.0("|$)/.test(version)) return false
    return JSON_TYPES.has(type) || ANY.has(type)
  })
  if (!acceptable) throw new EdgeError('not-acceptable')
}

const preferOf = (prefer: string | undefined): Wishes['returns'] => {
  for (const part of prefer?.split(/[,;]/) ?? []) {
    const wish = /^\s*return\s*=\s*"?([A-Za-z]+)"?\s*$/.exec(part)?.[1]
    if (wish === 'minimal' || wish === 'representation' || wish === 'OperationOutcome') return wish
  }
  return undefined // a preference that is not understood is ignored (RFC 7240 section 2)
}

/** Strict where it is not said (R4 search.html#errors leaves it to the server): nothing asked goes unheard. */
const isLenient = (prefer: string | undefined): boolean => {
  const said = (prefer?.split(/[,;]/) ?? []).flatMap((part) =>
    /^\s*handling\s*=\s*"?(lenient|strict)"?\s*$/.exec(part)?.[1] ?? [])
  return said[0] === 'lenient' // the first counts (RFC 7240 section 2)
}

/** Checks the type of a body against those a route takes. Throws `media-type`. */
export const requireType = (headers: Headers, types: readonly string[]): string => {
  const sent = header(headers, 'content-type') ?? ''
  const type = mediaType(sent)
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(sent)?.[1]
  const version = /;\s*fhirversion\s*=\s*"?([^";\s]+)/i.exec(sent)?.[1]
  const fits = types.includes(type) && (charset === undefined || /^utf-?8$/i.test(charset))
    && (version === undefined || version === '4.0')
  if (!fits) throw new EdgeError('media-type', `send ${types.join(' or ')}, in UTF-8`)
  return type
}

export const FHIR_TYPES = ['application/fhir+json', 'application/json'] as const

const decoder = new TextDecoder('utf-8', { fatal: true })

/** The text of a body. Throws `bad-request` where it is empty or not UTF-8. */
export const textOfBody = (body: Uint8Array): string => {
  if (body.length === 0) throw new EdgeError('bad-request', 'the request needs a body')
  try {
    return decoder.decode(body)
  } catch {
    throw new EdgeError('bad-request', 'the body is not UTF-8')
  }
}

/** `If-Match: W/"3"`: the version that must be current. Throws `bad-request` for anything else. */
export const ifMatchOf = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined
  const version = /^(?:W\/)?"([1-9]\d{0,9})"$/.exec(value.trim())?.[1]
  if (version === undefined) throw new EdgeError('bad-request', 'If-Match is one version, as in W/"1"', 'If-Match')
  return Number(version)
}

/** True where the client has this version already (R4 http.html#cread). */
export const isKnown = (
  conditions: { readonly ifNoneMatch?: string | undefined; readonly ifModifiedSince?: string | undefined },
  entry: { readonly version: number; readonly updated: number },
): boolean => {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) {
    const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    return tags.includes('*') || tags.includes(`"${entry.version}"`)
  }
  if (ifModifiedSince === undefined) return false
  const since = Date.parse(ifModifiedSince)
  if (Number.isNaN(since)) {
    throw new EdgeError('bad-request', 'If-Modified-Since is not an HTTP date', 'If-Modified-Since')
  }
  return Math.floor(entry.updated / 1000) * 1000 <= since
}

export const checkUrl = (target: string): void => {
  if (target.length > EDGE_LIMITS.url) throw new EdgeError('too-large', 'the URL is too long: use POST and _search')
}
