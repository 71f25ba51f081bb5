/** HL7 v2 ADT^A40 (merge patient): its two identifiers as the merge operation takes them. */
import type { Identifier, Parameters } from '@medplum/fhirtypes'

/** A component list of PID-3 or MRG-1, data type CX: number ^ check ^ scheme ^ authority ^ type. */
export interface V2Identifier {
  value: string
  /** CX.4: namespace, universal id, and its kind (ISO for an OID). */
  authority?: { namespace?: string, universalId?: string, universalIdType?: string }
}

/**
 * The Parameters of `Patient/$merge` for an A40: PID-3 names who remains (the target), MRG-1 who is replaced (the
 * source). Undefined where a side has no identifier that can be looked up: such a message must be refused, because
 * merging by a number without its authority would merge strangers.
 * @param systems of each assigning authority's namespace, as this site has them
 */
export function mergeOfA40(
  pid3: readonly V2Identifier[],
  mrg1: readonly V2Identifier[],
  systems: ReadonlyMap<string, string>,
): Parameters | undefined {
  const targets = pid3.flatMap((each) => identifierOf(each, systems) ?? [])
  const sources = mrg1.flatMap((each) => identifierOf(each, systems) ?? [])
  if (targets.length === 0 || sources.length === 0) return undefined
  return {
    resourceType: 'Parameters',
    parameter: [
      ...sources.map((valueIdentifier) => ({ name: 'source-patient-identifier', valueIdentifier })),
      ...targets.map((valueIdentifier) => ({ name: 'target-patient-identifier', valueIdentifier })),
    ],
  }
}

function identifierOf(
  { value, authority }: V2Identifier, systems: ReadonlyMap<string, string>,
): Identifier | undefined {
  const isOid = authority?.universalIdType === 'ISO' && /^[0-2](\.\d+)+$/.test(authority.universalId ?? '')
  const system = systems.get(authority?.namespace ?? '') ?? (isOid ? `urn:oid:${authority?.universalId}` : undefined)
  return value.trim() === '' || system === undefined ? undefined : { system, value: value.trim() }
}
