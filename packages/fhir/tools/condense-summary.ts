import type { Bundle } from '@medplum/fhirtypes'
import type { SummaryTable } from '../src/r4/tables.ts'

/** The elements marked `isSummary`, by the type or backbone they stand in: what `_summary=true` keeps. */
export function condenseSummary(profiles: readonly Bundle[]): SummaryTable {
  const table: Record<string, string[]> = {}
  for (const entry of profiles.flatMap((bundle) => bundle.entry ?? [])) {
    const definition = entry.resource
    if (definition?.resourceType !== 'StructureDefinition' || definition.derivation === 'constraint') continue
    for (const { path = '', isSummary } of definition.snapshot?.element ?? []) {
      const at = path.lastIndexOf('.')
      if (at < 0) continue
      const elements = (table[path.slice(0, at)] ??= [])
      if (isSummary) elements.push(path.slice(at + 1))
    }
  }
  return Object.fromEntries(Object.keys(table).toSorted().map((name) => [name, (table[name] ?? []).join(' ')]))
}
