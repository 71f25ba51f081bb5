/** The directory's file: what waits is seen at once, is on the disk with the next durable write, and never by half. */
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
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

test('what a killed process wrote is on the disk before the outbox is read again', async () => {
  await db.writeAside(() => db.outboxPut(row, bytes('kept')))
  const copy = mkdtempSync(join(tmpdir(), 'scelle-edge-db-'))
  cpSync(folder, copy, { recursive: true })
  expect(statSync(join(copy, 'edge.db-wal')).size).toBeGreaterThan(0)
  const next = new Database(copy, true)
  // Moved and flushed by SQLite itself: nothing depends on a log whose last bytes may never have reached the disk.
  expect(statSync(join(copy, 'edge.db-wal')).size).toBe(0)
  expect(next.outbox().map(({ sealed }) => textOf(sealed))).toEqual(['kept'])
  next.close()
  rmSync(copy, { recursive: true })
})

test('after a flush that failed nothing counts as durable any more, whatever later flushes say', async () => {
  db.close()
  const answers = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let asked = 0
  db = new Database(folder, true, () => (answers[asked++] as (typeof answers)[number]).promise)
  const first = db.writeAside(() => db.outboxPut(row, bytes('first')))
  const second = db.writeAside(() => db.outboxPut(row, bytes('second')))
  // The system tells a failure once: were both under way, the second one would be told that all is well.
  answers[1]?.resolve()
  answers[0]?.reject(new Error('EIO'))
  await expect(first).rejects.toThrow('EIO')
  await expect(second).rejects.toThrow('EIO')
  expect([asked, db.sound]).toEqual([1, false])
  expect(() => db.write(true, () => db.put('vault', row, bytes('x')))).toThrow('must be restarted')
  await expect(db.writeAside(() => db.outboxPut(row, bytes('third')))).rejects.toThrow('must be restarted')
  expect(killed().sound).toBe(true)
})

test('a change that took effect does not fail because what waits cannot be written now', () => {
  db.write(false, () => {
    db.put('locator', row, null as never) // no place for it in the file, as on a full disk
    for (let i = 0; i <= EDGE_LIMITS.waitingRows; i++) db.put('locator', bytes(`row ${i}`), bytes('x'))
  })
  expect(textOf(db.get('locator', bytes('row 0')))).toBe('x')
  expect(() => db.flush()).toThrow('NOT NULL')
  db.write(false, () => db.drop('locator', row))
  expect(killed().count('locator')).toBe(EDGE_LIMITS.waitingRows + 1)
})
