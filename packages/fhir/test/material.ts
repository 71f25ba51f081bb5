import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Bundle, Resource } from '@medplum/fhirtypes'

const root = process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../../shared')
const synthea = join(root, 'data/synthea-r4/dev')
const ips = join(root, 'data/ips')

/** True where the real material is at hand. */
export const hasMaterial = existsSync(synthea) && existsSync(ips)
if (!hasMaterial) console.warn('real FHIR material not found (SCELLE_SHARED): tests over it are skipped')

/** The first `limit` Synthea transaction Bundles, in file name order. */
export function syntheaBundles(limit = Number.POSITIVE_INFINITY): { name: string, text: string }[] {
  return readdirSync(synthea).filter((name) => name.endsWith('.json.gz')).toSorted().slice(0, limit)
    .map((name) => ({ name, text: gunzipSync(readFileSync(join(synthea, name))).toString() }))
}

/** Resources of the first `limit` Synthea Bundles. */
export function syntheaResources(limit?: number): Resource[] {
  return syntheaBundles(limit).flatMap(({ text }) => {
    const bundle = JSON.parse(text) as Bundle
    return (bundle.entry ?? []).flatMap((entry) => (entry.resource ? [entry.resource] : []))
  })
}

/** The International Patient Summary examples. */
export function ipsTexts(): { name: string, text: string }[] {
  return readdirSync(ips).filter((name) => name.endsWith('.json')).toSorted()
    .map((name) => ({ name, text: readFileSync(join(ips, name), 'utf8') }))
}
