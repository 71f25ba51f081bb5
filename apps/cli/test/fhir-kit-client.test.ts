/** An unmodified third-party client works through `scelle connect`: read, search, transaction, paging. */
import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { population } from '@scelle/testing/population'
import { Client } from 'fhir-kit-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectApplication, type Connected } from '../src/connect/command.ts'
import { urlOf } from '../src/home.ts'
import { type Parties, startParties } from './parties.ts'

interface Bundle {
  readonly resourceType: string
  readonly total?: number
  readonly entry?: {
    readonly fullUrl?: string
    readonly resource?: Record<string, unknown>
    readonly response?: { readonly status: string; readonly location?: string }
  }[]
  readonly link?: { readonly relation: string; readonly url: string }[]
}

const shared = resolve(process.env['SCELLE_SHARED'] ?? '../shared')
const synthea = join(shared, 'data', 'synthea-r4', 'dev')

let parties: Parties
let door: Connected
let client: Client
let token = ''
const [patient] = [...population({ seed: 'fhir-kit', patients: 1 })]

beforeAll(async () => {
  parties = await startParties('fhir-kit')
  door = await connectApplication(parties.io, parties.edge, urlOf(parties.installation, 'edge'), {
    application: 'kit',
    port: 0,
    origins: [],
  })
  token = (await readFile(door.tokenPath, 'utf8')).trim()
  client = new Client({ baseUrl: door.base, bearerToken: token })
}, 120_000)
afterAll(async () => {
  door.server.closeAllConnections()
  door.server.close()
  await parties.close()
})

const searchObservations = (searchParams: Record<string, string | number>): Promise<Bundle> =>
  client.search({ resourceType: 'Observation', searchParams }) as Promise<unknown> as Promise<Bundle>

// The client's types want a link in every bundle; the last page has none to follow.
const nextPage = (bundle: Bundle): Promise<Bundle | undefined> =>
  client.nextPage({ bundle } as unknown as Parameters<Client['nextPage']>[0]) as Promise<Bundle | undefined>

describe('fhir-kit-client, unmodified, through connect', () => {
  it('reads the capability statement, and finds the door in it', async () => {
    const statement = (await client.capabilityStatement()) as unknown as {
      fhirVersion: string
      implementation: { url: string }
    }
    expect(statement.fhirVersion).toBe('4.0.1')
    expect(statement.implementation.url).toBe(door.base)
  })

  it('writes a transaction and reads every resource of it back', async () => {
    const answer = (await client.transaction({ body: patient?.bundle() as never })) as unknown as Bundle
    const statuses = (answer.entry ?? []).map((entry) => entry.response?.status ?? '')
    expect(statuses.every((status) => status.startsWith('201'))).toBe(true)
    for (const resource of patient?.resources ?? []) {
      const { meta: _, ...read } = (await client.read({
        resourceType: resource.resourceType,
        id: resource.id as string,
      })) as unknown as Record<string, unknown>
      const { meta: __, ...sent } = resource as unknown as Record<string, unknown>
      expect(read).toEqual(sent)
    }
  })

  it('creates, updates and deletes', async () => {
    const body = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'Poids' },
      subject: { reference: `Patient/${patient?.patient.id}` },
    }
    const created = (await client.create({ resourceType: 'Observation', body })) as unknown as {
      id: string
    }
    const updated = (await client.update({
      resourceType: 'Observation',
      id: created.id,
      body: { ...body, id: created.id, status: 'amended' },
    })) as unknown as { meta: { versionId: string } }
    expect(updated.meta.versionId).toBe('2')
    await client.delete({ resourceType: 'Observation', id: created.id })
    await expect(client.read({ resourceType: 'Observation', id: created.id })).rejects.toMatchObject({
      response: { status: 410 },
    })
  })

  it('pages to the end, every link behind the door, each resource once', async () => {
    const subject = `Patient/${patient?.patient.id}`
    const expected = (patient?.resources ?? []).filter((resource) => resource.resourceType === 'Observation').length
    const ids: unknown[] = []
    let page: Bundle | undefined = await searchObservations({ patient: subject, _count: 5, _sort: '-date' })
    let pages = 0
    while (page !== undefined) {
      pages++
      for (const link of page.link ?? []) expect(link.url.startsWith(door.base)).toBe(true)
      ids.push(...(page.entry ?? []).map((entry) => entry.resource?.['id']))
      page = await nextPage(page)
    }
    expect(pages).toBe(Math.ceil(expected / 5))
    expect(new Set(ids).size).toBe(expected)
    expect(ids).toHaveLength(expected)
  })

  it('is told what was wrong, as an OperationOutcome', async () => {
    await expect(searchObservations({ patient: 'Patient/x', colour: 'red' })).rejects.toMatchObject({
      response: { status: 400, data: { resourceType: 'OperationOutcome' } },
    })
  })

  if (!existsSync(synthea)) console.warn('skipped: no Synthea files; set SCELLE_SHARED to run these')
  it.skipIf(!existsSync(synthea))('takes a whole Synthea transaction as Synthea wrote it', async () => {
    const name = (await readdir(synthea)).toSorted()[0] as string
    const bundle = JSON.parse(gunzipSync(await readFile(join(synthea, name))).toString('utf8')) as Bundle
    const answer = (await client.transaction({ body: bundle as never })) as unknown as Bundle
    expect(answer.entry).toHaveLength(bundle.entry?.length ?? -1)
    const location = answer.entry?.[0]?.response?.location ?? ''
    expect(location).toContain('Patient/')
  })
})
