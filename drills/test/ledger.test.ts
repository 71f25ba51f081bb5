/** The ledger of the drills against the one of the trustees: every answer the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Database, Ledger, type Measure, MEASURES, METER_SCHEMA, type Window, WINDOWS } from '@scelle/trustee/meter'
import { FastLedger } from '../src/fast-ledger.ts'

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const windows = Object.keys(WINDOWS) as Window[]

test('whatever is opened when, and asked in between', () => {
  fc.assert(fc.property(fc.array(fc.record({
    meter: fc.nat(1), measure: fc.nat(MEASURES.length - 1), vault: fc.nat(6), confirms: fc.boolean(),
    after: fc.oneof(fc.nat(60), fc.nat(WINDOWS.hour * 2), fc.nat(WINDOWS.day * 2), fc.nat(WINDOWS.month * 2)),
  }), { maxLength: 60 }), (all) => {
    const db = new Database(':memory:', METER_SCHEMA)
    const [slow, fast] = [new Ledger(db), new FastLedger()]
    let now = 1_800_000_000
    for (const { meter, measure, vault, after, confirms } of all) {
      now += after
      const name = MEASURES[measure] as Measure
      for (const ledger of [slow, fast]) {
        ledger.add(id(meter), name, id(vault + 10), now)
        if (confirms) ledger.confirm(id(vault + 100), id(meter), vault % 2 === 0, now)
      }
      for (const window of windows) {
        expect(fast.count(id(meter), name, window, now)).toBe(slow.count(id(meter), name, window, now))
        expect(fast.has(id(meter), name, window, id(12), now)).toBe(slow.has(id(meter), name, window, id(12), now))
      }
      expect(fast.lastSeen(id(meter))).toBe(slow.lastSeen(id(meter)))
      expect(fast.pastDays(id(meter), 30, now)).toEqual(slow.pastDays(id(meter), 30, now))
      expect(fast.confirmations(id(meter), true, now)).toBe(slow.confirmations(id(meter), true, now))
      expect(fast.isConfirmed(id(vault + 100))).toBe(slow.isConfirmed(id(vault + 100)))
    }
    db.close()
  }), { numRuns: 100 })
})
