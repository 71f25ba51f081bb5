/** What the fields of an upload say, each in one form only. */
import { EdgeError } from '../errors.ts'
import { header, type Headers, ifMatchOf } from '../negotiation.ts'
import type { Wanted } from './keeper.ts'

export const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]{1,64}\/[A-Za-z0-9!#$&^_.+-]{1,64}(?:; ?[\x21-\x3a\x3c-\x7e]{1,120}){0,8}$/
const SHA256 = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)/

/** `?1` or `?0` (RFC 8941): whether this request ends the upload; undefined where the client does not resume. */
export const completeOf = (headers: Headers): boolean | undefined => {
  const value = header(headers, 'upload-complete')
  if (value === undefined || value === '?1' || value === '?0') return value === undefined ? undefined : value === '?1'
  throw new EdgeError('bad-value', 'Upload-Complete is ?0 or ?1', 'Upload-Complete')
}

const wholeNumber = (headers: Headers, name: string): number | undefined => {
  const value = header(headers, name.toLowerCase())
  if (value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) throw new EdgeError('bad-value', `${name} is a whole number of bytes`, name)
  return Number(value)
}

export const lengthOf = (headers: Headers): number | undefined => wholeNumber(headers, 'Upload-Length')
export const offsetOf = (headers: Headers): number | undefined => wholeNumber(headers, 'Upload-Offset')

/** The SHA-256 of the whole content, hex (RFC 9530), where the sender says it. */
export const digestOf = (headers: Headers): string | undefined => {
  const value = header(headers, 'repr-digest')
  if (value === undefined) return undefined
  const digest = SHA256.exec(value)?.[1]
  if (digest === undefined) throw new EdgeError('bad-value', 'Repr-Digest takes sha-256=:…:', 'Repr-Digest')
  return Buffer.from(digest, 'base64').toString('hex')
}

/** The type under which octets are kept and served. */
const typeOf = (headers: Headers): string => {
  const type = header(headers, 'content-type')
  if (type === undefined || !MEDIA_TYPE.test(type)) {
    throw new EdgeError('media-type', 'say of which media type the octets are: Content-Type')
  }
  const coding = header(headers, 'content-encoding')
  if (coding !== undefined && coding !== 'identity') {
    throw new EdgeError('media-type', 'octets are kept as they are sent: no Content-Encoding')
  }
  return type
}

/** Whose octets they are: without it they would end in the organisation's vault, outside their patient's grants. */
const contextOf = (headers: Headers): string => {
  const context = header(headers, 'x-security-context')
  if (context === undefined || context === '' || /\s/.test(context) || context.length > 500) {
    throw new EdgeError('business-rule', 'say whose octets they are: X-Security-Context: Patient/id',
      'X-Security-Context')
  }
  return context
}

/** What a request wants its octets to become. */
export const wantedOf = (headers: Headers, id: string): Wanted => {
  for (const name of ['if-none-exist', 'content-range']) {
    if (header(headers, name) !== undefined) {
      throw new EdgeError('not-supported', 'this field is not supported where octets are sent', name)
    }
  }
  const ifNoneMatch = header(headers, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new EdgeError('bad-request', 'If-None-Match of a write can only be *', 'If-None-Match')
  }
  const ifMatch = ifMatchOf(header(headers, 'if-match'))
  const digest = digestOf(headers)
  return {
    id, contentType: typeOf(headers), context: contextOf(headers),
    ...(digest === undefined ? {} : { digest }), ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifAbsent: true }),
  }
}
