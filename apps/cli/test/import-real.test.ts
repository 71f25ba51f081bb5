/**
 * Records made by others go in through `scelle import` and come back equal: all 89 Synthea transactions and the HL7
 * International Patient Summary examples, apart from `meta` and references that the transaction resolved.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonOf } from '../src/edge-client.ts'
import { importPaths } from '../src/import/command.ts'
import type { AnyResource } from '../src/import/read.ts'
import { everything } from '../src/open.ts'
import { type Parties, startParties } from './parties.ts'

const shared = resolve(process.env['SCELLE_SHARED'] ?? '../shared')
const folders = [join(shared, 'data', 'synthea-r4', 'dev'), join(shared, 'data', 'ips')]
const present = folders.every((folder) => existsSync(folder))
if (!present) console.warn('skipped: no Synthea and IPS files; set SCELLE_SHARED to run these')

interface Entry {
  readonly fullUrl?: string
  readonly resource: AnyResource
}

/** The sent resource as it must come back: the transaction's own names replaced by the ids that they stand for. */
const resolved = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => resolved(item, names))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === 'reference' && typeof inner === 'string' ? (names.get(inner) ?? inner) : resolved(inner, names),
      ]),
    )
  }
  return value
}

const resourcesIn = (file: AnyResource): AnyResource[] => {
  if (file.resourceType !== 'Bundle' || file['type'] !== 'transaction') return [file]
  const entries = file['entry'] as Entry[]
  const names = new Map(
    entries.map(({ fullUrl, resource }) => [fullUrl ?? '', `${resource.resourceType}/${resource.id}`]),
  )
  return entries.map(({ resource }) => resolved(resource, names) as AnyResource)
}

const nameOf = (resource: AnyResource): string => `${resource.resourceType}/${resource.id}`

const withoutMeta = (resource: AnyResource): Record<string, unknown> => {
  const { meta: _, ...rest } = resource
  return rest
}

let parties: Parties
/** What was sent under each name; organisations occur in many files. */
const sent = new Map<string, AnyResource[]>()

beforeAll(async () => {
  if (!present) return
  for (const folder of folders) {
    for (const name of (await readdir(folder)).filter((file) => /\.json(\.gz)?$/.test(file))) {
      const bytes = await readFile(join(folder, name))
      const file = JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as AnyResource
      if (file.resourceType === undefined) continue
      for (const resource of resourcesIn(file))
        sent.set(nameOf(resource), [...(sent.get(nameOf(resource)) ?? []), resource])
    }
  }
  parties = await startParties('import-real')
}, 120_000)
afterAll(() => parties?.close())

describe.skipIf(!present)('real records through scelle import', () => {
  it('takes all 89 Synthea files and the whole IPS set, refusing nothing', async () => {
    const status = await importPaths(parties.io, parties.edge, parties.installation.ids.edge, folders)
    console.log(parties.said.join('\n'))
    expect(parties.said.join('\n')).not.toContain('refused')
    expect(status).toBe(0)
  }, 300_000)

  it('reads every resource back equal', async () => {
    const found = new Map<string, AnyResource>()
    for (const [name, [resource]] of sent) {
      if (resource?.resourceType !== 'Patient') continue
      for (const read of await everything(parties.io, parties.edge, name.slice('Patient/'.length)))
        found.set(nameOf(read), read)
    }
    const different: string[] = []
    for (const [name, versions] of sent) {
      let read = found.get(name)
      if (read === undefined) {
        const answer = await parties.edge('GET', `/fhir/${name}`, { headers: { accept: 'application/fhir+json' } })
        read = answer.status === 200 ? jsonOf<AnyResource>(answer) : undefined
      }
      const equal =
        read !== undefined && versions.some((version) => isDeepStrictEqual(withoutMeta(version), withoutMeta(read)))
      if (!equal) different.push(`${name}: ${read === undefined ? 'not found' : 'differs'}`)
    }
    expect(sent.size).toBeGreaterThan(13_000)
    expect(different).toEqual([])
  }, 300_000)

  it('writes nothing when the same files are imported again', async () => {
    parties.said.length = 0
    expect(await importPaths(parties.io, parties.edge, 'as if from another machine', [folders[1] as string])).toBe(0)
    const answer = await parties.edge('GET', '/fhir/Patient/eumfh-39-07/_history', {
      headers: { accept: 'application/fhir+json' },
    })
    expect(jsonOf<{ entry: unknown[] }>(answer).entry).toHaveLength(1)
  }, 120_000)
})
