/** Which section of a summary a resource stands in, if any. By status and code; nothing is judged by its words. */
import type { CodeableConcept, Observation, Resource } from '@medplum/fhirtypes'
import { codeOf, sortKey } from './cells.ts'
import type { SectionKey } from './sections.ts'

const LOINC = 'http://loinc.org'
const TOBACCO = '72166-2'
const ALCOHOL = '74013-4'

/** Status, estimated delivery dates, and outcomes as the IPS value sets list them. */
const PREGNANCY: ReadonlySet<string> = new Set([
  '82810-3', '11778-8', '11779-6', '11780-4', '11636-8', '11637-6', '11638-4', '11639-2', '11640-0', '11612-9',
  '11613-7', '11614-5', '33065-4',
])

/** Consent categories that are a person's own advance directive (consentcategorycodes), and LOINC's. */
const DIRECTIVES: ReadonlySet<string> = new Set(['acd', 'dnr', 'polst', 'hcd', 'emrgonly', '42348-3', '59284-0'])

const ERRORS: ReadonlySet<string | undefined> = new Set(['entered-in-error', 'cancelled'])
const REFUTED: ReadonlySet<string | undefined> = new Set(['entered-in-error', 'refuted'])
const OVER: ReadonlySet<string | undefined> = new Set(['inactive', 'remission', 'resolved'])
const TAKEN: ReadonlySet<string> = new Set(['active', 'intended', 'on-hold', 'unknown'])
const ORDERED: ReadonlySet<string> = new Set(['active', 'on-hold', 'unknown'])
const DONE: ReadonlySet<string> = new Set(['completed', 'in-progress', 'on-hold', 'stopped', 'unknown'])
const USED: ReadonlySet<string> = new Set(['active', 'completed', 'intended', 'on-hold'])

export function sectionOf(resource: Resource): SectionKey | undefined {
  const rule = RULES[resource.resourceType] as ((each: Resource) => SectionKey | undefined) | undefined
  return rule?.(resource)
}

type Rules = { readonly [T in Resource['resourceType']]?:
  (resource: Extract<Resource, { resourceType: T }>) => SectionKey | undefined }

const RULES: Rules = {
  AllergyIntolerance: ({ verificationStatus }) => (REFUTED.has(codeOf(verificationStatus)) ? undefined : 'allergies'),
  Condition: ofCondition,
  MedicationStatement: ({ status }) => (TAKEN.has(status) ? 'medications' : undefined),
  MedicationRequest: ({ status, intent, doNotPerform }) =>
    (ORDERED.has(status) && intent !== 'proposal' && doNotPerform !== true ? 'medications' : undefined),
  Immunization: ({ status }) => (status === 'completed' ? 'immunizations' : undefined),
  Procedure: ({ status }) => (DONE.has(status) ? 'procedures' : undefined),
  DeviceUseStatement: ({ status }) => (USED.has(status) ? 'devices' : undefined),
  DiagnosticReport: ({ status }) => (ERRORS.has(status) ? undefined : 'results'),
  Flag: ({ status }) => (status === 'active' ? 'alerts' : undefined),
  CarePlan: ({ status }) => (status === 'active' ? 'planOfCare' : undefined),
  ImmunizationRecommendation: () => 'planOfCare',
  Consent: ({ status, category }) =>
    (status === 'active' && hasCode(category, DIRECTIVES) ? 'advanceDirectives' : undefined),
  Observation: (observation) => (ERRORS.has(observation.status) ? undefined : ofObservation(observation)),
}

function ofCondition(condition: Extract<Resource, { resourceType: 'Condition' }>): SectionKey | undefined {
  if (REFUTED.has(codeOf(condition.verificationStatus))) return undefined
  const over = OVER.has(codeOf(condition.clinicalStatus))
    || (condition.clinicalStatus === undefined && sortKey(condition, 'abatement') !== '')
  if (over) return 'pastProblems'
  return hasCode(condition.category, FUNCTIONAL) ? 'functionalStatus' : 'problems'
}

const FUNCTIONAL: ReadonlySet<string> = new Set(['47420-5', 'functional-status', 'disability-status'])

function ofObservation(observation: Observation): SectionKey | undefined {
  const codes = (observation.code.coding ?? []).flatMap(({ system, code }) => (system === LOINC && code ? [code] : []))
  if (codes.some((code) => PREGNANCY.has(code))) return 'pregnancy'
  if (codes.includes(TOBACCO) || codes.includes(ALCOHOL)) return 'socialHistory'
  if (hasCode(observation.category, LABORATORY)) return 'results'
  if (hasCode(observation.category, VITALS)) return 'vitalSigns'
  return hasCode(observation.category, SOCIAL) ? 'socialHistory' : undefined
}

const LABORATORY: ReadonlySet<string> = new Set(['laboratory', 'imaging'])
const VITALS: ReadonlySet<string> = new Set(['vital-signs'])
const SOCIAL: ReadonlySet<string> = new Set(['social-history'])

function hasCode(values: readonly CodeableConcept[] | undefined, wanted: ReadonlySet<string>): boolean {
  return (values ?? []).some(({ coding }) => coding?.some(({ code }) => code !== undefined && wanted.has(code)))
}

/** What makes two entries the same thing measured twice: of these the latest stands for all. */
export function seriesOf(resource: Resource): string | undefined {
  if (resource.resourceType !== 'Observation' && resource.resourceType !== 'DiagnosticReport') return undefined
  if (sectionOf(resource) === 'pregnancy') return undefined
  const coding = resource.code.coding?.find(({ code }) => code !== undefined)
  const name = coding === undefined ? resource.code.text : `${coding.system ?? ''}|${coding.code ?? ''}`
  return name === undefined ? undefined : `${resource.resourceType}|${name}`
}

/** When it was, as text that sorts. */
export function whenOf(resource: Resource): string {
  return sortKey(resource, 'effective', 'performed', 'occurrence', 'recorded', 'recordedDate', 'authoredOn', 'onset',
    'timing', 'dateAsserted', 'dateTime', 'date', 'issued')
}
