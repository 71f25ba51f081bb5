/** FHIR over the signed server of `@scelle/wire`: from a request to a call, from an answer to bytes. */
import type { Problem } from '@scelle/wire/errors'
import type { Answer, PresentProblem, Server, SignedRequest, TokenRequest } from '@scelle/wire/server'
import { toHex } from '@scelle/sdk'
import { type FhirAnswer, prettyBytes } from './answers.ts'
import type { Call, Right } from './call.ts'
import { bytesOf, isPassing } from './entry.ts'
import { refusalOf } from './errors.ts'
import { checkUrl, type Headers, wishesOf } from './negotiation.ts'
import type { FhirRoutes } from './router.ts'
import { Holder } from './smart/holder.ts'

export const BASE = '/fhir'

const JSON_TYPE = 'application/fhir+json; charset=utf-8'

/** Everything that goes wrong before a route is reached is told as FHIR clients expect it. */
export const presentOutcome: PresentProblem = (problem: Problem) => ({
  type: JSON_TYPE, body: JSON.stringify(refusalOf(problem).outcome),
})

/** Signed by an application, or under an access token. */
export type FhirRequest = SignedRequest | TokenRequest

type RightsOf = (principal: string) => ReadonlySet<Right>

/** What every request needs before it is a call. */
export interface Door {
  readonly routes: FhirRoutes
  /** Where this server is to its clients; absent: where the request says that it found it. */
  readonly base?: string | undefined
  readonly rightsOf: RightsOf
  /** The session of a request: its signer's hex id, and the name that the signature covers. */
  readonly sessionOf: (principal: string, name: string | undefined) => string
  /** Fields of an answer to a page in a browser, under an access token. */
  readonly crossOrigin?: (headers: Headers) => Record<string, string>
  /** Fields of a refusal that a stronger sign-in of the application's person mends; its status is then 401. */
  readonly stepUp?: (error: unknown) => Readonly<Record<string, string>> | undefined
  /** Where a session's person, or the organisation, stands with the trustees' meters; undefined before an opening. */
  readonly meter: (session: string) => string | undefined
  /** A request of a session begins; the answer ends it. */
  readonly begin: (session: string) => () => void
}

/** What routes with handlers of their own share with all others: who calls, and how refusals are told. */
export interface Handling {
  /** The routes of every resource. */
  readonly handle: (request: FhirRequest) => Promise<Answer>
  /** An answer of FHIR that needs no open chart: however long it takes, it keeps none from being overwritten. */
  readonly answer: (request: FhirRequest, work: (call: Call) => Promise<FhirAnswer>) => Promise<Answer>
  /** Any answer. */
  readonly serve: (request: FhirRequest, work: (call: Call) => Promise<Answer>) => Promise<Answer>
}

export const addFhir = (server: Server, door: Door): Handling => {
  for (const url of [BASE, `${BASE}/*`]) {
    server.route({
      policy: 'signed-or-token',
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

const handle = (request: FhirRequest, door: Door): Promise<Answer> =>
  told(request, door, async (call) => sent(await door.routes.dispatch(call), call.wishes.pretty))

/** An answer within the request's session; refusals as FHIR clients expect them. */
const told = async (request: FhirRequest, door: Door, work: (call: Call) => Promise<Answer>): Promise<Answer> => {
  let pretty = false
  let session = ''
  let end = (): void => undefined
  try {
    const call = callOf(request, door)
    ;({ pretty } = call.wishes)
    ;({ session } = call)
    end = door.begin(session)
    return withOrigin(metered(await work(call), door.meter(session)), request, door)
  } catch (error) {
    const { status, outcome } = refusalOf(error)
    if (status === 500) throw error // the server logs where it came from, and tells nothing of it
    const stepUp = 'token' in request ? door.stepUp?.(error) : undefined
    const headers: Record<string, string> = { ...(status === 503 ? { 'retry-after': '1' } : {}), ...stepUp }
    const body = bytesOf(JSON.stringify(outcome))
    const refused = sent({ status: stepUp === undefined ? status : 401, headers, body }, pretty)
    return withOrigin(metered(refused, door.meter(session)), request, door)
  } finally {
    end()
  }
}

/** Whoever reads sees what is left before it is gone. */
const withOrigin = (answer: Answer, request: FhirRequest, { crossOrigin }: Door): Answer => {
  const fields = 'token' in request ? crossOrigin?.(request.headers) : undefined
  return fields === undefined ? answer : { ...answer, headers: { ...answer.headers, ...fields } }
}

const metered = (answer: Answer, counter: string | undefined): Answer =>
  (counter === undefined ? answer : { ...answer, headers: { ...answer.headers, 'scelle-meter': counter } })

/** Hex ids of those whose keys this process holds: each request brings the same bytes. */
const names = new WeakMap<Uint8Array, string>()

const nameOf = (id: Uint8Array): string => {
  const known = names.get(id) ?? toHex(id)
  names.set(id, known)
  return known
}

type Caller = Pick<Call, 'principal' | 'session' | 'rights' | 'permit'>

const callerOf = (request: FhirRequest, { rightsOf, sessionOf }: Door): Caller => {
  if ('token' in request) {
    if (!(request.token instanceof Holder)) throw new Error('this server made another kind of token')
    const { principal, session, rights, permit } = request.token
    return { principal, session, rights, permit }
  }
  const principal = nameOf(request.principal.id)
  return { principal, session: sessionOf(principal, request.session), rights: rightsOf(principal) }
}

const callOf = (request: FhirRequest, door: Door): Call => {
  const { base } = door
  checkUrl(request.target)
  const mark = request.target.indexOf('?')
  const path = mark < 0 ? request.target : request.target.slice(0, mark)
  const { host } = request.headers
  return {
    method: request.method,
    path: path.slice(BASE.length).replace(/^\/|\/$/g, ''),
    params: {},
    wishes: wishesOf(request.headers, mark < 0 ? '' : request.target.slice(mark + 1)),
    headers: request.headers,
    body: request.body,
    base: base ?? `http://${typeof host === 'string' ? host.toLowerCase() : ''}${BASE}`,
    ...callerOf(request, door),
  }
}

const sent = ({ status, headers = {}, body: given }: FhirAnswer, pretty: boolean): Answer => {
  if (given === undefined) return { status, headers }
  const body = pretty ? prettyBytes(given) : given
  const answer = { status, headers: { 'content-type': JSON_TYPE, ...headers }, body }
  return isPassing(body) ? { ...answer, sent: () => void body.fill(0) } : answer
}
