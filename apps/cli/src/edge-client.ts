/** Requests to the edge, signed by one of this home's principals. */
import type { Identity } from '@scelle/seal/identity'
import { signRequest } from '@scelle/wire/http'
import type { Io } from './io.ts'

export interface EdgeAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

/** One signed request. Network failures are thrown as `fetch` throws them. */
export type EdgeClient = (
  method: string,
  path: string,
  options?: {
    body?: Uint8Array
    headers?: Record<string, string>
    /** Which of the signer's sessions at the edge it belongs to; its one own where absent. */
    session?: string
  },
) => Promise<EdgeAnswer>

const REQUEST_TIME = 120_000

export const edgeClient =
  (base: string, identity: Identity, io: Pick<Io, 'now' | 'random'>): EdgeClient =>
  async (method, path, options = {}) => {
    const url = `${base}${path}`
    const signature = await signRequest({
      method,
      url,
      identity,
      now: io.now,
      random: io.random,
      session: options.session,
      ...(options.body === undefined ? {} : { body: options.body }),
    })
    const answer = await fetch(url, {
      method,
      headers: { ...options.headers, ...signature },
      ...(options.body === undefined ? {} : { body: Buffer.from(options.body) }),
      signal: AbortSignal.timeout(REQUEST_TIME),
      redirect: 'manual',
    })
    return { status: answer.status, headers: answer.headers, body: new Uint8Array(await answer.arrayBuffer()) }
  }

export const fhirJson = (value: unknown): { body: Uint8Array; headers: Record<string, string> } => ({
  body: new TextEncoder().encode(JSON.stringify(value)),
  headers: { 'content-type': 'application/fhir+json', 'accept': 'application/fhir+json' },
})

export const jsonOf = <T>(answer: EdgeAnswer): T => JSON.parse(new TextDecoder().decode(answer.body)) as T
