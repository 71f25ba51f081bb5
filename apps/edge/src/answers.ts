/**
 * What leaves the edge. Bodies are bytes wherever they were sealed as bytes: a resource is served as it was written.
 */
import type { OperationOutcome, Resource } from '@medplum/fhirtypes'
import { indentedJson } from './decimals.ts'
import { bytesOf, copyOf, type Entry, keyOf, passing } from './entry.ts'
import type { Wishes } from './negotiation.ts'

export interface FhirAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON text in UTF-8. */
  readonly body?: Uint8Array
  /** The version the answer is about, for the answers of Bundle entries. */
  readonly entry?: Entry
}

export const jsonAnswer = (
  status: number, resource: Resource, headers: Readonly<Record<string, string>> = {},
): FhirAnswer => ({
  status, headers, body: bytesOf(JSON.stringify(resource)),
})

/** ETag and Last-Modified of one version (R4 http.html#versioning). */
export const versionHeaders = (entry: Entry): Record<string, string> => ({
  'etag': `W/"${entry.version}"`,
  'last-modified': new Date(entry.updated).toUTCString(),
})

export const locationOf = (base: string, entry: Entry): string => `${base}/${keyOf(entry)}/_history/${entry.version}`

const success = (diagnostics: string): OperationOutcome => ({
  resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational', diagnostics }],
})

/** The answer to a write: as much of it as `Prefer` asks for. */
export const writtenAnswer = (
  status: number, entry: Entry, base: string, returns: Wishes['returns'] | undefined,
): FhirAnswer => {
  const location: Record<string, string> = status === 201
    ? { location: locationOf(base, entry) }
    : { 'content-location': locationOf(base, entry) }
  const headers = { ...versionHeaders(entry), ...location }
  if (returns === 'minimal') return { status, headers, entry }
  if (returns === 'OperationOutcome') {
    return { ...jsonAnswer(status, success('the resource is stored'), headers), entry }
  }
  return { status, headers, body: copyOf(entry), entry }
}

const decoder = new TextDecoder()

/** Spaces and lines for people; digits as they were sealed. */
export const prettyBytes = (body: Uint8Array): Uint8Array =>
  passing(bytesOf(indentedJson(decoder.decode(body))))

const OPEN = bytesOf('{"resourceType":"Bundle"')
const ENTRIES = bytesOf(',"entry":[')
const COMMA = bytesOf(',')
const CLOSE_ENTRIES = bytesOf(']}')
const CLOSE = bytesOf('}')

/** One entry of a Bundle whose resource is already JSON. */
export interface BundlePart {
  /** Members beside `resource`, as JSON. */
  readonly head: Readonly<Record<string, unknown>>
  readonly resource?: Uint8Array
}

/** Puts a Bundle together from resources that are serialised already, without parsing one of them. */
export const bundleBytes = (head: Readonly<Record<string, unknown>>, parts: readonly BundlePart[]): Uint8Array => {
  const pieces: Uint8Array[] = [OPEN]
  const rest = JSON.stringify(head)
  if (rest !== '{}') pieces.push(bytesOf(`,${rest.slice(1, -1)}`))
  if (parts.length === 0) return passing(Buffer.concat([...pieces, CLOSE]))
  pieces.push(ENTRIES)
  for (const [place, part] of parts.entries()) {
    if (place > 0) pieces.push(COMMA)
    const members = JSON.stringify(part.head)
    if (part.resource === undefined) pieces.push(bytesOf(members))
    else {
      const before = members === '{}' ? '{' : `${members.slice(0, -1)},`
      pieces.push(bytesOf(`${before}"resource":`), part.resource, CLOSE)
    }
  }
  return passing(Buffer.concat([...pieces, CLOSE_ENTRIES]))
}
