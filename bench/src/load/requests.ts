/** Requests as they go over the wire, signed ahead: signing is the client's work, and not what a row is about. */
import type { Identity } from '@scelle/seal/identity'
import { signRequest } from '@scelle/wire/http'
import { context } from '../sealing.ts'

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Path and query. */
  readonly path: string
  /** JSON text. */
  readonly body?: string
  /** Resources in it, where a row counts resources. */
  readonly resources?: number
}

export const signed = async (url: string, request: Request, identity: Identity): Promise<Uint8Array> => {
  const body = request.body === undefined ? undefined : Buffer.from(request.body)
  const { method, path } = request
  const fields = await signRequest({ method, url: `${url}${path}`, body, identity, ...context })
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    'accept: application/fhir+json',
    ...(body === undefined ? [] : ['content-type: application/fhir+json', `content-length: ${body.length}`]),
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body ?? Buffer.alloc(0)])
}
