/** Real material through the whole constellation: every resource that goes in comes back out. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { Bundle, Resource } from '@medplum/fhirtypes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type Reply, type World } from './harness.ts'

const shared = resolve(process.env['SCELLE_SHARED'] ?? join(import.meta.dirname, '../../../../shared'))
const synthea = join(shared, 'data/synthea-r4/dev')
const ips = join(shared, 'data/ips')
const there = existsSync(synthea) && existsSync(ips)
if (!there) console.log(`shared material is absent (${shared}): real records are not imported`)

let world: World
beforeAll(async () => {
  world = await createWorld({ seed: 'real', registered: { role: 'hospital' }, charts: { open: 40 } })
})
afterAll(() => world.close())

const parse = (file: string): Resource =>
  JSON.parse((file.endsWith('.gz') ? gunzipSync(readFileSync(file)) : readFileSync(file)).toString()) as Resource

interface Sent {
  readonly key: string
  readonly resource: Resource
}

/** As `scelle import` sends it: a file's own ids are kept, so its creates become updates. */
const asUpdates = (bundle: Bundle): { bundle: Bundle; sent: Sent[] } => {
  const keys = new Map((bundle.entry
    ?? []).map(({ fullUrl, resource }) => [fullUrl ?? '', `${resource?.resourceType}/${resource?.id}`]))
  const sent = (bundle.entry ?? []).map(({ resource }) => ({
    key: `${resource?.resourceType}/${resource?.id}`,
    resource: JSON.parse(JSON.stringify(resource).replaceAll(/urn:uuid:[0-9a-f-]{36}/g, (urn) => keys.get(urn)
      ?? urn)) as Resource,
  }))
  const entry = (bundle.entry ?? []).map(({ fullUrl, resource }) => ({
    fullUrl, resource, request: { method: 'PUT' as const, url: `${resource?.resourceType}/${resource?.id}` },
  }))
  return { bundle: { resourceType: 'Bundle', type: 'transaction', entry } as Bundle, sent }
}

/** Without what the server sets; an empty `meta` is none. */
const plain = (resource: Resource): unknown => {
  const { meta, ...rest } = resource
  const { versionId: _, lastUpdated: __, ...kept } = meta ?? {}
  return { ...rest, ...(Object.keys(kept).length > 0 ? { meta: kept } : {}) }
}

/** All pages of a chart, by `Type/id`. */
const chartOf = async (patient: string): Promise<Map<string, Resource>> => {
  const found = new Map<string, Resource>()
  for (let url: string | undefined = `${patient}/$everything`; url !== undefined;) {
    const { body }: Reply<Bundle> = await world.app.get<Bundle>(url)
    for (const { resource } of body.entry
      ?? []) if (resource !== undefined) found.set(`${resource.resourceType}/${resource.id}`, resource)
    url = body.link?.find(({ relation }) => relation === 'next')?.url
  }
  return found
}

/** What a chart holds is read with `$everything`, the rest, and one in fifty, one by one. */
const differencesIn = async (sent: readonly Sent[]): Promise<string[]> => {
  const charts = new Map<string, Resource>()
  for (const { key } of sent.filter((each) => each.key.startsWith('Patient/'))) {
    for (const [name, resource] of await chartOf(key)) charts.set(name, resource)
  }
  const alone = sent.filter(({ key }, place) => !charts.has(key) || place % 50 === 0)
  const different = sent.filter(({ key, resource }) => charts.has(key)
    && !isEqual(plain(charts.get(key) as Resource), plain(resource)))
  return [...different.map(({ key }) => key), ...(await readBack(alone))]
}

const readBack = async (sent: readonly Sent[]): Promise<string[]> => {
  const different: string[] = []
  for (const { key, resource } of sent) {
    const { status, body } = await world.app.get(key)
    if (status !== 200) different.push(`${key}: ${status}`)
    else if (!isEqual(plain(body), plain(resource))) different.push(key)
  }
  return different
}

const isEqual = (left: unknown, right: unknown): boolean => isDeepStrictEqual(left, right)

describe.skipIf(!there)('real records', () => {
  test('every Synthea resource reads back equal apart from meta and resolved references', { timeout: 240_000 },
    async () => {
    const files = readdirSync(synthea).filter((name) => name.endsWith('.gz'))
      .toSorted((a, b) => Number(/Information/.test(b)) - Number(/Information/.test(a)))
    const everything = new Map<string, Sent>() // hospitals and practitioners come again, with other counts
    let count = 0
    const started = performance.now()
    for (const name of files) {
      const { bundle, sent } = asUpdates(parse(join(synthea, name)) as Bundle)
      const answer = await world.app.post<Bundle>('', bundle)
      expect(answer.status, answer.text.slice(0, 500)).toBe(200)
      const statuses = new Set(answer.body.entry?.map(({ response }) => response?.status))
      expect([...statuses].every((status) => status === '201' || status === '200'), name).toBe(true)
      for (const each of sent) everything.set(each.key, each)
      count += sent.length
    }
    const imported = performance.now()
    expect(count).toBe(13_263)
    expect(await differencesIn([...everything.values()])).toEqual([])
    console.log(`Synthea: ${count} resources in ${Math.round(imported - started)} ms, read back in `
      + `${Math.round(performance.now() - imported)} ms; ${JSON.stringify(world.edge().figures())}`)
  })

  test('every resource of the IPS set reads back equal', { timeout: 60_000 }, async () => {
    const sent = readdirSync(ips).filter((name) => name.endsWith('.json')).map((name) => parse(join(ips, name)))
      .map((resource) => ({ key: `${resource.resourceType}/${resource.id}`, resource }))
    for (const { key, resource } of sent) {
      const answer = await world.app.put(key, resource)
      expect(answer.status, `${key}: ${answer.text.slice(0, 400)}`).toBe(201)
    }
    expect(sent.length).toBe(44)
    expect(await readBack(sent)).toEqual([])
  })
})
