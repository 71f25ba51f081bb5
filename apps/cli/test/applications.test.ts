/**
 * Clients that others wrote, unmodified, through `scelle connect`: `@medplum/core`'s, and `fhirclient` in a browser.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ClientStorage, MedplumClient, MemoryStorage } from '@medplum/core'
import { population } from '@scelle/testing/population'
import type smart from 'fhirclient/lib/Client.js'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectApplication, type Connected } from '../src/connect/command.ts'
import { urlOf } from '../src/home.ts'
import { type Parties, startParties } from './parties.ts'

let parties: Parties
const [patient] = [...population({ seed: 'applications', patients: 1 })]
const patientId = patient?.patient.id ?? ''
const observations = (patient?.resources ?? []).filter(({ resourceType }) => resourceType === 'Observation').length

beforeAll(async () => {
  parties = await startParties('applications')
}, 120_000)
afterAll(() => parties.close())

const doorFor = (application: string, origins: readonly string[]): Promise<Connected> =>
  connectApplication(parties.io, parties.edge, urlOf(parties.installation, 'edge'), { application, port: 0, origins })

const weight = {
  resourceType: 'Observation' as const,
  status: 'final' as const,
  code: { text: 'Poids' },
  subject: { reference: `Patient/${patientId}` },
}

const versionOf = (resource: object): string | undefined =>
  (resource as { meta?: { versionId?: string } }).meta?.versionId

describe('the client of @medplum/core', () => {
  let door: Connected
  let client: MedplumClient
  let written: Awaited<ReturnType<MedplumClient['executeBatch']>> | undefined

  beforeAll(async () => {
    door = await doorFor('medplum', [])
    client = new MedplumClient({
      baseUrl: door.base.replace(/fhir$/, ''),
      fhirUrlPath: 'fhir',
      accessToken: (await readFile(door.tokenPath, 'utf8')).trim(),
      storage: new ClientStorage(new MemoryStorage()),
      cacheTime: 0,
    })
    written = await client.executeBatch(patient?.bundle() as never)
  }, 60_000)
  afterAll(() => door.close())

  it('writes a transaction', () => {
    expect(written?.entry?.length).toBeGreaterThan(observations)
    expect(written?.entry?.every(({ response }) => response?.status.startsWith('201'))).toBe(true)
  })

  it('reads a resource, and one that a reference names', async () => {
    const read = await client.readResource('Patient', patientId)
    expect(read.name).toEqual(patient?.patient.name)
    expect(await client.readReference({ reference: `Patient/${patientId}` })).toEqual(read)
  })

  it('searches: a page, resources, one, every page', async () => {
    const query = { patient: `Patient/${patientId}`, _count: '5' }
    expect((await client.search('Observation', query)).total).toBe(observations)
    expect((await client.searchOne('Patient', { _id: patientId }))?.id).toBe(patientId)
    const ids: (string | undefined)[] = []
    for await (const page of client.searchResourcePages('Observation', query)) ids.push(...page.map(({ id }) => id))
    expect(new Set(ids).size).toBe(observations)
    expect(ids).toHaveLength(observations)
  })

  it('creates, updates, patches, reads the history, deletes', async () => {
    const created = await client.createResource(weight)
    const updated = await client.updateResource({ ...created, status: 'amended' })
    const patched = await client.patchResource('Observation', created.id, [
      { op: 'replace', path: '/status', value: 'corrected' },
    ])
    expect([created, updated, patched].map(versionOf)).toEqual(['1', '2', '3'])
    const history = await client.readHistory('Observation', created.id)
    expect(history.entry?.map(({ resource }) => resource?.status)).toEqual(['corrected', 'amended', 'final'])
    expect((await client.readVersion('Observation', created.id, '1')).status).toBe('final')
    await client.deleteResource('Observation', created.id)
    await expect(client.readResource('Observation', created.id)).rejects.toMatchObject({
      outcome: { resourceType: 'OperationOutcome' },
    })
  })

  it('creates only what is not there yet, and updates by condition', async () => {
    const identified = { ...weight, identifier: [{ system: 'urn:oid:1.2.3', value: 'w1' }] }
    const query = `identifier=urn:oid:1.2.3|w1&patient=${patientId}`
    const first = await client.createResourceIfNoneExist(identified, query)
    expect((await client.createResourceIfNoneExist(identified, query)).id).toBe(first.id)
    expect(versionOf(await client.upsertResource({ ...identified, status: 'amended' }, query))).toBe('2')
  })

  it('reads a whole chart, a summary, and what a resource would be refused for', async () => {
    const everything = await client.readPatientEverything(patientId)
    expect(everything.entry?.length).toBeGreaterThan(observations)
    expect((await client.readPatientSummary(patientId)).type).toBe('document')
    await expect(client.validateResource(weight)).resolves.toMatchObject({ resourceType: 'OperationOutcome' })
  })

  it('is told what was wrong, as an OperationOutcome', async () => {
    await expect(client.search('Observation', { patient: patientId, colour: 'red' })).rejects.toMatchObject({
      outcome: { issue: [{ severity: 'error', code: 'not-supported' }] },
    })
  })
})

const CHROMIUM = '/usr/bin/chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync']

if (!existsSync(CHROMIUM)) console.warn('no system Chromium: fhirclient in a browser is skipped')

type SmartClient = smart.default

describe.skipIf(!existsSync(CHROMIUM))('fhirclient in Chromium', () => {
  let site: Server
  let browser: Browser
  let page: Page
  let door: Connected

  beforeAll(async () => {
    const script = createRequire(import.meta.url).resolve('fhirclient').replace(/lib.*$/, 'build/fhir-client.min.js')
    const code = await readFile(script)
    site = createServer((request, response) => {
      if (request.url === '/fhir-client.js') response.setHeader('content-type', 'text/javascript').end(code)
      else {
        response.setHeader('content-type', 'text/html').end('<!doctype html><script src="/fhir-client.js"></script>')
      }
    })
    await new Promise<void>((ready) => {
      site.listen(0, '127.0.0.1', ready)
    })
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    door = await doorFor('smart', [origin])
    await parties.edge('POST', '/fhir', {
      body: new TextEncoder().encode(JSON.stringify(patient?.bundle())),
      headers: { 'content-type': 'application/fhir+json' },
    })
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
    page = await browser.newPage()
    await page.goto(origin)
    const token = (await readFile(door.tokenPath, 'utf8')).trim()
    await page.evaluate(({ serverUrl, token: access, id }) => {
      const { FHIR } = globalThis as unknown as { FHIR: { client: (state: unknown) => SmartClient } }
      const client = FHIR.client({ serverUrl, tokenResponse: { access_token: access, patient: id } })
      Object.assign(globalThis, { client })
    }, { serverUrl: door.base, token, id: patientId })
  }, 60_000)
  afterAll(async () => {
    await browser?.close()
    site?.close()
    await door?.close()
  })

  /** Runs in the page: it gets the text of the function, and the argument as JSON. */
  const inPage = <T, A>(work: (client: SmartClient, argument: A) => Promise<T>, argument: A): Promise<T> =>
    page.evaluate(`(${work.toString()})(client, ${JSON.stringify(argument)})`)

  it('reads its patient, and searches all pages of what is theirs', async () => {
    expect(await inPage((client) => client.patient.read().then(({ id }) => id), null)).toBe(patientId)
    const found = await inPage((client) =>
      client.patient.request<{ id: string }[]>('Observation?_count=5', { pageLimit: 0, flat: true }), null)
    expect(found.length).toBeGreaterThanOrEqual(observations)
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
  })

  it('follows references while it reads', async () => {
    const graph = await inPage((client, id) =>
      client.request<{ subject: { resourceType: string } }[]>(`Observation?patient=${id}&_count=1`, {
        flat: true, resolveReferences: ['subject'], graph: true, pageLimit: 1,
      }), patientId)
    expect(graph[0]?.subject.resourceType).toBe('Patient')
  })

  it('creates, updates, patches and deletes', async () => {
    const versions = await inPage(async (client, resource) => {
      const created = await client.create(resource)
      const updated = await client.update({ ...created, status: 'amended' })
      const patched = await client.patch(`Observation/${created.id}`, [
        { op: 'replace', path: '/status', value: 'corrected' },
      ])
      await client.delete(`Observation/${created.id}`)
      const gone = await client.request(`Observation/${created.id}`)
        .then(() => 'there', (error: Error) => error.message)
      const each = [created, updated, patched].map(({ meta }) => (meta as { versionId?: string }).versionId)
      return [...each, gone]
    }, weight)
    expect(versions.slice(0, 3)).toEqual(['1', '2', '3'])
    expect(versions[3]).toContain('deleted')
  })

  it('sees the headers of an answer: version, place, date', async () => {
    const seen = await inPage(async (client, resource) => {
      const { response } = await client.request<{ response: Response }>({
        url: 'Observation', method: 'POST', body: JSON.stringify(resource),
        headers: { 'content-type': 'application/fhir+json' }, includeResponse: true,
      })
      return ['etag', 'location', 'last-modified'].map((name) => response.headers.get(name))
    }, weight)
    expect(seen[0]).toBe('W/"1"')
    expect(seen[1]?.startsWith(`${door.base}/Observation/`)).toBe(true)
    expect(Date.parse(seen[2] ?? '')).toBeGreaterThan(0)
  })

  it('reads the capability statement as its own base', async () => {
    const statement = await inPage((client) => client.request<{ fhirVersion: string }>('metadata'), null)
    expect(statement.fhirVersion).toBe('4.0.1')
  })

  it('is refused where the page was not named at the start', async () => {
    const strange = await doorFor('strange', [])
    const token = (await readFile(strange.tokenPath, 'utf8')).trim()
    const answer = await inPage(async (_, [base, access]) =>
      fetch(`${base}/metadata`, { headers: { authorization: `Bearer ${access}` } })
        .then(() => 'answered', () => 'refused'),
    [strange.base, token] as const)
    expect(answer).toBe('refused')
    await strange.close()
  })
})
