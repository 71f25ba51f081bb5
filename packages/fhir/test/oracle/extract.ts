/** Values at an expression, by `fhirpath` (HL7's JavaScript implementation) over its own R4 model. */
import type { Resource } from '@medplum/fhirtypes'
import fhirpath from 'fhirpath'
import r4 from 'fhirpath/fhir-context/r4'

/** A value with its FHIR type. */
export interface Node {
  readonly type: string
  readonly data: unknown
  /** Where it was found: what an expression that goes on from here is relative to. */
  readonly path: string
}

interface EvaluatorNode {
  readonly data: unknown
  readonly fhirNodeDataType: string | null
}

const typeNamed = (reference: unknown): string | undefined => {
  const { reference: text, type } = (reference ?? {}) as { reference?: string; type?: string }
  return /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]+(?:\/_history\/[A-Za-z0-9.-]+)?$/.exec(text ?? '')?.[1] ?? type
}

/** `resolve()` needs a server; what it is used for in search is the type that a reference names. */
const functions = {
  refersTo: {
    fn: (inputs: readonly unknown[], type: string): boolean[] =>
      inputs.map((input) => typeNamed((input as EvaluatorNode).data ?? input) === type),
    arity: { 1: ['String' as const] },
  },
}

const rewritten = (expression: string): string => expression
  .replaceAll(/resolve\(\) is (\w+)/g, "refersTo('$1')")
  // R4 writes the type of Observation's code-value-date in capitals; there is no such type.
  .replaceAll('ofType(DateTime)', 'ofType(dateTime)')

type Evaluator = (input: unknown, variables?: Record<string, unknown>) => unknown[]

const compiled = new Map<string, Evaluator>()

const evaluatorOf = (expression: string, base: string | undefined): Evaluator => {
  const key = `${base ?? ''} ${expression}`
  const known = compiled.get(key)
  if (known !== undefined) return known
  const path = rewritten(expression)
  const options = { resolveInternalTypes: false, userInvocationTable: functions }
  const made = fhirpath.compile(base === undefined ? path : { base, expression: path }, r4, options as never)
  const evaluate = made as unknown as Evaluator
  compiled.set(key, evaluate)
  return evaluate
}

/** The evaluator keeps decimals as objects with their text. */
const plain = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'asStr' in data ? Number(data.asStr) : data

const nodeOf = (value: unknown, path: string): Node => {
  if (typeof value !== 'object' || value === null || !('fhirNodeDataType' in value)) {
    return { type: typeof value, data: plain(value), path }
  }
  const { data, fhirNodeDataType } = value as EvaluatorNode
  // Its model does not know DeviceDefinition.classification.type.
  const isConcept = typeof data === 'object' && data !== null && 'coding' in data
  const type = fhirNodeDataType ?? (isConcept ? 'CodeableConcept' : '')
  return { type: type.replace('System.String', 'string'), data: plain(data), path }
}

/** Branches of a union that can match nothing in a resource of this type are left out: they only cost time. */
export const branchesFor = (expression: string, type: string): string[] => {
  const branches: string[] = []
  let depth = 0
  let branch = ''
  for (const char of expression) {
    if (char === '|' && depth === 0) {
      branches.push(branch.trim())
      branch = ''
      continue
    }
    if (char === '(') depth++
    if (char === ')') depth--
    branch += char
  }
  branches.push(branch.trim())
  const begins = new RegExp(`^\\(*(${type}|Resource|DomainResource|[a-z]\\w*)\\b`)
  return branches.filter((each) => begins.test(each))
}

const kept = new WeakMap<Resource, Map<string, Node[]>>()

/** The values of an expression in a resource; computed once for each resource. */
export const nodesIn = (resource: Resource, expression: string): Node[] => {
  const values = kept.get(resource) ?? new Map<string, Node[]>()
  kept.set(resource, values)
  const known = values.get(expression)
  if (known !== undefined) return known
  const nodes = branchesFor(expression, resource.resourceType)
    .flatMap((branch) => evaluatorOf(branch, undefined)(resource).map((value) => nodeOf(value, branch)))
  values.set(expression, nodes)
  return nodes
}

/** The values of a component's expression on one node of a composite. */
export const nodesOn = (resource: Resource, node: Node, expression: string): Node[] =>
  evaluatorOf(expression, node.path)(node.data, { resource }).map((value) => nodeOf(value, expression))
