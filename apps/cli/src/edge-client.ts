/** Requests to the edge, signed by one of this home's principals. */
import type { Identity } from '@scelle/seal/identity'
import { signRequest } from '@scelle/wire/http'
import type { Io } from './io.ts'

export interface EdgeAnswer {
  readonly status: number
  readonly headers: Headers
  /** Empty where the body is a `stream`. */
  readonly body: Uint8Array
  readonly stream?: ReadableStream<Uint8Array>
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
    /** An answer that is not FHIR JSON comes as a stream, as it is, for as long as it takes. */
    stream?: boolean
  },
) => Promise<EdgeAnswer>

const REQUEST_TIME = 120_000

/** FHIR itself, which is small. Octets may be JSON too, by the gigabyte: the edge serves only them in ranges. */
const isFhir = (headers: Headers): boolean =>
  /^application\/fhir\+json\b/.test(headers.get('content-type') ?? '') && !headers.has('accept-ranges')

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
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(new DOMException('no answer', 'TimeoutError')), REQUEST_TIME)
    const answer = await fetch(url, {
      method,
      headers: { ...options.headers, ...signature },
      ...(options.body === undefined ? {} : { body: options.body as Uint8Array<ArrayBuffer> }),
      signal: patience.signal,
      redirect: 'manual',
    }).catch((error: unknown) => {
      clearTimeout(timer)
      throw error
    })
    const { status, headers, body } = answer
    if (options.stream === true && body !== null && !isFhir(headers)) {
      clearTimeout(timer)
      return { status, headers, body: new Uint8Array(0), stream: body }
    }
    try {
      return { status, headers, body: new Uint8Array(await answer.arrayBuffer()) }
    } finally {
      clearTimeout(timer)
    }
  }

export const fhirJson = (value: unknown): { body: Uint8Array; headers: Record<string, string> } => ({
  body: new TextEncoder().encode(JSON.stringify(value)),
  headers: { 'content-type': 'application/fhir+json', 'accept': 'application/fhir+json' },
})

export const jsonOf = <T>(answer: EdgeAnswer): T => JSON.parse(new TextDecoder().decode(answer.body)) as T
