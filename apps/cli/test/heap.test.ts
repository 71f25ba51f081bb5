/**
 * What an edge's process holds of a chart that was closed by logout or expiry: looked for by canaries in a heap
 * snapshot, which V8 takes after collecting, and in all of the process's memory. A chart that another session still has
 * open is found both times, so the search can fail.
 *
 * Limits. JavaScript's strings cannot be overwritten: once collected they are in no snapshot, but their pages keep
 * their bytes until they are used again, as does memory that the runtime freed after sending an answer. So what is left
 * in all of the memory is counted and printed; that it is nothing is asked of the snapshot alone.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fhirJson } from '../src/edge-client.ts'
import { type Parties, startParties } from './parties.ts'

const RESOURCES = 40
const PEOPLE = ['alice', 'bob', 'carol'] as const
type Person = (typeof PEOPLE)[number]

/** Kept in content alone, and kept by the index as well: what is searched by. */
interface Canaries {
  readonly contents: readonly string[]
  readonly indexed: readonly string[]
}

let parties: Parties
const planted = new Map<Person, Canaries>()
const sessions = new Map(PEOPLE.map((person) => [person, randomBytes(16).toString('base64url')]))

const newCanary = (): string => `Zq${randomBytes(12).toString('hex')}`

const bundleOf = (person: Person): object => {
  const drawn = { contents: [] as string[], indexed: [] as string[] }
  planted.set(person, drawn)
  const draw = (list: string[]): string => list[list.push(newCanary()) - 1] as string
  const subject = { reference: `Patient/${person}` }
  const observations = Array.from({ length: RESOURCES }, (_, at) => ({
    resourceType: 'Observation', id: `${person}-${at}`, status: 'final', subject,
    identifier: [{ system: 'urn:canary', value: draw(drawn.indexed) }],
    code: { coding: [{ system: 'urn:canary', code: draw(drawn.indexed) }], text: draw(drawn.contents) },
    valueString: draw(drawn.contents),
  }))
  const resources = [{ resourceType: 'Patient', id: person }, ...observations]
  return {
    resourceType: 'Bundle', type: 'transaction',
    entry: resources.map((resource) => ({
      resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
    })),
  }
}

const ask = async (person: Person, method: string, path: string): Promise<number> =>
  (await parties.edge(method, `/fhir/${path}`, { session: sessions.get(person) as string })).status

const everything = async (person: Person): Promise<number[]> => [
  await ask(person, 'GET', `Patient/${person}/$everything`),
  await ask(person, 'GET', `Observation/${person}-1`),
  await ask(person, 'GET', `Observation?patient=Patient/${person}&code:missing=false&identifier:missing=false`),
  await ask(person, 'GET', `Observation?patient=Patient/${person}&_sort=code,identifier&_count=3`),
]

/** Other people's work, so that pages and buffers are used again as they are in a day. */
const daysWork = async (): Promise<void> => {
  const patients = Array.from({ length: 60 }, (_, at) => ({ resourceType: 'Patient', id: `other-${at}` }))
  for (const resource of patients) {
    const named = { ...resource, name: [{ text: 'N'.repeat(2_000) }] }
    await parties.edge('PUT', `/fhir/Patient/${resource.id}`, fhirJson(named))
  }
  for (let round = 0; round < 40; round++) await everything('bob')
}

beforeAll(async () => {
  parties = await startParties('heap')
  for (const person of PEOPLE) {
    const written = await parties.edge('POST', '/fhir', fhirJson(bundleOf(person)))
    if (written.status !== 200) throw new Error(`the canaries were not taken: ${written.status}`)
  }
  const path = parties.io.home.path('edge', 'config.json')
  const config = JSON.parse(await readFile(path, 'utf8')) as object
  await writeFile(path, JSON.stringify({ ...config, sessions: { idle: 20_000 } }))
  await mkdir(join(parties.root, 'heap'))
  // Started anew: what is written passes through memory too, and is not what is asked about here.
  process.env['NODE_OPTIONS'] = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${join(parties.root, 'heap')}`
  try {
    await parties.restart('edge')
  } finally {
    delete process.env['NODE_OPTIONS']
  }
}, 180_000)
afterAll(() => parties.close())

const pid = (): number => parties.process('edge').pid as number

const CANARY = /Zq[0-9a-f]{24}/g
const SPREAD = /Z\0q\0((?:[0-9a-f]\0){24})/g

/** Every canary that stands there, as one byte a character or two. */
const canariesIn = (bytes: Buffer, found: Set<string>): void => {
  const text = bytes.toString('latin1')
  for (const [canary] of text.matchAll(CANARY)) found.add(canary)
  for (const [, digits = ''] of text.matchAll(SPREAD)) found.add(`Zq${digits.replaceAll('\0', '')}`)
}

/** Whether the snapshot's JSON is written to its end: it stands there, empty, while the heap is being collected. */
const isWhole = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, Math.max(0, size - 16))
    return size > 16 && /\]\s*\}\s*\0*$/.test(buffer.toString('latin1'))
  } finally {
    await file.close()
  }
}

/** The canaries in a heap snapshot, taken now. */
const inSnapshot = async (): Promise<Set<string>> => {
  const folder = join(parties.root, 'heap')
  process.kill(pid(), 'SIGUSR2')
  let name: string | undefined
  while (name === undefined) {
    await sleep(200)
    ;[name] = await readdir(folder)
  }
  const path = join(folder, name)
  const found = new Set<string>()
  while (!(await isWhole(path))) await sleep(500)
  let tail = Buffer.alloc(0)
  const stream = createReadStream(path, { highWaterMark: 1 << 22 })
  stream.on('data', (piece) => {
    const bytes = Buffer.concat([tail, piece as Buffer])
    canariesIn(bytes, found)
    tail = bytes.subarray(-100)
  })
  await once(stream, 'close')
  await rm(path)
  return found
}

/** The canaries anywhere in the memory that the process can write to. */
const inMemory = async (): Promise<Set<string>> => {
  const found = new Set<string>()
  const memory = await open(`/proc/${pid()}/mem`)
  try {
    for (const line of (await readFile(`/proc/${pid()}/maps`, 'utf8')).split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from === undefined || to === undefined) continue
      const end = Number.parseInt(to, 16)
      for (let at = Number.parseInt(from, 16); at < end; at += (1 << 24) - 128) {
        const piece = Buffer.alloc(Math.min(1 << 24, end - at))
        const { bytesRead } = await memory.read(piece, 0, piece.length, at).catch(() => ({ bytesRead: 0 }))
        canariesIn(piece.subarray(0, bytesRead), found)
      }
    }
  } finally {
    await memory.close()
  }
  return found
}

const share = (found: Set<string>, of: readonly string[]): number =>
  of.filter((text) => found.has(text)).length / of.length

it('finds open charts in the memory, and what they are searched by in the heap', async () => {
  for (const person of PEOPLE) expect(await everything(person)).toEqual([200, 200, 200, 200])
  const heap = await inSnapshot()
  const memory = await inMemory()
  for (const person of PEOPLE) {
    expect(share(heap, planted.get(person)?.indexed ?? [])).toBe(1)
    expect(share(memory, planted.get(person)?.contents ?? [])).toBe(1)
  }
}, 120_000)

it('finds nothing of a chart whose session was ended or expired, and all of another session\'s', async () => {
  expect(await ask('alice', 'POST', '$scelle-logout')).toBe(204)
  // The snapshot may have taken longer than a session may be idle.
  expect(await everything('bob')).toEqual([200, 200, 200, 200])
  // Carol asks for nothing any more; Bob goes on. Sessions are looked through every half minute.
  for (let waited = 0; waited < 60; waited += 5) {
    await sleep(5_000)
    expect(await ask('bob', 'GET', 'Observation/bob-1')).toBe(200)
  }
  await daysWork()
  const heap = await inSnapshot()
  const memory = await inMemory()
  for (const person of PEOPLE) {
    const { contents = [], indexed = [] } = planted.get(person) ?? {}
    console.log(`${person}: heap ${share(heap, indexed)} of indexed, ${share(heap, contents)} of contents; `
      + `memory ${share(memory, indexed)}, ${share(memory, contents)}`)
  }
  for (const person of ['alice', 'carol'] as const) {
    const { contents = [], indexed = [] } = planted.get(person) ?? {}
    expect([...heap].filter((text) => contents.includes(text) || indexed.includes(text))).toEqual([])
  }
  expect(share(heap, planted.get('bob')?.indexed ?? [])).toBe(1)
  expect(share(memory, planted.get('bob')?.contents ?? [])).toBe(1)
}, 240_000)
