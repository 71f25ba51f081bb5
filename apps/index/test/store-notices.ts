/** The part of the contract about notices: of no vault, once each, control leaves in the order of the log. */
import { toHex } from '@scelle/seal/verify'
import { expect, test } from 'vitest'
import type { NoticeOperation } from '../src/store.ts'
import { keyRecord, statement } from './operations.ts'
import type { Suite } from './store-suite.ts'

export const testNotices = (suite: Suite): void => {
  const { one, must, random } = suite

  const notice = (signer: Uint8Array): NoticeOperation => ({
    kind: 'notice', statement: { ...statement(random), subject: random(32) }, signer,
  })

  test('a notice is stored once, and found by its signer, after a restart too', async () => {
    const signer = random(32)
    await must(keyRecord(random, signer, 0))
    const [first, second] = [notice(signer), notice(signer)]
    const places = [await must(first), await must(second), await must(first)]
    expect(new Set(places).size).toBe(2)
    expect(places[2]).toBe(places[0])
    await suite.reopen()
    expect((await suite.store.position(first.statement.id, signer))?.sequence).toBe(places[0])
    expect(await one(first)).toMatchObject({ position: { sequence: places[0] } })
    expect(await suite.store.position(random(32), signer)).toBeUndefined()
    expect(await suite.store.keyChain(signer)).toHaveLength(1)
  })

  test('its leaf is handed to trustees with its statement, under its label, between those of its time', async () => {
    const signers = [random(32), random(32)]
    const made: NoticeOperation[] = []
    for (const signer of [...signers, ...signers]) {
      await must(keyRecord(random, random(32), 0))
      made.push(notice(signer))
      await must(made.at(-1) as NoticeOperation)
    }
    await expect.poll(() => suite.store.log.size()).toBe(8)
    const leaves = await suite.store.log.leaves(0, 8)
    expect(leaves.filter((_, leaf) => leaf % 2 === 1).map(({ control }) => toHex(control?.statement as Uint8Array)))
      .toEqual(made.map(({ statement: { bytes } }) => toHex(bytes)))
    for (const [at, { statement: { subject } }] of made.entries()) {
      expect(toHex(leaves[2 * at + 1]?.entry as Uint8Array)).toContain(toHex(subject as Uint8Array))
    }
  })
}
