/** Bulk export: who may, what it holds, that it ends, and that nothing of it is on the disk in clear. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Bundle, Group, OperationOutcome, Resource } from '@medplum/fhirtypes'
import type { Timers } from '@scelle/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../src/call.ts'
import { Exports, type ExportsOptions } from '../src/exports/exports.ts'
import { type Application, createWorld, issueOf, type Reply, type World } from './harness.ts'
import { ask } from './octets.ts'
import { glucose, patient } from './records.ts'

const CANARY = 'canari-des-exports'

let world: World
let app: Application
let since = ''
beforeAll(async () => {
  world = await createWorld({ seed: 'export' })
  await world.app.put('Organization/h', { resourceType: 'Organization', id: 'h', name: 'Hôpital' })
  for (const id of ['p', 'q']) {
    await world.app.put(`Patient/${id}`, patient(id))
    await world.app.put(`Observation/o-${id}`, { ...glucose(id, 5), id: `o-${id}`, note: [{ text: CANARY }] })
  }
  await world.app.send('PUT', 'Observation/digits', {
    raw: JSON.stringify({ ...glucose('p', 5), id: 'digits' }).replace('"value":5,', '"value":5.00,'),
  })
  await world.app.put('Observation/gone', { ...glucose('p', 6), id: 'gone' })
  await world.app.delete('Observation/gone')
  await world.app.put('Group/g', { resourceType: 'Group', id: 'g', type: 'person', actual: true,
    member: [{ entity: { reference: 'Patient/q' } }] } satisfies Group)
  await world.constellation.clock.advance(60_000)
  since = new Date(world.constellation.now()).toISOString()
  await world.app.put('Condition/late', { resourceType: 'Condition', id: 'late', subject: { reference: 'Patient/p' } })
  await world.party.restart() // every chart is closed
})
afterAll(() => world.close())
beforeEach(() => {
  app = world.exporter
})

interface Manifest {
  readonly transactionTime: string
  readonly request: string
  readonly requiresAccessToken: boolean
  readonly output: readonly { readonly type: string; readonly url: string; readonly count: number }[]
  readonly error: readonly { readonly type: string; readonly url: string; readonly count: number }[]
}

const ASYNC = { prefer: 'respond-async' }
const begin = async (path: string, by = app): Promise<string> => {
  const kicked = await by.get(path, ASYNC)
  expect(kicked.status, kicked.text).toBe(202)
  return kicked.headers.get('content-location') ?? ''
}
const finished = async (status: string, by = app): Promise<Reply<Manifest>> => {
  for (;;) {
    const answer = await by.get<Manifest>(status, { accept: 'application/json' })
    if (answer.status !== 202) return answer
    expect(answer.headers.get('x-progress')).toMatch(/^\d+ of \d+ charts$/)
    expect(answer.headers.get('retry-after')).toBe('1')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const linesOf = async (url: string, by = app): Promise<string[]> => {
  const { status, headers, bytes } = await ask(by, 'GET', url, { accept: 'application/fhir+ndjson' })
  expect([status, headers.get('content-type')]).toEqual([200, 'application/fhir+ndjson'])
  return bytes.toString().split('\n').filter((line) => line !== '')
}
const exported = async (path: string): Promise<{ manifest: Manifest; keys: string[]; text: string }> => {
  const status = await begin(path)
  const { body: manifest } = await finished(status)
  const lines = (await Promise.all(manifest.output.map(async ({ type, url, count }) => {
    const each = await linesOf(url)
    expect(each.length).toBe(count)
    for (const line of each) expect((JSON.parse(line) as Resource).resourceType).toBe(type)
    return each
  }))).flat()
  const keys = lines.map((line) => JSON.parse(line) as Resource).map((each) => `${each.resourceType}/${each.id}`)
  await app.delete(status)
  return { manifest, keys: keys.toSorted((a, b) => (a < b ? -1 : 1)), text: lines.join('\n') }
}
const folder = (): string => join(world.party.directory, 'exports')

describe('an export', () => {
  test('of the patients holds every chart as it is served', async () => {
    const { openCharts } = world.edge().figures()
    const { manifest, keys, text } = await exported('Patient/$export?_outputFormat=application/fhir+ndjson')
    expect(keys).toEqual(['Condition/late', 'Group/g', 'Observation/digits', 'Observation/o-p', 'Observation/o-q',
      'Patient/p', 'Patient/q'])
    expect(text).toContain('"value":5.00,')
    expect(world.edge().figures().openCharts).toBe(openCharts) // it closes what it opened
    expect(manifest.requiresAccessToken).toBe(true)
    expect(manifest.request).toBe('http://edge.test/fhir/Patient/$export?_outputFormat=application/fhir+ndjson')
    expect(Date.parse(manifest.transactionTime)).toBe(world.constellation.now())
    expect(manifest.error).toEqual([])
    const { body } = await world.app.get<Bundle>('Patient/p/$everything')
    for (const { resource } of body.entry ?? []) expect(keys).toContain(`${resource?.resourceType}/${resource?.id}`)
  })

  test('of everything holds the organisation\'s own as well; of a Group its members', async () => {
    expect((await exported('$export')).keys).toContain('Organization/h')
    expect((await exported('Group/g/$export')).keys).toEqual(['Group/g', 'Observation/o-q', 'Patient/q'])
  })

  test('by type, and since a time', async () => {
    expect((await exported('Patient/$export?_type=Patient,Condition')).keys)
      .toEqual(['Condition/late', 'Patient/p', 'Patient/q'])
    expect((await exported(`Patient/$export?_since=${since}`)).keys).toEqual(['Condition/late'])
    expect((await exported('Patient/$export?_type=Location')).manifest.output).toEqual([])
  })

  test('by POST', async () => {
    const kicked = await app.post('Patient/$export', { resourceType: 'Parameters',
      parameter: [{ name: '_type', valueString: 'Patient' }] }, ASYNC)
    expect(kicked.status, kicked.text).toBe(202)
    const status = kicked.headers.get('content-location') ?? ''
    expect((await finished(status)).body.output.map(({ type, count }) => [type, count])).toEqual([['Patient', 2]])
    await app.delete(status)
  })

  test('tells what could not be opened', async () => {
    const { trustees } = world.constellation
    await app.post('$scelle-logout', { resourceType: 'Parameters' })
    for (const trustee of trustees.slice(0, 2)) await trustee.kill()
    try {
      const status = await begin('Patient/$export')
      const { body } = await world.patiently(finished(status))
      expect(body.output).toEqual([])
      const [file] = body.error
      const outcomes = (await linesOf(file?.url ?? '')).map((line) => JSON.parse(line) as OperationOutcome)
      expect(outcomes.map(({ issue }) => issue[0]?.diagnostics?.split(':')[0])).toEqual(['Patient/p', 'Patient/q'])
      await app.delete(status)
    } finally {
      for (const trustee of trustees.slice(0, 2)) await trustee.restart()
    }
  })
})

describe('on the disk', () => {
  const allOf = (path: string): string[] => (statSync(path).isDirectory()
    ? readdirSync(path).flatMap((name) => allOf(join(path, name)))
    : [path])

  test('nothing is in clear, and what is over is gone', async () => {
    const status = await begin('Patient/$export')
    const { body } = await finished(status)
    const files = allOf(folder())
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      const bytes = readFileSync(file).toString('latin1')
      for (const clear of [CANARY, 'Observation', 'Dupont', 'resourceType']) expect(bytes).not.toContain(clear)
    }
    expect((await linesOf(body.output[0]?.url ?? '')).length).toBeGreaterThan(0)
    expect((await app.delete(status)).status).toBe(202)
    expect(allOf(folder())).toEqual([])
    expect((await app.get(status)).status).toBe(404)
    expect((await app.get(body.output[0]?.url ?? '')).status).toBe(404)
  })

  test('a file that nobody takes is given up: what was opened of it does not wait for ever', async () => {
    const fire: (() => void)[] = []
    const timers: Timers = { after: (_, work) => {
      fire.push(work)
      return () => undefined
    } }
    const read = () => Readable.from([Buffer.from('{}')]).iterator()
    const job = { state: 'complete', spool: { read } }
    const exports = new Exports({ jobs: { of: () => job }, timers } as unknown as ExportsOptions)
    const call = { rights: new Set(['export', 'read']), method: 'GET' } as unknown as Call
    const file = (await exports.file(call, 'job', '0')).body as Readable
    const ended = new Promise((resolve) => file.once('error', resolve))
    fire[0]?.()
    await expect(ended).resolves.toMatchObject({ code: 'stalled' })
  })

  test('a changed file is not sent', async () => {
    const status = await begin('Patient/$export?_type=Patient')
    const { body } = await finished(status)
    const [file = ''] = allOf(folder())
    const { writeFileSync } = await import('node:fs')
    const bytes = readFileSync(file)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    writeFileSync(file, bytes)
    await expect((async () => linesOf(body.output[0]?.url ?? ''))()).rejects.toThrow(Error)
    await app.delete(status)
  })

  test('a restart leaves nothing', async () => {
    const status = await begin('Patient/$export')
    await finished(status)
    await world.party.kill()
    expect(allOf(folder()).length).toBeGreaterThan(0)
    await world.party.restart()
    expect(existsSync(folder())).toBe(false)
    expect((await app.get(status)).status).toBe(404)
  })

  test('it expires', async () => {
    const status = await begin('Patient/$export')
    await finished(status)
    await world.constellation.clock.advance(3 * 3_600_000)
    expect((await app.get(status)).status).toBe(404)
    expect(allOf(folder())).toEqual([])
  })
})

describe('misuse', () => {
  test('no right, no export', async () => {
    for (const by of [world.app, world.reader, world.writer]) {
      const refused = await by.get('Patient/$export', ASYNC)
      expect([refused.status, issueOf(refused).code]).toEqual([403, 'forbidden'])
    }
  })

  test('another principal and another session find no such export', async () => {
    const status = await begin('Patient/$export')
    const { body } = await finished(status)
    for (const by of [world.app, world.reader, app.serving('somebody else')]) {
      for (const path of [status, body.output[0]?.url ?? '']) {
        const refused = await by.get(path)
        expect([403, 404]).toContain(refused.status)
        expect(refused.text).not.toContain(CANARY)
      }
      expect([403, 404]).toContain((await by.delete(status)).status)
    }
    expect((await app.get(status)).status).toBe(200)
    await app.delete(status)
  })

  test('one at a time for an application', async () => {
    const kicked = await Promise.all([1, 2, 3].map(() => app.get('Patient/$export', ASYNC)))
    const begun = kicked.filter(({ status }) => status === 202)
    const refused = kicked.filter(({ status }) => status !== 202)
    expect(begun.length).toBe(1)
    for (const each of refused) expect([each.status, issueOf(each).code]).toEqual([429, 'throttled'])
    await app.delete(begun[0]?.headers.get('content-location') ?? '')
  })

  test('cancelled while it runs it leaves nothing', async () => {
    const status = await begin('$export')
    expect((await app.delete(status)).status).toBe(202)
    for (let rest = 0; rest < 50; rest++) await new Promise((resolve) => setImmediate(resolve))
    await expect.poll(() => (existsSync(folder()) ? readdirSync(folder()) : [])).toEqual([])
  })

  test('with the session its export ends', async () => {
    const somebody = app.serving('leaving')
    const status = await begin('Patient/$export', somebody)
    await finished(status, somebody)
    await somebody.post('$scelle-logout', { resourceType: 'Parameters' })
    expect((await somebody.get(status)).status).toBe(404)
    await expect.poll(() => readdirSync(folder())).toEqual([])
  })

  test.each([
    ['Patient/$export', {}, 400], ['Patient/$export?_outputFormat=csv', ASYNC, 400],
    ['Patient/$export?_type=Nonsense', ASYNC, 400], ['Patient/$export?_type=Binary', ASYNC, 400],
    ['Patient/$export?_since=yesterday', ASYNC, 400], ['Patient/$export?_typeFilter=x', ASYNC, 400],
    ['Group/none/$export', ASYNC, 404], ['Group/..%2Fg/$export', ASYNC, 404], ['Observation/$export', ASYNC, 400],
    ['$export-status/x', {}, 404], ['$export-status/..%2F..%2Fedge.db', {}, 404], ['$export-file/x/0', {}, 404],
    ['$export-file/..%2F..%2F/edge.db', {}, 404], ['$export-file/x/..%2F0', {}, 404],
  ] as const)('%s is refused', async (path, headers, status) => {
    const refused = await app.get(path, headers)
    expect([refused.status, issueOf(refused).severity], refused.text).toEqual([status, 'error'])
  })
})
