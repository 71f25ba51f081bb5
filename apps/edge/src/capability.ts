/** What this edge serves, and nothing else (R4 capabilitystatement.html). */
import type {
  CapabilityStatement, CapabilityStatementRestResource, CapabilityStatementRestSecurity,
} from '@medplum/fhirtypes'
import type { ProfileSet } from '@scelle/fhir/profiles'
import { IPS_BUNDLE } from '@scelle/fhir/summary'
import { includesOf, parametersOf, revIncludesOf } from '@scelle/fhir/search'
import { resourceTypes } from '@scelle/fhir/validate'
import { DOCUMENT_OPERATIONS } from './documents/routes.ts'
import { bytesOf } from './entry.ts'
import { PATCH_TYPE } from './patch.ts'
import { PERSON_OPERATIONS } from './persons/capability.ts'
import { isOfPatients } from './search-scope.ts'

const INTERACTIONS = [
  'read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'create', 'search-type',
] as const

const EVERYTHING = { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' }

const VALIDATE = { name: 'validate', definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate' }

const operationsOf = (type: string): Pick<CapabilityStatementRestResource, 'operation'> => {
  const operation = [
    VALIDATE, ...(type === 'Patient' ? [EVERYTHING] : []), ...(DOCUMENT_OPERATIONS[type] ?? []),
    ...(PERSON_OPERATIONS[type] ?? []),
  ]
  return { operation }
}

/** FHIR knows no empty lists. */
const listed = <Name extends string>(name: Name, values: readonly string[]): { [K in Name]?: string[] } =>
  (values.length === 0 ? {} : { [name]: [...values] }) as { [K in Name]?: string[] }

/** Written by this server itself, with every opening: read and searched, one version each. */
const accessLogOf = (profiles: ProfileSet): CapabilityStatementRestResource => ({
  type: 'AuditEvent',
  ...listed('supportedProfile', profiles.urlsFor('AuditEvent')),
  interaction: [{ code: 'read' }, { code: 'search-type' }],
  versioning: 'no-version',
  referencePolicy: ['literal', 'local'],
  ...listed('searchInclude', includesOf('AuditEvent')),
  ...listed('searchRevInclude', revIncludesOf('AuditEvent')),
  searchParam: parametersOf('AuditEvent').map(({ name, kind }) => ({ name, type: kind })),
  ...operationsOf('AuditEvent'),
})

const resourceOf = (type: string, profiles: ProfileSet): CapabilityStatementRestResource =>
  type === 'AuditEvent' ? accessLogOf(profiles) : writtenOf(type, profiles)

const writtenOf = (type: string, profiles: ProfileSet): CapabilityStatementRestResource => ({
  type: type as NonNullable<CapabilityStatementRestResource['type']>,
  // Validated here where a resource declares them.
  ...listed('supportedProfile', profiles.urlsFor(type)),
  interaction: [...INTERACTIONS, ...(isOfPatients(type) ? [] : ['history-type' as const])].map((code) => ({ code })),
  versioning: 'versioned-update',
  readHistory: true,
  updateCreate: true,
  conditionalCreate: true,
  conditionalRead: 'full-support',
  conditionalUpdate: true,
  conditionalDelete: 'single',
  referencePolicy: ['literal', 'local'],
  ...listed('searchInclude', includesOf(type)),
  ...listed('searchRevInclude', revIncludesOf(type)),
  searchParam: parametersOf(type).map(({ name, kind }) => ({ name, type: kind })),
  ...operationsOf(type),
})

const SECURITY = 'Every request is signed (RFC 9421) by an application that this edge enrols. '
  + 'A search needs one patient, or concerns Patient, or types that belong to no patient; '
  + 'any other one is refused as too-costly (403).'

/** What `$summary` makes; `packages/fhir/test/summary-profiles.test.ts` holds it against the guide's own profiles. */
const IPS_GUIDE = 'http://hl7.org/fhir/uv/ips/ImplementationGuide/hl7.fhir.uv.ips|2.0.0'

/**
 * No `instantiates`: the EU Health Data API's two access providers and IHE's actors demand what is not here yet (SMART
 * Backend Services, XML). `test/eu-health-data-api.test.ts` tells what is fulfilled of them, row by row.
 */
const DECLARED = {
  implementationGuide: [IPS_GUIDE],
  document: [{ mode: 'producer' as const, profile: IPS_BUNDLE }],
}

/** The statement as JSON; `base` is where the client reaches this server. Built once per base. */
export class Capability {
  readonly #organisation: string
  readonly #date: string
  readonly #profiles: ProfileSet
  readonly #security: CapabilityStatementRestSecurity
  readonly #built = new Map<string, Uint8Array>()

  constructor(organisation: string, started: number, profiles: ProfileSet, smart?: CapabilityStatementRestSecurity) {
    this.#security = { ...smart, description: SECURITY }
    this.#profiles = profiles
    this.#organisation = organisation
    this.#date = new Date(started).toISOString()
  }

  bytes(base: string): Uint8Array {
    const known = this.#built.get(base)
    if (known !== undefined) return known
    const statement: CapabilityStatement = {
      resourceType: 'CapabilityStatement',
      status: 'active',
      date: this.#date,
      kind: 'instance',
      software: { name: 'Scellé edge' },
      implementation: { description: this.#organisation, url: base },
      fhirVersion: '4.0.1',
      format: ['application/fhir+json', 'json'],
      patchFormat: [PATCH_TYPE],
      ...DECLARED,
      rest: [{
        mode: 'server',
        security: this.#security,
        resource: resourceTypes().toSorted().map((type) => resourceOf(type, this.#profiles)),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        operation: [{ name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export' }],
        compartment: ['http://hl7.org/fhir/CompartmentDefinition/patient'],
      }],
    }
    const bytes = bytesOf(JSON.stringify(statement))
    this.#built.set(base, bytes)
    return bytes
  }

  /** `mode=terminology`: no code system is held here, and no terminology operation answered. */
  terminology(base: string): Uint8Array {
    return bytesOf(JSON.stringify({
      resourceType: 'TerminologyCapabilities',
      status: 'active',
      date: this.#date,
      kind: 'instance',
      software: { name: 'Scellé edge' },
      implementation: { description: this.#organisation, url: base },
    }))
  }
}
