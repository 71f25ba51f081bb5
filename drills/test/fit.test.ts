/** Budgets judged on work that they were not fitted to, and a thief who stays below all of them. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BUDGETS, personBudget } from '@scelle/trustee/meter'
import { Draw } from '../src/draw.ts'
import { FIT_SEEDS, fitted, judge, JUDGE_SEEDS, percentile } from '../src/fit.ts'
import { frictionOver, personFor, shiftOf } from '../src/friction.ts'
import {
  Chart, daysForAlarm, evidence, leftByBounds, LEARNING, limitFor, MONTH, slowTheft, stoppedFrom, TUNED, USUAL, YEAR,
} from '../src/slow.ts'
import { boundOf } from '../src/stolen.ts'
import { WORDS } from '../src/words.ts'
import { BY_PATIENT, type Workload, WORKLOADS, personOf } from '../src/workloads.ts'

const workload = (name: string): Workload => WORKLOADS.find((one) => one.name === name) as Workload

test('what is judged was not fitted to: no seed is in both', () => {
  expect(FIT_SEEDS.filter((seed) => JUDGE_SEEDS.includes(seed))).toEqual([])
  expect([FIT_SEEDS.length, JUDGE_SEEDS.length]).toEqual([5, 20])
})

test('a percentile is one of the numbers, and as many as it says are not above it', () => {
  fc.assert(fc.property(fc.array(fc.nat(50), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }),
    (numbers, share) => {
      const found = percentile(numbers, share)
      expect(numbers).toContain(found)
      expect(numbers.filter((one) => one <= found).length).toBeGreaterThanOrEqual(Math.ceil(numbers.length * share))
      expect(numbers.filter((one) => one < found).length).toBeLessThan(Math.ceil(numbers.length * share))
    }))
})

describe('a fitted budget', () => {
  const ward = workload('ward-nurse')

  test('is the same each time, and has room for the work that it was fitted to', () => {
    const totals = fitted(ward, ['1', '2'], 80)
    expect(fitted(ward, ['1', '2'], 80)).toEqual(totals)
    expect(totals.shift).toBeGreaterThan(ward.mean)
    expect(totals.unexplained).toBeGreaterThanOrEqual(2 * totals.free)
  })

  test('of quiet work stops busier work: out of sample is where it shows', () => {
    const budget = personBudget(fitted(ward, ['1'], 40))
    const standing = (draw: Draw) => personOf(ward.role, draw, budget)
    expect(frictionOver(ward, ['6', '7'], { shifts: 80, standing, more: 3 }).stops).toBeGreaterThan(0)
  })

  test('is judged beside the one that trustees have, which stops nobody here', () => {
    const { table, inSample, outOfSample, totals } = judge(ward, { shifts: 80, fit: ['1'], judge: ['6', '7'] })
    expect([table.stops, table.shifts, outOfSample.shifts, inSample.shifts]).toEqual([0, 80, 80, 80])
    expect(totals.hour).toBeGreaterThan(0)
  })
})

test('newborns have no card, in whatever work; a merged record is one patient more', () => {
  const all: Workload = { ...workload('gp-solo'), mean: 4_000, mix: { patient: 1, outside: 0, inside: 0 } }
  const draw = new Draw('newborns')
  const needs = shiftOf(all, personFor(all, { seed: 'newborns', shifts: 1 }, draw), { draw, begins: 0 })
  const unexplained = needs.filter(({ source }) => source !== BY_PATIENT)
  expect(unexplained.length / needs.length).toBeGreaterThan(0.01)
  expect(unexplained.length / needs.length).toBeLessThan(0.03)
  const atOnce = needs.filter(({ now, vault }, place) =>
    needs[place - 1]?.now === now && needs[place - 1]?.vault !== vault)
  expect(atOnce.length / needs.length).toBeGreaterThan(0.01)
})

describe('low and slow', () => {
  const honest = { seeds: ['1', '2'], doctors: 20, years: 4 }
  const limits = TUNED.map((tuned) => limitFor(tuned, honest))

  test('more patients than usual speak for a thief, fewer against, and each one more speaks louder', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), fc.nat(60),
      (usual, more, count) => {
        expect(evidence(usual + 2 * more, usual, more)).toBeGreaterThan(0)
        expect(evidence(Math.floor(usual / 2), usual, more)).toBeLessThan(0)
        expect(evidence(count + 1, usual, more)).toBeGreaterThan(evidence(count, usual, more))
      }))
  })

  test('honest doctors are suspected about once in ten years by each chart, on other seeds too', () => {
    for (const [place, tuned] of TUNED.entries()) {
      expect(daysForAlarm(tuned, limits[place] as number, { ...honest, seeds: ['6', '7', '8'] }))
        .toBeGreaterThan(2 * YEAR)
    }
  })

  test('four a day more are found in a month by nine of ten charts; one a day takes longer', () => {
    const four = slowTheft(4, limits, { seeds: ['6', '7'], doctors: 20 })
    expect(four.foundMostly).toBeLessThanOrEqual(MONTH)
    expect(four.taken).toBeLessThan(four.year / 10)
    expect(slowTheft(1, limits, { seeds: ['6', '7'], doctors: 20 }).found).toBeGreaterThan(four.found)
  })

  test('a chart that was never taught the usual says nothing', () => {
    const chart = new Chart(4, 0)
    for (let day = 0; day < LEARNING; day++) expect(chart.add(1_000)).toBe(false)
  })

  test('whatever is taken a day, a month has no more than the bound, beside what the doctor opens itself', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: YEAR }), (more, days) => {
      const aMonth = boundOf(BUDGETS.gp, 28) - USUAL * MONTH
      expect(leftByBounds(more, days)).toBeLessThanOrEqual((aMonth * Math.max(MONTH, days)) / MONTH)
      expect(leftByBounds(more, days)).toBeLessThanOrEqual(more * days)
    }))
    expect(leftByBounds(Math.floor(stoppedFrom()), MONTH)).toBe(Math.floor(stoppedFrom()) * MONTH)
  })
})

test('the command prints fitted and judged, and what finds a slow thief', async () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'emergency-night', '--shifts', '25'])
  for (const said of [WORDS.en.fit, WORDS.en.outOfSample, WORDS.en.fitHeads[8], WORDS.en.slowHeads[0]]) {
    expect(stdout).toContain(said)
  }
}, 60_000)
