/** The part of the contract about wraps: one writer each, one version after the other, and no statement of the log. */
import { expect, test } from 'vitest'
import type { StoredWrap } from '../src/store.ts'
import type { Suite } from './store-suite.ts'

export const testWraps = (suite: Suite): void => {
  const { random } = suite
  const wrap = (writer: Uint8Array, version: number): StoredWrap => ({ writer, version, bytes: random(8_264) })

  test('a wrap is found by its locator alone, after a restart too, and is no leaf', async () => {
    const [locator, size] = [random(32), await suite.store.log.size()]
    const first = wrap(random(32), 0)
    expect(await suite.store.wraps.get(locator)).toBeUndefined()
    expect(await suite.store.wraps.put(locator, first)).toBeUndefined()
    await suite.reopen()
    expect(await suite.store.wraps.get(locator)).toEqual(first)
    expect(await suite.store.wraps.get(random(32))).toBeUndefined()
    expect(await suite.store.log.size()).toBe(size)
  })

  test('its writer replaces it, in order; the same again is taken; nobody else writes over it', async () => {
    const [locator, writer] = [random(32), random(32)]
    const [first, second] = [wrap(writer, 0), wrap(writer, 1)]
    await suite.store.wraps.put(locator, first)
    expect(await suite.store.wraps.put(locator, first)).toBeUndefined()
    expect(await suite.store.wraps.put(locator, second)).toBeUndefined()
    expect(await suite.store.wraps.put(locator, second)).toBeUndefined()
    expect(await suite.store.wraps.put(locator, first)).toMatchObject({ problem: 'already-exists' })
    expect(await suite.store.wraps.put(locator, wrap(writer, 1))).toMatchObject({ problem: 'already-exists' })
    expect(await suite.store.wraps.put(locator, wrap(writer, 3))).toMatchObject({ problem: 'already-exists' })
    expect(await suite.store.wraps.put(locator, wrap(random(32), 2))).toMatchObject({ problem: 'not-permitted' })
    expect(await suite.store.wraps.get(locator)).toEqual(second)
  })

  test('of two writers at once one has the locator', async () => {
    const locator = random(32)
    const both = [wrap(random(32), 0), wrap(random(32), 0)]
    const outcomes = await Promise.all(both.map((one) => suite.store.wraps.put(locator, one)))
    expect(outcomes.filter((outcome) => outcome === undefined)).toHaveLength(1)
    const there = await suite.store.wraps.get(locator)
    expect(there).toEqual(both[outcomes.findIndex((outcome) => outcome === undefined)])
  })
}
