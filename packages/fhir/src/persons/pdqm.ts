/** IHE PDQm, transaction ITI-78: what it adds to R4's search for Patient. */
import type { Patient } from '@medplum/fhirtypes'

/** Parameters that a Patient Demographics Supplier answers (ITI TF-2: 3.78.4.1.2.1), and the combinations it names. */
export const PDQM = {
  supplier: 'https://profiles.ihe.net/ITI/PDQm/CapabilityStatement/IHE.PDQm.Supplier',
  parameters: [
    '_id', 'active', 'family', 'given', 'identifier', 'telecom', 'birthdate', 'address', 'address-city',
    'address-country', 'address-postalcode', 'address-state', 'gender', 'mothersMaidenName',
  ],
  combinations: [['family', 'gender'], ['birthdate', 'family']],
} as const

/**
 * The identity domains that a query asks identifiers of: every alternative of one `identifier` parameter is a system
 * without a value, as in `identifier=urn:oid:1.2.3|,urn:oid:4.5.6|`. Undefined where none asks so.
 * @param pairs decoded names and values of the query
 */
export function domainsOf(pairs: readonly (readonly [name: string, value: string])[]): string[] | undefined {
  const asked = pairs.filter(([name]) => name === 'identifier').map(([, value]) => value.split(','))
    .filter((values) => values.every((value) => /^[^|\\]+\|$/.test(value)))
  return asked.length === 0 ? undefined : [...new Set(asked.flat().map((value) => value.slice(0, -1)))]
}

/** The patient with identifiers of these domains only (case 2 of 3.78.4.1.3). */
export function inDomains(patient: Patient, domains: readonly string[]): Patient {
  const { identifier, ...rest } = patient
  const kept = (identifier ?? []).filter(({ system }) => system !== undefined && domains.includes(system))
  if (kept.length === (identifier ?? []).length) return patient
  return { ...rest, ...(kept.length > 0 ? { identifier: kept } : {}) }
}
