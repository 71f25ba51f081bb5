import type { Parameter } from './parameters.ts'
import { valuesIn } from './values.ts'
import type { Tuple } from './values.ts'

/** The elements of a composite parameter in a resource that have a value for every part. */
export function tuplesOf(parameter: Parameter, resource: { resourceType: string }): Tuple[] {
  const elements = parameter.composite?.(resource) ?? []
  const tuples = elements.map((parts) => parameter.components.map(({ kind }, at) =>
    (parts[at] ?? []).flatMap((typed) => valuesIn(kind, typed))))
  return tuples.filter((tuple) => tuple.every((values) => values.length > 0))
}
