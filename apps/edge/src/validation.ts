/** `$validate` (R4 resource-operation-validate.html): what would be said of a resource, without keeping it. */
import type { OperationOutcomeIssue, Parameters, Resource } from '@medplum/fhirtypes'
import { issuesOf } from '@scelle/fhir/outcomes'
import { type ProfileSet, profileFindingsOf } from '@scelle/fhir/profiles'
import { findingsOf, isId, LIMITS, parseJson } from '@scelle/fhir/validate'
import { type FhirAnswer, jsonAnswer } from './answers.ts'
import { type Call, requireRights } from './call.ts'
import { withDecimals } from './decimals.ts'
import { textOf } from './entry.ts'
import { EdgeError, refusalOf } from './errors.ts'
import { FHIR_TYPES, requireType, splitPair, textOfBody } from './negotiation.ts'
import { identityAdvice } from './persons/advice.ts'
import type { Repository } from './repository.ts'
import type { FhirRoutes } from './router.ts'
import type { Planner } from './writes/planner.ts'

export interface ValidationOptions {
  readonly repository: Repository
  readonly planner: Pick<Planner, 'plan'>
  readonly profiles: ProfileSet
  readonly newId: () => string
}

const MODES = ['create', 'update', 'delete', 'profile'] as const
type Mode = (typeof MODES)[number]

interface Wanted {
  readonly resource?: unknown
  readonly mode: Mode | undefined
  readonly profiles: readonly string[]
}

export class Validation {
  readonly #options: ValidationOptions

  constructor(options: ValidationOptions) {
    this.#options = options
  }

  /** `POST Type/$validate`: the resource as body, or in Parameters with `mode` and `profile`. */
  ofType(call: Call, type: string): FhirAnswer {
    const wanted = wantedIn(call, type)
    if (wanted.resource === undefined) throw new EdgeError('bad-request', 'name the resource, or send it', 'resource')
    if (wanted.mode === 'delete') throw new EdgeError('bad-value', 'a deletion is of one resource: Type/id', 'mode')
    return this.#told(call, type, undefined, wanted, wanted.resource)
  }

  /** `GET`, `POST Type/id/$validate`: what is stored there, or what would be. */
  async ofInstance(call: Call, type: string, id: string): Promise<FhirAnswer> {
    if (!isId(id)) throw new EdgeError('not-found')
    const wanted = wantedIn(call, type)
    if (wanted.mode === 'create') throw new EdgeError('bad-value', 'a creation has no id yet: Type/$validate', 'mode')
    if (wanted.mode === 'delete') {
      await this.#options.repository.read(call.session, type, id)
      return answerOf(this.#planFaults(call, { type, id }))
    }
    const { resource } = wanted
    if (resource !== undefined) return this.#told(call, type, id, wanted, resource)
    const text = textOf(await this.#options.repository.read(call.session, type, id))
    return this.#told(call, type, id, { ...wanted, mode: undefined }, withDecimals(text, JSON.parse(text) as unknown))
  }

  #told(call: Call, type: string, id: string | undefined, { mode, profiles }: Wanted, value: unknown): FhirAnswer {
    const base = issuesOf(findingsOf(value), 'invalid')
    if (base.length > 0) return answerOf(base)
    const resource = value as Resource
    if (resource.resourceType !== type) throw new EdgeError('bad-value', `expected a ${type}`, 'resourceType')
    if (id !== undefined && resource.id !== id) {
      throw new EdgeError('bad-value', 'the resource\'s id must be that of the URL', `${type}.id`)
    }
    const issues = [
      ...issuesOf(profileFindingsOf(resource, this.#options.profiles, profiles), 'invalid'),
      ...identityAdvice(resource),
    ]
    const isWrite = mode === 'create' || mode === 'update'
    if (!isWrite || hasErrors(issues)) return answerOf(issues)
    const target = mode === 'create' ? this.#options.newId() : resource.id
    if (target === undefined) throw new EdgeError('bad-value', 'an update needs the resource\'s id', `${type}.id`)
    const planned = { type, id: target, resource: { ...resource, id: target } as Resource }
    return answerOf([...issues, ...this.#planFaults(call, planned)])
  }

  /** What a write would be refused for, beyond its content. Planning changes nothing. */
  #planFaults(call: Call, change: { type: string; id: string; resource?: Resource }): OperationOutcomeIssue[] {
    requireRights(call, 'write')
    try {
      this.#options.planner.plan(change, [call.base])
      return []
    } catch (error) {
      const { status, outcome } = refusalOf(error)
      if (status >= 500) throw error
      return outcome.issue ?? []
    }
  }
}

/** Before the routes with `:id`, which would take the operation for one. */
export const addValidation = (routes: FhirRoutes, validation: Validation): void => {
  const typeIn = (call: Call): string => call.params['type'] ?? ''
  routes.add('POST', ':type/$validate', [], (call) => validation.ofType(call, typeIn(call)))
  for (const method of ['GET', 'POST'] as const) {
    routes.add(method, ':type/:id/$validate', ['read'], (call) =>
      validation.ofInstance(call, typeIn(call), call.params['id'] ?? ''))
  }
}

const hasErrors = (issues: readonly OperationOutcomeIssue[]): boolean =>
  issues.some(({ severity }) => severity === 'error')

/** 200 whatever was found: the validation itself succeeded. */
const answerOf = (issues: readonly OperationOutcomeIssue[]): FhirAnswer => {
  const fine: OperationOutcomeIssue = {
    severity: 'information', code: 'informational',
    diagnostics: 'valid against base R4, and against the profiles that are loaded here',
  }
  const issue = hasErrors(issues) ? [...issues] : [...issues, fine]
  return jsonAnswer(200, { resourceType: 'OperationOutcome', issue })
}

const wantedIn = (call: Call, type: string): Wanted => {
  const query = pairsIn(call.wishes.query)
  if (call.body.length === 0) return { mode: query.mode, profiles: query.profiles }
  requireType(call.headers, FHIR_TYPES)
  const text = textOfBody(call.body)
  const body = withDecimals(text, parseJson(text, LIMITS.resourceText))
  const isWrapped = (body as { resourceType?: unknown } | null)?.resourceType === 'Parameters'
    && (type !== 'Parameters' || isCall(body as Parameters))
  if (!isWrapped) return { resource: body, ...query }
  const inner = parametersIn(body)
  return {
    ...(inner.resource === undefined ? {} : { resource: inner.resource }),
    mode: inner.mode ?? query.mode,
    profiles: [...inner.profiles, ...query.profiles],
  }
}

/** Parameters to be validated themselves have no part `resource` that holds one. */
const isCall = (body: Parameters): boolean =>
  Array.isArray(body.parameter) && body.parameter.some((part) => part?.name === 'resource' && part.resource)

const modeOf = (value: unknown): Mode => {
  const mode = MODES.find((each) => each === value)
  if (mode === undefined) throw new EdgeError('bad-value', `expected one of ${MODES.join(', ')}`, 'mode')
  return mode
}

const pairsIn = (query: string): { mode: Mode | undefined; profiles: string[] } => {
  let mode: Mode | undefined
  const profiles: string[] = []
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name, value] = splitPair(pair)
    if (name === 'profile') profiles.push(value)
    else if (name === 'mode' && mode === undefined) mode = modeOf(value)
    else throw new EdgeError('not-supported', '$validate takes profile, and mode once', 'http.query')
  }
  return { mode, profiles }
}

const parametersIn = (body: unknown): { resource?: unknown; mode: Mode | undefined; profiles: string[] } => {
  const found: { resource?: unknown; mode: Mode | undefined; profiles: string[] } = { mode: undefined, profiles: [] }
  const { parameter } = body as { parameter?: unknown }
  for (const part of Array.isArray(parameter) ? parameter as unknown[] : []) {
    const { name, resource, valueCode, valueUri, valueCanonical, ...rest } = (part ?? {}) as Record<string, unknown>
    const profile = valueUri ?? valueCanonical
    const isKnown = Object.keys(rest).length === 0
    if (isKnown && name === 'resource' && resource !== undefined && found.resource === undefined) {
      found.resource = resource
    } else if (isKnown && name === 'mode' && found.mode === undefined) found.mode = modeOf(valueCode)
    else if (isKnown && name === 'profile' && typeof profile === 'string') found.profiles.push(profile)
    else throw new EdgeError('bad-value', 'expected resource, mode (valueCode) and profile', 'Parameters.parameter')
  }
  return found
}

