import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { median, quantile, rate, sideBySide, underLoad } from '../src/measure.ts'

test('the median is the middle value in order of size, not of time', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([100, 3, 20, 1, 7])).toBe(7)
  expect(median([])).toBeNaN()
})

test('a quantile is a value that occurred', () => {
  const values = Array.from({ length: 100 }, (_, place) => 100 - place)
  expect(quantile(values, 0.99)).toBe(100)
  expect(quantile(values, 0.5)).toBe(51)
  expect(quantile([4], 0.99)).toBe(4)
})

test('a rate counts units a second, without the first round', async () => {
  let rounds = 0
  const found = await rate(10, () => sleep(rounds++ === 0 ? 60 : 10), 3)
  expect(rounds).toBe(4)
  expect(found).toBeGreaterThan(200)
  expect(found).toBeLessThan(1_010)
})

test('two works take turns, and the ratio is of rounds beside each other', async () => {
  const order: string[] = []
  const busy = (name: string, milliseconds: number) => (): Promise<void> => {
    order.push(name)
    return sleep(milliseconds)
  }
  const { ratio } = await sideBySide(1, busy('a', 5), busy('b', 20), 2)
  expect(ratio).toBeGreaterThan(1.5)
  // Each rate() warms up once and measures once.
  expect(order.join('')).toBe('aabb'.repeat(3))
})

test('under load, so many clients work at once and every answer is timed', async () => {
  let now = 0
  let most = 0
  const {
    rate: found,
    p50,
    p99,
  } = await underLoad(4, 120, async () => {
    most = Math.max(most, ++now)
    await sleep(10)
    now--
  })
  expect(most).toBe(4)
  expect(p50).toBeGreaterThanOrEqual(9)
  expect(p99).toBeGreaterThanOrEqual(p50)
  expect(found).toBeLessThan(4 * 115)
  expect(found).toBeGreaterThan(10)
})
