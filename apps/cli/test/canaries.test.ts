/**
 * After a real import, a thousand strings of the plaintext are looked for wherever the state could have kept them:
 * every file of index and trustees, their logs, and their whole memory, which is what a crash dump would hold.
 */
import { existsSync } from 'node:fs'
import { open, readdir, readFile, writeFile, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { encodingsOf, type Leak, LeakScan, withoutMagic } from '@scelle/testing/leak-scan'
import { population } from '@scelle/testing/population'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Party } from '../src/home.ts'
import { importPaths } from '../src/import/command.ts'
import { type Parties, startParties } from './parties.ts'

const CANARIES = 1_000
const KEYLESS: Party[] = ['index', 'trustee-1', 'trustee-2', 'trustee-3']
const shared = resolve(process.env['SCELLE_SHARED'] ?? '../shared')
const synthea = join(shared, 'data', 'synthea-r4', 'dev')
const SYNTHEA_FILES = 6

let parties: Parties
let scan: LeakScan
let canaries: string[] = []
let status: number
let ofTheirOwn: number

/** Strings that somebody could be known by, or that only their doctor should know: no system URLs. */
const stringsIn = (value: unknown, found: Set<string>): void => {
  if (typeof value === 'string') {
    if (value.length >= 10 && value.length <= 200 && !/^(https?|urn):/.test(value)) found.add(value)
  } else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) stringsIn(inner, found)
}

const sampled = (all: string[], count: number): string[] => {
  const step = all.length / Math.min(count, all.length)
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)] as string)
}

/** A note large enough to be stored as a blob of its own. */
const largeNote = (patient: string): { resource: object; canary: string } => {
  const words = Array.from({ length: 40_000 }, (_, i) => `mot${(i * 7_919).toString(36)}`)
  const canary = words.slice(20_000, 20_006).join(' ')
  const resource = {
    resourceType: 'Communication',
    id: 'canari-long',
    status: 'completed',
    subject: { reference: `Patient/${patient}` },
    payload: [{ contentString: words.join(' ') }],
  }
  return { resource, canary }
}

/** What these programs have in memory before any plaintext was made: words such as "Notification", round numbers. */
const inMemoryBefore = async (texts: readonly string[]): Promise<Set<string>> => {
  const before = new LeakScan([...texts])
  const there = new Set<string>()
  for (const party of KEYLESS) {
    for await (const piece of memoryOf(parties.process(party).pid as number)) {
      for (const { canary } of before.inBytes(piece, party)) there.add(canary)
    }
  }
  return there
}

beforeAll(async () => {
  parties = await startParties('canaries')
  const folder = join(parties.root, 'files')
  await mkdir(folder)
  const found = new Set<string>()
  let first = ''
  const known: string[] = []
  for (const patient of population({ seed: 'canaries', patients: 30 })) {
    first ||= String(patient.patient.id)
    known.push(...patient.canaries)
    stringsIn(patient.resources, found)
    await writeFile(join(folder, `${patient.patient.id}.json`), JSON.stringify(patient.bundle()))
  }
  const note = largeNote(first)
  await writeFile(join(folder, 'zz-note.json'), JSON.stringify(note.resource))
  const names = existsSync(synthea) ? (await readdir(synthea)).toSorted().slice(0, SYNTHEA_FILES) : []
  for (const name of names) {
    const plain = gunzipSync(await readFile(join(synthea, name)))
    stringsIn(JSON.parse(plain.toString('utf8')), found)
    await writeFile(join(folder, name.replace('.gz', '')), plain)
  }
  const drawn = [note.canary, ...known, ...sampled([...found], CANARIES)]
  const all = [...new Set(drawn)].filter((text) => text.length >= 10)
  const theirs = await inMemoryBefore(all)
  canaries = all.filter((text) => !theirs.has(text))
  ofTheirOwn = theirs.size
  scan = new LeakScan(canaries)
  status = await importPaths(parties.io, parties.edge, parties.installation.ids.edge, [folder])
}, 240_000)
afterAll(() => parties.close())

const tell = (leaks: readonly Leak[]): string[] =>
  leaks.map((leak) => `${leak.encoding} in ${leak.where} at ${leak.offset}`).slice(0, 20)

async function* filesOf(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield join(entry.parentPath, entry.name)
  }
}

/** Writable private memory of a process, mapping by mapping: what a core file would hold. */
async function* memoryOf(pid: number): AsyncGenerator<Buffer> {
  const maps = (await readFile(`/proc/${pid}/maps`, 'utf8')).split('\n')
  const memory = await open(`/proc/${pid}/mem`)
  try {
    for (const line of maps) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      if (from === undefined || to === undefined) continue
      const end = Number.parseInt(to, 16)
      for (let at = Number.parseInt(from, 16); at < end; at += 1 << 24) {
        const piece = Buffer.alloc(Math.min(1 << 24, end - at))
        const { bytesRead } = await memory.read(piece, 0, piece.length, at).catch(() => ({ bytesRead: 0 }))
        if (bytesRead > 0) yield piece.subarray(0, bytesRead)
      }
    }
  } finally {
    await memory.close()
  }
}

/** True where a piece of the dictionary could be taken for this string. */
const inDictionary = (dictionary: Buffer, canary: string): boolean =>
  encodingsOf(canary).some(([, bytes]) => dictionary.includes(bytes))

/** Every blob of every table of an SQLite file. */
function* valuesIn(path: string): Generator<Buffer> {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]
    for (const { name } of tables) {
      for (const row of database.prepare(`SELECT * FROM "${name}"`).iterate()) {
        for (const value of Object.values(row)) if (value instanceof Uint8Array) yield Buffer.from(value)
      }
    }
  } finally {
    database.close()
  }
}

describe('what the state holds after an import', () => {
  it('took everything: what was refused could not leak', () => {
    expect(parties.said.join('\n')).not.toContain('refused')
    expect(status).toBe(0)
  })

  it('is looked through for at least 1,000 strings in every encoding', () => {
    expect(canaries.length).toBeGreaterThanOrEqual(CANARIES)
    expect(ofTheirOwn).toBeLessThan(CANARIES / 50)
    expect(scan.patterns).toBeGreaterThan(10 * CANARIES)
  })

  it('can find what is really there: the scan sees the files that were imported', async () => {
    const leaks: Leak[] = []
    for await (const path of filesOf(join(parties.root, 'files')))
      leaks.push(...scan.inBytes(await readFile(path), path))
    expect(new Set(leaks.map((leak) => leak.canary)).size).toBeGreaterThan(canaries.length * 0.9)
  })

  it.each(KEYLESS)(
    'no file or log line of %s holds any',
    async (party) => {
      const leaks: Leak[] = []
      let bytes = 0
      for await (const path of filesOf(parties.io.home.path(party))) {
        const content = await readFile(path)
        bytes += content.length
        leaks.push(...scan.inEverything(content, path.slice(parties.root.length)))
      }
      expect(tell(leaks)).toEqual([])
      expect(bytes).toBeGreaterThan(party === 'index' ? 1_000_000 : 1_000)
    },
    120_000,
  )

  it('no value stored by the index decompresses to any', async () => {
    const dictionary = await readFile(new URL('../../../spec/dictionary/fhir-v1.bin', import.meta.url))
    // Noise "decompressed" with the dictionary yields pieces of the dictionary, which is public.
    const own = new LeakScan(canaries.filter((canary) => !inDictionary(dictionary, canary)))
    expect(own.patterns).toBeGreaterThan(5 * CANARIES)
    const leaks: Leak[] = []
    let values = 0
    for await (const path of filesOf(parties.io.home.path('index', 'data'))) {
      const contents =
        (await readFile(path)).subarray(0, 15).toString('latin1') === 'SQLite format 3'
          ? valuesIn(path)
          : [await readFile(path)]
      for (const value of contents) {
        values++
        for (const content of withoutMagic(value, [dictionary])) leaks.push(...own.inBytes(content, path))
      }
    }
    expect(tell(leaks)).toEqual([])
    expect(values).toBeGreaterThan(1_000)
  }, 120_000)

  it.each(KEYLESS)(
    'the memory of %s holds none',
    async (party) => {
      const leaks: Leak[] = []
      let bytes = 0
      for await (const piece of memoryOf(parties.process(party).pid as number)) {
        bytes += piece.length
        leaks.push(...scan.inBytes(piece, `memory of ${party}`))
      }
      expect(tell(leaks)).toEqual([])
      expect(bytes).toBeGreaterThan(10_000_000)
    },
    120_000,
  )

  it('the edge, which works on plaintext, keeps none of it on its disk either', async () => {
    const leaks: Leak[] = []
    for await (const path of filesOf(parties.io.home.path('edge'))) {
      leaks.push(...scan.inEverything(await readFile(path), path.slice(parties.root.length)))
    }
    expect(tell(leaks)).toEqual([])
  }, 120_000)
})
