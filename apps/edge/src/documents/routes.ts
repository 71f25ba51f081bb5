/** Paths of documents and summaries. */
import { isId } from '@scelle/fhir/validate'
import type { Call } from '../call.ts'
import { EdgeError } from '../errors.ts'
import type { FhirRoutes } from '../router.ts'
import type { EmergencyCards } from './card.ts'
import type { Compositions } from './composition.ts'
import type { Summaries } from './summary.ts'

export interface DocumentParts {
  readonly compositions: Compositions
  readonly summaries: Summaries
  readonly cards: EmergencyCards
}

/** An id from the path. One that is none is not looked up. */
const idIn = (call: Call): string => {
  const id = call.params['id'] ?? ''
  if (!isId(id)) throw new EdgeError('not-found')
  return id
}

/** Before the routes with `:type` and `:id`, which would take an operation's name for a resource's. */
export const addDocumentRoutes = (routes: FhirRoutes, { cards, compositions, summaries }: DocumentParts): void => {
  for (const method of ['GET', 'POST'] as const) {
    routes.add(method, 'Patient/$summary', ['read', 'search'], (call) => summaries.byIdentifier(call))
    routes.add(method, 'Patient/:id/$summary', ['read', 'search'], (call) => summaries.ofPatient(call, idIn(call)))
    routes.add(method, 'Composition/:id/$document', ['read', 'search'], (call) =>
      compositions.document(call, idIn(call)))
  }
  routes.add('POST', 'Patient/:id/$scelle-card', ['read', 'search', 'share'], (call) => cards.make(call, idIn(call)))
}

/** Operations for the CapabilityStatement, by type. */
export const DOCUMENT_OPERATIONS: Readonly<Record<string, readonly { name: string; definition: string }[]>> = {
  Composition: [{ name: 'document', definition: 'http://hl7.org/fhir/OperationDefinition/Composition-document' }],
  Group: [{ name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export' }],
  Patient: [
    { name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export' },
    { name: 'summary', definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary' },
  ],
}
