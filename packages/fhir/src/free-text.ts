import { LIMITS } from './limits.ts'

/**
 * What counts as human free text, as data. Free text is where doctors write what no code says, so a resource that
 * carries any is always strict. Three degrees:
 * - PROSE: any content at all. Every `markdown` element too (`Annotation.text` is one), without being listed.
 * - SENTENCE: anything but one code-like token ("positive", "B12"); for answers and results typed by hand.
 * - every other string is a label: free text once longer than `LIMITS.label` or broken into lines.
 * Members are named `Type.member`, a backbone's type being its path.
 */
export const PROSE: ReadonlySet<string> = new Set([
  'AdverseEvent.description', 'AllergyIntolerance.reaction.description', 'Appointment.comment',
  'Appointment.description', 'Appointment.patientInstruction', 'AppointmentResponse.comment', 'AuditEvent.outcomeDesc',
  'BodyStructure.description', 'CarePlan.description', 'CarePlan.activity.detail.description',
  'ClinicalImpression.description', 'ClinicalImpression.summary', 'ClinicalImpression.finding.basis',
  'Communication.payload.contentString', 'CommunicationRequest.payload.contentString', 'DetectedIssue.detail',
  'DetectedIssue.mitigation.action', 'DiagnosticReport.conclusion', 'DocumentManifest.description',
  'DocumentReference.description', 'Dosage.patientInstruction', 'EpisodeOfCare.note', 'Goal.statusReason',
  'Immunization.education.documentType', 'ImmunizationEvaluation.description',
  'ImmunizationRecommendation.recommendation.description', 'MedicationRequest.instantiatesText',
  'RiskAssessment.mitigation', 'Schedule.comment', 'Slot.comment', 'ServiceRequest.patientInstruction',
  'SupplyDelivery.note', 'Task.description', 'VisionPrescription.lensSpecification.note', 'Composition.title.note',
])

export const SENTENCE: ReadonlySet<string> = new Set([
  'Observation.valueString', 'Observation.component.valueString', 'QuestionnaireResponse.item.answer.valueString',
  'Condition.onsetString', 'Condition.abatementString', 'Procedure.performedString', 'AllergyIntolerance.onsetString',
  'FamilyMemberHistory.ageString', 'FamilyMemberHistory.deceasedString', 'FamilyMemberHistory.bornString',
  'FamilyMemberHistory.condition.onsetString', 'Extension.valueString', 'Extension.valueMarkdown',
  'Observation.referenceRange.text', 'Specimen.collection.note', 'Media.deviceName', 'Flag.note',
  'Parameters.parameter.valueString', 'Task.input.valueString', 'Task.output.valueString',
  'ImmunizationRecommendation.recommendation.doseNumberString', 'Consent.provision.note',
  'List.title', 'CarePlan.title', 'Media.note',
])

/** Strings that are long by nature and not written by a person about a person. */
export const EXEMPT: ReadonlySet<string> = new Set([
  'SampledData.data', 'MolecularSequence.observedSeq', 'MolecularSequence.referenceSeq.referenceSeqString',
  'QuestionnaireResponse.item.text', 'Narrative.div', 'Attachment.data', 'Binary.data', 'Signature.data',
  'Expression.expression', 'Coding.display', 'AuditEvent.entity.query',
])

/**
 * Uncoded CodeableConcepts whose text is a name (of a drug, a vaccine, a test…), not a finding: a label. An uncoded
 * concept anywhere else is SENTENCE, because no sensitivity rule can see what "séropositif" means.
 */
export const NAMED_THINGS: ReadonlySet<string> = new Set([
  'AllergyIntolerance.code', 'AllergyIntolerance.reaction.substance', 'AllergyIntolerance.reaction.manifestation',
  'AllergyIntolerance.reaction.exposureRoute', 'Medication.code', 'Medication.form',
    'Medication.ingredient.itemCodeableConcept',
  'MedicationRequest.medicationCodeableConcept', 'MedicationStatement.medicationCodeableConcept',
  'MedicationAdministration.medicationCodeableConcept', 'MedicationDispense.medicationCodeableConcept',
  'Immunization.vaccineCode', 'Immunization.site', 'Immunization.route', 'Observation.code',
    'Observation.component.code',
  'Observation.method', 'Observation.bodySite', 'DiagnosticReport.code', 'Dosage.site', 'Dosage.route', 'Dosage.method',
  'Dosage.additionalInstruction', 'Timing.code', 'Device.type', 'Specimen.type', 'Identifier.type',
    'Patient.maritalStatus',
  'Patient.contact.relationship', 'RelatedPerson.relationship', 'Practitioner.qualification.code',
    'PractitionerRole.code',
  'PractitionerRole.specialty', 'Organization.type', 'Location.type', 'Location.physicalType', 'Coverage.type',
  'Coverage.relationship', 'Coverage.class.type', 'Encounter.type', 'Encounter.serviceType', 'Encounter.priority',
  'Encounter.participant.type', 'ImagingStudy.procedureCode', 'Composition.type', 'Composition.section.code',
  'DocumentReference.type', 'HealthcareService.type', 'HealthcareService.specialty', 'Claim.item.productOrService',
  'ExplanationOfBenefit.item.productOrService', 'CareTeam.participant.role', 'CarePlan.category', 'ClaimResponse.type',
])

/** Extensions whose strings are names or demographic labels: their `valueString` is a label, not SENTENCE. */
export const LABEL_EXTENSIONS: ReadonlySet<string> = new Set([
  'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName',
  'http://hl7.org/fhir/StructureDefinition/humanname-own-name',
  'http://hl7.org/fhir/StructureDefinition/humanname-own-prefix',
  'http://hl7.org/fhir/StructureDefinition/humanname-fathers-family',
  'http://hl7.org/fhir/StructureDefinition/humanname-mothers-family',
  'http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName',
  'http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber',
  'http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-additionalLocator',
  'http://hl7.org/fhir/StructureDefinition/narrativeLink',
  'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name',
  'http://hl7.org/fhir/StructureDefinition/rendering-style',
  'text', // the label part of a complex extension, as in us-core-race
])

/**
 * Content types that hold no text a program could read out: images, sound and their like. Everything else does, a
 * letter sent as application/octet-stream or message/rfc822 too: a list of what is text would never be whole.
 */
const WITHOUT_TEXT = /^(?:(?:image|audio|video)\/(?!.*\+(?:xml|json))|application\/dicom(?:;|$))/i

const CODE_LIKE = /^\S{1,40}$/

/** True if a string counts as free text at this member. */
export function isFreeString(value: string, member: string, type: string): boolean {
  if (EXEMPT.has(member)) return false
  if (PROSE.has(member) || type === 'markdown') return NOT_BLANK.test(value)
  if (SENTENCE.has(member)) return !CODE_LIKE.test(value.trim())
  return isLongLabel(value)
}

const NOT_BLANK = /\S/

/** FHIR allows these as line ends or as characters; all of them break a line. */
const LINES = /[\n\r\u0085\u2028\u2029]/

/** True for a label too long, or broken into lines, to be one. */
export function isLongLabel(value: string): boolean {
  return value.length > LIMITS.label || LINES.test(value)
}

/** True if the text is more than one code-like token. */
export function isSentence(value: string): boolean {
  return !CODE_LIKE.test(value.trim())
}

/** True if an attachment of this content type (absent: unknown, so yes) holds text. */
export function holdsText(contentType: unknown): boolean {
  return typeof contentType !== 'string' || !WITHOUT_TEXT.test(contentType)
}

/** Narrative states that say a person wrote it (R4 narrative-status). Only `generated` and `empty` do not. */
export function isWrittenNarrative(status: unknown): boolean {
  return status !== 'generated' && status !== 'empty'
}
