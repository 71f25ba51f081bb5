/** Room for open charts: bounded whatever is opened, and nobody pushes out others at will. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Held, OpenCharts, type RoomLimits } from '../src/open-charts.ts'

interface Fake extends Held {
  size: number
  shutTimes: number
}

const chart = (owner: string, vault: string, size = 10, lasting = false): Fake => {
  const fake: Fake = {
    owner, vault, beside: [], lasting, size, shutTimes: 0,
    weight: () => fake.size,
    shut: () => {
      fake.shutTimes++
    },
  }
  return fake
}

const room = (limits: Partial<RoomLimits> = {}): OpenCharts<Fake> =>
  new OpenCharts<Fake>({ open: 1_000, perSession: 1_000, bytes: 1_000_000, ...limits })

const openIn = (open: OpenCharts<Fake>, owner: string): string[] => open.ofOwner(owner).map(({ vault }) => vault)

describe('room', () => {
  test('is made by closing the least recently used chart', () => {
    const open = room({ bytes: 30 })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((vault) => chart('alice', vault)) as [Fake, Fake, Fake, Fake]
    for (const each of [a, b, c]) open.add(each)
    open.touch(a)
    open.add(d)
    expect([a, b, c, d].map(({ shutTimes }) => shutTimes)).toEqual([0, 1, 0, 0])
    expect(open.weight).toBe(30)
  })

  test('is made in the session that opens most, not in those that hold little', () => {
    const open = room({ bytes: 100 })
    const bobs = chart('bob', 'x')
    open.add(bobs)
    for (let at = 0; at < 50; at++) open.add(chart('alice', `a${at}`))
    expect(bobs.shutTimes).toBe(0)
    expect(openIn(open, 'alice')).toHaveLength(9)
    // Who comes with little takes from whoever holds much.
    open.add(chart('bob', 'y'))
    expect([openIn(open, 'bob'), openIn(open, 'alice').length]).toEqual([['x', 'y'], 8])
  })

  test('counts in one session first', () => {
    const open = room({ perSession: 2 })
    for (const vault of ['a', 'b', 'c']) open.add(chart('alice', vault))
    open.add(chart('bob', 'a'))
    expect([openIn(open, 'alice'), openIn(open, 'bob')]).toEqual([['b', 'c'], ['a']])
  })

  test('is not given to a chart larger than all of it, and nothing is closed for it', () => {
    const open = room({ bytes: 30 })
    const small = chart('alice', 'a')
    open.add(small)
    expect(open.add(chart('alice', 'b', 31))).toBe(false)
    expect([small.shutTimes, open.count]).toEqual([0, 1])
  })

  test('is taken from a chart that grew beyond all of it', () => {
    const open = room({ bytes: 30 })
    const growing = chart('alice', 'a')
    open.add(growing)
    growing.size = 31
    open.weigh(growing)
    expect([growing.shutTimes, open.count, open.weight]).toEqual([1, 0, 0])
  })

  test('never costs the organisation\'s own vault its place', () => {
    const open = room({ bytes: 30, open: 1 })
    const own = chart('', 'own', 1_000, true)
    open.add(own)
    for (const vault of ['a', 'b', 'c']) open.add(chart('alice', vault))
    expect([own.shutTimes, open.count]).toEqual([0, 2])
  })
})

const step = fc.oneof(
  fc.record({
    kind: fc.constant('open' as const), owner: fc.nat(4), vault: fc.nat(9), size: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('grow' as const), owner: fc.nat(4), vault: fc.nat(9), size: fc.nat(60) }),
  fc.record({ kind: fc.constant('close' as const), owner: fc.nat(4), vault: fc.nat(9), size: fc.constant(0) }),
)

test('whatever is opened, grows and closes: within bounds, sums exact, each shut once', () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const open = room({ bytes: 200, open: 8, perSession: 5 })
    const ever: Fake[] = []
    for (const { kind, owner, vault, size } of steps) {
      const known = open.get(`${owner}`, `${vault}`)
      if (kind === 'close' && known !== undefined) open.close(known)
      if (kind === 'grow' && known !== undefined) {
        known.size += size
        open.weigh(known)
      }
      if (kind === 'open' && known === undefined) {
        const fresh = chart(`${owner}`, `${vault}`, size)
        ever.push(fresh)
        open.add(fresh)
      }
      const all = open.all()
      expect(all.reduce((sum, each) => sum + each.size, 0)).toBe(open.weight)
      expect(open.weight).toBeLessThanOrEqual(200)
      expect(all.length).toBeLessThanOrEqual(8)
      for (let each = 0; each < 5; each++) expect(open.ofOwner(`${each}`).length).toBeLessThanOrEqual(5)
      for (const each of ever) expect(each.shutTimes).toBe(open.has(each) ? 0 : 1)
    }
  }), { numRuns: 200, seed: 3 })
})
