/** Bodies over the inline limit: octets by their digest, streamed both ways. */
import { Readable } from 'node:stream'
import { equalBytes, type PrincipalKeys } from '@scelle/seal/verify'
import { Problem } from '@scelle/wire/errors'
import { WIRE_LIMITS } from '@scelle/wire/limits'
import type { Answer, Server, SignedRequest, StreamedRequest } from '@scelle/wire/server'
import { maskFor, SEES } from '../rights.ts'
import { idOf, isAdmitted, requireQuery, secondsNow, type Services } from '../services.ts'

const upload = async (services: Services, request: StreamedRequest): Promise<Answer> => {
  const { principal } = request
  const digest = idOf(request.params['digest'])
  if (!equalBytes(digest, request.digest)) throw new Problem('digest-mismatch')
  const may = isAdmitted(services, principal) ||
    (await services.store.mayWriteSomewhere(principal.id, secondsNow(services)))
  if (!may) throw new Problem('not-permitted')
  await services.blobs.put(digest, request.stream)
  return { status: 201 }
}

const mayRead = async (services: Services, digest: Uint8Array, principal: PrincipalKeys): Promise<boolean> => {
  for (const { vault, custodian, mask } of await services.store.blobPlaces(digest)) {
    if (((await maskFor(services, { vault, custodian }, principal, SEES)) & mask) !== 0) return true
  }
  return false
}

/** One range of RFC 9110 section 14.1.2: `a-b`, `a-` or `-n`. Throws `range-invalid`. */
export const rangeOf = (field: string | undefined, size: number): { start: number; end: number } | undefined => {
  if (field === undefined) return undefined
  const range = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(field)
  const [, first = '', last = ''] = range ?? []
  if (range === null || (first === '' && last === '')) throw new Problem('range-invalid', 'Ask for one range of bytes.')
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start > end || start >= size) throw new Problem('range-invalid')
  return { start, end }
}

const download = async (services: Services, request: SignedRequest): Promise<Answer> => {
  requireQuery(request)
  const digest = idOf(request.params['digest'])
  const size = await services.blobs.size(digest)
  if (size === undefined || !(await mayRead(services, digest, request.principal))) throw new Problem('not-found')
  const { range: field } = request.headers
  const range = rangeOf(typeof field === 'string' ? field : undefined, size)
  const { start, end } = range ?? { start: 0, end: size - 1 }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start + 1),
      'accept-ranges': 'bytes',
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    },
    body: Readable.from(services.blobs.read(digest, start, end), { objectMode: false }),
  }
}

/** Also while a restored index catches up: a commit that comes back may name a body that was lost with it. */
export const addBlobUploads = (server: Server, services: Services): void => {
  server.route({
    method: 'PUT',
    url: '/v1/blobs/:digest',
    policy: 'signed-stream',
    maxBody: WIRE_LIMITS.blob,
    handler: (request) => upload(services, request),
  })
}

export const addBlobRoutes = (server: Server, services: Services): void => {
  server.route({
    method: 'GET', url: '/v1/blobs/:digest', policy: 'signed', handler: (request) => download(services, request),
  })
}
