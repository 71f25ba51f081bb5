/**
 * Random operations by several principals, compared with a model: what each can open is exactly what grants say, no
 * matter in which order things were written, shared, revoked, rotated and opened.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createConstellation } from '../src/constellation.ts'
import { CODES, type Operation, PEOPLE, Run } from './model.ts'

const categories = fc.uniqueArray(fc.nat({ max: CODES.length - 1 }), { minLength: 1 })
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('write' as const), who: fc.nat({ max: PEOPLE }), categories }),
  },
  {
    weight: 4,
    arbitrary: fc
      .record({
        op: fc.constant('share' as const),
        to: fc.nat({ max: PEOPLE - 1 }),
        categories,
        write: fc.boolean(),
        read: fc.boolean(),
        hours: fc.integer({ min: 2, max: 72 }),
      })
      .filter(({ read, write }) => read || write),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('revoke' as const), which: fc.nat({ max: 5 }), rotate: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'rotate' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('open' as const), who: fc.nat({ max: PEOPLE }) }) },
)

const runAll = async (operations: readonly Operation[], seed: string): Promise<void> => {
  const world = await createConstellation({ seed, start: Date.UTC(2026, 0, 15, 8) })
  try {
    const run = await Run.start(world)
    for (const operation of operations) await run.do(operation)
    for (let who = 0; who <= PEOPLE; who++) await run.check(who)
    await run.custodians.checkHistory()
  } finally {
    await world.close()
  }
}

describe('several principals against a model', () => {
  it('each opens exactly what grants say', { timeout: 120_000 }, async () => {
    const holds = fc.assert(
      fc.asyncProperty(fc.array(anyOperation, { minLength: 8, maxLength: 24 }), (operations) =>
        runAll(operations, JSON.stringify(operations)),
      ),
      { numRuns: 20, seed: 20_260_115, endOnFailure: true },
    )
    await expect(holds).resolves.toBeUndefined()
  })
})
