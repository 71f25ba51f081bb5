import type { Bundle, CompartmentDefinition, SearchParameter } from '@medplum/fhirtypes'
import type { SearchParameterRow, SearchTable } from '../src/r4/tables.ts'

/** Parameters of every resource, by resource type; those of `Resource` and `DomainResource` keep these names. */
export function condenseSearch(bundle: Bundle): SearchTable {
  const table: SearchTable = {}
  const parameters = (bundle.entry ?? []).flatMap(({ resource }) =>
    (resource?.resourceType === 'SearchParameter' ? [resource] : []))
  const byUrl = new Map(parameters.map((parameter) => [parameter.url ?? '', parameter]))
  for (const parameter of parameters) {
    for (const base of parameter.base ?? []) {
      table[base] ??= {}
      table[base][parameter.code ?? ''] = row(parameter, base, byUrl)
    }
  }
  const sorted = Object.keys(table).toSorted()
  return Object.fromEntries(sorted.map((type) => [type, table[type] ?? {}]))
}

function row(parameter: SearchParameter, base: string, byUrl: Map<string, SearchParameter>): SearchParameterRow {
  const result: SearchParameterRow = { type: parameter.type ?? 'special' }
  const expression = forBase(parameter.expression ?? '', base)
  if (expression) result.expression = expression
  if (parameter.type === 'reference' && parameter.target) result.target = parameter.target
  if (parameter.component) result.components = parameter.component.map((each) => componentRow(each, byUrl))
  return result
}

/**
 * R4 has the parts of DocumentReference.relationship the wrong way about: `code` is said to be the reference and
 * `target` the token. Taken as written, it could match nothing.
 */
const SWAPPED: Readonly<Record<string, string>> = {
  'http://hl7.org/fhir/SearchParameter/DocumentReference-relatesto':
    'http://hl7.org/fhir/SearchParameter/DocumentReference-relation',
  'http://hl7.org/fhir/SearchParameter/DocumentReference-relation':
    'http://hl7.org/fhir/SearchParameter/DocumentReference-relatesto',
}

type Component = NonNullable<SearchParameter['component']>[number]

/** A part of a composite: its own expression, which starts at the composite's element, and its definition's kind. */
function componentRow({ definition, expression }: Component, byUrl: Map<string, SearchParameter>): SearchParameterRow {
  const { type, target } = byUrl.get(SWAPPED[definition ?? ''] ?? definition ?? '') ?? {}
  const result: SearchParameterRow = { type: type ?? 'special', expression: expression ?? '' }
  if (type === 'reference' && target) result.target = target
  return result
}

/** A parameter shared by many types is a union; only the branches that start at this type can match it. */
function forBase(expression: string, base: string): string {
  const branches = splitUnion(expression)
  const own = branches.filter((branch) => new RegExp(`^\\(*${base}\\b`).test(branch))
  return (own.length > 0 && base !== 'Resource' ? own : branches).join(' | ')
}

function splitUnion(expression: string): string[] {
  const branches: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < expression.length; at++) {
    const char = expression[at]
    if (char === '(') depth++
    if (char === ')') depth--
    if (char === '|' && depth === 0) {
      branches.push(expression.slice(start, at).trim())
      start = at + 1
    }
  }
  branches.push(expression.slice(start).trim())
  return branches.filter((branch) => branch !== '')
}

/** Resource type → the search parameters that put a resource into a patient's compartment. */
export function condenseCompartment(definition: CompartmentDefinition): Record<string, string[]> {
  const members = (definition.resource ?? []).filter((resource) => resource.param)
  return Object.fromEntries(members.map((resource) => [resource.code ?? '', resource.param ?? []]))
}
