/** Entries of a Bundle as the requests they stand for. */
import type { PlannedEntry } from '@scelle/fhir/references'
import type { Call } from './call.ts'
import { EdgeError } from './errors.ts'
import { wishesOf } from './negotiation.ts'
import { PATCH_TYPE } from './patch.ts'

/** An entry of a batch, as it came: nothing of it is checked yet. */
export type EntryRequest = unknown

interface Given {
  readonly resource?: unknown
  readonly request?: {
    readonly method?: unknown
    readonly url?: unknown
    readonly ifMatch?: unknown
    readonly ifNoneMatch?: unknown
    readonly ifModifiedSince?: unknown
    readonly ifNoneExist?: unknown
  }
}

const METHODS: ReadonlySet<unknown> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

const EMPTY = new Uint8Array(0)

/** Throws `bad-value` for an entry that is no request. */
export const batchCall = (outer: Call, entry: EntryRequest, place: number): Call => {
  const { resource, request } = (entry ?? {}) as Given
  const at = `Bundle.entry[${place}]`
  const isObject = typeof request === 'object' && request !== null
  if (!isObject || !METHODS.has(request.method) || typeof request.url !== 'string') {
    throw new EdgeError('bad-value', 'an entry needs a request with method and url', `${at}.request`)
  }
  const headers: Record<string, string> = {}
  for (const [member, name] of CONDITIONS) {
    const value = request[member]
    if (typeof value === 'string') headers[name] = value
    else if (value !== undefined) throw new EdgeError('bad-value', 'expected a string', `${at}.request.${member}`)
  }
  const method = request.method as string
  if (method === 'PATCH') {
    const { headers: type, body } = patchBody(resource, at)
    return { ...callTo(outer, method, request.url, { ...headers, ...type }, at), body }
  }
  return { ...callTo(outer, method, request.url, headers, at), ...(resource === undefined ? {} : { resource }) }
}

const CONDITIONS = [
  ['ifMatch', 'if-match'],
  ['ifNoneMatch', 'if-none-match'],
  ['ifModifiedSince', 'if-modified-since'],
  ['ifNoneExist', 'if-none-exist'],
] as const

/** A read at the end of a transaction. */
export const getCall = (outer: Call, entry: Extract<PlannedEntry, { kind: 'get' }>): Call => {
  const headers = {
    ...(entry.ifNoneMatch === undefined ? {} : { 'if-none-match': entry.ifNoneMatch }),
    ...(entry.ifModifiedSince === undefined ? {} : { 'if-modified-since': entry.ifModifiedSince }),
  }
  return callTo(outer, entry.method, entry.url, headers, `Bundle.entry[${entry.index}]`)
}

const callTo = (outer: Call, method: string, given: string, headers: Record<string, string>, at: string): Call => {
  const url = given.startsWith(`${outer.base}/`) ? given.slice(outer.base.length + 1) : given
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (path === '' || /^[a-z]+:|^\/|\.\./i.test(path)) {
    throw new EdgeError('bad-value', 'the URL is relative to this server\'s base', `${at}.request.url`)
  }
  const { returns: _own, ...wishes } = wishesOf(headers, mark < 0 ? '' : url.slice(mark + 1))
  const returning = outer.wishes.returns === undefined ? {} : { returns: outer.wishes.returns }
  const lenient = outer.wishes.lenient === undefined ? {} : { lenient: outer.wishes.lenient }
  return { ...outer, method, path, params: {}, headers, body: EMPTY, wishes: { ...wishes, ...returning, ...lenient } }
}

const patchBody = (resource: unknown, at: string): { headers: Record<string, string>; body: Uint8Array } => {
  const binary = resource as { resourceType?: unknown; contentType?: unknown; data?: unknown } | undefined
  if (binary?.resourceType !== 'Binary' || binary.contentType !== PATCH_TYPE || typeof binary.data !== 'string') {
    throw new EdgeError('not-supported', `send a Binary of type ${PATCH_TYPE}`, `${at}.resource`)
  }
  return { headers: { 'content-type': PATCH_TYPE }, body: new Uint8Array(Buffer.from(binary.data, 'base64')) }
}

const REQUEST_MEMBERS = ['method', 'url', 'ifMatch', 'ifNoneMatch', 'ifModifiedSince', 'ifNoneExist'] as const

/** What is read before the Bundle is validated as a whole must have the right shape already. */
export const checkRequests = (entries: unknown): void => {
  if (entries === undefined) return
  if (!Array.isArray(entries)) throw new EdgeError('bad-value', 'expected a list', 'Bundle.entry')
  for (const [place, entry] of entries.entries()) {
    const { request } = (entry ?? {}) as { request?: Record<string, unknown> | null }
    const fits = typeof request === 'object' && request !== null
      && typeof request['method'] === 'string' && typeof request['url'] === 'string'
      && REQUEST_MEMBERS.every((member) => request[member] === undefined || typeof request[member] === 'string')
    if (!fits) {
      throw new EdgeError('bad-value', 'an entry needs a request with method and url', `Bundle.entry[${place}].request`)
    }
  }
}
