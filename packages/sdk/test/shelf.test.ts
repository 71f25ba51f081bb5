/** Keys of a day are forgotten when it is over, though nobody writes any more. */
import { expect, it } from 'vitest'
import type { OpenCapsule } from '@scelle/seal/envelope'
import { SDK_LIMITS } from '../src/limits.ts'
import { CapsuleShelf } from '../src/shelf.ts'

it('sweeps until no capsule and no courier secret is held, and then not again', () => {
  const waiting: (() => void)[] = []
  const timers = {
    after: (ms: number, then: () => void) => {
      expect(ms).toBe(SDK_LIMITS.capsuleSweep)
      waiting.push(then)
      return () => {}
    },
  }
  let open = true
  let held = true
  let asked = 0
  const shelf = new CapsuleShelf(() => 0, timers, () => {
    asked++
    return held
  })
  const capsule = { header: { epoch: 0, capsule: new Uint8Array(16) }, takes: () => open } as unknown as OpenCapsule
  shelf.put('place', capsule)
  const sweep = (): void => waiting.shift()?.()
  sweep()
  expect([shelf.size, asked, waiting.length]).toEqual([1, 1, 1])
  open = false
  sweep()
  expect([shelf.size, asked, waiting.length]).toEqual([0, 2, 1])
  held = false
  sweep()
  expect([shelf.size, asked, waiting.length]).toEqual([0, 3, 0])
})
