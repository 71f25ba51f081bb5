/**
 * Paths and methods to interactions, by Medplum's router. Its own handlers, batch processor and search parser are not
 * used: they answer what they did not understand (docs/decisions/0004-edge-router.md).
 */
import { type HttpMethod, Router } from '@medplum/fhir-router'
import { isResourceType } from '@scelle/fhir/validate'
import type { FhirAnswer } from './answers.ts'
import { type Call, requireRights, type Right } from './call.ts'
import { EdgeError } from './errors.ts'
import type { Asks } from './smart/gate.ts'

export type Handler = (call: Call) => FhirAnswer | Promise<FhirAnswer>

export interface RouteInfo {
  /** All of these are needed. */
  readonly rights: readonly Right[]
  /** What an access token has to cover; absent: no token does, whatever its scopes. */
  readonly asks?: Asks
}

/** Asked before what gives records out: throws where nobody answers for it. */
export type Answered = (session: string) => void

const METHODS: readonly HttpMethod[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Told of whoever asked for what is not here; may refuse in its own words. */
export type Missed = (session: string) => void

/** Holds a request against its access token. Throws `scope`, `not-found`. */
export type Gated = (call: Call, asks: Asks | undefined) => void

export class FhirRoutes {
  readonly #router = new Router<Handler, RouteInfo>()
  readonly #missed: Missed
  readonly #answered: Answered
  readonly #gate: Gated

  constructor(
    missed: Missed = () => undefined, answered: Answered = () => undefined, gate: Gated = refuseTokens,
  ) {
    this.#missed = missed
    this.#answered = answered
    this.#gate = gate
  }

  add(method: HttpMethod, path: string, rights: readonly Right[], handler: Handler, asks?: Asks): void {
    this.#router.add(method, path, handler, { rights, ...(asks === undefined ? {} : { asks }) })
  }

  /** Throws `not-supported`, `method-not-allowed`, `not-found`, `forbidden`, and what the interaction throws. */
  async dispatch(call: Call): Promise<FhirAnswer> {
    const { handler, own } = this.#found(call)
    try {
      return await handler(own)
    } catch (error) {
      if (error instanceof EdgeError && error.code === 'not-found') this.#missed(call.session)
      throw error
    }
  }

  /** Everything that is held against a call before it is answered, and no answer. Throws as {@link dispatch}. */
  permit(call: Call): void {
    this.#found(call)
  }

  #found(call: Call): { handler: Handler; own: Call } {
    const method = (call.method === 'HEAD' ? 'GET' : call.method) as HttpMethod
    if (call.path.includes('//')) throw new EdgeError('not-found', 'nothing is served at this path')
    const found = this.#router.find(method, call.path)
    if (found === undefined) throw this.#missing(method, call.path)
    const params = decodeAll(found.params)
    const type = params['type']
    if (type !== undefined && !isResourceType(type)) {
      throw type.startsWith('$') || type.startsWith('_')
        ? new EdgeError('not-supported', 'this operation is not supported', 'http.path')
        : new EdgeError('not-supported', 'this is not a resource type of FHIR R4', 'http.path')
    }
    if (params['id']?.startsWith('$') === true || params['id']?.startsWith('_') === true) {
      throw new EdgeError('not-supported', 'this operation is not supported for this type', 'http.path')
    }
    const rights = found.data?.rights ?? []
    requireRights(call, ...rights)
    if (rights.includes('share')) this.#answered(call.session)
    const own = { ...call, params }
    this.#gate(own, found.data?.asks)
    return { handler: found.handler, own }
  }

  #missing(method: HttpMethod, path: string): EdgeError {
    const others = METHODS.filter((each) => each !== method && this.#router.find(each, path) !== undefined)
    return others.length > 0
      ? new EdgeError('method-not-allowed', `this path takes ${others.join(', ')}`)
      : new EdgeError('not-found', 'nothing is served at this path')
  }
}

const refuseTokens: Gated = ({ permit }) => {
  if (permit !== undefined) throw new EdgeError('scope')
}

const decodeAll = (params: Readonly<Record<string, string>>): Record<string, string> => {
  const decoded: Record<string, string> = {}
  try {
    for (const name in params) {
      const value = params[name] as string
      // Nearly none: ids and types are letters and digits.
      decoded[name] = value.includes('%') ? decodeURIComponent(value) : value
    }
    return decoded
  } catch {
    throw new EdgeError('bad-value', 'the path is not percent-encoded UTF-8', 'http.path')
  }
}
