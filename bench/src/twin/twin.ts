/**
 * The plain twin: FHIR over the same router, validation, search and server, the same engine as durable, and
 * nothing sealed, granted or logged. What it is faster by is what sealing costs; what it is not is the ground's.
 */
import { type HttpMethod, Router } from '@medplum/fhir-router'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { answerOf, FhirError } from '@scelle/fhir/outcomes'
import { isResourceType, LIMITS, parseJson, validateResource } from '@scelle/fhir/validate'
import type { PrincipalKeys } from '@scelle/seal/verify'
import { createServer, type Server, type ServerOptions, type SignedRequest } from '@scelle/wire/server'
import type { Version } from './database.ts'
import { TwinError } from './errors.ts'
import type { Records } from './records.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: string
  readonly body: Uint8Array
  readonly base: string
}

type Handler = (call: Call) => Answer | Promise<Answer>

export interface TwinOptions extends Pick<ServerOptions, 'log' | 'now' | 'random' | 'chain'> {
  readonly records: Records
  /** Applications by the hex of their ids. */
  readonly applications: ReadonlyMap<string, PrincipalKeys>
}

const BODY = 64 * 1024 * 1024
const PAGE = 1_000
const JSON_TYPE = 'application/fhir+json; charset=utf-8'
const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

const versionHeaders = ({ version, updated }: Version): Record<string, string> => ({
  etag: `W/"${version}"`,
  'last-modified': new Date(updated).toUTCString(),
})

const nameOf = ({ type, id }: Version): string => `${type}/${id}`

const written = (version: Version, base: string): Answer => {
  const place = `${base}/${nameOf(version)}/_history/${version.version}`
  const headers = {
    ...versionHeaders(version),
    ...(version.version === 1 ? { location: place } : { 'content-location': place }),
  }
  return { status: version.version === 1 ? 201 : 200, headers, body: version.bytes }
}

const bundle = (
  head: Record<string, unknown>,
  entries: readonly { head: Record<string, unknown>; resource?: Uint8Array }[],
): Uint8Array => {
  const pieces: Uint8Array[] = [encoder.encode(`{"resourceType":"Bundle",${JSON.stringify(head).slice(1, -1)}`)]
  for (const [place, entry] of entries.entries()) {
    const start = `${place === 0 ? ',"entry":[' : ','}${JSON.stringify(entry.head)}`
    if (entry.resource === undefined) pieces.push(encoder.encode(start))
    else pieces.push(encoder.encode(`${start.slice(0, -1)},"resource":`), entry.resource, encoder.encode('}'))
  }
  pieces.push(encoder.encode(entries.length === 0 ? '}' : ']}'))
  return Buffer.concat(pieces)
}

const matches = (page: readonly Version[], base: string) =>
  page.map((version) => ({
    head: { fullUrl: `${base}/${nameOf(version)}`, search: { mode: 'match' } },
    resource: version.bytes,
  }))

const resourceIn = (call: Call): Resource => {
  const resource = validateResource(parseJson(decoder.decode(call.body), LIMITS.resourceText))
  if (resource.resourceType !== call.params['type'])
    throw new TwinError(400, 'value', 'another type than the URL says')
  return resource
}

const transaction = async (records: Records, call: Call): Promise<Answer> => {
  const given = parseJson(decoder.decode(call.body), LIMITS.bundleText) as Bundle
  const done = await records.transaction(given, call.base)
  const entries = (given.entry ?? []).map((_, index) => {
    const version = done.get(index) as Version
    const response = {
      status: version.version === 1 ? '201' : '200',
      location: `${call.base}/${nameOf(version)}/_history/${version.version}`,
      etag: `W/"${version.version}"`,
      lastModified: new Date(version.updated).toISOString(),
    }
    return { head: { response } }
  })
  return { status: 200, body: bundle({ type: 'transaction-response' }, entries) }
}

const routesOf = (records: Records): Router<Handler, undefined> => {
  const router = new Router<Handler, undefined>()
  router.add('POST', '', (call) => transaction(records, call))
  router.add('GET', 'Patient/:id/$everything', ({ params, base }) => {
    const all = records.everything(params['id'] ?? '')
    return { status: 200, body: bundle({ type: 'searchset', total: all.length }, matches(all.slice(0, PAGE), base)) }
  })
  router.add('GET', ':type', ({ params, query, base }) => {
    const { total, page } = records.search(params['type'] ?? '', query, base)
    const link = [{ relation: 'self', url: `${base}/${params['type'] ?? ''}?${query}` }]
    return { status: 200, body: bundle({ type: 'searchset', total, link }, matches(page, base)) }
  })
  router.add('POST', ':type', async (call) => written(await records.create(resourceIn(call), call.base), call.base))
  router.add('GET', ':type/:id', ({ params }) => {
    const version = records.read(params['type'] ?? '', params['id'] ?? '')
    return { status: 200, headers: versionHeaders(version), body: version.bytes }
  })
  router.add('PUT', ':type/:id', async (call) => {
    const resource = resourceIn(call)
    if (resource.id !== call.params['id']) throw new TwinError(400, 'value', 'another id than the URL says')
    return written(await records.update(resource, call.base), call.base)
  })
  return router
}

const refusal = (error: unknown): Answer => {
  const { status, outcome } = error instanceof FhirError ? answerOf(error) : ownRefusal(error)
  return { status, body: encoder.encode(JSON.stringify(outcome)) }
}

const ownRefusal = (error: unknown): { status: number; outcome: unknown } => {
  if (!(error instanceof TwinError)) throw error
  const issue = [{ severity: 'error', code: error.code, diagnostics: error.message }]
  return { status: error.status, outcome: { resourceType: 'OperationOutcome', issue } }
}

const answer = async (router: Router<Handler, undefined>, request: SignedRequest): Promise<Answer> => {
  const [path = '', query = ''] = request.target.slice('/fhir'.length).split('?')
  const base = `http://${String(request.headers['host'])}/fhir`
  try {
    const found = router.find(request.method as HttpMethod, path.replace(/^\//, ''))
    const type = found?.params['type']
    if (found === undefined || (type !== undefined && !isResourceType(type)))
      throw new TwinError(404, 'not-found', 'no such path')
    return await found.handler({ params: found.params, query, body: request.body, base })
  } catch (error) {
    return refusal(error)
  }
}

export const createTwin = (options: TwinOptions): Server => {
  const { records, applications, ...rest } = options
  const server = createServer({
    ...rest,
    role: 'edge',
    keyOf: (id) => applications.get(Buffer.from(id).toString('hex')),
    readiness: () => true,
    maxBody: BODY,
  })
  const router = routesOf(records)
  for (const url of ['/fhir', '/fhir/*']) {
    server.route({
      method: ['GET', 'POST', 'PUT'],
      url,
      policy: 'signed',
      handler: async (request) => {
        const { status, headers, body } = await answer(router, request)
        return { status, headers: { 'content-type': JSON_TYPE, ...headers }, ...(body === undefined ? {} : { body }) }
      },
    })
  }
  return server
}
