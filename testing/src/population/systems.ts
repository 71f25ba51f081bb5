import type { CodeableConcept, Coding, Meta, Quantity, Reference, Resource } from '@medplum/fhirtypes'

/** Code systems and identifier systems, by the address their owners publish. */
export const SYSTEM = {
  /** INS test matricules: the OID says that no real person is meant. */
  insTest: 'urn:oid:1.2.250.1.213.1.4.10',
  rpps: 'https://rpps.esante.gouv.fr',
  finess: 'https://finess.esante.gouv.fr',
  atc: 'http://www.whocc.no/atc',
  loinc: 'http://loinc.org',
  ucum: 'http://unitsofmeasure.org',
  icd10: 'http://hl7.org/fhir/sid/icd-10',
  cvx: 'http://hl7.org/fhir/sid/cvx',
  ccam: 'https://mos.esante.gouv.fr/NOS/CCAM_REF/FHIR/CCAM-REF',
  actCode: 'http://terminology.hl7.org/CodeSystem/v3-ActCode',
  confidentiality: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  interpretation: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation',
  observationCategory: 'http://terminology.hl7.org/CodeSystem/observation-category',
  conditionClinical: 'http://terminology.hl7.org/CodeSystem/condition-clinical',
  conditionVerification: 'http://terminology.hl7.org/CodeSystem/condition-ver-status',
  conditionCategory: 'http://terminology.hl7.org/CodeSystem/condition-category',
  allergyClinical: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical',
  allergyVerification: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
  diagnosticService: 'http://terminology.hl7.org/CodeSystem/v2-0074',
  identifierTypes: 'http://terminology.hl7.org/CodeSystem/v2-0203',
  communicationCategory: 'http://terminology.hl7.org/CodeSystem/communication-category',
  dischargeDisposition: 'http://terminology.hl7.org/CodeSystem/discharge-disposition',
  organisationType: 'http://terminology.hl7.org/CodeSystem/organization-type',
  roleCode: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode',
  frIdentityTypes: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203',
  frIdentityStatus: 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445',
  inseeCommune: 'https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM',
  hospitalRecord: 'https://hopital.scelle.example/identifiants/ipp',
  hospitalStay: 'https://hopital.scelle.example/identifiants/sejour',
  insurer: 'https://assurance.scelle.example/identifiants/adherent',
} as const

/** Extensions; the last is our own, for the comment field that practice software offers and secretaries fill. */
export const EXTENSION = {
  birthPlace: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace',
  inseeCode: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code',
  identityReliability: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability',
  birthGivenNames: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name',
  administrativeComment: 'https://scelle.example/fhir/StructureDefinition/patient-administrative-comment',
} as const

/** Sensitivity of a record, by HL7's v3 ActCode; each also makes the record restricted. */
export type Sensitivity = 'HIV' | 'PSY' | 'SEX' | 'STD' | 'ETH' | 'SDV'

/** One coding with its text. */
export function concept(system: string, code: string, display: string, text = display): CodeableConcept {
  return { coding: [{ system, code, display }], text }
}

/** One coding without text, for the status fields of FHIR. */
export function status(system: string, code: string): CodeableConcept {
  return { coding: [{ system, code }] }
}

/** A quantity in UCUM. */
export function quantity(value: number, unit: string, code: string): Quantity {
  return { value, unit, system: SYSTEM.ucum, code }
}

/** Security labels of a sensitive record; an ordinary one carries no `meta` of its own. */
export function labels(sensitivity: Sensitivity | undefined): { meta: Meta } | undefined {
  if (sensitivity === undefined) return undefined
  const security: Coding[] = [
    { system: SYSTEM.confidentiality, code: 'R', display: 'restricted' },
    { system: SYSTEM.actCode, code: sensitivity },
  ]
  return { meta: { security } }
}

/** A literal reference with the name people read. */
export function reference<T extends Resource>(type: T['resourceType'], id: string, display: string): Reference<T> {
  return { reference: `${type}/${id}`, display }
}
