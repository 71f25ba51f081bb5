/**
 * What IHE PDQm (ITI-78) adds to a search for patients: `identifier=system|` asks for the identifiers of that domain
 * only, and a domain that nobody here has a number of is said so.
 */
import type { Patient } from '@medplum/fhirtypes'
import { domainsOf, inDomains } from '@scelle/fhir/persons'
import { type FhirAnswer, jsonAnswer } from '../answers.ts'
import { exactJson, withDecimals } from '../decimals.ts'
import { bytesOf, type Entry, textOf } from '../entry.ts'
import { splitPair } from '../negotiation.ts'
import type { PatientIndex } from './patient-index.ts'

/** The domains that a query for patients asks the identifiers of; undefined where it asks for all. */
export const domainsIn = (query: string): readonly string[] | undefined =>
  domainsOf(query === '' ? [] : query.split('&').map(splitPair))

/** The answer where one of the domains is not known here (case 4 of 3.78.4.1.3); undefined where all are. */
export const unknownDomain = (
  domains: readonly string[], patients: Pick<PatientIndex, 'knowsSystem'>,
): FhirAnswer | undefined => (domains.every((domain) => patients.knowsSystem(domain))
  ? undefined
  : jsonAnswer(404, {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'warning', code: 'not-found', diagnostics: 'targetSystem not found',
        expression: ['identifier'] }],
    }))

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' }

/** A patient with the identifiers of these domains (case 2), tagged as a part where that leaves some out. */
export const inDomainsOnly = (entry: Entry, domains: readonly string[]): Entry => {
  const text = textOf(entry)
  const patient = withDecimals(text, JSON.parse(text) as Patient)
  const part = inDomains(patient, domains)
  if (part === patient) return entry
  const meta = { ...part.meta, tag: [...part.meta?.tag ?? [], SUBSETTED] }
  return { ...entry, bytes: bytesOf(exactJson({ ...part, meta })) }
}
