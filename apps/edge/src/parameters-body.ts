/** Parameters as the operations of this edge take and answer them: names and strings. */
import { type FhirAnswer, jsonAnswer } from './answers.ts'
import type { Call } from './call.ts'
import { EdgeError } from './errors.ts'
import { parametersOf } from './parameters.ts'

export const requireNoQuery = (call: Call): void => {
  if (call.wishes.query !== '') {
    throw new EdgeError('not-supported', 'this operation takes no parameters', 'http.query')
  }
}

export const told = (values: Readonly<Record<string, string>>): FhirAnswer => jsonAnswer(200, {
  resourceType: 'Parameters',
  parameter: Object.entries(values).map(([name, valueString]) => ({ name, valueString })),
})

/** Each of these at most once, as `valueString`. */
export const parametersIn = (call: Call, names: readonly string[]): Map<string, string> => {
  const shapes = Object.fromEntries(names.map((name) => [name, { member: 'valueString' as const }]))
  return new Map([...parametersOf(call, shapes)].map(([name, [first]]) => [name, first?.valueString ?? '']))
}
