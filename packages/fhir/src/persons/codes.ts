/** What hospitals and France call persons by: OIDs, code systems and extensions, as data. */

export type InsKind = 'nir' | 'nia' | 'test'

/** OIDs under which the French national health identity (INS) is assigned, and what stands behind each. */
export const INS_OIDS: ReadonlyMap<string, InsKind> = new Map([
  ['1.2.250.1.213.1.4.8', 'nir'],
  ['1.2.250.1.213.1.4.9', 'nia'],
  ['1.2.250.1.213.1.4.10', 'test'],
  ['1.2.250.1.213.1.4.11', 'test'],
])

export const EXTENSIONS = {
  identityReliability: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability',
  birthPlace: 'http://hl7.org/fhir/StructureDefinition/patient-birthPlace',
  inseeCode: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code',
  birthGivenNames: 'https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name',
  mothersMaidenName: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName',
} as const

/** FR Core up to 2.1: HL7 v2 table 0445, which has no code of its own for what INSi confirmed. */
export const STATUS_V2 = 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0445'
/** FR Core from 2.2: the four statuses of the national reference (RNIV, EXI SI 07). */
export const STATUS_RNIV = 'https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-identity-status'

/** The OID that an identifier's `system` names: `urn:oid:1.2.3` or the bare OID. */
export function oidOf(system: string | undefined): string | undefined {
  const text = system?.trim() ?? ''
  const oid = /^urn:oid:/i.test(text) ? text.slice('urn:oid:'.length) : text
  return /^[0-2](?:\.(?:0|[1-9]\d*))+$/.test(oid) ? oid : undefined
}
