/** Which representation of a Binary a request wants, and which part of it (RFC 9110 sections 12.5.1, 13.1.5 and 14). */
import { EdgeError } from '../errors.ts'

/** From `start` to `end`, exclusive. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** One range, `a-b`, `a-` or `-n`; undefined for the whole. Throws `range-invalid`: nothing is sent in its place. */
export const rangeOf = (field: string | undefined, length: number): Range | undefined => {
  if (field === undefined) return undefined
  const [all, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(field.trim()) ?? []
  if (all === undefined || (first === '' && last === '')) throw new EdgeError('range-invalid')
  const start = first === '' ? Math.max(0, length - Number(last)) : Number(first)
  const end = first === '' || last === '' ? length : Math.min(Number(last) + 1, length)
  if (start >= end) throw new EdgeError('range-invalid')
  return { start, end }
}

/** Whether a range still means the representation that the client has part of: a strong tag, or the exact date. */
export const isSame = (ifRange: string | undefined, etag: string, lastModified: string): boolean =>
  ifRange === undefined || ifRange.trim() === etag || ifRange.trim() === lastModified

interface Accepted {
  readonly type: string
  readonly quality: number
}

const acceptedIn = (accept: string): Accepted[] => accept.split(',').map((range) => {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
  const quality = parameters.map((parameter) => /^q=(\d(?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find(Boolean)
  return { type, quality: quality === undefined ? 1 : Number(quality) }
})

const FHIR_JSON: ReadonlySet<string> = new Set(['application/fhir+json', 'application/json', 'text/json'])

/** True where the JSON of a Binary is what is wanted most; R4 serves its own media type to whoever asks for no FHIR. */
export const wantsFhir = (accept: string | undefined): boolean => {
  const best = acceptedIn(accept ?? '').reduce<Accepted | undefined>(
    (before, each) => (each.type !== '' && each.quality > (before?.quality ?? 0) ? each : before), undefined)
  return best !== undefined && FHIR_JSON.has(best.type)
}

/** Throws `not-acceptable` where a Binary's own media type is not among those asked for. */
export const requireAcceptable = (accept: string | undefined, contentType: string): void => {
  if (accept === undefined || accept.trim() === '') return
  const own = (contentType.split(';')[0] ?? '').trim().toLowerCase()
  const group = `${own.split('/')[0]}/*`
  const fits = acceptedIn(accept).some(({ type, quality }) =>
    quality > 0 && (type === own || type === group || type === '*/*'))
  if (!fits) throw new EdgeError('not-acceptable', 'this Binary is of another media type: ask for */*, or FHIR JSON')
}
