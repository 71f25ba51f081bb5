/** The directory's file: what waits is seen at once, is on the disk with the next durable write, and never by half. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { Database } from '../src/store/database.ts'

let folder: string
let db: Database
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const textOf = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : Buffer.from(found).toString()
const row = bytes('row')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-edge-db-'))
  db = new Database(folder, true)
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As after a kill: what waited is lost. */
const killed = (): Database => {
  db.close()
  db = new Database(folder, true)
  return db
}

test('what is not durable is read at once, lost by a kill, and kept by the next durable write', () => {
  db.write(false, () => db.put('locator', row, bytes('one')))
  expect(textOf(db.get('locator', row))).toBe('one')
  expect(db.get('person', row)).toBeUndefined()
  expect(killed().get('locator', row)).toBeUndefined()
  db.write(false, () => db.put('locator', row, bytes('two')))
  db.write(true, () => db.put('person', row, bytes('other')))
  killed()
  expect([textOf(db.get('locator', row)), textOf(db.get('person', row))]).toEqual(['two', 'other'])
  db.write(false, () => db.drop('locator', row))
  expect(db.get('locator', row)).toBeUndefined()
  db.flush()
  expect(killed().get('locator', row)).toBeUndefined()
})

test('a flush beside this thread writes the same, in the order of the calls', async () => {
  db.write(false, () => db.put('locator', row, bytes('one')))
  const first = db.writeAside(() => db.outboxPut(row, bytes('first')))
  const second = db.writeAside(() => db.outboxPut(row, bytes('second')))
  const [one, two] = await Promise.all([first, second])
  expect(two).toBeGreaterThan(one)
  db.write(false, () => db.outboxDrop(one))
  db.flush()
  expect(killed().outbox().map(({ sealed }) => textOf(sealed))).toEqual(['second'])
  expect(textOf(db.get('locator', row))).toBe('one')
})

test('work that throws changes nothing, waiting or durable, and what waited before stays', () => {
  db.write(false, () => db.put('locator', row, bytes('before')))
  const fail = (): void => {
    db.put('locator', row, bytes('half'))
    throw new Error('no')
  }
  for (const durable of [false, true]) {
    expect(() => db.write(durable, fail)).toThrow('no')
    expect(textOf(db.get('locator', row))).toBe('before')
  }
  db.flush()
  expect(textOf(killed().get('locator', row))).toBe('before')
})

test('counts and lists see what waits, and so many rows do not wait', () => {
  db.write(false, () => db.put('patient', row, bytes('one')))
  expect(db.count('patient')).toBe(1)
  db.write(false, () => db.put('patient', bytes('other'), bytes('two')))
  expect(new Set([...db.all('patient')].map(({ sealed }) => textOf(sealed)))).toEqual(new Set(['one', 'two']))
  db.write(false, () => {
    for (let i = 0; i <= EDGE_LIMITS.waitingRows; i++) db.put('locator', bytes(`row ${i}`), bytes('x'))
  })
  expect(killed().count('locator')).toBe(EDGE_LIMITS.waitingRows + 1)
})

test('a second edge on the same folder does not start', () => {
  db.write(true, () => db.put('locator', row, bytes('one')))
  expect(() => new Database(folder)).toThrow('locked')
  expect(() => new DatabaseSync(join(folder, 'edge.db')).exec('SELECT count(*) FROM locator')).toThrow('locked')
})
