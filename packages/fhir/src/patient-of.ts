import type { AuditEvent, Bundle, Group, Provenance, Resource } from '@medplum/fhirtypes'
import { shapeOf } from './definitions.ts'
import { FhirError } from './outcomes.ts'
import { parseReference } from './reference-text.ts'
import { referencesOf } from './reference-walk.ts'

/** What the room cannot know by itself. */
export interface OwnerContext {
  /** Bases (without trailing slash) under which an absolute URL names this server's own resources. */
  bases?: readonly string[]
  /**
   * The patient, as `Patient/id`, of another resource that this one speaks about (a Provenance's target, an
   * AuditEvent's entity); undefined if unknown. Without it such resources are settled by patients they name.
   */
  patientOfTarget?: (type: string, id: string) => string | undefined
  /** The patient of a URN or conditional reference inside a Bundle being resolved. */
  resolve?: (reference: string) => string | undefined
}

/** Whose record a resource belongs to. */
export type ResourceOwner =
  /** `reference` is `Patient/id`, or the text as written where it cannot be resolved here (urn:…, Patient?…). */
  | { kind: 'patient', reference: string }
  /** No patient: the organisation's own vault. */
  | { kind: 'organisation' }
  /** Names patients only in a way that does not settle it: the caller must ask or refuse. */
  | { kind: 'ambiguous', reason: 'group' | 'logical' | 'unreadable' | 'many', references: readonly string[] }

/**
 * The elements that say whose record a resource is, by type. R4's Patient compartment also lists actors
 * (performer, author, asserter…): a patient who only acts is not whom the record is about, so those are not here.
 * Naming two different patients is refused.
 */
const SUBJECTS: Readonly<Record<string, readonly string[]>> = {
  Binary: ['securityContext'], Linkage: ['item.resource'], MessageHeader: ['focus'], Person: ['link.target'],
  Schedule: ['actor'], VerificationResult: ['target'],
  Account: ['subject'], AdverseEvent: ['subject'], AllergyIntolerance: ['patient'],
  Appointment: ['participant.actor'], AppointmentResponse: ['actor'], Basic: ['subject'],
  BodyStructure: ['patient'], CarePlan: ['subject'], CareTeam: ['subject'],
  ChargeItem: ['subject'], Claim: ['patient'], ClaimResponse: ['patient'], ClinicalImpression: ['subject'],
  Communication: ['subject'], CommunicationRequest: ['subject'], Composition: ['subject'], Condition: ['subject'],
  Consent: ['patient'], Contract: ['subject'], Coverage: ['beneficiary'],
  CoverageEligibilityRequest: ['patient'], CoverageEligibilityResponse: ['patient'], DetectedIssue: ['patient'],
  Device: ['patient'], DeviceRequest: ['subject'], DeviceUseStatement: ['subject'], DiagnosticReport: ['subject'],
  DocumentManifest: ['subject'], DocumentReference: ['subject'], Encounter: ['subject'],
  EnrollmentRequest: ['candidate'], EpisodeOfCare: ['patient'], ExplanationOfBenefit: ['patient'],
  FamilyMemberHistory: ['patient'], Flag: ['subject'], Goal: ['subject'], GuidanceResponse: ['subject'],
  ImagingStudy: ['subject'], Immunization: ['patient'], ImmunizationEvaluation: ['patient'],
  ImmunizationRecommendation: ['patient'], Invoice: ['subject'], List: ['subject'], MeasureReport: ['subject'],
  Media: ['subject'], Observation: ['subject'], MedicationAdministration: ['subject'], MedicationDispense: ['subject'],
  MedicationRequest: ['subject'], MedicationStatement: ['subject'], MolecularSequence: ['patient'],
  NutritionOrder: ['patient'], Procedure: ['subject'], QuestionnaireResponse: ['subject'],
  RelatedPerson: ['patient'], RequestGroup: ['subject'], ResearchSubject: ['individual'],
  RiskAssessment: ['subject'], ServiceRequest: ['subject'], Specimen: ['subject'],
  SupplyDelivery: ['patient'], SupplyRequest: ['deliverTo'], Task: ['for', 'focus'], VisionPrescription: ['patient'],
}

/**
 * Whose record a resource belongs to. A Patient owns itself; a document or collection Bundle belongs to its
 * Composition's subject, else to the patient all its entries share; Provenance and AuditEvent to what they speak of.
 * `bases` in the context make absolute URLs of this server count as its own.
 * @throws FhirError `ambiguous-patient` if it names two different patients
 */
export function patientOf(resource: Resource, context: OwnerContext = {}): ResourceOwner {
  if (resource.resourceType === 'Patient') {
    return resource.id === undefined ? ambiguous('unreadable', []) : patient(`Patient/${resource.id}`)
  }
  if (resource.resourceType === 'Bundle') return ownerOfBundle(resource, context)
  if (resource.resourceType === 'Group') return ownerOfGroup(resource, context)
  if (resource.resourceType === 'Provenance') return settle(provenanceTexts(resource), resource, context)
  if (resource.resourceType === 'AuditEvent') return settle(auditTexts(resource), resource, context)
  const subjects = SUBJECTS[resource.resourceType]
  if (!subjects) return { kind: 'organisation' }
  const named = subjects.flatMap((path) => valuesAt(resource, path)) as Named[]
  const owner = settle(named, resource, context)
  return owner.kind === 'organisation' && named.length === 0 ? ownerByMention(resource, context) : owner
}

/**
 * Nobody is named as subject, yet a patient may be as performer, author or link (an Observation
 * without subject): one patient owns it, several make it ambiguous. Falling through to the
 * organisation's vault would let a patient's data escape the patient's grants by leaving one element out.
 */
function ownerByMention(resource: Resource, context: OwnerContext): ResourceOwner {
  const patients = new Set<string>()
  for (const { reference, holder } of referencesOf(resource)) {
    if (reference.startsWith('#')) continue
    const owner = ownerOfReference(holder, resource, { ...context, patientOfTarget: () => undefined })
    if (owner?.kind === 'patient') patients.add(owner.reference)
  }
  const [only] = patients
  if (patients.size > 1) return ambiguous('many', [...patients])
  return only === undefined ? { kind: 'organisation' } : patient(only)
}

interface Named { reference?: string, type?: string, identifier?: unknown }

const patient = (reference: string): ResourceOwner => ({ kind: 'patient', reference })

function ambiguous(reason: 'group' | 'logical' | 'unreadable' | 'many', references: readonly string[]): ResourceOwner {
  return { kind: 'ambiguous', reason, references }
}

/** One patient among what is named, none, or a refusal. */
function settle(named: readonly Named[], resource: Resource, context: OwnerContext): ResourceOwner {
  const patients = new Set<string>()
  let open: ResourceOwner | undefined
  for (const each of named) {
    const owner = ownerOfReference(each, resource, context)
    if (owner?.kind === 'patient') patients.add(owner.reference)
    else if (owner) open ??= owner
  }
  if (patients.size > 1) {
    throw new FhirError('ambiguous-patient', 'names more than one patient; split it', resource.resourceType)
  }
  const [only] = patients
  if (only !== undefined) return patient(only)
  return open ?? { kind: 'organisation' }
}

function ownerOfReference(named: Named, resource: Resource, context: OwnerContext): ResourceOwner | undefined {
  const text = named.reference
  if (text === undefined) {
    const maybePatient = named.type === 'Patient' || (named.type === undefined && named.identifier !== undefined)
    return maybePatient ? ambiguous('logical', []) : undefined
  }
  const parsed = parseReference(text)
  if (parsed.kind === 'contained') return ownerOfContained(parsed.id, resource, context)
  if (parsed.kind === 'urn' || parsed.kind === 'conditional') {
    if (parsed.kind === 'conditional' && parsed.type !== 'Patient') return undefined
    const resolved = context.resolve?.(text)
    if (resolved !== undefined) return ownerOfReference({ reference: resolved }, resource,
      { bases: context.bases ?? [] })
    if (parsed.kind === 'urn' && named.type !== undefined && named.type !== 'Patient') return undefined
    return parsed.kind === 'urn' ? ambiguous('unreadable', [text]) : patient(text)
  }
  if (parsed.kind === 'other') return ambiguous('unreadable', [])
  if (parsed.type === 'Group') return ambiguous('group', [text])
  if (parsed.base !== undefined && !context.bases?.includes(parsed.base)) {
    return parsed.type === 'Patient' ? patient(text) : undefined
  }
  if (parsed.type === 'Patient') return patient(`Patient/${parsed.id}`)
  const related = context.patientOfTarget?.(parsed.type, parsed.id)
  return related === undefined ? undefined : patient(related)
}

/** A contained Patient is nobody's record by itself: it has an identifier at best. */
function ownerOfContained(id: string, resource: Resource, context: OwnerContext): ResourceOwner | undefined {
  const inside = (resource as { contained?: Resource[] }).contained?.find((inner) => inner.id === id)
  if (!inside) return ambiguous('unreadable', [])
  if (inside.resourceType === 'Patient') return ambiguous('logical', [])
  if (inside.resourceType === 'Group') return ambiguous('group', [])
  const subjects = SUBJECTS[inside.resourceType] ?? []
  const named = subjects.flatMap((path) => valuesAt(inside, path)) as Named[]
  return named.length > 0 ? settle(named, { ...inside, contained: [] } as Resource, context) : undefined
}

/** A Group of one patient is that patient's; of several, nobody's single record; a descriptive one has none. */
function ownerOfGroup(group: Group, context: OwnerContext): ResourceOwner {
  const owners = (group.member ?? []).map((member) => ownerOfReference(member.entity as Named, group, context))
  const patients = new Set(owners.map((owner) => (owner?.kind === 'patient' ? owner.reference : '')))
  patients.delete('')
  const [only] = patients
  if (patients.size === 1 && only !== undefined && owners.every((owner) =>
    owner?.kind === 'patient')) return patient(only)
  if (patients.size > 0) return ambiguous('many', [...patients])
  return owners.find((owner) => owner?.kind === 'ambiguous') ?? { kind: 'organisation' }
}

function provenanceTexts(provenance: Provenance): Named[] {
  return provenance.target
}

function auditTexts(event: AuditEvent): Named[] {
  const entities = (event.entity ?? []).flatMap((entity) => (entity.what ? [entity.what as Named] : []))
  const patients = entities.filter((what) => what.reference !== undefined && /(^|\/)Patient\//.test(what.reference))
  return patients.length > 0 ? patients : entities
}

function ownerOfBundle(bundle: Bundle, context: OwnerContext): ResourceOwner {
  const byUrl = new Map<string, Resource>()
  const resources: Resource[] = []
  for (const entry of bundle.entry ?? []) {
    if (!entry.resource) continue
    resources.push(entry.resource)
    if (entry.fullUrl !== undefined) byUrl.set(entry.fullUrl, entry.resource)
  }
  const inside: OwnerContext = { ...context, resolve: (text) => insideBundle(text, byUrl) ?? context.resolve?.(text) }
  const composition = resources.find((each) => each.resourceType === 'Composition')
  if (bundle.type === 'document' && composition) return patientOf(composition, inside)
  const owners = resources.map((each) => patientOf(each, inside))
  const patients = new Set(owners.flatMap((owner) => (owner.kind === 'patient' ? [owner.reference] : [])))
  if (patients.size > 1) return ambiguous('many', [...patients])
  const [only] = patients
  if (only !== undefined) return patient(only)
  return owners.find((owner) => owner.kind === 'ambiguous') ?? { kind: 'organisation' }
}

function insideBundle(text: string, byUrl: ReadonlyMap<string, Resource>): string | undefined {
  const target = byUrl.get(text)
  return target?.id === undefined ? undefined : `${target.resourceType}/${target.id}`
}

/** Values at a dotted path of plain elements, arrays opened. */
function valuesAt(resource: Resource, path: string): unknown[] {
  let values: unknown[] = [resource]
  for (const step of path.split('.')) {
    values = values.flatMap((value) => {
      const member = (value as Record<string, unknown>)[step]
      return member === undefined ? [] : Array.isArray(member) ? (member as unknown[]) : [member]
    })
  }
  return values
}

/** The subject elements named above, for the test that holds them against the definitions. */
export function subjectElements(): readonly (readonly [type: string, element: string])[] {
  return Object.entries(SUBJECTS).flatMap(([type, paths]) => paths.map((path) => [type, path] as const))
}

/** True if the type has that element (a dotted path); see `subjectElements`. */
export function hasElement(type: string, path: string): boolean {
  let shape = shapeOf(type)
  return path.split('.').every((step) => {
    const slot = shape?.slots.get(step)
    shape = slot?.shape
    return slot !== undefined
  })
}
