/** What is indexed: the values of a parameter, or one aspect of them that a modifier asks for. */
import { tuplesOf } from './composite.ts'
import type { Kind } from './kinds.ts'
import type { Parameter } from './parameters.ts'
import { tokenTextKind } from './string.ts'
import { identifierKind, ofTypeKind } from './token.ts'
import { kindOf } from './values.ts'
import type { Value } from './values.ts'

export type Aspect = 'values' | 'text' | 'of-type' | 'identifier'

export interface ColumnSpec {
  /** Unique within a type. */
  name: string
  kind: Kind<Value>
  /** A resource's values; undefined where the element is absent, empty where nothing in it can be compared. */
  read: (resource: { resourceType: string }) => Value[] | undefined
}

const ASPECTS: Readonly<Record<Exclude<Aspect, 'values'>, Kind<Value>>> = {
  text: tokenTextKind,
  'of-type': ofTypeKind,
  identifier: identifierKind,
}

const known = new WeakMap<Parameter, Map<Aspect, ColumnSpec>>()

export function columnOf(parameter: Parameter, aspect: Aspect = 'values'): ColumnSpec {
  let specs = known.get(parameter)
  if (!specs) {
    specs = new Map()
    known.set(parameter, specs)
  }
  let spec = specs.get(aspect)
  if (!spec) {
    spec = build(parameter, aspect)
    specs.set(aspect, spec)
  }
  return spec
}

function build(parameter: Parameter, aspect: Aspect): ColumnSpec {
  const kind = aspect === 'values' ? kindOf(parameter.kind) : ASPECTS[aspect]
  const name = aspect === 'values' ? parameter.name : `${parameter.name}:${aspect}`
  if (parameter.kind === 'composite') {
    return { name, kind, read: (resource) => {
      const tuples = tuplesOf(parameter, resource)
      return tuples.length > 0 ? tuples : undefined
    } }
  }
  return { name, kind, read: (resource) => {
    const found = parameter.extract(resource)
    return found.length === 0 ? undefined : found.flatMap((typed) => kind.read(typed))
  } }
}
