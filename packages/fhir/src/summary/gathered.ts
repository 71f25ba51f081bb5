/** The entries of each section, and what they refer to. */
import type { DeviceUseStatement, Reference, Resource } from '@medplum/fhirtypes'
import { LIMITS } from '../limits.ts'
import { intervalOf } from '../periods.ts'
import { parseReference } from '../reference-text.ts'
import { referencesOf } from '../reference-walk.ts'
import { seriesOf, sectionOf, whenOf } from './choose.ts'
import type { Reading } from './readable.ts'
import { SECTIONS } from './sections.ts'
import type { SectionKey } from './sections.ts'

export interface Filled {
  readonly entries: readonly Resource[]
  /** Entries that only free text describes: in the chart, not here. */
  readonly wordsOnly: number
  /** Entries beyond the limit of a section. */
  readonly more: number
}

/** Finds a resource that may be in the document, by `Type/id`. */
export type Source = (key: string) => Resource | undefined

export const keyOf = (resource: Resource): string => `${resource.resourceType}/${resource.id}`

/** Sections and their entries, newest first; of a series of measurements the latest. */
export function gather(readings: readonly Reading[], statementFor: (device: Resource) => DeviceUseStatement):
ReadonlyMap<SectionKey, Filled> {
  const shown = readings.flatMap((each) => (each.kind === 'shown' ? [each.resource] : []))
  const wordsOnly = readings.flatMap((each) => (each.kind === 'words-only' ? [sectionOf(each.resource)] : []))
  const all = [...shown, ...devicesAlone(shown).map(statementFor)]
  const bySection = Map.groupBy(all, sectionOf)
  return new Map(SECTIONS.map(({ key }) => {
    const entries = latest(newestFirst(bySection.get(key) ?? []))
    return [key, {
      entries: entries.slice(0, LIMITS.summarySection),
      wordsOnly: wordsOnly.filter((section) => section === key).length,
      more: Math.max(0, entries.length - LIMITS.summarySection),
    }]
  }))
}

/** By the moment, not by its text: 23:00 in Cayenne is later than 01:00 of the next day in Paris. */
function newestFirst(resources: readonly Resource[]): Resource[] {
  const rows = resources.map((resource) => {
    const text = whenOf(resource)
    return { resource, text, moment: intervalOf(text)?.low ?? Number.NEGATIVE_INFINITY }
  })
  return rows.toSorted((left, right) => {
    if (left.moment !== right.moment) return left.moment < right.moment ? 1 : -1
    if (left.text !== right.text) return left.text < right.text ? 1 : -1
    return keyOf(left.resource) < keyOf(right.resource) ? -1 : 1
  }).map(({ resource }) => resource)
}

function latest(sorted: readonly Resource[]): Resource[] {
  const seen = new Set<string>()
  return sorted.filter((resource) => {
    const series = seriesOf(resource)
    if (series === undefined) return true
    if (seen.has(series)) return false
    seen.add(series)
    return true
  })
}

/** Devices affixed to the patient that no statement speaks of: a pacemaker must not be lost for want of one. */
function devicesAlone(shown: readonly Resource[]): Resource[] {
  const used = new Set(shown.flatMap((each) =>
    (each.resourceType === 'DeviceUseStatement' ? [each.device.reference ?? ''] : [])))
  return shown.filter((each) => each.resourceType === 'Device' && each.patient !== undefined
    && each.status !== 'entered-in-error' && each.status !== 'inactive' && !used.has(keyOf(each)))
}

/** Types that explain an entry; others that it refers to are not the summary's matter. */
const FOLLOWED: ReadonlySet<string> = new Set([
  'Medication', 'Device', 'Practitioner', 'PractitionerRole', 'Organization', 'Specimen', 'Observation', 'ImagingStudy',
  'Goal',
])

/** What the entries refer to, directly or not, each once, in the order it is met. */
export function supporting(entries: readonly Resource[], source: Source, base: string): Resource[] {
  const limit = LIMITS.summaryEntries
  const known = new Set(entries.map(keyOf))
  const found: Resource[] = []
  const open = [...entries]
  for (let at = 0; at < open.length && open.length < limit; at++) {
    for (const { holder } of referencesOf(open[at] as Resource)) {
      const key = keyOfReference(holder, base)
      const target = key === undefined || known.has(key) || open.length >= limit ? undefined : source(key)
      if (target === undefined || key === undefined) continue
      known.add(key)
      found.push(target)
      open.push(target)
    }
  }
  return found
}

/** `Type/id` of a reference to a resource that a summary follows. */
export function keyOfReference({ reference }: Reference, base: string): string | undefined {
  const parsed = parseReference(reference ?? '')
  if (parsed.kind !== 'literal' || (parsed.base !== undefined && parsed.base !== base)
    || !FOLLOWED.has(parsed.type)) return undefined
  return `${parsed.type}/${parsed.id}`
}
