/** What the CapabilityStatement says of patients beside R4's own interactions. */
export const PERSON_OPERATIONS: Readonly<Record<string, readonly { name: string; definition: string }[]>> = {
  Patient: [{ name: 'merge', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-merge' }],
}
