/** Whose vault a resource goes to, seen with what the same transaction writes. */
import type { Resource } from '@medplum/fhirtypes'
import { isDocument } from '@scelle/fhir/documents'
import { patientOf } from '@scelle/fhir/references'
import { pointsAt } from '../attachments/references.ts'
import { EdgeError } from '../errors.ts'
import { ORGANISATION } from '../vaults.ts'

/** What the same transaction writes, by `Type/id`. */
export type Siblings = ReadonlyMap<string, Resource>

export interface Around {
  readonly bases: readonly string[]
  readonly siblings: Siblings
  /** The patient of a resource that is here already, by `Type/id`. */
  readonly patientHere: (key: string) => string | undefined
}

const OWN_PATIENT = /^Patient\/[A-Za-z0-9\-.]{1,64}$/
const OTHER_PATIENT = /^https?:\/\/[^?#\s]+\/Patient\/[A-Za-z0-9\-.]{1,64}$/

const AMBIGUOUS = {
  group: 'the subject is a Group: a record belongs to one patient',
  logical: 'the patient is named by an identifier only: refer to Patient/id',
  unreadable: 'the reference to the patient cannot be resolved here',
  many: 'the resource speaks of several patients: split it',
} as const

/** A patient's reference, or ORGANISATION. Throws EdgeError `business-rule`, FhirError `ambiguous-patient`. */
export const ownerAmong = (resource: Resource, around: Around, expression: string | undefined): string => {
  if (isDocument(resource)) {
    throw new EdgeError('business-rule', 'a document is replaced whole: send it by POST or PUT', expression)
  }
  const { bases, siblings, patientHere } = around
  const owner = patientOf(resource, {
    bases,
    patientOfTarget: (type, id) => {
      const sibling = siblings.get(`${type}/${id}`)
      const beside = sibling === undefined ? undefined : patientOf(sibling, { bases })
      if (beside !== undefined) return beside.kind === 'patient' ? beside.reference : undefined
      return patientHere(`${type}/${id}`)
    },
  })
  if (owner.kind === 'organisation') return ownerByPointer(resource, around) ?? ORGANISATION
  if (owner.kind === 'patient') {
    if (OWN_PATIENT.test(owner.reference) || OTHER_PATIENT.test(owner.reference)) return owner.reference
    throw new EdgeError('business-rule', 'the patient is referred to in a way that only a transaction can resolve',
      expression)
  }
  throw new EdgeError('business-rule', AMBIGUOUS[owner.reason], expression)
}

/** A Binary that says nothing of its own is whose document of the same transaction it is (IHE MHD sends such). */
const ownerByPointer = (resource: Resource, around: Around): string | undefined => {
  const { id } = resource
  if (resource.resourceType !== 'Binary' || resource.securityContext !== undefined || id === undefined) return undefined
  const owners = new Set([...around.siblings.values()]
    .filter((sibling) => pointsAt(sibling, id, around.bases))
    .map((sibling) => ownerAmong(sibling, around, undefined)))
  if (owners.size > 1) {
    throw new EdgeError('business-rule', 'documents of several patients point at one Binary: send one for each')
  }
  return [...owners][0]
}
