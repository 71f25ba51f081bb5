import type { SearchTable } from '../r4/tables.ts'

/** Search parameters beside R4's own list: of extensions that R4 defines and other standards search by. */
export const ADDED: SearchTable = {
  // IHE PDQm, ITI-78.
  Patient: {
    mothersMaidenName: {
      type: 'string',
      expression: 'Patient.extension.where(url=\'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName\')'
        + '.value.ofType(string)',
    },
  },
  // IHE MHD 4.2: DocumentReference-Creation, List-DesignationType, List-SourceId.
  DocumentReference: {
    creation: { type: 'date', expression: 'DocumentReference.content.attachment.creation' },
  },
  List: {
    designationType: { type: 'token',
      expression: 'List.extension.where(url=\'https://profiles.ihe.net/ITI/MHD/StructureDefinition/'
        + 'ihe-designationType\').value' },
    sourceId: { type: 'token',
      expression: 'List.extension.where(url=\'https://profiles.ihe.net/ITI/MHD/StructureDefinition/'
        + 'ihe-sourceId\').value' },
  },
}
