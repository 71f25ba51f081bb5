/**
 * Measures how writes and feeds of the embedded store change as it grows. Run:
 * `node apps/index/test/measure-growth.ts [records]`. Not a test: it asserts nothing.
 */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { openSqliteStore } from '../src/sqlite-store.ts'
import type { CommitOperation } from '../src/store.ts'
import { capsule, commit, plainSigner, record, vault } from './operations.ts'
import { seeded, temporaryDirectory } from './world.ts'

const [most = 1_000_000] = process.argv.slice(2).map(Number)
const PER_VAULT = 1_000
const directory = temporaryDirectory()
const store = openSqliteStore({ directory: directory.path, sign: plainSigner, random: seeded('salts') })
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const median = (times: number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] as number

interface Part {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly category: Uint8Array
}

const parts: Part[] = []
const newPart = async (): Promise<Part> => {
  const category = random(16)
  const custodian = random(32)
  const made = vault(random, custodian, [category])
  await store.apply([made])
  const part = { vault: made.statement.id, custodian, category }
  parts.push(part)
  return part
}

/** A capsule of real sizes with its records. */
const write = (part: Part, records: number): CommitOperation => {
  const opened = capsule(random, part.category, { bytes: random(1_750) })
  return commit(random, { ...part, author: part.custodian }, {
    capsules: [opened],
    records: Array.from({ length: records }, (_, i) =>
      record(random, opened.capsule, { place: i + 1, header: random(75), body: random(400) })),
  }, { leaves: random(32 * 2 ** Math.ceil(Math.log2(records + 1))), statement: { id: random(32), bytes: random(330) } })
}

const any = (): Part => parts[Math.floor(Math.random() * parts.length)] as Part

let stored = 0
for (const size of [1_000, 10_000, 100_000, 1_000_000].filter((one) => one <= most)) {
  const begun = performance.now()
  const before = stored
  while (stored < size) {
    const part = await newPart()
    // As bulk does: many commits of one vault at a time, ten records a capsule.
    for (let i = 0; i < PER_VAULT / 10 / 25; i++) {
      await store.apply(Array.from({ length: 25 }, () => write(part, 10)))
      stored += 250
    }
  }
  const filled = (stored - before) / ((performance.now() - begun) / 1000)
  const writes: number[] = []
  for (let i = 0; i < 400; i++) {
    const operation = write(any(), 1)
    const start = performance.now()
    await store.apply([operation])
    writes.push(performance.now() - start)
  }
  const feeds: number[] = []
  for (let i = 0; i < 40; i++) {
    const part = any()
    const start = performance.now()
    let records = 0
    for (let after = 0, more = true; more;) {
      const page = await store.feed({ ...part, mask: -1, after, limit: 256, maxBytes: 8e6 })
      records += page.commits.reduce((sum, one) => sum + one.records.length, 0)
      after = page.last
      more = page.more
    }
    feeds.push((performance.now() - start) * (PER_VAULT / records))
  }
  const bytes = statSync(join(directory.path, 'index.sqlite')).size
  print(`${size} records: filled at ${Math.round(filled)}/s, single write p50 ${median(writes).toFixed(2)} ms, `
    + `feed of 1,000 p50 ${median(feeds).toFixed(1)} ms, ${Math.round(bytes / size)} bytes a record in the database`)
}
await store.close()
directory.remove()
