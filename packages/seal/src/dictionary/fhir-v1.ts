/** FHIR dictionary, version 1, base64. Not frozen yet. */
export const FHIR_V1 = 'e30='
