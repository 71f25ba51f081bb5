import type { CategoryRule, RuleTable } from './rule-table.ts'

/**
 * Which category a resource lands in, first match first: the strict ones stand before the others, so that a
 * laboratory result on HIV is sexual health before it is laboratory. Codes are matched anywhere in the resource, so
 * that a claim or a document that mentions the diagnosis follows it. Matchers: `system|code` or `system|prefix*`,
 * the system by URI or by an alias of `rule-table.ts`. Not a clinical classification: a first, cautious cut that
 * sites extend.
 */
const SEXUAL_HEALTH: readonly CategoryRule[] = [
  { id: 'sexual-label', category: 'sexual-health', security: [
    'actcode|HIV', 'actcode|STD', 'actcode|SEX', 'actcode|MST', 'actcode|SDV', 'actcode|REPRODUCT', 'actcode|PREGNANT',
  ] },
  { id: 'sexual-icd', category: 'sexual-health', codes: [
    'icd10|A5*', 'icd10|A60*', 'icd10|A61*', 'icd10|A62*', 'icd10|A63*', 'icd10|A64*', 'icd10|B20*', 'icd10|B21*',
    'icd10|B22*', 'icd10|B23*', 'icd10|B24*', 'icd10|Z21*', 'icd10|R75*', 'icd10|Z113*', 'icd10|Z114*', 'icd10|Z206*',
    'icd10|Z202*', 'icd10|Z717*', 'icd10|O04*', 'icd10|O05*', 'icd10|O06*', 'icd10|O987*', 'icd10|Z30*', 'icd10|Z640*',
    'icd10|Z332*', 'icd10|F52*', 'icd10|F64*', 'icd10|F65*', 'icd10|F66*', 'icd10|N484*', 'icd10|N529*', 'icd10|Z70*',
    'icd10|T742*', 'icd10|Y05*', 'icd10|Z044*', 'icd10|Z87890*',
  ] },
  { id: 'sexual-atc', category: 'sexual-health', codes: [
    'atc|J05AE*', 'atc|J05AF*', 'atc|J05AG*', 'atc|J05AJ*', 'atc|J05AR*', 'atc|J05AX*', 'atc|G03A*', 'atc|G03XB*',
    'atc|G02BA*', 'atc|G02BB*', 'atc|G04BE*', 'atc|G03AD*',
  ] },
  { id: 'sexual-loinc', category: 'sexual-health', codes: [
    'loinc|75622-1', 'loinc|7917-8', 'loinc|7918-6', 'loinc|5221-7', 'loinc|5220-9', 'loinc|29893-5', 'loinc|56888-1',
    'loinc|48345-3', 'loinc|49580-4', 'loinc|20447-9', 'loinc|25836-8', 'loinc|89365-1', 'loinc|33866-4',
    'loinc|43010-8', 'loinc|80387-4', 'loinc|68961-2', 'loinc|69668-2', 'loinc|55277-8', 'loinc|24467-3',
    'loinc|20507-0', 'loinc|24110-9', 'loinc|47236-5', 'loinc|22587-0', 'loinc|5292-8', 'loinc|21613-5',
    'loinc|43304-5', 'loinc|24111-7', 'loinc|43305-2', 'loinc|76690-7', 'loinc|76691-5', 'loinc|86645-9',
  ] },
  { id: 'sexual-snomed', category: 'sexual-health', codes: [
    'snomed|86406008', 'snomed|19030005', 'snomed|165816005', 'snomed|62479008', 'snomed|111880001', 'snomed|91947003',
    'snomed|76272004', 'snomed|15628003', 'snomed|240589008', 'snomed|105629000', 'snomed|8098009',
    'snomed|386639001', 'snomed|57797005', 'snomed|19169002', 'snomed|156072005', 'snomed|156073000',
    'snomed|65200003', 'snomed|169553002', 'snomed|46706006', 'snomed|301807007',
    'snomed|287664005', 'snomed|22523008', 'snomed|860914002', 'snomed|397803000',
    'snomed|93461009', 'snomed|248110007',
  ] },
]

const MENTAL_HEALTH: readonly CategoryRule[] = [
  { id: 'mental-label', category: 'mental-health', security: [
    'actcode|PSY', 'actcode|MH', 'actcode|BH', 'actcode|PSYTHPN', 'actcode|EMOTDIS', 'actcode|COGN', 'actcode|DVD',
    'actcode|SUD', 'actcode|ETH', 'actcode|ETHUD', 'actcode|OPIOIDUD', 'actcode|VIO', 'actcode|SDOHVIO',
  ] },
  { id: 'mental-icd', category: 'mental-health', codes: [
    // F17 is tobacco: in the summary, where every carer needs it.
    'icd10|F0*', 'icd10|F10*', 'icd10|F11*', 'icd10|F12*', 'icd10|F13*', 'icd10|F14*', 'icd10|F15*', 'icd10|F16*',
    'icd10|F18*', 'icd10|F19*', 'icd10|F2*', 'icd10|F3*', 'icd10|F4*', 'icd10|F5*', 'icd10|F6*', 'icd10|F7*',
    'icd10|F8*', 'icd10|F9*', 'icd10|X6*', 'icd10|X7*', 'icd10|X80*', 'icd10|X81*', 'icd10|X82*', 'icd10|X83*',
      'icd10|X84*',
    'icd10|Z915*', 'icd10|R4585*', 'icd10|T74*', 'icd10|T76*', 'icd10|Y06*', 'icd10|Y07*', 'icd10|Z630*', 'icd10|Z502*',
    'icd10|Z503*', 'icd10|Z721*', 'icd10|Z722*', 'icd10|Z864*', 'icd10|Z865*', 'icd10|Z914*',
  ] },
  { id: 'mental-atc', category: 'mental-health', codes: ['atc|N05*', 'atc|N06A*', 'atc|N06B*', 'atc|N06C*',
    'atc|N07BB*', 'atc|N07BC*'] },
  { id: 'mental-loinc', category: 'mental-health', codes: [
    'loinc|44249-1', 'loinc|44261-6', 'loinc|55757-9', 'loinc|55758-7', 'loinc|69737-5', 'loinc|70274-6',
      'loinc|75626-2',
    'loinc|72109-2', 'loinc|82666-9', 'loinc|82667-7', 'loinc|76499-3', 'loinc|76504-0', 'loinc|71354-5',
    'loinc|44260-8', 'loinc|93025-5', 'loinc|76501-6', 'loinc|76500-8', 'loinc|76502-4', 'loinc|76503-2',
  ] },
  { id: 'mental-snomed', category: 'mental-health', codes: [
    'snomed|35489007', 'snomed|370143000', 'snomed|36923009', 'snomed|197480006', 'snomed|80583007', 'snomed|47505003',
    'snomed|58214004', 'snomed|13746004', 'snomed|66214007', 'snomed|7200002', 'snomed|5602001', 'snomed|55680006',
    'snomed|6525002', 'snomed|361055000', 'snomed|82313006', 'snomed|6471006', 'snomed|706893006', 'snomed|73595000',
    'snomed|192127007', 'snomed|406506008',
    'snomed|424393004', 'snomed|386516004',
    'snomed|371631005', 'snomed|48694002', 'snomed|74732009', 'snomed|171207006', 'snomed|454711000124102',
    'snomed|715252007', 'snomed|428211000124100', 'snomed|713106006', 'snomed|866148006', 'snomed|868187001',
  ] },
]

const STRICT_LABELS: readonly CategoryRule[] = [
  { id: 'own-label', category: 'private', security: ['scelle|private'] },
  { id: 'own-label-mental', category: 'mental-health', security: ['scelle|mental-health'] },
  { id: 'own-label-sexual', category: 'sexual-health', security: ['scelle|sexual-health'] },
  { id: 'own-label-notes', category: 'notes', security: ['scelle|notes', 'actcode|TBOO', 'actcode|CEL',
    'actcode|DEMO'] },
]

const BY_KIND: readonly CategoryRule[] = [
  { id: 'access-log', category: 'access-log', types: ['AuditEvent'] },
  { id: 'clinical-note', category: 'notes', types: ['Communication', 'CommunicationRequest', 'ClinicalImpression'] },
  { id: 'medication', category: 'medication', types: [
    'MedicationRequest', 'MedicationStatement', 'MedicationAdministration', 'MedicationDispense', 'Medication',
    'MedicationKnowledge',
  ] },
  { id: 'laboratory', category: 'laboratory', types: ['Observation', 'DiagnosticReport'], categories: [
    'obs-category|laboratory', 'v2-0074|LAB', 'v2-0074|CH', 'v2-0074|HM', 'v2-0074|MB', 'v2-0074|BLB', 'v2-0074|GE',
    'v2-0074|IMM', 'v2-0074|MCB', 'v2-0074|MYC', 'v2-0074|PAR', 'v2-0074|SR', 'v2-0074|TX', 'v2-0074|VR', 'v2-0074|CG',
    'v2-0074|CP', 'v2-0074|CY', 'v2-0074|SP', 'v2-0074|PAT', 'loinc|18725-2', 'loinc|26436-6', 'loinc|11502-2',
    'loinc|18719-5', 'loinc|18723-7', 'loinc|18727-8', 'loinc|26437-4', 'loinc|27898-6',
  ] },
  { id: 'laboratory-types', category: 'laboratory', types: ['Specimen', 'MolecularSequence'] },
  { id: 'imaging', category: 'imaging', types: ['Observation', 'DiagnosticReport', 'ServiceRequest', 'Media'],
    categories: [
    'obs-category|imaging', 'v2-0074|RAD', 'v2-0074|CT', 'v2-0074|MR', 'v2-0074|NMR', 'v2-0074|CUS', 'v2-0074|OUS',
    'v2-0074|VUS', 'v2-0074|RUS', 'v2-0074|XRC', 'v2-0074|RX', 'v2-0074|NMS', 'v2-0074|IMG', 'loinc|18748-4',
    'loinc|LP29684-5', 'media-category|image',
  ] },
  { id: 'imaging-types', category: 'imaging', types: ['ImagingStudy'] },
  { id: 'tobacco', category: 'summary', types: ['Observation'], codes: ['loinc|72166-2'] },
  { id: 'vital-signs', category: 'summary', types: ['Observation'],
    categories: ['obs-category|vital-signs', 'obs-category|exam'] },
  { id: 'summary', category: 'summary', types: [
    'AllergyIntolerance', 'Condition', 'Immunization', 'ImmunizationEvaluation', 'ImmunizationRecommendation',
      'Procedure',
    'Device', 'DeviceUseStatement', 'CarePlan', 'CareTeam', 'Goal', 'Flag', 'DetectedIssue', 'RiskAssessment',
    'FamilyMemberHistory', 'AdverseEvent', 'BodyStructure', 'NutritionOrder', 'VisionPrescription',
  ] },
  { id: 'encounters', category: 'encounters', types: ['Encounter', 'EpisodeOfCare', 'ServiceRequest',
    'DeviceRequest'] },
  { id: 'documents', category: 'documents', types: ['DocumentReference', 'DocumentManifest', 'Composition', 'Binary',
    'Bundle'] },
  { id: 'administrative', category: 'administrative', types: [
    'Patient', 'RelatedPerson', 'Person', 'Coverage', 'CoverageEligibilityRequest', 'CoverageEligibilityResponse',
    'Appointment', 'AppointmentResponse', 'Schedule', 'Slot', 'Account', 'ChargeItem', 'Claim', 'ClaimResponse',
    'ExplanationOfBenefit', 'Invoice', 'PaymentNotice', 'PaymentReconciliation', 'EnrollmentRequest',
    'EnrollmentResponse', 'Consent', 'Contract', 'Organization', 'OrganizationAffiliation', 'Practitioner',
    'PractitionerRole', 'Location', 'HealthcareService', 'Endpoint', 'Provenance',
  ] },
]

/** The table that holds where a site says nothing else. */
export const DEFAULT_RULES: RuleTable = {
  version: 'scelle-categories-1',
  rules: [...STRICT_LABELS, ...SEXUAL_HEALTH, ...MENTAL_HEALTH, ...BY_KIND],
}
