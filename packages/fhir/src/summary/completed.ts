/**
 * Elements that the profiles want and records do not always have: said to be unknown, as the guide has it (Empty Fields
 * and Missing Data), never made up.
 */
import type { Resource } from '@medplum/fhirtypes'

type Json = Record<string, unknown>

const UNKNOWN = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
}

/** By type: a member, the choices that would do, and what stands for it. */
interface Wanted {
  readonly oneOf: readonly string[]
  readonly member: string
  readonly value: unknown
}

const wanted = (member: string, value: unknown = UNKNOWN, ...oneOf: readonly string[]): Wanted =>
  ({ member, value, oneOf: [member, member.replace(/^_/, ''), ...oneOf] })

const NAMED: readonly Wanted[] = [wanted('name', [{ _text: UNKNOWN }])]

const WANTED: Readonly<Record<string, readonly Wanted[]>> = {
  Patient: [...NAMED, wanted('_birthDate')],
  Practitioner: NAMED,
  Organization: [wanted('_name')],
  AllergyIntolerance: [wanted('code')],
  Condition: [wanted('code')],
  Medication: [wanted('code')],
  Procedure: [wanted('code'), wanted('_performedDateTime', UNKNOWN, 'performedPeriod', 'performedString',
    'performedAge', 'performedRange')],
  MedicationStatement: [wanted('_effectiveDateTime', UNKNOWN, 'effectivePeriod')],
  DeviceUseStatement: [wanted('_timingDateTime', UNKNOWN, 'timingPeriod', 'timingTiming')],
  DiagnosticReport: [wanted('_effectiveDateTime', UNKNOWN, 'effectivePeriod')],
  Observation: [
    wanted('_effectiveDateTime', UNKNOWN, 'effectivePeriod', 'effectiveTiming', 'effectiveInstant'),
    wanted('performer', [UNKNOWN]),
  ],
  Specimen: [wanted('type')],
}

/** The resource with what is missing said to be unknown; the very same object where nothing is. */
export function completed<T extends Resource>(resource: T): T {
  const members = resource as unknown as Json
  const missing = (WANTED[resource.resourceType] ?? []).filter(({ oneOf }) =>
    oneOf.every((name) => members[name] === undefined))
  if (missing.length === 0) return resource
  return { ...resource, ...Object.fromEntries(missing.map(({ member, value }) => [member, value])) }
}
