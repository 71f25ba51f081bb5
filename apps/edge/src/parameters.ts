/** The Parameters of an operation: named, of the type the operation says, or refused. */
import type { Parameters, ParametersParameter, Resource } from '@medplum/fhirtypes'
import { LIMITS, parseJson, validateResource } from '@scelle/fhir/validate'
import type { Call } from './call.ts'
import { withDecimals } from './decimals.ts'
import { EdgeError } from './errors.ts'
import { FHIR_TYPES, requireType, textOfBody } from './negotiation.ts'

/** Of a parameter: the member that holds it, and whether it may come more than once. */
export type ParameterShapes = Readonly<Record<string, {
  readonly member: keyof ParametersParameter; readonly many?: boolean
}>>

/** By name, in order. @throws EdgeError `bad-value` naming what is not understood */
export const parametersOf = (call: Call, shapes: ParameterShapes): ReadonlyMap<string, ParametersParameter[]> => {
  const given = new Map<string, ParametersParameter[]>()
  for (const parameter of parametersBody(call).parameter ?? []) {
    const { name } = parameter
    const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined
    const known = given.get(name) ?? []
    if (shape === undefined || parameter[shape.member] === undefined) {
      const expected = Object.entries(shapes).map(([each, { member }]) => `${each} (${member})`).join(', ')
      throw new EdgeError('bad-value', `expected ${expected}`, 'Parameters.parameter')
    }
    if (known.length > 0 && shape.many !== true) throw new EdgeError('bad-value', 'given twice', name)
    given.set(name, [...known, parameter])
  }
  return given
}

/** The resource that a request, or an entry of a Bundle, brings. */
export const bodyOf = (call: Call): Resource => validateResource(call.resource ?? parsedBody(call))

const parametersBody = (call: Call): Parameters => {
  const resource = bodyOf(call)
  if (resource.resourceType !== 'Parameters') throw new EdgeError('bad-value', 'expected Parameters', 'resourceType')
  return resource
}

const parsedBody = (call: Call): unknown => {
  requireType(call.headers, FHIR_TYPES)
  const text = textOfBody(call.body)
  return withDecimals(text, parseJson(text, LIMITS.resourceText))
}
