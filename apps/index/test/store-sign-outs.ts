/** The part of the contract about sign-outs: what ended stays ended, across restarts, for as long as it matters. */
import { expect, test } from 'vitest'
import type { Suite } from './store-suite.ts'

export const testSignOuts = (suite: Suite): void => {
  const { random } = suite
  const seen = (principal: Uint8Array, notBefore: number, id = random(32)) => ({ principal, id, notBefore })
  const isEnded = (of: ReturnType<typeof seen>): Promise<boolean> => suite.store.signOuts.isEnded(of)

  test('all sessions that began before are over, after a restart too; later ones and others\' are not', async () => {
    const [principal, size] = [random(32), await suite.store.log.size()]
    expect(await isEnded(seen(principal, 99))).toBe(false)
    await suite.store.signOuts.end({ principal, before: 100 }, 100)
    await suite.reopen()
    const of = [seen(principal, 99), seen(principal, 100), seen(random(32), 99)]
    expect(await Promise.all(of.map(isEnded))).toEqual([true, false, false])
    expect(await suite.store.log.size()).toBe(size)
  })

  test('one session is over by its id, whenever it began; no other is', async () => {
    const [principal, id] = [random(32), random(32)]
    await suite.store.signOuts.end({ principal, session: id, before: 100 }, 100)
    await suite.reopen()
    expect(await isEnded(seen(principal, 500, id))).toBe(true)
    expect(await isEnded(seen(principal, 50))).toBe(false)
    expect(await isEnded(seen(random(32), 50, id))).toBe(false)
  })

  test('nothing that comes after takes a sign-out back: no older one, no thousand of single sessions', async () => {
    const { signOuts } = suite.store
    const principal = random(32)
    await signOuts.end({ principal, before: 100 }, 100)
    await signOuts.end({ principal, before: 10 }, 101)
    for (let i = 0; i < 1_000; i++) await signOuts.end({ principal, session: random(32), before: 5_000 }, 102)
    expect(await Promise.all([seen(principal, 99), seen(principal, 100)].map(isEnded))).toEqual([true, false])
  })

  test('what came before is dropped, and nothing later', async () => {
    const { signOuts } = suite.store
    const [before, after] = [random(32), random(32)]
    await signOuts.end({ principal: before, before: 100 }, 100)
    await signOuts.end({ principal: after, before: 101 }, 101)
    await signOuts.forget(101)
    expect(await Promise.all([seen(before, 1), seen(after, 1)].map(isEnded))).toEqual([false, true])
  })
}
