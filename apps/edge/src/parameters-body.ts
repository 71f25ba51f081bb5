/** Parameters as the operations of this edge take and answer them: names and strings. */
import { parseJson, validateResource } from '@scelle/fhir/validate'
import { type FhirAnswer, jsonAnswer } from './answers.ts'
import type { Call } from './call.ts'
import { EdgeError } from './errors.ts'
import { FHIR_TYPES, requireType, textOfBody } from './negotiation.ts'

export const requireNoQuery = (call: Call): void => {
  if (call.wishes.query !== '') {
    throw new EdgeError('not-supported', 'this operation takes no parameters', 'http.query')
  }
}

export const told = (values: Readonly<Record<string, string>>): FhirAnswer => jsonAnswer(200, {
  resourceType: 'Parameters',
  parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})

export const parametersIn = (call: Call, names: readonly string[]): Map<string, string> => {
  requireType(call.headers, FHIR_TYPES)
  const resource = validateResource(parseJson(textOfBody(call.body)))
  if (resource.resourceType !== 'Parameters') throw new EdgeError('bad-value', 'expected Parameters', 'resourceType')
  const given = new Map<string, string>()
  for (const { name, valueString } of resource.parameter ?? []) {
    if (!names.includes(name) || valueString === undefined || given.has(name)) {
      throw new EdgeError('bad-value', `expected each of ${names.join(', ')} once, as valueString`,
        'Parameters.parameter')
    }
    given.set(name, valueString)
  }
  return given
}
