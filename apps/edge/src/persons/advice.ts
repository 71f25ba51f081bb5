/** What `$validate` says of a patient's national identity, beside what R4 and profiles say. */
import type { OperationOutcomeIssue, Resource } from '@medplum/fhirtypes'
import { findingsOfIns, identityOf, type LocalReason, outsideNameOf } from '@scelle/fhir/persons'
import { issuesOf } from '@scelle/fhir/outcomes'

const WHY: Readonly<Record<Exclude<LocalReason, 'no-ins'>, string>> = {
  'inactive': 'the record is not active',
  'several-ins': 'more than one INS is in use',
  'not-qualified': 'its status is not qualified',
  'doubtful': 'it is marked as doubtful, fictitious, in collision or out of use',
  'wrong-key': 'the key of its INS is wrong',
  'traits-incomplete': 'one of the five strict traits is missing: birth name, first given name, birth date, sex, '
    + 'INSEE code of the birthplace',
}

/** Warnings and information only: a patient with a wrong INS is admitted all the same, and stays local. */
export const identityAdvice = (resource: Resource): OperationOutcomeIssue[] => {
  if (resource.resourceType !== 'Patient') return []
  const wrong = identityOf(resource).ins.flatMap(findingsOfIns)
    .map((finding) => ({ ...finding, severity: 'warning' as const }))
  const name = outsideNameOf(resource)
  if (name.kind === 'named' || name.why === 'no-ins') return issuesOf(wrong)
  const diagnostics = `this identity stays local: ${WHY[name.why]}`
  return [...issuesOf(wrong), { severity: 'information', code: 'informational', diagnostics }]
}
