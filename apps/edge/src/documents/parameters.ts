/** Parameters of an operation, from the query or from a Parameters resource: each once, none that is not known. */
import { parseJson, validateResource } from '@scelle/fhir/validate'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import { FHIR_TYPES, requireType, splitPair, textOfBody } from '../negotiation.ts'

/** @throws EdgeError `not-supported`, `bad-value`, `media-type`; FhirError */
export const operationParameters = (call: Call, names: readonly string[]): ReadonlyMap<string, string> => {
  const given = new Map<string, string>()
  const add = (name: string, value: string): void => {
    if (!names.includes(name)) {
      throw new EdgeError('not-supported', `this operation takes ${names.join(', ') || 'no parameters'}`, 'http.query')
    }
    if (given.has(name)) throw new EdgeError('bad-value', 'given twice', name)
    given.set(name, value)
  }
  for (const pair of call.wishes.query === '' ? [] : call.wishes.query.split('&')) add(...splitPair(pair))
  if (call.method === 'POST' && (call.body.length > 0 || call.resource !== undefined)) {
    for (const [name, value] of fromBody(call)) add(name, value)
  }
  return given
}

const fromBody = (call: Call): [name: string, value: string][] => {
  if (call.resource === undefined) requireType(call.headers, FHIR_TYPES)
  const resource = validateResource(call.resource ?? parseJson(textOfBody(call.body)))
  if (resource.resourceType !== 'Parameters') throw new EdgeError('bad-value', 'expected Parameters', 'resourceType')
  return (resource.parameter ?? []).map((parameter) => {
    const values = Object.entries(parameter).filter(([member]) => member.startsWith('value'))
    const [, value] = values[0] ?? []
    if (values.length !== 1 || (typeof value !== 'string' && typeof value !== 'boolean')) {
      throw new EdgeError('bad-value', 'expected a text or a boolean as value', 'Parameters.parameter')
    }
    return [parameter.name, String(value)]
  })
}
