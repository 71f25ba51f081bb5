/**
 * What merging two patients changes: the two Patient resources and nothing else. Records stay where they are, each
 * with its own subject; readers of the one that remains are shown both.
 */
import type { Identifier, Patient, PatientLink } from '@medplum/fhirtypes'

export interface MergePlan {
  source: Patient
  target: Patient
  /** How many identifiers of the source the target did not have: they are its last ones. */
  added: readonly Identifier[]
}

/**
 * `source` becomes inactive and points to `target`, which points back and takes over its identifiers, marked as old:
 * whoever asks by the former number finds the person.
 * @param result what the target shall look like, if the caller says so: kept as given, links added
 */
export function planMerge(source: Patient, target: Patient, result?: Patient): MergePlan {
  const kept = result ?? target
  const known = new Set((target.identifier ?? []).map(nameOf))
  const added = result ? [] : (source.identifier ?? []).filter((identifier) => !known.has(nameOf(identifier)))
    .map((identifier): Identifier => ({ ...identifier, use: 'old' }))
  return {
    source: { ...source, active: false, link: [...(source.link ?? []), linkTo(target, 'replaced-by')] },
    target: {
      ...kept,
      ...(added.length > 0 ? { identifier: [...(kept.identifier ?? []), ...added] } : {}),
      link: withLink(kept.link ?? [], linkTo(source, 'replaces')),
    },
    added,
  }
}

/**
 * The target without what a merge brought, where it was changed since: that link and those identifiers, as far as they
 * are still there. What people wrote meanwhile stays.
 */
export function withoutMerge(target: Patient, source: Patient, added: readonly Identifier[]): Patient {
  const { link, identifier, ...rest } = target
  const links = (link ?? []).filter((each) => !isLink(each, linkTo(source, 'replaces')))
  const taken = new Map<string, number>()
  for (const text of added.map(textOf)) taken.set(text, (taken.get(text) ?? 0) + 1)
  const identifiers = (identifier ?? []).filter((each) => {
    const text = textOf(each)
    const left = taken.get(text) ?? 0
    taken.set(text, left - 1)
    return left <= 0
  })
  return {
    ...rest,
    ...(identifiers.length > 0 ? { identifier: identifiers } : {}),
    ...(links.length > 0 ? { link: links } : {}),
  }
}

/** The same patients' links apart from version and display. */
export function hasLink(patient: Patient, other: Patient, type: PatientLink['type']): boolean {
  return (patient.link ?? []).some((link) => isLink(link, linkTo(other, type)))
}

function withLink(links: readonly PatientLink[], link: PatientLink): PatientLink[] {
  return links.some((each) => isLink(each, link)) ? [...links] : [...links, link]
}

function linkTo(patient: Patient, type: PatientLink['type']): PatientLink {
  return { other: { reference: `Patient/${patient.id ?? ''}` }, type }
}

function isLink(left: PatientLink, right: PatientLink): boolean {
  return left.type === right.type && left.other.reference === right.other.reference
}

function nameOf({ system, value }: Identifier): string {
  return JSON.stringify([system, value])
}

function textOf(identifier: Identifier): string {
  return JSON.stringify([identifier.system, identifier.value, identifier.use])
}
