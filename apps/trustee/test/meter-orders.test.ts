/** Officers: who locks, who clears, who opens a surge, and that nothing of it refills a window. */
import { beforeEach, describe, expect, test } from 'vitest'
import { makeOrder, signOrder } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { encode, hashOf, type Order } from '@scelle/seal/verify'
import { OrderNotice } from '@scelle/wire/messages'
import { createLog } from '@scelle/wire/server'
import { BUDGETS } from '../src/meter/budgets.ts'
import { createTrustee } from '../src/trustee.ts'
import {
  type Cast, charged, confirmationOf, type Enrolment, makeCast, range, seconds, standard, until, weighed,
} from './meter-world.ts'
import { post, type Running, statusOf, type World } from './world.ts'

let cast: Cast
let running: Running
let one: Identity
let two: Identity
/** An officer for all. */
let state: Identity
let other: Identity
beforeEach(async () => {
  cast = await makeCast('orders')
  const person = () => createIdentity('person', cast.clock)
  ;[one, two, state, other] = [await person(), await person(), await person(), await person()]
  const identity = await createIdentity('trustee', cast.clock)
  const trustee = createTrustee({
    identity, store: cast.store, index: { id: '0'.repeat(64), url: 'http://index.test' },
    issuers: [Buffer.from(cast.register.id).toString('hex')], context: cast.clock,
    log: createLog(() => undefined, cast.clock.now), timers: { after: () => () => undefined },
  })
  running = { trustee, store: cast.store, lines: [] }
})

const meterOf = (who: { id: Uint8Array }): Uint8Array => hashOf('statementId', who.id)
const doctorsMeter = (): Uint8Array => meterOf(cast.doctor)

const officers = (): Enrolment[] => [
  [one, { role: 'officer', organisation: cast.practice.id }],
  [two, { role: 'officer', organisation: cast.practice.id }],
  [state, { role: 'officer' }],
  [other, { role: 'officer', organisation: cast.hospital.id }],
]

const orderOf = (fields: Partial<Order>): Order => makeOrder({
  action: 'lock', scope: 'person', target: doctorsMeter(), notBefore: seconds(cast), expires: seconds(cast) + 3_600,
  reason: 'appareil volé', ...fields,
}, cast.clock)

const send = async (
  order: Order, by: readonly Identity[], enrolled = [...officers(), ...standard(cast)], also: readonly Order[] = [],
): Promise<string> => {
  const signed = await Promise.all(by.map((officer, i) => signOrder(officer, also[i] ?? order)))
  const shown = new Set([...by, cast.register])
  const concerned = enrolled.filter(([who]) => by.includes(who) || who === cast.doctor)
  const body = encode(OrderNotice, {
    orders: signed,
    statuses: await Promise.all(concerned.map(([who, status]) => statusOf(cast, who, status))),
    keys: [...shown].map(({ chain }) => [...chain]),
  })
  const outcome = await post({ clock: cast.clock } as World, running, '/v1/orders', body, by[0] as Identity)
  return outcome.status === 204 ? 'done' : String(outcome.code)
}

describe('a lock', () => {
  test('by one officer of the person\'s organisation: nothing more is released to it', async () => {
    expect(await charged(cast, { vault: 1 })).toBe('charged')
    expect(await send(orderOf({}), [one])).toBe('done')
    expect(await charged(cast, { vault: 1 })).toBe('locked')
    expect(await charged(cast, { vault: 1, reader: cast.colleague })).toBe('charged')
  })

  test('of a device is that device\'s alone, and its holder may order it', async () => {
    expect(await send(orderOf({ scope: 'device', target: cast.doctor.id }), [cast.doctor])).toBe('done')
    expect(await charged(cast, { vault: 1 })).toBe('locked')
    const second = await createIdentity('person', cast.clock)
    const enrolled: Enrolment[] = [...standard(cast),
      [second, { role: 'gp', organisation: cast.practice.id, meter: doctorsMeter() }]]
    expect(await charged(cast, { vault: 1, reader: second, enrolled })).toBe('charged')
  })

  test('of an organisation or a vendor cuts everybody who acts for it', async () => {
    expect(await send(orderOf({ scope: 'organisation', target: cast.practice.id }), [state])).toBe('done')
    for (const reader of [cast.doctor, cast.colleague]) expect(await charged(cast, { vault: 1, reader })).toBe('locked')
  })

  const refused: [string, () => [Order, Identity[]]][] = [
    ['by an officer of another organisation', () => [orderOf({}), [other]]],
    ['by somebody who is no officer', () => [orderOf({}), [cast.colleague]]],
    ['of a vendor, by an officer of an organisation', () => [orderOf({ scope: 'vendor' }), [one]]],
    ['of another\'s device, by its owner\'s colleague', () => [
      orderOf({ scope: 'device', target: cast.doctor.id }), [cast.colleague]]],
  ]
  test.each(refused)('%s: refused', async (_, make) => {
    expect(await send(...make())).toBe('not-permitted')
    expect(cast.store.meter.locks.all()).toEqual([])
  })

  test('by an old order, or one of the future: refused', async () => {
    expect(await send(orderOf({ notBefore: seconds(cast) - 901 }), [one])).toBe('bad-statement')
    expect(await send(orderOf({ notBefore: seconds(cast) + 120 }), [one])).toBe('bad-statement')
  })
})

describe('clearing', () => {
  const lock = () => cast.store.meter.locks.add({
    scope: 'person', target: doctorsMeter(), cause: 'budget', since: seconds(cast),
  })
  const clear = (fields: Partial<Order> = {}): Order => orderOf({ action: 'clear', ...fields })

  test('takes two officers, who are two people and signed the same', async () => {
    lock()
    const order = clear()
    expect(await send(order, [one])).toBe('not-permitted')
    const same: Enrolment[] = [...standard(cast), ...officers().slice(0, 1),
      [two, { role: 'officer', organisation: cast.practice.id, meter: meterOf(one) }]]
    expect(await send(order, [one, two], same)).toBe('not-permitted')
    expect(await send(order, [one, other])).toBe('not-permitted')
    expect(await send(order, [one, two], undefined, [order, clear()])).toBe('bad-statement')
    expect(await charged(cast)).toBe('locked')
    expect(await send(order, [one, two])).toBe('done')
    expect(await charged(cast)).toBe('charged')
  })

  test('refills nothing: what was spent is spent', async () => {
    const [opened] = await until(cast, range(1, 100))
    lock()
    await send(clear(), [one, two])
    expect(opened).toBe(BUDGETS.gp.free)
    expect(await charged(cast, { vault: 200 })).toBe('step-up-required')
    const stepUp = await confirmationOf(cast, cast.key, 'step-up')
    expect((await until(cast, range(300, 100), { confirmations: [stepUp] }))[0]).toBe(BUDGETS.gp.free)
  })

  test('an order counts once: the lock that comes after it stays', async () => {
    lock()
    const order = clear()
    await send(order, [one, two])
    lock()
    expect(await send(order, [one, two])).toBe('done')
    expect(await charged(cast)).toBe('locked')
  })

  test('what a decoy locked, or an organisation, takes an officer for all', async () => {
    cast.store.meter.locks.add({ scope: 'person', target: doctorsMeter(), cause: 'honey', since: 0 })
    expect(await send(clear(), [one, two])).toBe('not-permitted')
    expect(await send(clear(), [one, state])).toBe('done')
    cast.store.meter.locks.add({ scope: 'organisation', target: cast.practice.id, cause: 'budget', since: 0 })
    const house = clear({ scope: 'organisation', target: cast.practice.id })
    expect(await send(house, [one, two])).toBe('not-permitted')
    expect(await send(clear({ scope: 'organisation', target: cast.practice.id }), [two, state])).toBe('done')
  })
})

describe('a surge', () => {
  const surge = (fields: Partial<Order> = {}): Order => orderOf({
    action: 'surge', scope: 'organisation', target: cast.practice.id, expires: seconds(cast) + 4 * 3_600, ...fields,
  })

  test('of two officers: three times the bound, for four hours, then all is as it was', async () => {
    expect(await send(surge(), [one])).toBe('not-permitted')
    expect(await send(surge({ expires: seconds(cast) + 4 * 3_600 + 1 }), [one, two])).toBe('bad-statement')
    expect(await send(surge(), [one, two])).toBe('done')
    const own = BUDGETS.gp.bounds.own?.day ?? 0
    expect(await until(cast, range(1, 3 * own))).toEqual([3 * own, 'charged'])
    cast.clock.move(4 * 3_600)
    expect(await until(cast, range(1_000, 100))).toEqual([BUDGETS.gp.free, 'step-up-required'])
  })

  test('has a bound, too', async () => {
    await send(surge(), [one, two])
    expect((await until(cast, range(1, 1_000)))[1]).toBe('budget-spent')
  })

  test('is that site\'s alone', async () => {
    await send(surge(), [one, two])
    const enrolled: Enrolment[] = [...standard(cast).filter(([who]) => who !== cast.colleague),
      [cast.colleague, { role: 'gp', organisation: cast.hospital.id }]]
    expect((await until(cast, range(1, 200), { reader: cast.colleague, enrolled }))[0]).toBe(BUDGETS.gp.free)
  })

  test('a second one within a day takes an officer for all', async () => {
    await send(surge(), [one, two])
    cast.clock.move(5 * 3_600)
    expect(await send(surge(), [one, two])).toBe('not-permitted')
    expect(await send(surge(), [one, state])).toBe('done')
  })
})

test('after a lock nothing, whatever came before it and in whatever order requests arrive', async () => {
  const charges = await Promise.all(range(1, 40).map(async (vault) => {
    return weighed(cast, { vault })
  }))
  let at = 0
  for (const charge of charges) {
    if (at++ === 13) await send(orderOf({}), [one])
    const verdict = cast.store.meter.charge(charge as NonNullable<typeof charge>)
    expect(verdict.refused).toBe(at > 13 ? 'locked' : undefined)
  }
})
