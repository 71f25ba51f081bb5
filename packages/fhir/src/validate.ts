/**
 * Base R4 validation: what this room accepts as a resource.
 * @module
 */
import type { Resource } from '@medplum/fhirtypes'
import { isResourceType } from './definitions.ts'
import { parseJson } from './json-text.ts'
import { LIMITS } from './limits.ts'
import { FhirError } from './outcomes.ts'
import type { Finding } from './outcomes.ts'
import { walkResource } from './walk.ts'
import type { Walk } from './walk-state.ts'

export { installDefinitions, isResourceType, resourceTypes } from './definitions.ts'
export { parseJson } from './json-text.ts'
export { LIMITS } from './limits.ts'
export { isId } from './primitives.ts'

/**
 * Accepts a value as an R4 resource or refuses it with every finding: unknown types and elements, wrong JSON
 * types, cardinalities, formats of primitives, required codes, reference targets, invariants, XHTML of narratives.
 * The value is returned as is, not copied. Terminology beyond required code lists and profiles are not checked.
 * @throws FhirError `unknown-type`, `invalid-resource`
 */
export function validateResource(json: unknown): Resource {
  const findings = findingsOf(json)
  if (findings.length > 0) throw FhirError.of('invalid-resource', findings)
  return json as Resource
}

/** All findings on a value as an R4 resource, without refusing it. @throws FhirError `unknown-type` */
export function findingsOf(json: unknown): readonly Finding[] {
  const type = (json as { resourceType?: unknown } | null | undefined)?.resourceType
  if (typeof type === 'string' && !isResourceType(type)) {
    throw new FhirError('unknown-type', 'resourceType is not a resource type of FHIR R4', 'resourceType')
  }
  const walk: Walk = { findings: [], path: [], resources: [] }
  walkResource(json, walk)
  if (walk.findings.length > LIMITS.issues) {
    walk.findings.push({ severity: 'error', code: 'too-costly',
      diagnostics: `only ${LIMITS.issues} findings are told` })
  }
  return walk.findings
}

/**
 * Parses and validates the JSON text of one resource; a Bundle may be larger (`limit`).
 * @throws FhirError of `parseJson` and `validateResource`
 */
export function parseResource(text: string, limit: number = LIMITS.resourceText): Resource {
  return validateResource(parseJson(text, limit))
}
