/** The ledger against a model that keeps every opening and counts from scratch. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Database } from '../src/database.ts'
import { type Measure, MEASURES, type Window, WINDOWS } from '../src/meter/budgets.ts'
import { Ledger, METER_SCHEMA } from '../src/meter/ledger.ts'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const START = 1_800_000_000

interface Opening { readonly meter: number; readonly measure: number; readonly vault: number; readonly after: number }

const openings = fc.array(fc.record({
  meter: fc.nat(1),
  measure: fc.nat(MEASURES.length - 1),
  vault: fc.nat(6),
  // From a second to longer than the longest window.
  after: fc.oneof(fc.nat(60), fc.nat(WINDOWS.hour * 2), fc.nat(WINDOWS.day * 2), fc.nat(WINDOWS.month * 2)),
}), { maxLength: 60 })

const windows = Object.keys(WINDOWS) as Window[]

class Model {
  readonly #opened: { meter: number; measure: number; vault: number; time: number }[] = []

  add(meter: number, measure: number, vault: number, time: number): void {
    this.#opened.push({ meter, measure, vault, time })
  }

  count(meter: number, measure: number, window: Window, now: number): number {
    return new Set(this.#opened.filter((one) => one.meter === meter && one.measure === measure &&
      one.time > now - WINDOWS[window]).map(({ vault }) => vault)).size
  }
}

const compare = (ledger: Ledger, model: Model, now: number): void => {
  for (const meter of [0, 1]) {
    for (const [place, measure] of MEASURES.entries()) {
      for (const window of windows) {
        expect(ledger.count(id(meter), measure, window, now)).toBe(model.count(meter, place, window, now))
      }
    }
  }
}

const play = (ledger: Ledger, model: Model, all: readonly Opening[], from: number): number => {
  let now = from
  for (const { meter, measure, vault, after } of all) {
    now += after
    const name = MEASURES[measure] as Measure
    const before = ledger.count(id(meter), name, 'day', now)
    const had = ledger.has(id(meter), name, 'day', id(vault + 10), now)
    ledger.add(id(meter), name, id(vault + 10), now)
    model.add(meter, measure, vault, now)
    expect(ledger.count(id(meter), name, 'day', now)).toBe(before + (had ? 0 : 1))
  }
  return now
}

test('whatever was opened when, every window of every measure holds exactly the vaults of its time', () => {
  fc.assert(fc.property(openings, fc.nat(WINDOWS.month * 2), (all, later) => {
    const db = new Database(':memory:', METER_SCHEMA)
    const ledger = new Ledger(db)
    const model = new Model()
    const now = play(ledger, model, all, START)
    compare(ledger, model, now)
    compare(ledger, model, now + later)
    db.close()
  }), { numRuns: 60 })
})

test('a restart forgets nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scelle-ledger-'))
  let files = 0
  fc.assert(fc.property(openings, openings, (first, second) => {
    const path = join(folder, `${files++}.sqlite`)
    const model = new Model()
    let db = new Database(path, METER_SCHEMA)
    const now = play(new Ledger(db), model, first, START)
    db.close()
    db = new Database(path, METER_SCHEMA)
    const ledger = new Ledger(db)
    compare(ledger, model, play(ledger, model, second, now))
    db.close()
  }), { numRuns: 8 })
  rmSync(folder, { recursive: true })
})

test('a clock that steps back refills nothing, and one that comes back counts on', () => {
  const db = new Database(':memory:', METER_SCHEMA)
  const ledger = new Ledger(db)
  for (let vault = 0; vault < 10; vault++) ledger.add(id(0), 'own', id(vault + 10), START)
  expect(ledger.count(id(0), 'own', 'day', START - WINDOWS.month)).toBe(10)
  for (let again = 0; again < 3; again++) ledger.add(id(0), 'own', id(40), START - WINDOWS.day)
  expect(ledger.count(id(0), 'own', 'day', START)).toBe(11)
  expect(ledger.count(id(0), 'own', 'day', START + WINDOWS.day)).toBe(0)
  db.close()
})

test('the busiest of the days before: newly seen vaults, today left out', () => {
  const db = new Database(':memory:', METER_SCHEMA)
  const ledger = new Ledger(db)
  const day = (n: number): number => Math.floor(START / WINDOWS.day) * WINDOWS.day + n * WINDOWS.day + 60
  for (const [n, count] of [[0, 3], [1, 7], [2, 5]] as const) {
    for (let vault = 0; vault < count; vault++) ledger.add(id(0), 'own', id(vault + 10), day(n))
  }
  expect(ledger.pastDays(id(0), 30, day(2))).toEqual({ days: 2, most: 7 })
  expect(ledger.pastDays(id(0), 30, day(3))).toEqual({ days: 3, most: 7 })
  expect(ledger.pastDays(id(0), 30, day(40))).toEqual({ days: 0, most: 0 })
  db.close()
})
