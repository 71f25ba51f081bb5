/** Transactions prepared beside the edge's thread come out as those that are not; what fails there harms nobody. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bundle, BundleEntry, OperationOutcome, Resource } from '@medplum/fhirtypes'
import { CATEGORIES, categorise } from '@scelle/fhir/categories'
import { type CategoryKey, drawCategoryKey, toHex } from '@scelle/sdk'
import { createConstellation } from '@scelle/testing/constellation'
import { population } from '@scelle/testing/population'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Prepared } from '../src/aside/prepare.ts'
import { KeysThread } from '../src/aside/keys.ts'
import { AsideThread } from '../src/aside/thread.ts'
import { EDGE_LIMITS } from '../src/limits.ts'
import { type Counted, everythingAside, preparedHere } from './aside.ts'
import { createWorld, type World } from './harness.ts'
import { glucose, patient } from './records.ts'

const BASE = 'http://edge.test/fhir'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const put = (resource: Resource, request = {}): BundleEntry => ({
  resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}`, ...request },
})
const post = (resource: Resource): BundleEntry => ({
  fullUrl: `urn:uuid:${resource.id}`, resource, request: { method: 'POST', url: resource.resourceType },
})
const transaction = (...entry: BundleEntry[]): string =>
  JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })
const prepared = (text: string): Prepared => {
  const preparation = preparedHere({ body: bytes(text), base: BASE })
  if (preparation === undefined || 'wanted' in preparation) throw new Error('it has no answer')
  return preparation
}
const textsOf = ({ entries, texts }: Prepared): string[] => {
  let at = 0
  return entries.map(({ size }) => Buffer.from(texts.subarray(at, at += size)).toString())
}

describe('two edges, one of which has everything prepared elsewhere', () => {
  const aside: Counted = everythingAside()
  let plain: World
  let split: World
  beforeAll(async () => {
    const within = await createConstellation({ seed: 'aside', jump: 2_000 })
    plain = await createWorld({ seed: 'aside', within, name: 'plain' })
    split = await createWorld({ seed: 'aside', within, name: 'split', aside })
  })
  afterAll(() => plain.constellation.close())

  /** Names of the servers, times and drawn ids are their own. */
  const comparable = (text: string): string => text
    .replaceAll(/http:\/\/(?:plain|split)\.test/g, 'http://edge.test')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
    .replaceAll(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'ID')
  const both = async (raw: string, headers = {}): Promise<{ status: number; text: string }[]> => {
    const answers: { status: number; text: string }[] = []
    for (const { app } of [plain, split]) {
      const { status, text } = await app.send('POST', '', { raw, headers })
      answers.push({ status, text: comparable(text) })
    }
    return answers
  }
  const same = async (raw: string, status: number, headers = {}): Promise<void> => {
    const [one, other] = await both(raw, headers)
    expect(one?.status, one?.text.slice(0, 300)).toBe(status)
    expect(other).toEqual(one)
  }
  const RETURNED = { prefer: 'return=representation' }

  test('a population', async () => {
    const before = aside.answered.ready
    for (const one of population({ seed: 'aside', patients: 6 })) {
      await same(JSON.stringify(one.bundle()), 200, RETURNED)
    }
    expect(aside.answered.ready).toBe(before + 6)
    expect(split.edge().figures()).toEqual(plain.edge().figures())
  }, 60_000)

  test('new versions, versions that are none, digits, own addresses, and what is asked of them later', async () => {
    const observation = { ...glucose('v', 7), id: 'v1' }
    const own = (world: string): string => transaction(put(patient('v')), put({
      ...observation, subject: { reference: `http://${world}.test/fhir/Patient/v` }, meta: { tag: [{ code: 'é' }] },
    })).replace('"value":7', '"value":7.50')
    for (const { app, party } of [plain, split]) {
      const world = party.url.includes('plain') ? 'plain' : 'split'
      expect((await app.send('POST', '', { raw: own(world) })).status).toBe(200)
      const { text } = await app.get('Observation/v1')
      expect(text).toContain('"value":7.50')
      expect(text).toContain('"reference":"Patient/v"')
      expect(text).toMatch(/"meta":\{"versionId":"1","lastUpdated":"[^"]+","tag":\[\{"code":"é"\}\]\}/)
    }
    await same(transaction(put(observation)), 200, RETURNED) // a second version
    await same(transaction(put(observation)), 200, RETURNED) // the same again: no third one
    await same(transaction(put(observation, { ifMatch: 'W/"2"' })), 200, RETURNED)
    await same(transaction(put(observation, { ifMatch: 'W/"1"' })), 412)
    await same(transaction(put(observation, { ifNoneMatch: '*' })), 412)
    await same(transaction(put(observation, { url: 'Observation?patient=v&code=none' })), 412) // id taken
    for (const path of ['Observation/v1/_history', 'Observation?patient=v', 'Patient?family=Dupont']) {
      const [one, other] = await Promise.all([plain, split].map(({ app }) => app.search(path)))
      expect(other?.body.total, path).toBe(one?.body.total)
      expect(one?.status).toBe(200)
    }
  })

  test.each([
    ['no JSON', '{"resourceType":"Bundle","type":"transaction"', 400],
    ['an entry that is no request', '{"resourceType":"Bundle","type":"transaction","entry":[7]}', 400],
    ['an invalid resource', transaction(put({ ...glucose('v', 1), id: 'x', status: 'nonsense' as never })), 400],
    ['a reference to nothing',
      transaction(post({ ...glucose('v', 1), id: 'x', subject: { reference: 'urn:uuid:none' } })), 400],
    ['a patient who is a group', transaction(put({ ...glucose('v', 1), id: 'x', subject: { reference: 'Group/1' } })),
      422],
    ['another patient than before', transaction(put(patient('w')), put({ ...glucose('w', 1), id: 'v1' })), 422],
    ['a version that is no version', transaction(put(patient('w'), { ifMatch: '7' })), 400],
    ['two patients of whom one was merged away', transaction(put({
      resourceType: 'Provenance', id: 'x', recorded: '2026-01-01T00:00:00Z', agent: [{ who: { display: 'x' } }],
      target: [{ reference: 'Observation/v1' }, { reference: 'Patient/w' }],
    })), 422],
  ])('%s is refused in the same words', async (_, raw, status) => {
    const [one, other] = await both(raw)
    expect(one?.status, one?.text.slice(0, 300)).toBe(status)
    expect(other).toEqual(one)
  })

  test('what needs the directory, octets or documents is done without it', async () => {
    const provenance: Resource = {
      resourceType: 'Provenance', id: 'p', recorded: '2026-01-01T00:00:00Z', agent: [{ who: { display: 'x' } }],
      target: [{ reference: 'Observation/v1' }],
    }
    const before = aside.answered.nothing
    await same(transaction(put(provenance)), 200, RETURNED)
    await same(transaction({ request: { method: 'DELETE', url: 'Provenance/p' } }), 200)
    await same(transaction(put({
      resourceType: 'Binary', id: 'b', contentType: 'text/plain', data: 'eA==',
      securityContext: { reference: 'Patient/v' },
    })), 200)
    await same(transaction(put({
      resourceType: 'DocumentReference', id: 'd', status: 'current', subject: { reference: 'Patient/v' },
      content: [{ attachment: { url: 'Binary/b', size: 2 } }],
    })), 422)
    expect(aside.answered.nothing).toBe(before + 4)
  })

  test('rights are asked for as everywhere', async () => {
    const raw = transaction(put(patient('r')))
    for (const { reader } of [plain, split]) expect((await reader.send('POST', '', { raw })).status).toBe(403)
    const conditional = transaction({
      resource: patient(), request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=urn:x|y' },
    })
    for (const { writer } of [plain, split]) {
      expect((await writer.send('POST', '', { raw: conditional })).status).toBe(403)
    }
  })
})

test('every resource of a population is prepared as its category and its text', () => {
  for (const one of population({ seed: 'prepared', patients: 20 })) {
    const bundle = one.bundle()
    const preparation = prepared(JSON.stringify(bundle))
    const texts = textsOf(preparation)
    const owners = new Set<string>()
    for (const [at, entry] of preparation.entries.entries()) {
      const resource = JSON.parse(texts[at] ?? '') as Resource
      expect(entry.category).toBe(categorise(resource).category)
      expect(resource).toMatchObject({ resourceType: entry.type, id: entry.id })
      owners.add(entry.owner)
    }
    expect(owners.size).toBe(1)
  }
})

describe('the thread', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-aside-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const failures: number[] = []
  const program = (name: string, text: string): URL => {
    writeFileSync(join(folder, `${name}.mjs`), `import { parentPort } from 'node:worker_threads'\n${text}`)
    return pathToFileURL(join(folder, `${name}.mjs`))
  }
  const failed = (waiting: number): void => {
    failures.push(waiting)
  }
  const ask = (text: string): { body: Uint8Array; base: string } => ({ body: bytes(text), base: BASE })

  test('answers what this thread would, and does not touch what it was asked about', async () => {
    const thread = new AsideThread({ failed })
    const text = transaction(put(patient('t')), put({ ...glucose('t', 1), id: 't1' }))
    const asked = ask(text)
    expect(await thread.prepare(asked)).toEqual(prepared(text))
    expect(Buffer.from(asked.body).toString()).toBe(text)
    expect(await thread.prepare(ask('nonsense'))).toBeUndefined()
    await thread.close()
    expect(await thread.prepare(ask(text))).toBeUndefined()
    expect(failures.splice(0)).toEqual([])
  })

  test('ends in the middle: 503, nothing written, and the next one finds another thread', async () => {
    // Half-way through its first answer, as where its memory is full.
    const dying = program('dying', `
      parentPort.postMessage({})
      parentPort.on('message', ({ job, base }) => {
        if (base.includes('bad')) process.exit(1)
        parentPort.postMessage({ job, preparation: undefined })
      })`)
    const thread = new AsideThread({ failed, program: dying })
    const lost = [ask(''), ask('')].map((asked) => thread.prepare({ ...asked, base: 'bad' }))
    for (const one of lost) await expect(one).rejects.toMatchObject({ code: 'overloaded' })
    expect(failures.splice(0)).toEqual([2])
    expect(await thread.prepare(ask(''))).toBeUndefined()
    expect(failures).toEqual([])
    await thread.close()
  })

  test('that cannot work at all is not started again: everything is done here', async () => {
    const thread = new AsideThread({ failed, program: program('broken', 'throw new Error("no")') })
    expect(await thread.prepare(ask(''))).toBeUndefined()
    expect(failures.splice(0)).toEqual([1])
    expect(await thread.prepare(ask(''))).toBeUndefined()
    expect(failures).toEqual([])
    await thread.close()
  })

  test('takes no more than it has room for', async () => {
    const silent = program('silent', 'parentPort.postMessage({}); parentPort.on("message", () => undefined)')
    const thread = new AsideThread({ failed, program: silent })
    const waiting = Array.from({ length: EDGE_LIMITS.asideJobs }, () => thread.prepare(ask('')))
    expect(await thread.prepare(ask(''))).toBeUndefined()
    await thread.close()
    await Promise.allSettled(waiting)
  })

  test('lost in the middle, an edge answers 503 and has kept nothing', async () => {
    const dying = program('fatal', 'parentPort.postMessage({}); parentPort.on("message", () => process.exit(1))')
    const world = await createWorld({ seed: 'aside-lost', aside: new AsideThread({ failed, program: dying }) })
    const raw = ' '.repeat(EDGE_LIMITS.asideFrom) + transaction(put(patient('lost')))
    const answer = await world.app.send<OperationOutcome>('POST', '', { raw })
    expect(answer.status).toBe(503)
    expect(answer.body.issue[0]?.code).toBe('throttled')
    expect((await world.app.get('Patient/lost')).status).toBe(404)
    expect((await world.app.send<Bundle>('POST', '', { raw: transaction(put(patient('lost'))) })).status).toBe(200)
    await world.close()
  })
})

describe('keys of new vaults', () => {
  const COUNT = CATEGORIES.length
  const turns = async (isDone: () => boolean): Promise<void> => {
    for (let waited = 0; !isDone() && waited < 500; waited++) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  test('are drawn ahead once vaults are made in numbers, each key for one vault', async () => {
    const keys = new KeysThread()
    let taken: readonly CategoryKey[] | undefined
    for (let miss = 1; miss < EDGE_LIMITS.keysAfter; miss++) expect(keys.take(COUNT)).toBeUndefined()
    await turns(() => (taken = keys.take(COUNT)) !== undefined)
    const seen = new Set<string>()
    for (let vaults = 0; vaults < 20; vaults++) {
      for (const { secret, publicKey } of taken ?? []) {
        const again = drawCategoryKey({ random: () => secret })
        expect(toHex(again.publicKey)).toBe(toHex(publicKey))
        seen.add(toHex(secret))
      }
      await turns(() => (taken = keys.take(COUNT)) !== undefined)
    }
    expect(seen.size).toBe(20 * COUNT)
    expect(keys.take(COUNT - 1)).toBeUndefined()
    await keys.close()
    expect(keys.take(COUNT)).toBeUndefined()
  })

  test('a thread that dies leaves them to be drawn here', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'scelle-keys-'))
    writeFileSync(join(folder, 'broken.mjs'), 'throw new Error("no")')
    const keys = new KeysThread(pathToFileURL(join(folder, 'broken.mjs')))
    for (let vaults = 0; vaults < 20; vaults++) {
      expect(keys.take(COUNT)).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await keys.close()
    rmSync(folder, { recursive: true })
  })

  test('make vaults that are written, read and shared as any other', async () => {
    let given = 0
    const take = (count: number): CategoryKey[] => {
      given++
      return Array.from({ length: count }, () => drawCategoryKey({ random: (length) => randomBytes(length) }))
    }
    const world = await createWorld({ seed: 'keys-ahead', keysAhead: { take, close: () => Promise.resolve() } })
    const [one] = population({ seed: 'keys-ahead', patients: 1 })
    expect((await world.app.send('POST', '', { raw: JSON.stringify(one?.bundle()) })).status).toBe(200)
    expect(given).toBe(2) // the organisation's own and the patient's
    await world.party.kill()
    await world.party.restart()
    const { id } = one?.resources[0] ?? {}
    expect((await world.app.search(`Observation?patient=${id}`)).body.total).toBeGreaterThan(0)
    await world.close()
  })
})
