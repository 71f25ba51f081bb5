/** An account that slept for months and wakes is asked for its second key, once; a restored trustee knows no better. */
import { beforeEach, describe, expect, test } from 'vitest'
import { statementId } from '@scelle/seal/verify'
import { type Cast, charged, confirmationOf, factOf, makeCast, seconds, vaultId } from './meter-world.ts'

const DAY = 24 * 3_600

let cast: Cast
beforeEach(async () => { cast = await makeCast('dormant') })

const stepUp = (): Promise<Uint8Array> => confirmationOf(cast, cast.key, 'step-up')

describe('an account', () => {
  test('of which nothing was ever seen is new, and opens', async () => {
    expect(await charged(cast)).toBe('charged')
  })

  test('that opened something within 90 days opens on', async () => {
    await charged(cast)
    cast.clock.move(90 * DAY)
    expect(await charged(cast, { vault: 2 })).toBe('charged')
  })

  test('that slept longer is asked for the second key, once', async () => {
    await charged(cast)
    cast.clock.move(90 * DAY + 1)
    expect(await charged(cast, { vault: 2 })).toBe('step-up-required')
    expect(await charged(cast, { vault: 1 })).toBe('step-up-required')
    expect(await charged(cast, { vault: 2, confirmations: [await stepUp()] })).toBe('charged')
    expect(await charged(cast, { vault: 3 })).toBe('charged')
  })

  test('is asked whatever explains the patient: a thief books appointments, too', async () => {
    await charged(cast)
    cast.clock.move(91 * DAY)
    const facts = [await factOf(cast, cast.hospital)]
    expect(await charged(cast, { facts })).toBe('step-up-required')
    expect(await charged(cast, { facts, confirmations: [await stepUp()] })).toBe('charged')
  })

  test('does not wake by a colleague\'s word, nor by a confirmation that was used', async () => {
    const used = await stepUp()
    await charged(cast)
    cast.clock.move(91 * DAY)
    const colleague = await confirmationOf(cast, cast.colleague, 'colleague')
    expect(await charged(cast, { vault: 2, confirmations: [colleague, used] })).toBe('step-up-required')
    const fresh = await stepUp()
    expect(await charged(cast, { vault: 2, confirmations: [fresh] })).toBe('charged')
    expect(cast.store.meter.ledger.isConfirmed(statementId(fresh))).toBe(true)
  })

  test('wakes for all its devices and employers, or for none: it is one meter', async () => {
    await charged(cast)
    cast.clock.move(91 * DAY)
    await charged(cast, { vault: 2, confirmations: [await stepUp()] })
    expect(await charged(cast, { vault: 5 })).toBe('charged')
    expect(await charged(cast, { vault: 5, reader: cast.colleague })).toBe('charged')
  })

  test('of a house does not sleep', async () => {
    expect(await charged(cast, { reader: cast.hospital })).toBe('charged')
    cast.clock.move(200 * DAY)
    expect(await charged(cast, { reader: cast.hospital, vault: 2 })).toBe('charged')
  })
})

describe('a trustee that was restored', () => {
  const restored = (): void => cast.store.asked((meter) => meter.spent.wasRestored({ at: seconds(cast), leaf: 0 }))

  test('takes whoever it does not know for one that slept, until it has back what it spent', async () => {
    restored()
    // Beyond the longest window, or its budget would refuse before that.
    cast.clock.move(31 * DAY)
    expect(await charged(cast)).toBe('step-up-required')
    expect(await charged(cast, { confirmations: [await stepUp()] })).toBe('charged')
    expect(await charged(cast, { vault: 2 })).toBe('charged')
  })

  test('knows again whom its journal knows, and then whoever it does not know is new', async () => {
    const measures = 1
    restored()
    cast.store.asked((meter) => {
      meter.replay({
        serial: 1, vault: vaultId(9), time: seconds(cast), counted: [{ meter: vaultId(7), measures }], used: [],
      })
      expect(meter.ledger.lastSeen(vaultId(7))).toBe(seconds(cast))
      meter.spent.replayed()
    })
    expect(await charged(cast)).toBe('charged')
  })
})
