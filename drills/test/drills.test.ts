/** Small runs of the drills: the thief never gets more than the arithmetic says, honest work goes on. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BUDGETS } from '@scelle/trustee/meter'
import { curve, curveSvg } from '../src/curve.ts'
import { friction, outOfSample, perThousand } from '../src/friction.ts'
import { ring } from '../src/ring.ts'
import { ACCOUNTS, boundOf, PATIENTS, stolen } from '../src/stolen.ts'
import { vendorDrill } from '../src/vendor.ts'
import { WORDS } from '../src/words.ts'
import { type Workload, WORKLOADS } from '../src/workloads.ts'

const workload = (name: string): Workload => WORKLOADS.find((one) => one.name === name) as Workload

describe('1,500 stolen accounts', () => {
  test('whatever the thief has and does, no account loses more than three halves of one trustee\'s bound', () => {
    fc.assert(fc.property(
      fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean(), fc.nat(1_000),
      (stepUp, colleague, agenda, works, unseen, seed) => {
        const theft = { days: 1, means: { stepUp, colleague: stepUp && colleague }, agenda, works, unseen }
        const { most } = stolen(theft, { seed: String(seed), accounts: 1 })
        expect(most).toBeLessThanOrEqual(boundOf(BUDGETS.gp, 1))
      }), { numRuns: 25 })
  })

  test('in 28 days, paced below every bound, with keys, a colleague and the agenda: what the month allows', () => {
    const theft = { days: 28, means: { stepUp: true, colleague: true }, agenda: true, works: false, unseen: true }
    const { most } = stolen(theft, { seed: 'slow', accounts: 1 })
    expect(most).toBe(boundOf(BUDGETS.gp, 28))
    expect((ACCOUNTS * most) / PATIENTS).toBeLessThanOrEqual(0.03)
  })

  test('in 24 hours: at most 0.5 % of all patients', () => {
    const theft = { days: 1, means: { stepUp: true, colleague: true }, agenda: true, works: false, unseen: true }
    expect((ACCOUNTS * stolen(theft, { seed: 'fast', accounts: 2 }).most) / PATIENTS).toBeLessThanOrEqual(0.005)
  })

  test('without the second key: the free lot, and no more', () => {
    const theft = {
      days: 1, means: { stepUp: false, colleague: false }, agenda: false, works: false, unseen: true,
    }
    expect(stolen(theft, { seed: 'no key', accounts: 1 }).most).toBe(Math.floor((3 * BUDGETS.gp.free) / 2))
  })

  test('a doctor who goes on working is stopped by what the thief spent, and notices', () => {
    const theft = { days: 3, means: { stepUp: true, colleague: true }, agenda: true, works: true, unseen: true }
    expect(stolen(theft, { seed: 'works', accounts: 1 }).noticed).toBe(1)
  })
})

test('stolen practices that vouch for each other gain nothing: a practice\'s word lifts no bound', () => {
  expect(ring(1, { seed: 'ring' })).toBeLessThanOrEqual(boundOf(BUDGETS.gp, 1))
  expect(ring(28, { seed: 'ring' })).toBeLessThanOrEqual(boundOf(BUDGETS.gp, 28))
})

describe('honest work', () => {
  test('of a doctor alone, 50 patients a day: no stop, and hardly a step-up', () => {
    const found = friction(workload('gp-solo'), { seed: 'test', shifts: 120, ...outOfSample })
    expect(found.stops).toBe(0)
    expect(perThousand(found.stepUps, found)).toBeLessThanOrEqual(10)
  })

  test.each(['emergency-physician', 'emergency-nurse', 'ward-nurse'])('of %s: no stop', (name) => {
    expect(friction(workload(name), { seed: 'test', shifts: 80, ...outOfSample }).stops).toBe(0)
  })

  test('a doctor whose patients cannot show that they are there is stopped: the drill can fail', () => {
    const mix = { patient: 0, outside: 0, inside: 0 }
    expect(friction({ ...workload('gp-solo'), mix }, { seed: 'test', shifts: 10 }).stops).toBeGreaterThan(0)
  })
})

test('a vendor is locked long before each of its accounts is at its own bound', () => {
  const { locked, lost } = vendorDrill({ seed: 'vendor', accounts: 40, usual: 3 })
  expect(locked).toBe(true)
  expect(lost).toBeLessThan(40 * boundOf(BUDGETS.gp, 1))
})

test('the curve: more patients present, fewer stops; larger caps, larger losses; as a picture with words', () => {
  const points = curve({ seed: 'test', shifts: 20 })
  const at = (day: number) => points.filter((point) => point.day === day)
  for (const day of [30, 50, 75, 100]) {
    expect(at(day)[0]?.stops).toBeGreaterThanOrEqual(at(day).at(-1)?.stops ?? Infinity)
  }
  expect(at(100)[0]?.lostMonth).toBeGreaterThan(at(30)[0]?.lostMonth ?? Infinity)
  for (const { curve: words } of Object.values(WORDS)) {
    expect(curveSvg(points, words)).toContain(`<title>${words.title}</title>`)
  }
})

describe('the command', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [fileURLToPath(new URL('../src/main.ts', import.meta.url)), ...args])

  test('prints losses beside what is to be reached, in French too', async () => {
    const { stdout } = await run('stolen-accounts', '--accounts', '1', '--lang', 'fr')
    expect(stdout).toContain(WORDS.fr.reach)
    expect(stdout).toMatch(/73\s?500 \(0\.49 %\)/)
  }, 120_000)

  test('an unknown name: how it is used, status 2', async () => {
    await expect(run('flood')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('stolen-accounts') })
  })
})
