/** FHIR over the signed server of `@scelle/wire`: from a request to a call, from an answer to bytes. */
import type { Problem } from '@scelle/wire/errors'
import type { Answer, PresentProblem, Server, SignedRequest } from '@scelle/wire/server'
import { toHex } from '@scelle/sdk'
import { type FhirAnswer, prettyBytes } from './answers.ts'
import type { Call, Right } from './call.ts'
import { bytesOf, isPassing } from './entry.ts'
import { refusalOf } from './errors.ts'
import { checkUrl, wishesOf } from './negotiation.ts'
import type { FhirRoutes } from './router.ts'

export const BASE = '/fhir'

const JSON_TYPE = 'application/fhir+json; charset=utf-8'

/** Everything that goes wrong before a route is reached is told as FHIR clients expect it. */
export const presentOutcome: PresentProblem = (problem: Problem) => ({
  type: JSON_TYPE, body: JSON.stringify(refusalOf(problem).outcome),
})

type RightsOf = (principal: string) => ReadonlySet<Right>

/** What every request needs before it is a call. */
export interface Door {
  readonly routes: FhirRoutes
  /** Where this server is to its clients; absent: where the request says that it found it. */
  readonly base?: string | undefined
  readonly rightsOf: RightsOf
  /** The session of a request: its signer's hex id, and the name that the signature covers. */
  readonly sessionOf: (principal: string, name: string | undefined) => string
  /** Where a session's person, or the organisation, stands with the trustees' meters; undefined before an opening. */
  readonly meter: (session: string) => string | undefined
  /** A request of a session begins; the answer ends it. */
  readonly begin: (session: string) => () => void
}

/** What routes with handlers of their own share with all others: who calls, and how refusals are told. */
export interface Handling {
  /** The routes of every resource. */
  readonly handle: (request: SignedRequest) => Promise<Answer>
  /** An answer of FHIR that needs no open chart: however long it takes, it keeps none from being overwritten. */
  readonly answer: (request: SignedRequest, work: (call: Call) => Promise<FhirAnswer>) => Promise<Answer>
  /** Any answer. */
  readonly serve: (request: SignedRequest, work: (call: Call) => Promise<Answer>) => Promise<Answer>
}

export const addFhir = (server: Server, door: Door): Handling => {
  for (const url of [BASE, `${BASE}/*`]) {
    server.route({
      policy: 'signed',
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url,
      handler: (request) => handle(request, door),
    })
  }
  const chartless: Door = { ...door, begin: () => () => undefined }
  return {
    handle: (request) => handle(request, door),
    answer: (request, work) => told(request, chartless, async (call) => sent(await work(call), false)),
    serve: (request, work) => told(request, door, work),
  }
}

const handle = (request: SignedRequest, door: Door): Promise<Answer> =>
  told(request, door, async (call) => sent(await door.routes.dispatch(call), call.wishes.pretty))

/** An answer within the request's session; refusals as FHIR clients expect them. */
const told = async (request: SignedRequest, door: Door, work: (call: Call) => Promise<Answer>): Promise<Answer> => {
  let pretty = false
  let session = ''
  let end = (): void => undefined
  try {
    const call = callOf(request, door)
    ;({ pretty } = call.wishes)
    ;({ session } = call)
    end = door.begin(session)
    return metered(await work(call), door.meter(session))
  } catch (error) {
    const { status, outcome } = refusalOf(error)
    if (status === 500) throw error // the server logs where it came from, and tells nothing of it
    const headers: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {}
    return metered(sent({ status, headers, body: bytesOf(JSON.stringify(outcome)) }, pretty), door.meter(session))
  } finally {
    end()
  }
}

/** Whoever reads sees what is left before it is gone. */
const metered = (answer: Answer, counter: string | undefined): Answer =>
  (counter === undefined ? answer : { ...answer, headers: { ...answer.headers, 'scelle-meter': counter } })

/** Hex ids of those whose keys this process holds: each request brings the same bytes. */
const names = new WeakMap<Uint8Array, string>()

const nameOf = (id: Uint8Array): string => {
  const known = names.get(id) ?? toHex(id)
  names.set(id, known)
  return known
}

const callOf = (request: SignedRequest, { base, rightsOf, sessionOf }: Door): Call => {
  checkUrl(request.target)
  const mark = request.target.indexOf('?')
  const path = mark < 0 ? request.target : request.target.slice(0, mark)
  const principal = nameOf(request.principal.id)
  const { host } = request.headers
  return {
    method: request.method,
    path: path.slice(BASE.length).replace(/^\/|\/$/g, ''),
    params: {},
    wishes: wishesOf(request.headers, mark < 0 ? '' : request.target.slice(mark + 1)),
    headers: request.headers,
    body: request.body,
    base: base ?? `http://${typeof host === 'string' ? host.toLowerCase() : ''}${BASE}`,
    principal,
    session: sessionOf(principal, request.session),
    rights: rightsOf(principal),
  }
}

const sent = ({ status, headers = {}, body: given }: FhirAnswer, pretty: boolean): Answer => {
  if (given === undefined) return { status, headers }
  const body = pretty ? prettyBytes(given) : given
  const answer = { status, headers: { 'content-type': JSON_TYPE, ...headers }, body }
  return isPassing(body) ? { ...answer, sent: () => void body.fill(0) } : answer
}
