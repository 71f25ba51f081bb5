/**
 * Profiles beside base R4: definitions from packages that the operator configured, held against resources that declare
 * them. Nothing is fetched: what is not loaded is said to be so.
 * @module
 */
import type { Resource } from '@medplum/fhirtypes'
import type { Finding } from './outcomes.ts'
import { FhirError } from './outcomes.ts'
import { profileFindings } from './profiles/check.ts'
import type { Json } from './profiles/items.ts'
import type { ProfileSet } from './profiles/profile-set.ts'

export { ProfileSet } from './profiles/profile-set.ts'
export type { LoadReport } from './profiles/profile-set.ts'

/**
 * Everything that the loaded profiles say of a resource that is valid R4: those it and the resources inside it declare,
 * those `wanted`, and the definitions of its extensions. Errors, warnings for what cannot be evaluated, and a word on
 * each profile that is not loaded.
 */
export function profileFindingsOf(resource: Resource, set: ProfileSet, wanted?: readonly string[]): readonly Finding[] {
  return profileFindings(resource as unknown as Json, set, wanted)
}

/**
 * Refuses a resource that breaks a profile it declares. `entry`: where it stands, such as `Bundle.entry[2]`.
 * @throws FhirError `profile-violated`
 */
export function requireProfiles(resource: Resource, set: ProfileSet, entry?: string): void {
  if (set.isEmpty) return
  const errors = profileFindingsOf(resource, set).filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  const placed = entry === undefined ? errors : errors.map((finding) => ({
    ...finding, expression: `${entry}.resource${(finding.expression ?? '').slice(resource.resourceType.length)}`,
  }))
  throw FhirError.of('profile-violated', placed)
}
