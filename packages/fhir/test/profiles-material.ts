import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resource } from '@medplum/fhirtypes'
import { ProfileSet } from '../src/profiles.ts'

export type Json = Record<string, unknown>

const root = process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../../shared')
const audit = join(root, 'data/audit-consent')

export const hasBalp = existsSync(audit)
if (!hasBalp) console.warn('IHE BALP material not found (SCELLE_SHARED): tests over it are skipped')

const jsonIn = (folder: string): { name: string, json: Json }[] =>
  readdirSync(folder).filter((name) => name.endsWith('.json')).toSorted()
    .map((name) => ({ name, json: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json }))

/** IHE Basic Audit Log Patterns: differentials, no snapshots. */
export const balpProfiles = (): ProfileSet =>
  new ProfileSet(jsonIn(join(audit, 'balp-profiles')).map(({ json }) => json))
export const balpExamples = (): { name: string, json: Json }[] => jsonIn(join(audit, 'balp-auditevent-examples'))

/** The International Patient Summary's profiles (CC0-1.0), condensed by `tools/condense-package.ts`. */
export const ipsProfiles = (): ProfileSet => {
  const file = join(import.meta.dirname, 'definitions/ips-2.0.0.json')
  return new ProfileSet((JSON.parse(readFileSync(file, 'utf8')) as { resources: unknown[] }).resources)
}

export interface ElementLine extends Json {
  readonly id: string
}

/** A profile of this test's own: `id` of each element without the type. */
export const profile = (name: string, type: string, elements: readonly ElementLine[], more: Json = {}): Json => ({
  resourceType: 'StructureDefinition',
  url: `https://example.org/${name}`,
  name,
  type,
  kind: 'resource',
  derivation: 'constraint',
  baseDefinition: `http://hl7.org/fhir/StructureDefinition/${type}`,
  fhirVersion: '4.0.1',
  differential: {
    element: elements.map(({ id, ...rest }) => ({
      id: id === '' ? type : `${type}.${id}`,
      path: id === '' ? type : `${type}.${id.replaceAll(/:[^.]+/g, '')}`,
      ...rest,
    })),
  },
  ...more,
})

export const declaring = (name: string, resource: Json): Resource =>
  ({ ...resource, meta: { profile: [`https://example.org/${name}`] } }) as unknown as Resource
